import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from cnncourse.plots import plot_history, show_images
from cnncourse.train import History

HISTORY = History(
    {
        "epoch": epoch,
        "train_loss": 2 / epoch,
        "train_accuracy": 0.1 * epoch,
        "valid_loss": 3 / epoch,
        "valid_accuracy": 0.05 * epoch,
    }
    for epoch in (1, 2, 3)
)
OTHER = History({"epoch": epoch, "train_loss": 1 / epoch, "train_accuracy": 0.2 * epoch} for epoch in (1, 2))


def lines(panel) -> dict[str, tuple[list, list, str]]:
    return {line.get_label(): (*map(list, line.get_data()), line.get_linestyle()) for line in panel.lines}


def test_a_history_shows_its_numbers():
    loss, accuracy = plot_history(HISTORY).axes
    epochs = [1, 2, 3]
    assert lines(loss) == {
        "train": (epochs, HISTORY.column("train_loss"), "--"),
        "valid": (epochs, HISTORY.column("valid_loss"), "-"),
    }
    assert lines(accuracy) == {
        "train": (epochs, HISTORY.column("train_accuracy"), "--"),
        "valid": (epochs, HISTORY.column("valid_accuracy"), "-"),
    }
    assert [panel.get_xlabel() for panel in (loss, accuracy)] == ["epoch", "epoch"]
    assert [panel.get_title() for panel in (loss, accuracy)] == ["Loss", "Accuracy"]
    assert [text.get_text() for text in loss.get_legend().get_texts()] == ["train", "valid"]
    assert loss.get_ylim()[0] == 0


def test_epochs_are_whole_numbers_and_accuracies_per_cent():
    figure = plot_history(HISTORY)
    figure.canvas.draw()
    loss, accuracy = figure.axes
    assert all(float(tick.get_text()).is_integer() for tick in loss.get_xticklabels())
    assert all(tick.get_text().endswith("%") for tick in accuracy.get_yticklabels())


def test_several_histories_have_a_colour_each():
    loss, _ = plot_history({"one": HISTORY, "other": OTHER}).axes
    assert list(lines(loss)) == ["one train", "one valid", "other train"]
    colours = {line.get_label(): line.get_color() for line in loss.lines}
    assert colours["one train"] == colours["one valid"] != colours["other train"]


@pytest.mark.parametrize("histories", [History(), {"one": HISTORY, "other": History()}])
def test_a_history_without_epochs(histories):
    with pytest.raises(ValueError, match="there is nothing to plot: a history has no epochs"):
        plot_history(histories)


@pytest.mark.parametrize("shape", [(5, 1, 6, 8), (5, 3, 6, 8), (1, 1, 6, 8)])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_images_are_shown_as_they_are_one_beside_the_other(shape, dtype):
    images = torch.randint(256, shape, dtype=torch.uint8)
    images = images if dtype == torch.uint8 else images / 255
    titles = [f"image {number}" for number in range(len(images))]
    figure = show_images(images, titles, columns=3)
    panels = [panel for panel in figure.axes if panel.images]
    assert [panel.get_title() for panel in panels] == titles
    for panel, image in zip(panels, images, strict=True):
        [shown] = panel.images
        assert np.array_equal(shown.get_array(), image.permute(1, 2, 0).squeeze(-1))
        assert shown.get_clim() == (0, 255 if dtype == torch.uint8 else 1)
        assert not panel.axison
    places = [(panel.get_subplotspec().rowspan.start, panel.get_subplotspec().colspan.start) for panel in panels]
    assert places == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)][: len(images)]
    assert len(figure.axes) == (6 if len(images) == 5 else 1)


def test_grey_images_are_grey_from_black_to_white():
    image = torch.tensor([[0, 128], [200, 255]], dtype=torch.uint8)[None, None]
    [panel] = show_images(image).axes
    colours = panel.images[0].to_rgba(image[0, 0].numpy(), bytes=True)[..., :3]
    assert np.array_equal(colours, image[0, 0, :, :, None].expand(2, 2, 3))


@pytest.mark.parametrize("shape", [(5, 6, 8), (5, 2, 6, 8), (6, 8), (0, 1, 6, 8)])
def test_what_is_not_a_batch_of_images(shape):
    with pytest.raises(ValueError, match=f"must be N×1×H×W or N×3×H×W, not {'×'.join(map(str, shape))}"):
        show_images(torch.zeros(shape))


def test_as_many_titles_as_images():
    with pytest.raises(ValueError, match="there are 2 images but 3 titles"):
        show_images(torch.zeros(2, 1, 6, 8), ["a", "b", "c"])


def test_figures_are_closed_so_that_a_notebook_shows_them_once():
    figures = plot_history(HISTORY), show_images(torch.zeros(2, 1, 6, 8))
    assert plt.get_fignums() == []
    for figure in figures:
        figure.canvas.draw()  # and can still be drawn, without a warning


def test_the_figures_have_the_style_of_the_course():
    loss, _ = plot_history(HISTORY).axes
    assert loss.lines[0].get_color() == "C0"
    assert plt.rcParams["axes.prop_cycle"].by_key()["color"][0] == "#0072B2"
    assert not loss.spines["top"].get_visible()
