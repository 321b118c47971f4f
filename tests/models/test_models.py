import inspect
import re
from functools import partial
from itertools import groupby

import pytest
import torch
import torch.nn.functional as F
import torchinfo
from torch import nn

from cnncourse._checks import forward
from cnncourse.analysis import summary
from cnncourse.models import (
    CifarNet,
    ConvNet,
    DigitNet,
    GroupNorm,
    LeNet5,
    ResidualCifarNet,
    SeminarCNN,
    SeminarMLP,
    group_norm,
    layer_norm,
)
from cnncourse.train import predict

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


@pytest.mark.parametrize(
    ("make", "parameters"),
    [
        (LeNet5, 61_706),
        (improved, 61_706),
        (ConvNet, 7_442_314),
        (ResidualCifarNet, 47_674),
        (SeminarCNN, 224_838),
        (SeminarMLP, 226_910),
        (CifarNet, 46_202),
    ],
)
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


def test_digitnets_weights_can_be_drawn_in_another_way():
    """He's, after whose paper nn.init.kaiming_normal_ is named, have the variance 2 / (inputs of an output)."""
    torch.manual_seed(0)
    widths = (64, 64, 64, 64, 64, 64, 64)
    model = DigitNet(widths, norm=nn.Identity, initialise=nn.init.kaiming_normal_)
    for layer in (layer for layer in model.modules() if isinstance(layer, nn.Conv2d)):
        inputs = layer.weight[0].numel()
        assert layer.weight.std().item() == pytest.approx((2 / inputs) ** 0.5, rel=0.15)
    assert sum(map(torch.numel, model.parameters())) == sum(
        map(torch.numel, DigitNet(widths, nn.Identity).parameters())
    )


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


def as_the_document_prints(model) -> str:
    """torchinfo's table, in the words of the version of 2023: the model's name, and M for millions."""
    text = str(torchinfo.summary(model, (1, *model.input_shape), verbose=0))
    text = text.replace("(Units.MEGABYTES)", "(M)").replace(f"\n{type(model).__name__:<40}", f"\n{'Model':<40}")
    return text[: text.index("\nInput size (MB)")]


@pytest.mark.parametrize("make", [SeminarCNN, SeminarMLP])
def test_the_seminars_networks_are_the_tables_of_the_course(make, golden):
    golden(f"{make.__name__.lower()}-summary.txt", as_the_document_prints(make()))


@pytest.mark.parametrize("make", [SeminarCNN, SeminarMLP])
def test_the_seminars_networks_give_log_probabilities_which_are_logits_too(make):
    model, labels = make(), torch.arange(3)
    outputs = model(torch.randn(3, *model.input_shape))
    torch.testing.assert_close(outputs.exp().sum(dim=1), torch.ones(3))
    torch.testing.assert_close(outputs.softmax(dim=1), outputs.exp())
    torch.testing.assert_close(F.cross_entropy(outputs, labels), F.nll_loss(outputs, labels))


def test_the_seminars_networks_have_nearly_the_same_parameters_but_not_the_same_work():
    cnn, mlp = summary(SeminarCNN()), summary(SeminarMLP())
    assert (cnn.multiply_adds, mlp.multiply_adds) == (9_583_974, mlp.parameters)
    assert f"{cnn.multiply_adds:,} multiply-adds" in SeminarCNN.__doc__
    assert f"{mlp.parameters / cnn.parameters - 1:.1%}" == "0.9%"
    assert round(cnn.multiply_adds / mlp.multiply_adds) == 42


def test_seminarcnn_computes_what_its_layers_say():
    model, images = SeminarCNN(), torch.randn(3, *SeminarCNN.input_shape)
    weights = list(model.parameters())
    hidden = images
    for number in range(4):
        hidden = F.leaky_relu(F.conv2d(hidden, *weights[2 * number : 2 * number + 2]), 0.2)
        if number in (1, 3):
            hidden = F.max_pool2d(hidden, 2)
    hidden = F.leaky_relu(F.linear(hidden.reshape(3, 512), *weights[8:10]), 0.2)
    torch.testing.assert_close(model(images), F.log_softmax(F.linear(hidden, *weights[10:]), dim=1))


def test_seminarmlp_computes_what_its_layers_say():
    model, images = SeminarMLP(), torch.randn(3, *SeminarMLP.input_shape)
    *hidden_layers, weight, bias = model.parameters()
    hidden = images.reshape(3, 784)
    for number in range(3):
        hidden = F.leaky_relu(F.linear(hidden, *hidden_layers[2 * number : 2 * number + 2]), 0.2)
    torch.testing.assert_close(model(images), F.log_softmax(F.linear(hidden, weight, bias), dim=1))


NORMS = {"batch": nn.BatchNorm2d, "group": group_norm, "layer": layer_norm}


def test_cifarnet_is_the_table_of_the_course(golden):
    """Its rows and totals. The document lost the rule above the totals, and a space before Conv2d-23."""
    golden("cifarnet-summary.txt", repr(summary(CifarNet())).rpartition("\n")[0])


@pytest.mark.parametrize("norm", NORMS)
def test_cifarnet_has_as_many_parameters_with_each_norm(norm):
    """The document prints the table with batch norm only."""
    result = summary(CifarNet(NORMS[norm]))
    kind = "BatchNorm2d" if norm == "batch" else "GroupNorm"
    assert [row.parameters for row in result.rows if row.name.startswith(kind)] == [32, 64, 32, 64, 64, 64, 64]
    assert result.parameters == 46_202


def test_a_layer_norm_that_learns_two_numbers_for_each_pixel_has_four_times_the_parameters():
    rows = summary(CifarNet(nn.Identity)).rows
    shapes = [row.output_shape for row in rows if row.name.startswith("Identity")]
    norms = sum(parameter.numel() for shape in shapes for parameter in nn.LayerNorm(shape).parameters())
    assert sum(row.parameters for row in rows) + norms == 191_482
    assert "191,482 parameters" in layer_norm.__doc__


def test_cifarnet_computes_what_its_layers_say():
    model, images = CifarNet(nn.Identity).eval(), torch.randn(2, *CifarNet.input_shape)
    weights = iter(model.parameters())

    def convolve(maps, padding=0):
        return F.conv2d(maps, next(weights), next(weights), padding=padding)

    hidden = images
    for blocks in (2, 3):
        for _ in range(blocks):
            hidden = convolve(hidden, padding=1).relu()
        hidden = F.max_pool2d(convolve(hidden), 2)
    hidden = convolve(convolve(hidden, padding=1).relu()).relu()
    hidden = convolve(convolve(hidden).mean(dim=(2, 3), keepdim=True))
    torch.testing.assert_close(model(images), hidden[:, :, 0, 0])


def test_each_3x3_convolution_of_cifarnet_but_the_last_is_followed_by_relu_norm_and_dropout():
    layers = list(CifarNet(layer_norm, dropout=0.3).features)
    for layer, *after in zip(layers, layers[1:], layers[2:], layers[3:], strict=False):
        if isinstance(layer, nn.Conv2d) and layer.kernel_size == (3, 3):
            assert [type(item) for item in after] == [nn.ReLU, GroupNorm, nn.Dropout]
    assert {layer.p for layer in layers if isinstance(layer, nn.Dropout)} == {0.3}


def test_group_norm_normalises_the_groups_of_each_image_and_layer_norm_the_image():
    maps = 5 + 3 * torch.randn(2, 6, 4, 3)
    for layer, groups in ((group_norm(6, groups=3), 3), (layer_norm(6), 1)):
        by_hand = maps.reshape(2, groups, -1)
        variance, mean = torch.var_mean(by_hand, dim=2, keepdim=True, correction=0)
        by_hand = (by_hand - mean) / (variance + 1e-5).sqrt()
        torch.testing.assert_close(layer(maps), by_hand.reshape(maps.shape))
    torch.testing.assert_close(layer_norm(6)(maps), F.layer_norm(maps, (6, 4, 3)))


@pytest.mark.parametrize("groups", [5, 32, 0, -4])
def test_groups_that_do_not_divide_the_channels(groups):
    with pytest.raises(ValueError, match=f"16 channels can't be divided into {groups} equal groups"):
        CifarNet(norm=partial(group_norm, groups=groups))


STUDIES = {"cnn": SeminarCNN, "mlp": SeminarMLP, "residual": ResidualCifarNet}
STUDIES |= {norm: lambda norm=norm: CifarNet(NORMS[norm]) for norm in NORMS}


@pytest.mark.parametrize("study", STUDIES)
@pytest.mark.parametrize("number", [1, 5])
def test_the_studies_networks_give_ten_logits_for_each_image_and_learn_with_every_parameter(study, number):
    model = STUDIES[study]()
    logits = model(torch.randn(number, *model.input_shape))
    assert logits.shape == (number, 10)
    F.cross_entropy(logits, torch.arange(number)).backward()
    assert all(parameter.grad.count_nonzero() > 0 for parameter in model.parameters())


@pytest.mark.parametrize("make", STUDIES.values())
def test_a_wrong_image_size_or_a_wrong_number_of_channels_is_named(make):
    model = make()
    with pytest.raises(ValueError, match=f"{type(model).__name__} takes images of {model.input_shape[0]}×"):
        forward(model, torch.zeros(2, 2, 30, 30))


def test_an_image_of_another_size_is_refused_even_where_the_layers_could_take_it():
    larger = torch.zeros(1, 3, 40, 40)
    assert CifarNet()(larger.expand(2, 3, 40, 40)).shape == (2, 10)
    with pytest.raises(ValueError, match="CifarNet takes images of 3×32×32, but this batch has images of 3×40×40"):
        predict(CifarNet(), larger)


def test_the_residual_network_computes_what_its_layers_say():
    model, images = ResidualCifarNet().eval(), torch.randn(2, *ResidualCifarNet.input_shape)
    for number, buffer in enumerate(model.buffers()):  # running means and variances that are not 0 and 1
        if buffer.is_floating_point():
            buffer.copy_(torch.rand_like(buffer) + 0.5 * (number % 2))
    state = iter(model.state_dict().values())

    def take(number):
        return [next(state) for _ in range(number)]

    def normalise(maps):
        weight, bias, mean, variance, _ = take(5)
        return F.batch_norm(maps, mean, variance, weight, bias).relu()

    def block(maps, stride=1):
        depthwise, pointwise = take(2)
        return normalise(F.conv2d(F.conv2d(maps, depthwise, None, stride, 1, groups=maps.shape[1]), pointwise))

    hidden = normalise(F.conv2d(images, *take(1), padding=1))
    for _ in range(2):
        hidden = block(hidden, stride=2)
        for _ in range(3):
            hidden = hidden + block(hidden)
    torch.testing.assert_close(model(images), F.linear(hidden.mean(dim=(2, 3)), take(1)[0].flatten(1), take(1)[0]))


def test_the_residual_network_stays_within_its_budget():
    assert sum(parameter.numel() for parameter in ResidualCifarNet().parameters()) < 50_000


@pytest.mark.parametrize("make", [SeminarCNN, SeminarMLP, CifarNet])
def test_the_comments_name_each_shape_on_the_way(make):
    comments = re.findall(r"# N×([\d×]+)", inspect.getsource(make))
    written = [tuple(map(int, comment.split("×"))) for comment in comments]
    shapes = [make.input_shape, *(row.output_shape for row in summary(make()).rows)]
    assert [shape for shape, _ in groupby(written)] == [shape for shape, _ in groupby(shapes)]
