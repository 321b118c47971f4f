"""The companion library of the cnncourse book: what its notebooks would otherwise repeat.

Its rooms, from the images to the answer; import from them, for example `from cnncourse.train import fit`:

    data         images as tensors: ImageSet, Loader, load; your own from a folder or from another data set
    augment      random changes to a batch of images
    models       the networks of the course
    train        fit, evaluate, predict; predict_file for one picture
    checkpoint   a model, or a whole training, in a file
    analysis     looking at a network: summary, receptive_field, feature_maps, grad_cam, misclassified, diagram
    plots        the figures that the chapters share
    experiments  recipes over seeds, and what they measured: RECIPES, run, trained, table, compare
    handwriting  what is drawn or photographed as an image of MNIST: digit_image
    pad          the drawing pad: DrawingPad, export_web
    quiz         the questions at a chapter's end, which take an answer
    exercises    what runs the checks of the exercises
    settings     where files are, and whether this is a quick run

Modules that begin with an underscore are the library's own.
"""

__version__ = "1.1.0"
