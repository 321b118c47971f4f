import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from cnncourse.plots import (
    plot_confusion,
    plot_feature_maps,
    plot_filters,
    plot_heat_maps,
    plot_history,
    show_images,
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
    maps = torch.zeros(2, 1, 6, 8)
    figures = [plot_history(HISTORY), show_images(maps), plot_confusion(torch.eye(2), ["a", "b"]), plot_filters(maps)]
    figures += [plot_feature_maps({"layer": maps}), plot_heat_maps(maps, maps[:, 0])]
    assert plt.get_fignums() == []
    for figure in figures:
        figure.canvas.draw()  # and can still be drawn, without a warning


def test_the_figures_have_the_style_of_the_course():
    loss, _ = plot_history(HISTORY).axes
    assert loss.lines[0].get_color() == "C0"
    assert plt.rcParams["axes.prop_cycle"].by_key()["color"][0] == "#0072B2"
    assert not loss.spines["top"].get_visible()


# --- what a network sees


def shown(figure) -> list:
    """The pictures of a figure, panel by panel."""
    return [panel.images[0].get_array() for panel in figure.axes if panel.images]


def test_a_confusion_matrix_has_its_numbers_in_its_fields():
    matrix = torch.tensor([[900, 0, 3], [10, 1200, 0], [0, 1, 7]])
    figure = plot_confusion(matrix, ["a", "b", "c"])
    figure.canvas.draw()
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
    plot_confusion(torch.tensor([[900, 0], [0, 1200]]), ["a", "b"]).canvas.draw()  # no errors at all


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
    assert negative[2] > negative[0]
    assert positive[0] > positive[2]


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
    figure.canvas.draw()
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
