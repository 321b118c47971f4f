import subprocess
import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg

from cnncourse.plots import (
    plot_confusion,
    plot_feature_maps,
    plot_filters,
    plot_heat_maps,
    plot_history,
    show_images,
    use_style,
)
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
    pixels(figure)
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
    maps = torch.zeros(2, 1, 6, 8)
    figures = [plot_history(HISTORY), show_images(maps), plot_confusion(torch.eye(2), ["a", "b"]), plot_filters(maps)]
    figures += [plot_feature_maps({"layer": maps}), plot_heat_maps(maps, maps[:, 0])]
    assert plt.get_fignums() == []
    for figure in figures:
        pixels(figure)  # and can still be drawn, without a warning


def pixels(figure) -> np.ndarray:
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())


def test_the_figures_have_the_style_of_the_course_and_others_have_their_own():
    code = """
import matplotlib
before = dict(matplotlib.rcParams)
from cnncourse import plots
assert before == dict(matplotlib.rcParams)
plots.use_style()
assert matplotlib.rcParams["axes.prop_cycle"].by_key()["color"][0] == "#0072B2"
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    settings = dict(plt.rcParams)
    figure = plot_history(HISTORY)
    loss, _ = figure.axes
    assert loss.lines[0].get_color() == "#0072B2"
    assert not loss.spines["top"].get_visible()
    drawn = pixels(figure)
    assert dict(plt.rcParams) == settings
    with plt.rc_context():
        use_style()
        assert np.array_equal(drawn, pixels(plot_history(HISTORY)))
    with plt.rc_context({"font.size": 30, "grid.color": "red", "lines.linewidth": 9, "figure.facecolor": "black"}):
        assert np.array_equal(drawn, pixels(plot_history(HISTORY)))


def test_a_notebook_shows_figures_with_twice_their_pixels():
    code = """
import base64
import matplotlib.pyplot as plt
from IPython.core.interactiveshell import InteractiveShell
from cnncourse.plots import plot_history, use_style
shell = InteractiveShell.instance()
use_style()
figure, _ = plt.subplots(figsize=(3, 2), dpi=100)
for shown in (figure, plot_history([{"epoch": 1, "train_loss": 2.0, "train_accuracy": 0.5}])):
    data, metadata = shell.display_formatter.format(shown)
    print(metadata["image/png"]["width"], int.from_bytes(base64.b64decode(data["image/png"])[16:20]))
"""
    lines = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.splitlines()
    for line, inches in zip(lines, (3, 8), strict=True):
        width, pixels = map(int, line.split())
        assert width // 100 == inches  # and a little more, for the margin
        assert pixels // 2 == width


def test_a_figure_stays_open_where_there_are_windows(monkeypatch):
    monkeypatch.setattr(FigureCanvasAgg, "required_interactive_framework", "qt")
    figure = show_images(torch.zeros(1, 1, 2, 2))
    assert [plt.figure(number) for number in plt.get_fignums()] == [figure]  # plt.show() shows it
    plt.close(figure)


# --- histories of other kinds


def row(epoch, **values) -> dict:
    return {"epoch": epoch, **values}


def test_epochs_without_a_measure_are_left_out():
    history = [row(1, train_loss=3.0), row(2, train_loss=2.0, valid_loss=4.0), row(3, valid_loss=3.5)]
    loss, accuracy = plot_history(history).axes
    assert lines(loss) == {"train": ([1, 2], [3.0, 2.0], "--"), "valid": ([2, 3], [4.0, 3.5], "-")}
    assert lines(accuracy) == {}
    assert accuracy.get_legend() is None


def test_one_epoch_is_a_point_that_can_be_seen():
    figure = plot_history(HISTORY[:1])
    assert [line.get_marker() for panel in figure.axes for line in panel.lines] == 4 * ["o"]
    assert all(line.get_marker() == "None" for panel in plot_history(HISTORY).axes for line in panel.lines)
    plain = pixels(plot_history([row(1, train_loss=1.0)]))
    assert not np.array_equal(plain, pixels(plot_history([row(1, train_loss=float("nan"))])))


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_training_that_failed(loss):
    pixels(plot_history([row(epoch, train_loss=loss, valid_loss=loss) for epoch in (1, 2)]))
    [line, _] = (
        plot_history([row(1, train_loss=1.0, valid_loss=2), row(2, train_loss=loss, valid_loss=2)]).axes[0].lines
    )
    assert list(line.get_ydata()) == pytest.approx([1.0, loss], nan_ok=True)


def test_more_histories_than_colours():
    loss, _ = plot_history({str(number): OTHER for number in range(8)}).axes
    assert loss.lines[7].get_color() == loss.lines[0].get_color()


@pytest.mark.parametrize("histories", [{}, [], {"a": []}])
def test_no_histories(histories):
    with pytest.raises(ValueError, match="there is nothing to plot"):
        plot_history(histories)


@pytest.mark.parametrize("histories", [[HISTORY, OTHER], HISTORY[0], [{"loss": 1.0}], {"a": [0.3, 0.2]}])
def test_what_is_no_history(histories):
    with pytest.raises(ValueError, match="a history is a list of rows with an epoch each; give several by name"):
        plot_history(histories)


# --- values of images


OUTSIDE = {
    "a normalised batch": (torch.linspace(-0.42, 2.8, 12), "go from -0.42 to 2.8"),
    "dark and normalised": (torch.full((12,), -0.4242), "go from -0.4242 to -0.4242"),
    "bytes as floats": (torch.linspace(0, 255, 12), "go from 0 to 255"),
    "hardly too bright": (torch.linspace(0, 1.01, 12), "go from 0 to 1.01"),
    "NaN": (torch.tensor([0.5] * 11 + [float("nan")]), "go from nan to nan"),
    "infinite": (torch.tensor([0.5] * 11 + [float("inf")]), "go from 0.5 to inf"),
    "other whole numbers": (torch.arange(12) * 30, "whole numbers from 0 to 255, but these go from 0 to 330"),
    "signed bytes": (torch.arange(12, dtype=torch.int8) - 3, "go from -3 to 8"),
}


@pytest.mark.parametrize("name", OUTSIDE)
@pytest.mark.parametrize("channels", [1, 3])
def test_images_outside_of_the_range(name, channels):
    values, message = OUTSIDE[name]
    images = values.view(-1, channels, 2, 2)
    with pytest.raises(
        ValueError, match=f"{message}. Normalised images: show those of the data set, images.images, or"
    ):
        show_images(images)
    with pytest.raises(ValueError, match=message):
        plot_heat_maps(images, torch.zeros(len(images), 2, 2))


INSIDE = {
    "rounded": torch.linspace(-1e-6, 1 + 1e-6, 12),
    "rounded in half precision": torch.linspace(0, 1.0005, 12).half(),
    "bfloat16": torch.linspace(0, 1, 12).bfloat16(),
    "float64 with a gradient": torch.linspace(0, 1, 12).double().requires_grad_(),
    "all black": torch.zeros(12),
    "all white": torch.ones(12),
    "from NumPy": np.linspace(0, 1, 12),
}


@pytest.mark.parametrize("name", INSIDE)
@pytest.mark.parametrize("channels", [1, 3])
def test_images_of_other_types_are_shown_as_floats(name, channels):
    images = INSIDE[name].reshape(-1, channels, 2, 2)
    expected = torch.as_tensor(images).detach().float().clamp(0, 1)
    for found, image in zip(shown(show_images(images)), expected, strict=True):
        assert np.array_equal(found, image.permute(1, 2, 0).squeeze(-1))
    pixels(plot_heat_maps(images, torch.zeros(len(images), 2, 2)))


def test_masks_and_whole_numbers():
    mask = torch.tensor([[True, False], [False, True]])[None, None]
    [image] = show_images(mask).axes[0].images
    assert (image.get_array().tolist(), image.get_clim()) == ([[1, 0], [0, 1]], (0, 1))
    [image] = show_images(torch.tensor([[0, 255], [128, 3]])[None, None]).axes[0].images
    assert (image.get_array().tolist(), image.get_clim()) == ([[0, 255], [128, 3]], (0, 255))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.5])
def test_heat_that_is_none(value):
    heat = torch.ones(2, 4, 4)
    heat[1, 2, 2] = value
    with pytest.raises(ValueError, match="heat maps have values from 0 up, not from"):
        plot_heat_maps(torch.zeros(2, 1, 4, 4), heat)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_maps_and_weights_that_are_no_numbers(value):
    values = torch.ones(2, 1, 4, 4)
    values[0, 0, 1, 1] = value
    with pytest.raises(ValueError, match=r"layer one: 1×4×4 has values that are infinite or no numbers"):
        plot_feature_maps({"one": values})
    with pytest.raises(ValueError, match="this weight has values that are infinite or no numbers"):
        plot_filters(values)
    assert plt.get_fignums() == []


def test_maps_in_half_precision_and_filters_that_are_0():
    pixels(plot_feature_maps({"one": torch.ones(2, 1, 4, 4).bfloat16().requires_grad_()}))
    for channels in (1, 3):
        for picture in shown(plot_filters(torch.zeros(2, channels, 3, 3, dtype=torch.bfloat16))):
            assert np.array_equal(picture, np.full(picture.shape, 0.5 if channels == 3 else 0))


def test_a_confusion_matrix_of_shares():
    shares = torch.tensor([[0.75, 0.25], [0.0, 1.0]])
    figure = plot_confusion(shares, ["a", "b"])
    assert [text.get_text() for text in figure.axes[0].texts] == ["0.75", "0.25", "1.00"]
    counted = plot_confusion(100 * shares, ["a", "b"])
    assert [text.get_text() for text in counted.axes[0].texts] == ["75", "25", "100"]
    for one, other in zip(figure.axes[0].texts, counted.axes[0].texts, strict=True):
        assert one.get_color() == other.get_color()
    whole = plot_confusion(np.array([[1200, 3], [4, 5]]), ["a", "b"])
    assert whole.axes[0].texts[0].get_text() == "1,200"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0])
def test_a_confusion_matrix_of_other_values(value):
    with pytest.raises(ValueError, match="a confusion matrix counts images, so its values are numbers from 0 up"):
        plot_confusion(torch.tensor([[1.0, value], [0, 1]]), ["a", "b"])


# --- what a network sees


def shown(figure) -> list:
    """The pictures of a figure, panel by panel."""
    return [panel.images[0].get_array() for panel in figure.axes if panel.images]


def test_a_confusion_matrix_has_its_numbers_in_its_fields():
    matrix = torch.tensor([[900, 0, 3], [10, 1200, 0], [0, 1, 7]])
    figure = plot_confusion(matrix, ["a", "b", "c"])
    pixels(figure)
    [panel] = figure.axes
    numbers = {(text.get_position()[1], text.get_position()[0]): text.get_text() for text in panel.texts}
    assert numbers == {(0, 0): "900", (0, 2): "3", (1, 0): "10", (1, 1): "1,200", (2, 1): "1", (2, 2): "7"}
    assert (panel.get_ylabel(), panel.get_xlabel()) == ("label", "answer")
    assert [text.get_text() for text in panel.get_yticklabels()] == ["a", "b", "c"]


def test_the_diagonal_does_not_outshine_the_errors():
    errors, diagonal = plot_confusion(torch.tensor([[900, 0], [10, 1200]]), ["a", "b"]).axes[0].images
    assert errors.get_array().tolist() == [[0, 0], [10, 0]]
    assert errors.get_clim()[1] < 20
    assert diagonal.get_alpha().tolist() == [[1, 0], [0, 1]]
    pixels(plot_confusion(torch.tensor([[900, 0], [0, 1200]]), ["a", "b"]))  # no errors at all


@pytest.mark.parametrize(("right", "wrong", "colour"), [(5, 10, "white"), (5, 2, "black"), (900, 10, "white")])
def test_numbers_of_a_confusion_matrix_can_be_read(right, wrong, colour):
    [panel] = plot_confusion(torch.tensor([[right, 10], [wrong, right]]), ["a", "b"]).axes
    for text in panel.texts:
        column, row = map(round, text.get_position())
        assert text.get_color() == ("black" if row == column else colour if column == 0 else "white")
        ground = panel.images[row == column].to_rgba(panel.images[row == column].get_array())[row, column, :3]
        assert contrast(ground, 1.0 if text.get_color() == "white" else 0.0) >= 4.5


def contrast(colour, other) -> float:
    """The contrast ratio of WCAG 2 between a colour and black (0) or white (1)."""
    linear = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
    lightness = sorted([0.05 + linear @ [0.2126, 0.7152, 0.0722], 0.05 + other])
    return lightness[1] / lightness[0]


def test_a_confusion_matrix_of_another_shape():
    with pytest.raises(ValueError, match="3 classes have a matrix of 3×3, not 3×2"):
        plot_confusion(torch.zeros(3, 2), ["a", "b", "c"])


def test_feature_maps_are_rows_with_one_scale_each():
    maps = {"one": torch.randn(2, 5, 6, 4), "dense": torch.randn(2, 9), "two": 100 * torch.randn(2, 2, 3, 2)}
    figure = plot_feature_maps(maps, columns=3)
    assert len(figure.axes) == 6
    pictures = [*maps["one"][0, :3], *maps["two"][0]]
    panels = [panel for panel in figure.axes if panel.images]
    for panel, picture in zip(panels, pictures, strict=True):
        assert np.array_equal(panel.images[0].get_array(), picture)
        limits = maps["one"][0, :3] if picture.shape == (6, 4) else maps["two"][0]
        assert panel.images[0].get_clim() == (limits.min().item(), limits.max().item())
    titles = [panel.get_title(loc="left") for panel in figure.axes]
    assert titles == ["one: 5×6×4", "", "", "two: 2×3×2", "", ""]
    with pytest.raises(ValueError, match="no layer gives maps"):
        plot_feature_maps({"dense": torch.zeros(2, 9)})


def test_filters_are_white_where_a_weight_is_0():
    weights = torch.tensor([[-2.0, 0.0], [1.0, 2.0]])[None, None].repeat(5, 1, 1, 1).requires_grad_()
    figure = plot_filters(weights, columns=3)
    assert len(figure.axes) == 6
    assert len(shown(figure)) == 5
    image = figure.axes[0].images[0]
    (negative, zero), (_, positive) = image.to_rgba(image.get_array())[..., :3]
    assert np.allclose(zero, 1, atol=0.04)
    assert negative[0] > negative[2]
    assert positive[2] > positive[0]


def test_filters_of_many_channels_are_rows_and_of_three_are_in_colour():
    weights = torch.randn(4, 6, 5, 5)
    figure = plot_filters(weights)
    assert [panel.get_subplotspec().colspan.start for panel in figure.axes] == 4 * [0, 1, 2, 3, 4, 5]
    assert np.array_equal(shown(figure), weights.flatten(0, 1))
    colour = torch.randn(4, 3, 5, 5)
    pictures = shown(plot_filters(colour))
    assert [picture.shape for picture in pictures] == 4 * [(5, 5, 3)]
    largest = colour.abs().max()
    assert np.allclose(pictures[2], 0.5 + colour[2].permute(1, 2, 0) / (2 * largest))


@pytest.mark.parametrize("shape", [(6, 25), (0, 1, 3, 3)])
def test_what_is_not_the_weight_of_a_convolution(shape):
    with pytest.raises(ValueError, match=f"are outputs×inputs×H×W, not {'×'.join(map(str, shape))}"):
        plot_filters(torch.zeros(shape))


@pytest.mark.parametrize("channels", [1, 3])
def test_heat_lies_over_the_grey_image_scaled_to_its_own_maximum(channels):
    images = torch.randint(256, (3, channels, 6, 8), dtype=torch.uint8)
    heat = torch.rand(3, 6, 8) * torch.tensor([5.0, 0.1, 0.0])[:, None, None]
    figure = plot_heat_maps(images, heat, ["a", "b", "c"], columns=2)
    pixels(figure)
    panels = np.array(figure.axes).reshape(4, 2)
    assert [panel.get_title() for panel in panels[[0, 2]].flat] == ["a", "b", "c", ""]
    for number in range(3):
        row, column = divmod(number, 2)
        [image], (grey, over) = panels[2 * row, column].images, panels[2 * row + 1, column].images
        assert np.allclose(image.get_array(), (images[number] / 255).permute(1, 2, 0).squeeze(-1))
        assert np.allclose(grey.get_array(), (images[number] / 255).mean(dim=0))
        opacity = over.get_alpha()
        assert np.allclose(opacity * heat[number].max().item(), opacity.max() * heat[number].numpy())
        assert (opacity.max() > 0.5) == (number < 2)


def test_heat_maps_that_do_not_fit():
    with pytest.raises(ValueError, match="images of 2×3×6×8 have heat maps of 2×6×8, not 2×3×4"):
        plot_heat_maps(torch.zeros(2, 3, 6, 8), torch.zeros(2, 3, 4))
    with pytest.raises(ValueError, match="there are 2 images but 1 titles"):
        plot_heat_maps(torch.zeros(2, 3, 6, 8), torch.zeros(2, 6, 8), ["a"])
    with pytest.raises(ValueError, match="must be N×1×H×W or N×3×H×W, not 2×6×8"):
        plot_heat_maps(torch.zeros(2, 6, 8), torch.zeros(2, 6, 8))
