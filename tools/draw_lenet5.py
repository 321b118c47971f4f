"""Draw images/digit-through-lenet5.svg: what each layer of a trained LeNet-5 makes of one test digit.

Trains the network for two epochs on MNIST, about a minute on a CPU. Usage: python tools/draw_lenet5.py
"""

import base64
import io
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

from cnncourse.data import Loader, load
from cnncourse.models import LeNet5
from cnncourse.train import fit

OUTPUT = Path(__file__).parent.parent / "images" / "digit-through-lenet5.svg"
TEST_IMAGE = 0  # the first of the test set, a seven
BACKGROUND, LINE, TEXT, MARK = "#0f1c2e", "#8fa3bf", "#e8eef7", "#ffb454"
COLOURS = np.array([[24, 42, 66], [38, 132, 140], [255, 236, 179]])  # of an activation: none, half, largest
CENTRE = 236


def trained_network():
    torch.manual_seed(0)
    model = LeNet5(pool=nn.MaxPool2d, activation=nn.ReLU)
    train = Loader(load("MNIST", "train").resize(32), 64, shuffle=True)
    fit(model, train, optimizer=torch.optim.Adam(model.parameters(), lr=2e-3), epochs=2)
    return model.eval()


def activations(model, images):
    """The output of each layer for the first image, by the layer's index in the network."""
    outputs = []
    with torch.inference_mode():
        for layer in [*model.features, nn.Flatten(), *model.classifier]:
            images = layer(images)
            outputs.append(images[0].numpy())
    return outputs


def picture(values, largest, x, y, width, height, colours=COLOURS):
    """An array in [0, largest] as an SVG image of coloured squares."""
    level = np.clip(values / largest, 0, 1)[..., None]
    stops = np.linspace(0, 1, len(colours))
    rgb = np.concatenate([np.interp(level, stops, channel) for channel in colours.T], axis=-1).astype(np.uint8)
    image = Image.fromarray(rgb).quantize(64)
    image = image.resize((image.width * 5, image.height * 5), Image.Resampling.NEAREST)
    file = io.BytesIO()
    image.save(file, "png", optimize=True)
    data = base64.b64encode(file.getvalue()).decode()
    return (
        f'<image x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" preserveAspectRatio="none" '
        f'href="data:image/png;base64,{data}"/>'
    )


def grid(maps, x, columns, pixel, gap):
    """A layer's maps in rows, centred in height. Returns the SVG and the corner of each map."""
    size = maps.shape[1] * pixel
    rows = -(-len(maps) // columns)
    top = CENTRE - (rows * size + (rows - 1) * gap) / 2
    corners = [(x + i % columns * (size + gap), top + i // columns * (size + gap)) for i in range(len(maps))]
    largest = np.quantile(maps, 0.997)
    return "".join(picture(m, largest, *corner, size, size) for m, corner in zip(maps, corners, strict=True)), corners


def cone(corner, pixel, row, column, size, target_corner, target_pixel, target_row, target_column):
    """The window of size×size pixels that one pixel of the next layer sees."""
    side, end = size * pixel, target_pixel
    x, y = corner[0] + column * pixel, corner[1] + row * pixel
    u, v = target_corner[0] + target_column * end, target_corner[1] + target_row * end
    right = x + side
    return (
        f'<path class="cone" d="M{right:.1f} {y:.1f} L{u:.1f} {v:.1f} V{v + end:.1f} L{right:.1f} {y + side:.1f}Z"/>'
        f'<rect class="window" x="{x:.1f}" y="{y:.1f}" width="{side:.1f}" height="{side:.1f}"/>'
        f'<rect class="window" x="{u:.1f}" y="{v:.1f}" width="{end:.1f}" height="{end:.1f}"/>'
    )


def label(x, title, shape):
    return f'<text x="{x}" y="452">{title}</text><text class="shape" x="{x}" y="482">{shape}</text>'


def draw(image, outputs):
    conv1, pool1, conv2, pool2 = outputs[1], outputs[2], outputs[4], outputs[5]
    dense1, dense2, logits = outputs[8], outputs[10], outputs[11]
    digit, (start, *_) = grid(image, 36, 1, 6, 0)
    digit = picture(image[0], 1, *start, 192, 192, np.array([[24, 42, 66], [255, 255, 255]]))
    maps1, corners1 = grid(conv1, 282, 2, 3.4, 10)
    maps2, corners2 = grid(pool1, 524, 2, 3.4, 10)
    maps3, corners3 = grid(conv2, 672, 4, 4.4, 8)
    maps4, corners4 = grid(pool2, 892, 4, 4.4, 6)
    strips = picture(dense1[:, None], dense1.max(), 1030, CENTRE - 180, 16, 360)
    strips += picture(dense2[:, None], dense2.max(), 1072, CENTRE - 126, 16, 252)
    cones = (
        cone(start, 6, 8, 13, 5, corners1[0], 3.4, 8, 13)
        + cone(corners1[1], 3.4, 8, 16, 2, corners2[1], 3.4, 4, 8)
        + cone(corners2[3], 3.4, 4, 6, 5, corners3[4], 4.4, 4, 6)
        + cone(corners3[7], 4.4, 4, 6, 2, corners4[7], 4.4, 2, 3)
    )
    probabilities = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
    bars = ""
    for i, probability in enumerate(probabilities):
        y, best = CENTRE - 180 + 36 * i, i == probabilities.argmax()
        colour = MARK if best else LINE
        bars += (
            f'<text class="digit" x="1136" y="{y + 26}" style="fill: {colour}">{i}</text>'
            f'<rect x="1156" y="{y + 7}" width="{4 + 84 * probability:.1f}" height="22" rx="3" fill="{colour}"/>'
        )
    labels = (
        label(132, "image", "32×32")
        + label(382, "convolution", "6 of 28×28")
        + label(577, "pooling", "14×14")
        + label(772, "convolution", "16 of 10×10")
        + label(945, "pooling", "5×5")
        + label(1059, "dense", "120, 84")
        + label(1190, "digit", "10")
    )
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1280 520" role="img">
<title>A handwritten seven passes through the layers of LeNet-5, which answers: seven</title>
<style>
image {{ image-rendering: pixelated }}
text {{ font: 24px system-ui, sans-serif; fill: {TEXT}; text-anchor: middle }}
.shape {{ font-size: 20px; fill: {LINE} }}
.digit {{ font-weight: 600 }}
.cone {{ fill: {MARK}; fill-opacity: .22 }}
.window {{ fill: none; stroke: {MARK}; stroke-width: 2 }}
</style>
<rect width="1280" height="520" rx="18" fill="{BACKGROUND}"/>
{digit}{maps1}{maps2}{maps3}{maps4}{strips}
{cones}
{bars}
{labels}
</svg>
"""


if __name__ == "__main__":
    test = load("MNIST", "test").resize(32)
    normalised, _ = next(iter(Loader(test, TEST_IMAGE + 1)))
    image = test.images[TEST_IMAGE].numpy() / 255
    OUTPUT.write_text(draw(image, activations(trained_network(), normalised[TEST_IMAGE:])), encoding="utf8")
