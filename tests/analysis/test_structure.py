import pytest
import torch
import torch.nn.functional as F
import torchinfo
import torchsummary
from IPython.lib.pretty import pretty
from torch import nn

from cnncourse.analysis.structure import receptive_field, summary
from cnncourse.models import ConvNet, DigitNet, LeNet5

MODELS = {
    "LeNet5": LeNet5,
    "LeNet5 with max-pooling": lambda: LeNet5(nn.MaxPool2d, nn.ReLU),
    "ConvNet": ConvNet,
    "DigitNet": DigitNet,
    "DigitNet with dropout": lambda: DigitNet(dropout=0.1),
    "DigitNet's skeleton": lambda: DigitNet(DigitNet.SKELETON),
    "DigitNet without norm": lambda: DigitNet(norm=nn.Identity),
}


@pytest.fixture(params=MODELS)
def model(request):
    return MODELS[request.param]()


class Block(nn.Module):
    """A convolution with a skip connection around it."""

    def __init__(self, channels: int):
        super().__init__()
        self.convolution = nn.Conv2d(channels, channels, 3, padding=1)
        self.activation = nn.ReLU()

    def forward(self, images):
        return images + self.activation(self.convolution(images))


# --- summary


def printed_by_torchsummary(model, input_shape, capsys) -> str:
    torchsummary.summary(model, input_shape, batch_size=-1, device="cpu")
    return capsys.readouterr().out


def table(model, input_shape=None) -> str:
    """What `summary` shows but its last line, as it is printed."""
    return repr(summary(model, input_shape)).rpartition("\n")[0] + "\n"


def test_summary_is_what_torchsummary_prints(model, capsys):
    assert table(model) == printed_by_torchsummary(model, model.input_shape, capsys)


@pytest.mark.parametrize("shape", [(1, 28, 28), (1, 40, 33)])
def test_summary_is_what_torchsummary_prints_with_blocks_and_frozen_layers_and_other_shapes(shape, capsys):
    frozen = nn.Conv2d(1, 300, 1).requires_grad_(False)
    model = nn.Sequential(frozen, Block(300), nn.Sequential(Block(300), nn.AdaptiveAvgPool2d(1)), nn.Flatten())
    assert table(model, shape) == printed_by_torchsummary(model, shape, capsys)
    assert "\nNon-trainable params: 600\n" in repr(summary(model, shape))


def test_summary_of_digitnet_is_the_table_of_the_course(golden):
    text = repr(summary(DigitNet(dropout=0.1)))
    golden("digitnet-summary.txt", text[: text.index("Non-trainable params: 0") + len("Non-trainable params: 0")])


def test_summary_counts_as_torchinfo_does(model):
    mine, theirs = summary(model), torchinfo.summary(model, (1, *model.input_shape), verbose=0)
    assert mine.multiply_adds == theirs.total_mult_adds
    assert (mine.parameters, mine.trainable) == (theirs.total_params, theirs.trainable_params)
    assert repr(mine).endswith(f"\nMultiply-adds: {theirs.total_mult_adds:,}")


def test_summary_has_its_table_as_values():
    result = summary(LeNet5())
    assert result.rows[0] == ("Conv2d-1", (6, 28, 28), 156)
    assert result.rows[-1] == ("Linear-11", (10,), 850)
    assert (result.parameters, result.trainable, result.input_shape) == (61_706, 61_706, (1, 32, 32))
    assert pretty(result) == repr(result)


def test_a_layer_that_runs_twice_is_learnt_once_and_computed_twice():
    """torchsummary counts its parameters twice."""
    layer = nn.Conv2d(1, 1, 3, padding=1, bias=False)
    result = summary(nn.Sequential(layer, nn.ReLU(), layer), (1, 5, 5))
    assert [row.parameters for row in result.rows] == [9, 0, 0]
    assert (result.parameters, result.multiply_adds) == (9, 2 * 9 * 25)


def test_parameters_of_any_name_count_and_a_bias_may_be_frozen_alone():
    """torchsummary knows weight and bias only, and takes the bias for frozen when the weight is."""

    class Scale(nn.Module):
        def __init__(self):
            super().__init__()
            self.factor = nn.Parameter(torch.ones(7))
            self.layer = nn.Conv2d(1, 2, 3)
            self.layer.bias.requires_grad_(False)

        def forward(self, images):
            return self.layer(images * self.factor[0])

    result = summary(Scale(), (1, 8, 8))
    assert (result.parameters, result.trainable) == (7 + 18 + 2, 7 + 18)


def test_a_model_without_parameters_and_a_model_that_is_one_layer():
    assert summary(nn.Sequential(nn.Flatten()), (1, 4, 4)).parameters == 0
    assert summary(nn.Conv2d(1, 2, 3), (1, 4, 4)).rows == [("Conv2d-1", (2, 2, 2), 20)]


def test_a_layer_that_always_needs_more_than_one_image():
    """This batch norm has no running statistics: it takes those of the batch also when it only measures."""
    model = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(16, track_running_stats=False))
    assert summary(model, (1, 4, 4)).rows[1] == ("BatchNorm1d-2", (16,), 32)


@pytest.mark.parametrize("analyse", [summary, receptive_field])
def test_the_model_and_the_random_numbers_stay_as_they_are(analyse):
    model = DigitNet(dropout=0.5)
    model.features.eval()
    modes = [layer.training for layer in model.modules()]
    values = {name: value.clone() for name, value in model.state_dict().items()}
    random = torch.get_rng_state()
    analyse(model)
    with torch.inference_mode():
        analyse(model)
    with pytest.raises(ValueError, match="16×16"):
        analyse(model, (1, 16, 16))
    assert [layer.training for layer in model.modules()] == modes
    assert all(torch.equal(values[name], value) for name, value in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random)
    assert all(parameter.grad is None and parameter.requires_grad for parameter in model.parameters())
    assert not any(layer._forward_hooks or layer._forward_pre_hooks for layer in model.modules())


def test_the_images_follow_the_model_to_its_device():
    """On the device "meta", which has shapes but no values, images from the CPU would not fit."""
    seen = set()

    class Spy(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(3, device="meta"))

        def forward(self, images):
            seen.add(images.device.type)
            return images

    assert summary(nn.Sequential(Spy()), (1, 4, 4)).rows == [("Spy-1", (1, 4, 4), 3)]
    assert seen == {"meta"}


@pytest.mark.parametrize("analyse", [summary, receptive_field])
def test_the_tables_do_not_depend_on_the_precision(analyse):
    assert repr(analyse(DigitNet().double())) == repr(analyse(DigitNet()))


# --- receptive_field


def in_the_columns_of_the_document(model) -> list[list[int]]:
    """Nin, Nout, CHin, CHout, padding, kernel, stride, jin, jout, rin, rout for each layer."""
    channels, pixels, _ = model.input_shape
    jump = size = 1
    rows = []
    for row in receptive_field(model):
        shapes = [pixels, row.output, channels, row.channels]
        rows.append([*shapes, row.padding, row.kernel, row.stride, jump, row.jump, size, row.size])
        pixels, channels, jump, size = row.output, row.channels, row.jump, row.size
    return rows


COLUMNS = ["Nin", "Nout", "CHin", "CHout", "padding", "kernel", "stride", "jin", "jout", "rin", "rout"]
DOCUMENT = [
    [28, 26, 1, 8, 0, 3, 1, 1, 1, 1, 3],
    [26, 24, 8, 16, 0, 3, 1, 1, 1, 3, 5],
    [24, 12, 16, 16, 0, 2, 2, 1, 2, 5, 6],
    [12, 12, 16, 8, 0, 1, 1, 2, 2, 6, 6],
    [12, 10, 8, 12, 0, 3, 1, 2, 2, 6, 10],
    [10, 8, 12, 16, 0, 3, 1, 2, 2, 10, 14],
    [8, 6, 16, 20, 0, 3, 1, 2, 2, 14, 18],
    [6, 1, 20, 20, 0, 6, 1, 2, 2, 18, 28],
    [1, 1, 20, 16, 0, 1, 1, 2, 2, 28, 28],
    [1, 1, 16, 10, 0, 1, 1, 2, 2, 28, 28],
]


def test_receptive_field_of_digitnet_is_the_table_of_the_course(golden):
    lines = [COLUMNS, *in_the_columns_of_the_document(DigitNet(dropout=0.1))]
    golden("digitnet-receptive-field.txt", "\n".join(" ".join(f"{cell:>7}" for cell in line) for line in lines))


def test_receptive_field_differs_from_the_document_in_the_stride_of_global_pooling_alone():
    """The document gives its 6×6 average pooling stride 1, and so jump 2 from there on.

    The layer's stride is 6, since a pooling's is its kernel unless it is told otherwise; so the jump is 12. Nothing
    that the network sees depends on it: with a single output pixel there is no neighbour to jump to, and the 1×1
    convolutions after it add (1 - 1)·jump. The field is 18 + (6 - 1)·2 = 28 pixels with either stride: the image,
    exactly.
    """
    rows = zip(in_the_columns_of_the_document(DigitNet()), DOCUMENT, strict=True)
    differences = {
        (place, name): (mine, theirs)
        for place, row in enumerate(rows)
        for name, mine, theirs in zip(COLUMNS, *row, strict=True)
        if mine != theirs
    }
    jumps = {(7, "jout"): (12, 2), (8, "jin"): (12, 2), (8, "jout"): (12, 2), (9, "jin"): (12, 2), (9, "jout"): (12, 2)}
    assert differences == {(7, "stride"): (6, 1), **jumps}
    last = receptive_field(DigitNet())[-1]
    assert (last.start - (last.size - 1) / 2, last.start + (last.size - 1) / 2) == (0, 27)


def test_receptive_field_prints_an_aligned_table():
    assert repr(receptive_field(LeNet5())) == pretty(receptive_field(LeNet5()))
    assert (
        repr(receptive_field(LeNet5()))
        == """\
layer         type       output  channels  kernel  stride  padding  size  jump  start
features.0    Conv2d         28         6       5       1        0     5     1      2
features.2    AvgPool2d      14         6       2       2        0     6     2    2.5
features.3    Conv2d         10        16       5       1        0    14     2    6.5
features.5    AvgPool2d       5        16       2       2        0    16     4    7.5
classifier.0  Linear          1       120       5       1        0    32     4   15.5
classifier.2  Linear          1        84       1       1        0    32     4   15.5
classifier.4  Linear          1        10       1       1        0    32     4   15.5"""
    )


def pixels_that_move(model: nn.Module, name: str, input_shape, place: int, number: int = 30) -> list[int]:
    """First and last row, first and last column of the pixels with a gradient, over random images.

    All weights are positive, so that nothing cancels. A maximum has a gradient in one of its pixels alone: over many
    images it is each of them.
    """
    model.double().eval()
    for parameter in model.parameters():
        nn.init.uniform_(parameter, 0.5, 1.5)
        parameter.data /= parameter[0].numel()
    outputs = []
    hook = model.get_submodule(name).register_forward_hook(lambda layer, given, output: outputs.append(output))
    images = torch.rand(number, *input_shape, dtype=torch.float64, requires_grad=True)
    model(images)
    hook.remove()
    [output] = outputs
    (output[:, :, place, place] if output.ndim == 4 else output).sum().backward()
    moved = images.grad.abs().sum(dim=(0, 1))
    rows, columns = moved.sum(dim=1).nonzero(), moved.sum(dim=0).nonzero()
    return [rows.min().item(), rows.max().item(), columns.min().item(), columns.max().item()]


def pixels_of(row, place: int, pixels: int) -> list[int]:
    """First and last row, first and last column of the pixels that `receptive_field` names."""
    middle, half = row.start + place * row.jump, (row.size - 1) / 2
    return 2 * [max(0, middle - half), min(pixels - 1, middle + half)]


def with_padding():
    layers = [nn.Conv2d(1, 2, 3, padding=1), nn.MaxPool2d(3, stride=2, padding=1), nn.Conv2d(2, 2, 4, padding="same")]
    layers += [nn.Conv2d(2, 3, 3, padding="valid"), nn.AvgPool2d(2, padding=1), nn.ReLU(inplace=True)]
    layers += [nn.AdaptiveAvgPool2d(1), nn.Conv2d(3, 2, 1)]
    model = nn.Sequential(*layers)
    model.input_shape = (1, 21, 21)
    return model


GRADIENTS = [LeNet5, lambda: LeNet5(nn.MaxPool2d, nn.ReLU), DigitNet, with_padding]


@pytest.mark.filterwarnings("ignore:Using padding='same'")  # with an even kernel torch pads one side more, and warns
@pytest.mark.parametrize("make", GRADIENTS)
@pytest.mark.parametrize("corner", ["first", "middle", "last"])
def test_receptive_field_is_where_the_gradient_is(make, corner):
    model = make()
    for row in receptive_field(model):
        place = {"first": 0, "middle": row.output // 2, "last": row.output - 1}[corner]
        moved = pixels_that_move(model, row.layer, model.input_shape, place)
        assert moved == pixels_of(row, place, model.input_shape[1]), row


def random_layer() -> nn.Module:
    """A convolution or pooling of one channel, with all its numbers drawn."""

    def draw(low: int, high: int) -> int:
        return int(torch.randint(low, high + 1, ()))

    kernel, stride, dilation = draw(1, 4), draw(1, 2), draw(1, 3)
    kinds = [
        lambda: nn.Conv2d(1, 1, kernel, stride, padding=draw(0, 3), dilation=dilation),
        lambda: nn.MaxPool2d(kernel, stride, padding=draw(0, kernel // 2), dilation=dilation),
        lambda: nn.AvgPool2d(kernel, stride, padding=draw(0, kernel // 2)),
    ]
    return kinds[draw(0, 2)]()


@pytest.mark.parametrize("seed", range(20))
def test_receptive_field_of_random_layers_is_where_the_gradient_is(seed):
    torch.manual_seed(seed)
    model = nn.Sequential(*(random_layer() for _ in range(3)))
    *_, row = receptive_field(model, (1, 90, 90))
    place = row.output // 2
    expected = pixels_of(row, place, 90)
    assert 0 < expected[0] <= expected[1] < 89  # not cut off by the image's edge
    assert pixels_that_move(model, "2", (1, 90, 90), place, number=150) == expected


class Chain(nn.Module):
    """Two convolutions and a dense layer, with a step of the caller's between the convolutions."""

    def __init__(self, step):
        super().__init__()
        self.first = nn.Conv2d(2, 2, 3, padding=1)
        self.second = nn.Conv2d(2, 2, 3, padding=1)
        self.dense = nn.Linear(128, 2)
        self.step = step

    def forward(self, images):
        return self.dense(self.second(self.step(images, self.first(images))).flatten(1))


STEPS = {
    "skip connection": lambda images, output: images + output,
    "skip connection in place": lambda images, output: output.add_(images),
    "branch": lambda images, output: images,
    "pooling by a function": lambda images, output: F.max_pool2d(output, 3, 1, 1),
    "transposed": lambda images, output: output.transpose(2, 3),
    "other values of the same shape": lambda images, output: output * 1,
}


@pytest.mark.parametrize("step", STEPS)
def test_a_layer_that_does_not_get_the_output_of_the_layer_before(step):
    message = (
        r"second \(Conv2d\) doesn't get the output of first \(Conv2d\): a skip connection, or a step that is no layer"
    )
    with pytest.raises(ValueError, match=message):
        receptive_field(Chain(STEPS[step]), (2, 8, 8))


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_flattening_in_any_way_is_no_step(memory_format):
    model = Chain(lambda images, output: output).to(memory_format=memory_format)
    assert [row.size for row in receptive_field(model, (2, 8, 8))] == [3, 5, 12]
    layers = nn.Sequential(model.first, nn.ReLU(inplace=True), model.second, nn.Flatten(), nn.Dropout(), model.dense)
    assert [row.size for row in receptive_field(layers, (2, 8, 8))] == [3, 5, 12]


def test_a_first_layer_that_changes_the_images_in_place():
    [row] = receptive_field(nn.Sequential(nn.ReLU(inplace=True), nn.Conv2d(1, 1, 3)), (1, 8, 8))
    assert (row.layer, row.size) == ("1", 3)


def test_a_skip_connection_around_a_block_is_found_behind_it():
    with pytest.raises(ValueError, match=r"1 \(Conv2d\) doesn't get the output of 0.activation \(ReLU\)"):
        receptive_field(nn.Sequential(Block(1), nn.Conv2d(1, 1, 3)), (1, 8, 8))


def test_a_dense_layer_on_the_rows_of_a_map_is_not_one_on_the_map():
    class Rows(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer, self.dense = nn.Conv2d(1, 1, 3), nn.Linear(6, 2)

        def forward(self, images):
            return self.dense(self.layer(images).view(-1, 6))

    with pytest.raises(ValueError, match=r"dense \(Linear\) doesn't get the output of layer \(Conv2d\): "):
        receptive_field(Rows(), (1, 8, 8))


def test_a_step_before_the_first_layer_is_found():
    class Halved(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Conv2d(1, 1, 3)

        def forward(self, images):
            return self.layer(F.avg_pool2d(images, 2))

    with pytest.raises(ValueError, match=r"layer \(Conv2d\) doesn't get the images: "):
        receptive_field(Halved(), (1, 8, 8))


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (nn.Upsample(scale_factor=2), r"doesn't know the layer 1, Upsample\(scale_factor=2"),
        (nn.GroupNorm(1, 1), r"1, GroupNorm\(1, 1.*\), takes mean and variance over the whole map"),
        (nn.AdaptiveAvgPool2d(4), r"doesn't know the layer 1, AdaptiveAvgPool2d\(output_size=4\)"),
        (nn.Linear(6, 2), r"doesn't know the layer 1, Linear\(in_features=6"),  # on rows, not on a flattened map
        (nn.Conv2d(1, 1, (3, 1)), r"takes square kernels, but 1 is Conv2d\(1, 1, kernel_size=\(3, 1\)"),
        (nn.MaxPool2d(2, stride=(2, 1)), r"takes square kernels, but 1 is MaxPool2d\(kernel_size=2, stride=\(2, 1\)"),
    ],
)
def test_layers_that_receptive_field_refuses(layer, message):
    with pytest.raises(ValueError, match=message):
        receptive_field(nn.Sequential(nn.Conv2d(1, 1, 3), layer), (1, 8, 8))


def test_images_that_are_not_square():
    with pytest.raises(ValueError, match="takes square images, not 28×20"):
        receptive_field(nn.Sequential(nn.Conv2d(1, 1, 3)), (1, 28, 20))


# --- both


@pytest.mark.parametrize("analyse", [summary, receptive_field])
@pytest.mark.parametrize(("shape", "given"), [(None, "None"), ((28, 28), r"\(28, 28\)")])
def test_images_without_a_shape(analyse, shape, given):
    with pytest.raises(ValueError, match=rf"C×H×W, for example input_shape=\(1, 28, 28\); this is {given}"):
        analyse(nn.Sequential(nn.Conv2d(1, 1, 3)), shape)


@pytest.mark.parametrize("analyse", [summary, receptive_field])
def test_a_map_that_is_smaller_than_a_kernel(analyse):
    with pytest.raises(ValueError, match=r"Layer 2 \(Conv2d\) gets a map of 2×2, too small for a kernel of 3×3"):
        analyse(nn.Sequential(*(nn.Conv2d(1, 1, 3) for _ in range(4))), (1, 6, 6))


@pytest.mark.parametrize("analyse", [summary, receptive_field])
def test_a_layer_that_gives_more_than_one_tensor(analyse):
    model = nn.Sequential(nn.Flatten(2), nn.Flatten(1, 1), nn.LSTM(4, 3))
    with pytest.raises(ValueError, match=r"2 \(LSTM\) gives a tuple, not one tensor"):
        analyse(model, (3, 2, 2))
    assert not any(layer._forward_hooks or layer._forward_pre_hooks for layer in model.modules())
