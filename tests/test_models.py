import inspect
import re

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cnncourse.models import ConvNet, DigitNet, LeNet5

# As the workshop's text prints them.
LENET5 = """\
LeNet5(
  (features): Sequential(
    (0): Conv2d(1, 6, kernel_size=(5, 5), stride=(1, 1))
    (1): Tanh()
    (2): AvgPool2d(kernel_size=2, stride=2, padding=0)
    (3): Conv2d(6, 16, kernel_size=(5, 5), stride=(1, 1))
    (4): Tanh()
    (5): AvgPool2d(kernel_size=2, stride=2, padding=0)
  )
  (classifier): Sequential(
    (0): Linear(in_features=400, out_features=120, bias=True)
    (1): Tanh()
    (2): Linear(in_features=120, out_features=84, bias=True)
    (3): Tanh()
    (4): Linear(in_features=84, out_features=10, bias=True)
  )
)"""
LENET5_IMPROVED = """\
LeNet5(
  (features): Sequential(
    (0): Conv2d(1, 6, kernel_size=(5, 5), stride=(1, 1))
    (1): ReLU()
    (2): MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)
    (3): Conv2d(6, 16, kernel_size=(5, 5), stride=(1, 1))
    (4): ReLU()
    (5): MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)
  )
  (classifier): Sequential(
    (0): Linear(in_features=400, out_features=120, bias=True)
    (1): ReLU()
    (2): Linear(in_features=120, out_features=84, bias=True)
    (3): ReLU()
    (4): Linear(in_features=84, out_features=10, bias=True)
  )
)"""


def improved():
    return LeNet5(pool=nn.MaxPool2d, activation=nn.ReLU)


def test_lenet5_prints_as_in_the_workshop():
    assert repr(LeNet5()) == LENET5
    assert repr(improved()) == LENET5_IMPROVED


@pytest.mark.parametrize(("make", "parameters"), [(LeNet5, 61_706), (improved, 61_706), (ConvNet, 7_442_314)])
def test_parameters_are_as_many_as_the_docstring_says(make, parameters):
    model = make()
    assert sum(parameter.numel() for parameter in model.parameters()) == parameters
    assert f"{parameters:,} parameters" in model.__doc__


def test_convnet_has_all_but_18816_parameters_in_its_dense_layers():
    assert sum(parameter.numel() for parameter in ConvNet().features.parameters()) == 18_816
    assert "all but 18,816" in ConvNet.__doc__


def lenet5_by_hand(images, weights, pool, activation):
    for layer in ("features.0", "features.3"):
        images = pool(activation(F.conv2d(images, weights[f"{layer}.weight"], weights[f"{layer}.bias"])), 2)
    images = images.flatten(1)
    for layer in ("classifier.0", "classifier.2"):
        images = activation(F.linear(images, weights[f"{layer}.weight"], weights[f"{layer}.bias"]))
    return F.linear(images, weights["classifier.4.weight"], weights["classifier.4.bias"])


@pytest.mark.parametrize(
    ("make", "pool", "activation"), [(LeNet5, F.avg_pool2d, torch.tanh), (improved, F.max_pool2d, torch.relu)]
)
def test_lenet5_computes_what_its_layers_say(make, pool, activation):
    model, images = make(), torch.randn(3, *LeNet5.input_shape)
    torch.testing.assert_close(model(images), lenet5_by_hand(images, model.state_dict(), pool, activation))


def test_convnet_computes_what_the_first_network_of_the_course_computes():
    model, images = ConvNet(), torch.randn(3, *ConvNet.input_shape)
    weights = list(model.state_dict().values())
    hidden = F.max_pool2d(F.conv2d(images, *weights[0:2]).relu(), 2)
    hidden = F.max_pool2d(F.conv2d(hidden, *weights[2:4]).relu(), 2)
    logits = F.linear(F.linear(hidden.view(-1, 5 * 5 * 64), *weights[4:6]).relu(), *weights[6:8])
    torch.testing.assert_close(model(images), logits)


@pytest.mark.parametrize("make", [LeNet5, improved, ConvNet])
@pytest.mark.parametrize("number", [1, 7])
def test_a_batch_gives_ten_logits_for_each_image(make, number):
    model = make()
    assert model(torch.randn(number, *model.input_shape)).shape == (number, 10)


@pytest.mark.parametrize("make", [LeNet5, ConvNet])
def test_the_shapes_in_the_comments_are_those_of_the_layers(make):
    """The comment at the end of a layer's line is the shape that the layer gives."""
    comments = re.findall(r"# N×([\d×]+)$", inspect.getsource(make), flags=re.MULTILINE)
    model, given = make(), []
    for part in (model.features, model.classifier):
        for layer in part:
            layer.register_forward_hook(lambda layer, inputs, output: given.append((layer, tuple(output.shape[1:]))))
    model(torch.randn(2, *model.input_shape))
    shapes = [shape for layer, shape in given if not isinstance(layer, nn.Tanh | nn.ReLU)]
    written = [tuple(map(int, comment.split("×"))) for comment in comments]
    flat = (int(torch.tensor(shapes[3]).prod()),)
    assert written == [model.input_shape, *shapes[:4], flat, *shapes[4:]]


def test_both_lenet5_take_each_others_weights():
    model, other = LeNet5(), improved()
    other.load_state_dict(model.state_dict())
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), other.parameters(), strict=True))


def skeleton():
    return DigitNet(DigitNet.SKELETON)


def best():
    return DigitNet(DigitNet.BEST, separable=True)


DIGITNETS = [DigitNet, skeleton, best, lambda: DigitNet(dropout=0.1), lambda: DigitNet(norm=nn.Identity)]


@pytest.mark.parametrize(("make", "parameters"), [(DigitNet, 7_496), (skeleton, 5_336)])
def test_digitnet_has_the_parameters_of_the_course_and_dropout_adds_none(make, parameters):
    model = make()
    assert sum(parameter.numel() for parameter in model.parameters()) == parameters
    assert "7,496 parameters" in DigitNet.__doc__


@pytest.mark.parametrize("make", DIGITNETS)
def test_digitnet_stays_within_its_budget(make):
    assert sum(parameter.numel() for parameter in make().parameters()) < 8_000


@pytest.mark.parametrize("make", DIGITNETS)
@pytest.mark.parametrize("number", [2, 7])
def test_digitnet_gives_ten_logits_for_each_image_and_learns_with_every_parameter(make, number):
    model = make()
    logits = model(torch.randn(number, *model.input_shape))
    assert logits.shape == (number, 10)
    F.cross_entropy(logits, torch.arange(number)).backward()
    assert all(parameter.grad.count_nonzero() > 0 for parameter in model.parameters())


def test_dropout_follows_every_block_but_the_one_behind_the_pooling():
    """Each layer with the one before it, without the normalisations."""
    model = DigitNet(dropout=0.3)
    layers = [layer for layer in model.modules() if not any(layer.children())]
    names = [type(layer).__name__ for layer in layers if not isinstance(layer, nn.BatchNorm2d)]
    block, pooled = ["Conv2d", "ReLU", "Dropout"], ["Conv2d", "ReLU"]
    expected = [*block, *block, "MaxPool2d", *pooled, *block, *block, *block, "AvgPool2d", *block, "Conv2d"]
    assert names == expected
    assert {layer.p for layer in layers if isinstance(layer, nn.Dropout)} == {0.3}
    assert not any(isinstance(layer, nn.Dropout) for layer in DigitNet().modules())


def test_norm_can_be_left_out():
    model = DigitNet(norm=nn.Identity)
    assert all(isinstance(layer, nn.Conv2d) for layer in model.modules() if [*layer.parameters(recurse=False)])
    assert sum(parameter.numel() for parameter in model.parameters()) == 7_496 - 2 * sum((8, 16, 8, 12, 16, 20, 16))
    assert sum(isinstance(layer, nn.Identity) for layer in model.modules()) == 7


def test_digitnet_computes_what_its_layers_say():
    model, images = DigitNet(norm=nn.Identity), torch.randn(3, *DigitNet.input_shape)
    *blocks, last = model.parameters()
    hidden = images
    for number, weight in enumerate(blocks):
        hidden = F.conv2d(hidden, weight).relu()
        if number == 1:
            hidden = F.max_pool2d(hidden, 2)
        if number == 5:
            hidden = hidden.mean(dim=(2, 3), keepdim=True)
    torch.testing.assert_close(model(images), F.conv2d(hidden, last)[:, :, 0, 0])


def test_each_3x3_convolution_but_the_first_can_filter_the_maps_alone_and_then_mix_them():
    features = list(DigitNet((2, 3, 4, 5, 6, 7, 3), separable=True).features)
    convolutions = [layer for layer in features if isinstance(layer, nn.Conv2d)]
    first, *filters = [layer for layer in convolutions if layer.kernel_size == (3, 3)]
    assert (first.groups, len(filters)) == (1, 4)
    for layer in filters:
        maps, mixing = torch.randn(2, layer.in_channels, 6, 6), features[features.index(layer) + 1]
        filtered = [F.conv2d(maps[:, [i]], layer.weight[[i]]) for i in range(layer.in_channels)]
        mixed = torch.einsum("nihw,oi->nohw", torch.cat(filtered, dim=1), mixing.weight[:, :, 0, 0])
        torch.testing.assert_close(mixing(layer(maps)), mixed)
