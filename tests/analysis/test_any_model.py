"""Models that are not plain chains of layers: compiled, made parallel, exported, with weights used by functions."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import parametrizations, prune
from torch.utils.flop_counter import FlopCounterMode

from cnncourse.analysis import diagram, feature_maps, grad_cam, receptive_field, summary

SHAPE = (1, 8, 8)
LOOKS = {
    "summary": lambda model: repr(summary(model, SHAPE)),
    "receptive_field": lambda model: repr(receptive_field(model, SHAPE)),
    "diagram": lambda model: diagram(model, SHAPE).svg,
    "feature_maps": lambda model: feature_maps(model, images()),
    "grad_cam": lambda model: {"heat": grad_cam(model, images())},
}


@pytest.fixture(params=LOOKS)
def look(request):
    return LOOKS[request.param]


def images():
    return torch.randn(3, *SHAPE, generator=torch.Generator().manual_seed(1))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.features = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(3, 4, 2))
        self.head = nn.Linear(16, 5)

    def forward(self, images):
        return self.head(self.features(images).flatten(1))


def compiled(module):
    return torch.compile(module, backend="eager")


def with_compiled_parts(model):
    model.features[0] = compiled(model.features[0])
    model.features = compiled(model.features)
    model.head = compiled(model.head)
    return model


def compiled_in_place(model):
    model.compile(backend="eager")
    model.features.compile(backend="eager")
    return model


def with_parallel_parts(model):
    model.features = nn.DataParallel(model.features)
    return model


def run_before(wrap):
    @torch.no_grad()
    def make(model):
        wrapped = wrap(model)
        wrapped(images())  # what is compiled by then has no hooks
        return wrapped

    return make


WRAPPED = {
    "compiled": compiled,
    "compiled and run": run_before(compiled),
    "compiled parts": with_compiled_parts,
    "compiled parts that ran": run_before(with_compiled_parts),
    "compiled in place": run_before(compiled_in_place),
    "parallel": nn.DataParallel,
    "parallel parts": with_parallel_parts,
    "parallel, of a compiled model": lambda model: nn.DataParallel(compiled(model)),
    "compiled, of a parallel model": lambda model: compiled(nn.DataParallel(model)),
}


@pytest.mark.filterwarnings("ignore::DeprecationWarning:torch")
@pytest.mark.parametrize("name", WRAPPED)
def test_what_is_wrapped_looks_as_the_model_in_it(look, name):
    expected, found = look(Net()), look(WRAPPED[name](Net()))
    if isinstance(expected, str):
        assert found == expected
    else:
        assert list(found) == list(expected)
        assert all(torch.equal(found[key], expected[key]) for key in expected)


@pytest.mark.parametrize("name", ["compiled and run", "compiled in place", "parallel parts"])
def test_a_wrapped_model_works_afterwards_as_before(look, name):
    model = WRAPPED[name](Net())
    before = model(images())
    look(model)
    assert torch.equal(model(images()), before)
    assert not any(layer._forward_hooks or layer._forward_pre_hooks for layer in model.modules())


def exported(model):
    return torch.export.export(model, (images(),)).module()


OPERATIONS = {
    "scripted": lambda: torch.jit.script(Net()),
    "traced": lambda: torch.jit.trace(Net(), images()),
    "a scripted part": lambda: nn.Sequential(torch.jit.script(nn.Conv2d(1, 2, 3)), nn.Flatten()),
    "exported": lambda: exported(Net()),
}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("name", OPERATIONS)
def test_models_without_layers_that_can_be_watched(look, name):
    with pytest.raises(ValueError, match=r"can't be watched: .* Give the model that it was made from"):
        look(OPERATIONS[name]())


def test_a_graph_of_layers_is_a_model():
    assert repr(summary(torch.fx.symbolic_trace(Net()), SHAPE)) == repr(summary(Net(), SHAPE))


def test_layers_without_shapes_yet(look):
    model = nn.Sequential(nn.LazyConv2d(2, 3), nn.Flatten(), nn.LazyLinear(4))
    with pytest.raises(ValueError, match=r"take their shapes from the first batch, .* Run it once before"):
        look(model)
    model(images())
    look(model)


def test_what_is_no_model(look):
    with pytest.raises(TypeError, match=r"not the class Net; Net\(\) is a model"):
        look(Net)
    with pytest.raises(TypeError, match=r"a torch\.nn\.Module, not <class 'function'>"):
        look(lambda images: images)


def test_a_model_that_takes_more_than_images(look):
    class Two(Net):
        def forward(self, images, lengths):
            return super().forward(images)

    with pytest.raises(ValueError, match=r"one batch of images, but Two.forward takes \(images, lengths\): missing"):
        look(Two())


# --- weights that no layer's call uses


class ByFunctions(Net):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(2))
        self.forgotten = nn.Linear(3, 3)

    def forward(self, images):
        kernels = self.features[0].weight.detach().clone()
        maps = F.conv2d(images.to(self.forgotten.weight.device), kernels)
        return self.scale.prod() * self.head(self.features[3](F.max_pool2d(maps, 2)).flatten(1))


def test_a_summary_names_the_parameters_that_its_rows_lack():
    result = summary(ByFunctions(), SHAPE)
    assert result.outside == ("scale", "features.0.weight")
    assert result.unused == ("features.0.bias", "forgotten.weight", "forgotten.bias")
    assert repr(result).endswith(
        f"\nMultiply-adds: {result.multiply_adds:,}, and what is computed outside of layers"
        "\nUsed outside of layers: scale, features.0.weight"
        "\nNot used: features.0.bias, forgotten.weight, forgotten.bias"
    )
    assert result.multiply_adds == (12 * 4 + 4) * 4 + 16 * 5 + 5
    assert f"at least {result.multiply_adds} multiply-adds" in diagram(ByFunctions(), SHAPE).text


def test_a_long_list_of_such_parameters_is_cut():
    model = nn.Sequential(nn.Flatten())
    model.forward = lambda images: images.flatten(1)
    for number in range(5):
        model.add_module(f"layer{number}", nn.Linear(2, 2))
    assert repr(summary(model, SHAPE)).endswith(", layer2.weight, layer2.bias and 4 more")


def test_a_receptive_field_would_lack_a_row():
    class Last(Net):
        def forward(self, images):
            return F.conv2d(self.features[0](images), self.features[3].weight)

    with pytest.raises(
        ValueError, match=r"features\.3\.weight is used outside of layers, so the table would lack a row"
    ):
        receptive_field(Last(), SHAPE)


def test_a_model_that_calls_none_of_its_layers():
    model = Net()
    model.forward = lambda images: F.conv2d(images, model.features[0].weight).flatten(1)
    for look in (feature_maps, grad_cam):
        with pytest.raises(ValueError, match="Net calls no layer that it is made of, so there are no maps to keep"):
            look(model, images())


# --- counting


def weight_norm(model):
    parametrizations.weight_norm(model.features[0])
    parametrizations.spectral_norm(model.head)
    return model


def pruned(model):
    prune.l1_unstructured(model.features[0], "weight", 0.5)
    return model


@pytest.mark.parametrize("change", [weight_norm, pruned])
def test_weights_that_are_made_of_others_count_as_they_are_used(change):
    plain, changed = summary(Net(), SHAPE), summary(change(Net()), SHAPE)
    assert changed.multiply_adds == plain.multiply_adds
    assert [row[:2] for row in changed.rows] == [row[:2] for row in plain.rows]
    assert changed.parameters == sum(parameter.numel() for parameter in change(Net()).parameters())
    assert sum(row.parameters for row in changed.rows) == changed.parameters
    assert receptive_field(change(Net()), SHAPE) == receptive_field(Net(), SHAPE)
    assert list(feature_maps(change(Net()), images())) == list(feature_maps(Net(), images()))


class Rows(nn.Module):
    """A dense layer on the pixels of each row."""

    def __init__(self):
        super().__init__()
        self.dense = nn.Linear(8, 3, bias=False)

    def forward(self, images):
        return self.dense(images)


COUNTED = {
    "convolution": lambda: nn.Conv2d(1, 4, 3, stride=2, padding=1, bias=False),
    "groups": lambda: nn.Sequential(nn.Conv2d(1, 4, 1, bias=False), nn.Conv2d(4, 8, 3, groups=2, bias=False)),
    "transposed": lambda: nn.ConvTranspose2d(1, 3, 4, stride=2, bias=False),
    "one-dimensional": lambda: nn.Sequential(nn.Flatten(2), nn.Conv1d(1, 3, 5, bias=False)),
    "dense": lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 7, bias=False)),
    "dense on rows": Rows,
}


@pytest.mark.parametrize("name", COUNTED)
def test_multiply_adds_are_half_of_torch_s_operations(name):
    model = COUNTED[name]()
    with FlopCounterMode(display=False) as counter:
        model(torch.zeros(1, *SHAPE))
    assert summary(model, SHAPE).multiply_adds == counter.get_total_flops() / 2 > 0


@pytest.mark.parametrize("make", [Net, lambda: compiled(Net()), ByFunctions])
def test_a_model_is_run_once(make):
    runs = []
    model = make()
    hook = getattr(model, "_orig_mod", model).register_forward_hook(lambda *_: runs.append(1))
    for look in (summary, diagram):
        look(model, SHAPE)
    hook.remove()
    assert len(runs) == 2


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_and_layouts(look, dtype):
    expected, found = look(Net()), look(Net().to(dtype).to(memory_format=torch.channels_last))
    if isinstance(expected, str):
        assert found == expected
    else:
        for key, value in expected.items():
            torch.testing.assert_close(found[key].float(), value, rtol=0.05, atol=0.02)


def test_random_steps_of_a_model_leave_torch_s_random_numbers_alone(look):
    class Noisy(Net):
        def forward(self, images):
            return super().forward(images) + torch.rand(1)

    model = Noisy()
    before = torch.get_rng_state()
    look(model)
    assert torch.equal(before, torch.get_rng_state())


def test_parts_of_a_receptive_field_are_tables_too():
    fields = receptive_field(Net(), SHAPE)
    assert [row.layer for row in fields[2:]] == ["features.3", "head"]
    assert repr(fields[2:]).startswith("layer       type    output")
    assert fields[-1].layer == "head"
