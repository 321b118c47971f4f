"""Drawings are compared with `summary`, which is compared with torchsummary and torchinfo."""

import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest
import torch
from torch import nn

from cnncourse.analysis import summary
from cnncourse.analysis.diagram import COLOURS, GREY, diagram
from cnncourse.experiments.recipes import RECIPES
from cnncourse.models import CifarNet, DigitNet, LeNet5

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(params=RECIPES)
def model(request):
    return RECIPES[request.param].model()


class Residual(nn.Module):
    """Not a Sequential, unlike the course's own."""

    def __init__(self, *layers: nn.Module):
        super().__init__()
        self.branch = nn.Sequential(*layers)

    def forward(self, maps):
        return maps + self.branch(maps)


def texts(drawing) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(drawing.svg).iter(f"{SVG}text"))


def words(drawing) -> list[str]:
    return [text.text for text in texts(drawing)]


def rows_in(drawing) -> list[tuple[str, str]]:
    """Shape and number of parameters of each box and bar, but for the image and for sums; a bar has its box's shape."""
    rows, heading, shape = [], "", ""
    for text in texts(drawing)[2:]:
        numbers = re.fullmatch(r"(?:([\d×]+)|.*?)(?:, ([\d,]+) parameters)?", text.text)
        if text.get("class") == "words":
            heading = text.text
        elif heading in ("image", "added to what came in") and numbers[1]:
            shape = numbers[1]
        else:
            shape = numbers[1] or shape
            rows.append((shape, numbers[2] or "0"))
    return rows


def test_each_row_of_the_summary_is_drawn_with_its_shape_and_parameters(model):
    table, drawing = summary(model), diagram(model)
    left_out = ("Identity",) if "dropout" in drawing.text else ("Identity", "Dropout")
    assert rows_in(drawing) == [
        ("×".join(map(str, row.output_shape)), f"{row.parameters:,}")
        for row in table.rows
        if not row.name.startswith(left_out)
    ]
    heading = [type(model).__name__, f"{table.parameters:,} parameters, {table.multiply_adds:,} multiply-adds"]
    assert words(drawing)[:2] == heading


def test_everything_lies_in_the_drawing_and_no_text_on_another(model):
    drawing = diagram(model)
    root = ElementTree.fromstring(drawing.svg)
    width, height = map(int, root.get("viewBox").split()[2:])
    for text in texts(drawing):
        letter = {"words": 0.62 * 13, "note": 0.55 * 12}[text.get("class")]  # in DejaVu Sans, the widest usual font
        assert int(text.get("x")) + letter * len(text.text) <= width, text.text
    places = [int(text.get("y")) for text in texts(drawing)]
    assert all(below - above >= 15 for above, below in pairwise(places))
    assert places[-1] + 4 <= height
    for bar in list(root.iter(f"{SVG}rect"))[1:]:
        assert 8 < int(bar.get("x")) < int(bar.get("x")) + int(bar.get("width")) < int(texts(drawing)[2].get("x"))


def test_it_is_an_image_with_a_name_and_a_description():
    drawing = diagram(LeNet5())
    root = ElementTree.fromstring(drawing.svg)
    assert root.get("role") == "img"
    assert root.find(f"{SVG}title").text == "LeNet5, drawn"
    assert root.find(f"{SVG}desc").text == drawing.text == repr(drawing)
    assert drawing.text.startswith(
        "LeNet5: 61,706 parameters, 423,038 multiply-adds. image: 1×32×32. 5×5 convolution: 6×28×28, 156 parameters. "
        "tanh. 2×2 average pooling: 6×14×14. "
    )
    assert drawing.text.endswith(" dense layer: 10, 850 parameters.")


def test_a_notebook_shows_it_and_a_file_holds_it(tmp_path):
    drawing = diagram(LeNet5())
    drawing.save(tmp_path / "lenet5.svg")
    assert (tmp_path / "lenet5.svg").read_text(encoding="utf8") == drawing.svg == drawing._repr_svg_()


def test_drawing_twice_gives_the_same_and_changes_nothing():
    model = DigitNet(dropout=0.5)
    model.features.eval()
    modes = [layer.training for layer in model.modules()]
    values = {name: value.clone() for name, value in model.state_dict().items()}
    random = torch.get_rng_state()
    assert diagram(model) == diagram(model)
    assert [layer.training for layer in model.modules()] == modes
    assert all(torch.equal(values[name], value) for name, value in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random)
    assert not any(layer._forward_hooks or layer._forward_pre_hooks for layer in model.modules())


LAYERS = {
    "3×3 convolution": nn.Conv2d(4, 4, 3),
    "1×3 convolution, padding 0×1": nn.Conv2d(4, 4, (1, 3), padding=(0, 1)),
    "3×3 convolution, padding same": nn.Conv2d(4, 4, 3, padding="same"),
    "3×3 convolution, stride 2, padding 2, dilation 2": nn.Conv2d(4, 4, 3, stride=2, padding=2, dilation=2),
    "3×3 depthwise convolution": nn.Conv2d(4, 4, 3, groups=4),
    "2×2 max-pooling": nn.MaxPool2d(2),
    "3×3 average pooling, stride 2": nn.AvgPool2d(3, stride=2),
    "global average pooling": nn.AdaptiveAvgPool2d(1),
    "adaptive average pooling": nn.AdaptiveAvgPool2d(2),
    "group norm, 2 groups": nn.GroupNorm(2, 4),
    "layer norm": nn.GroupNorm(1, 4),
    "batch norm": nn.BatchNorm2d(4),
    "dropout 0.1": nn.Dropout(0.1),
    "leaky ReLU, slope 0.2": nn.LeakyReLU(0.2),
    "GELU": nn.GELU(),
    "flatten": nn.Flatten(),
    "Upsample": nn.Upsample(scale_factor=2),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers_have_the_names_of_the_course(name):
    drawing = diagram(nn.Sequential(LAYERS[name]), (4, 8, 8))
    assert f". image: 4×8×8. {name}" in drawing.text
    assert name in " ".join(words(drawing))


@pytest.mark.parametrize("idle", [nn.Identity(), nn.Dropout(0)])
def test_layers_that_change_nothing_are_left_out(idle):
    with_it, without = [nn.Conv2d(1, 2, 3), idle, nn.ReLU()], [nn.Conv2d(1, 2, 3), nn.ReLU()]
    assert diagram(nn.Sequential(*with_it), (1, 8, 8)) == diagram(nn.Sequential(*without), (1, 8, 8))


def convolution():
    return nn.Conv2d(4, 4, 3, padding=1)


def paths(drawing, part: str) -> int:
    """How many lines have a piece of this kind: "H8V" is the way around a Residual."""
    return sum(part in path.get("d") for path in ElementTree.fromstring(drawing.svg).iter(f"{SVG}path"))


def test_the_line_around_a_residual():
    norm_first = Residual(nn.BatchNorm2d(4), nn.ReLU(), convolution())
    drawing = diagram(nn.Sequential(convolution(), norm_first, nn.ReLU(), Residual(convolution())), (4, 8, 8))
    box = "4×8×8, 148 parameters"
    assert words(drawing)[4:] == [
        *("3×3 convolution, padding 1", box),
        *("batch norm", "4×8×8, 8 parameters", "ReLU"),  # not a bar below the first convolution, outside the line
        *("3×3 convolution, padding 1", box),
        *("added to what came in", "4×8×8", "ReLU"),
        *("3×3 convolution, padding 1", box),
        *("added to what came in", "4×8×8"),
    ]
    assert paths(drawing, "H8V") == 2
    assert "dasharray" not in drawing.svg


def test_residuals_in_each_other_end_one_after_the_other():
    drawing = diagram(nn.Sequential(Residual(convolution(), Residual(convolution()))), (4, 8, 8))
    assert words(drawing)[-4:] == ["added to what came in", "4×8×8"] * 2
    assert paths(drawing, "H8V") == 2


def test_the_residual_network_has_a_line_for_each_of_its_residuals():
    model = RECIPES["cifarnet-best"].model()
    number = sum(type(module).__name__ == "Residual" for module in model.modules())
    assert paths(diagram(model), "H8V") == number > 0


def test_an_arrow_is_dashed_where_a_step_lies_between_that_is_no_layer():
    class Doubled(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second, self.third = convolution(), nn.ReLU(), convolution()

        def forward(self, maps):
            return self.third(self.second(2 * self.first(maps)))

    drawing = diagram(Doubled(), (4, 8, 8))
    assert drawing.svg.count("dasharray") == 1
    assert words(drawing)[6:8] == ["ReLU", "4×8×8"]  # a box of its own, so that it has an arrow


def test_a_convolution_over_rows_of_numbers():
    drawing = diagram(nn.Sequential(nn.Flatten(2), nn.Conv1d(4, 2, 5, stride=2)), (4, 8, 8))
    assert words(drawing)[-2:] == ["5 Conv1d, stride 2", "2×30, 42 parameters"]


def test_long_names_are_wrapped():
    layers = [nn.Conv2d(2048, 2048, (3, 5), stride=(2, 3), padding=(1, 2), groups=2048), nn.GroupNorm(1024, 2048)]
    drawing = diagram(nn.Sequential(*layers), (2048, 8, 8))
    assert words(drawing)[4:] == [
        *("3×5 depthwise convolution,", "stride 2×3, padding 1×2", "2048×4×3, 32,768 parameters"),
        *("group norm, 1024 groups, 4,096", "parameters"),
    ]


def test_names_are_escaped():
    odd = type("Odd<&>", (nn.ReLU,), {})
    drawing = diagram(nn.Sequential(nn.Conv2d(1, 1, 3), odd()), (1, 8, 8))
    assert words(drawing)[-1] == "Odd<&>"
    assert ElementTree.fromstring(drawing.svg).find(f"{SVG}desc").text == drawing.text


def test_images_that_do_not_fit():
    with pytest.raises(ValueError, match="takes images of 3×32×32, but this batch has images of 1×28×28"):
        diagram(CifarNet(), (1, 28, 28))
    with pytest.raises(ValueError, match="C×H×W"):
        diagram(nn.Sequential(nn.Conv2d(1, 1, 3)))


def luminance(colour: str) -> float:
    """Of a colour #rrggbb, as WCAG 2.2 defines it."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("colour", sorted({*COLOURS.values(), GREY}))
def test_boxes_stand_out_from_light_and_from_dark_pages(colour):
    assert contrast(colour, "#ffffff") >= 3
    assert contrast(colour, "#14181e") >= 3


def test_texts_have_the_contrast_of_wcag_aa_on_the_ground_of_the_drawing():
    drawing = diagram(LeNet5())
    ground = ElementTree.fromstring(drawing.svg).find(f"{SVG}rect")
    assert (ground.get("fill"), ground.get("width"), ground.get("x")) == ("#fff", "350", None)
    assert all(contrast(text.get("fill"), "#ffffff") >= 4.5 for text in texts(drawing))
