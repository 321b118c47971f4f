"""Networks in the browser: the file that Python writes, and what real Chromium computes from it, against torch."""

import base64
import copy
import json
import os

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from exported import Plain, prepared_for, randomised
from torch import nn

from cnncourse.data import CLASSES, STATISTICS, ImageSet, Preprocessing, load
from cnncourse.experiments import RECIPES, trained
from cnncourse.models import CifarNet, DigitNet, LeNet5, SeminarCNN, group_norm
from cnncourse.pad import JS, export_web, web_network
from cnncourse.settings import files

KEPT = [name for name in RECIPES if (files("recipes") / "weights" / f"{name}.pt").exists()]


def images_of(model):
    return prepared_for(*getattr(model, "input_shape", (1, 8, 8)))


def network_of(model, **options):
    return web_network(model, preprocessing=images_of(model), **options)


def values(text):
    return np.frombuffer(base64.b64decode(text), dtype="<f4")


def by_name(network):
    return {layer["name"]: layer for layer in network["layers"]}


# ── The file ──


def test_a_file_tells_all_that_the_page_needs(tmp_path):
    model = randomised(DigitNet(DigitNet.BEST, separable=True))
    path = export_web(model, tmp_path / "new" / "digitnet.json", preprocessing=images_of(model), title="My “Netz”")
    network = json.loads(path.read_text(encoding="utf8"))
    assert network == network_of(model, title="My “Netz”")
    assert {key: network[key] for key in network if key != "layers"} == {
        "format": "cnncourse-network",
        "version": 1,
        "name": "My “Netz”",
        "parameters": 7772,
        "input": {"shape": [1, 28, 28], "mean": [0.1307], "std": [0.3081]},
        "classes": list("0123456789"),
        "temperature": 1.0,
        "sure": 0.0,
    }
    assert [layer["type"] for layer in network["layers"]].count("Conv2d") == 12
    assert "BatchNorm2d" not in [layer["type"] for layer in network["layers"]]
    assert network["layers"][0] | {"weight": "", "bias": ""} == {
        "name": "features.0",
        "type": "Conv2d",
        "inputs": ["input"],
        "shape": [8, 26, 26],
        "kernel_size": [3, 3],
        "stride": [1, 1],
        "padding": [0, 0],
        "dilation": [1, 1],
        "groups": 1,
        "weight": "",
        "bias": "",
        "batch_norm": "features.1",
    }
    depthwise = by_name(network)["features.3"]
    assert depthwise["groups"] == 8
    assert "bias" not in depthwise
    assert "batch_norm" not in depthwise


@pytest.mark.parametrize("data", CLASSES)
def test_the_images_give_statistics_and_classes(data, monkeypatch):
    monkeypatch.setenv("CNNCOURSE_QUICK", "1")
    images = load(data, "train").resize(2)
    model = nn.Sequential(nn.Flatten(), nn.Linear(images.images.shape[1] * 4, 10))
    network = web_network(model, preprocessing=images)
    assert (network["name"], network["classes"]) == ("Sequential", list(CLASSES[data]))
    assert (network["input"]["mean"], network["input"]["std"]) == tuple(map(list, STATISTICS[data]))
    assert web_network(model, preprocessing=images.preprocessing) == network
    model.preprocessing = images.preprocessing
    assert web_network(model) == network
    assert web_network(nn.DataParallel(model)) == network
    model.preprocessing = nn.Identity()  # a layer of that name says nothing
    with pytest.raises(ValueError, match="is not known"):
        web_network(model)


@pytest.mark.parametrize(
    ("shape", "classes"),
    [
        ((1, 28, 28), "ab"),
        ((1, 5, 9), ["one"]),
        ((3, 32, 32), ["Ankle boot", "数字"]),
        ((3, 7, 64), [str(number) for number in range(200)]),
    ],
    ids=str,
)
def test_any_images_of_ones_own(shape, classes):
    own = prepared_for(*shape, classes)
    model = nn.Sequential(
        nn.Conv2d(shape[0], 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, len(own.classes))
    )
    network = web_network(model, preprocessing=own)
    assert network["input"]["shape"] == list(shape)
    assert network["classes"] == list(own.classes)


def test_numbers_of_numpy_are_written_as_pythons():
    own = Preprocessing(tuple("ab"), (np.float32(0.5),), (np.float64(0.25),), (np.int64(8), 8))
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 2))
    network = json.loads(json.dumps(web_network(model, preprocessing=own)))
    assert network["input"] == {"shape": [1, 8, 8], "mean": [0.5], "std": [0.25]}


def test_temperature_and_the_probability_of_a_sure_answer_are_written_as_numbers(tmp_path):
    model = randomised(LeNet5())
    options = {"temperature": np.float32(1.5), "sure": np.float64(0.75)}
    path = export_web(model, tmp_path / "network.json", preprocessing=images_of(model), **options)
    network = json.loads(path.read_text(encoding="utf8"))
    assert (network["temperature"], network["sure"]) == (1.5, 0.75)
    assert network | {"temperature": 1, "sure": 0} == network_of(model), "the layers are not touched"


def test_a_model_carries_its_temperature_along():
    model = randomised(LeNet5())
    model.temperature, model.sure = 2.5, 0.75
    network = network_of(model)
    assert (network["temperature"], network["sure"]) == (2.5, 0.75)
    network = network_of(model, temperature=1, sure=0)
    assert (network["temperature"], network["sure"]) == (1, 0)


WRONG_SURENESS = [
    *[({"temperature": value}, "temperature must be a finite") for value in (0, -1, np.inf, np.nan, "1", 2j)],
    *[({"sure": value}, "sure must be a probability") for value in (-0.1, 1, 50, np.nan, "0.5")],
]


@pytest.mark.parametrize(("options", "message"), WRONG_SURENESS, ids=str)
def test_no_other_temperature_or_probability_is_written(options, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        network_of(LeNet5(), **options)
    with pytest.raises(ValueError, match=message):
        export_web(LeNet5(), tmp_path / "network.json", preprocessing=images_of(LeNet5()), **options)
    assert list(tmp_path.iterdir()) == []


def test_a_title_is_written_as_text():
    assert network_of(LeNet5(), title=3)["name"] == "3"


def test_weights_are_torchs_own():
    model = randomised(LeNet5())
    layer = by_name(network_of(model))["classifier.2"]
    assert np.array_equal(values(layer["weight"]).reshape(84, 120), model.classifier[2].weight.detach().numpy())
    assert np.array_equal(values(layer["bias"]), model.classifier[2].bias.detach().numpy())


def test_batch_norm_is_folded_into_the_convolution_before_it():
    convolution, norm = nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4, eps=0.1)
    model = randomised(nn.Sequential(convolution, nn.Dropout2d(), norm, nn.Flatten(), nn.Linear(4 * 36, 10)))
    folded = copy.deepcopy(convolution).double()
    layer = network_of(model)["layers"][0]
    folded.weight.data = torch.from_numpy(values(layer["weight"]).copy()).view_as(convolution.weight).double()
    folded.bias.data = torch.from_numpy(values(layer["bias"]).copy()).double()
    images = torch.randn(3, 1, 8, 8, dtype=torch.float64)
    expected = copy.deepcopy(norm).double().eval()(copy.deepcopy(convolution).double()(images))
    torch.testing.assert_close(folded(images), expected, rtol=1e-6, atol=1e-6)


class TwiceUsed(nn.Module):
    def __init__(self):
        super().__init__()
        self.convolution, self.norm, self.last = nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Linear(2 * 36, 10)

    def forward(self, x):
        x = self.convolution(x)
        self.norm(x).relu()  # leads nowhere
        return self.last((self.norm(x) + x).flatten(1))


def test_batch_norm_is_not_folded_where_the_convolution_is_needed_as_it_is():
    layers = network_of(randomised(TwiceUsed()))["layers"]
    assert [(layer["name"], layer["type"]) for layer in layers] == [
        ("convolution", "Conv2d"),
        ("norm (2)", "BatchNorm2d"),
        ("add", "Add"),
        ("flatten", "Flatten"),
        ("last", "Linear"),
    ]
    assert layers[2]["inputs"] == ["norm (2)", "convolution"]


def test_dropout_and_identity_vanish():
    with_all = DigitNet(dropout=0.3, norm=nn.Identity)
    types = {layer["type"] for layer in network_of(with_all)["layers"]}
    assert types == {"Conv2d", "ReLU", "MaxPool2d", "AvgPool2d", "Flatten"}


def test_names_of_a_model_of_ones_own():
    layers = network_of(randomised(Plain()))["layers"]
    names = "first relu max_pool2d again relu_1 add again_(2) tanh leaky_relu add_1 avg_pool2d adaptive_avg_pool2d"
    names += " sigmoid view dense dense_norm relu_2 reshape last log_softmax"
    assert [layer["name"].replace(" ", "_") for layer in layers] == names.split()
    assert [layer["name"] for layer in layers if "batch_norm" in layer] == ["again"]


@pytest.mark.parametrize(
    "model", [Plain(), SeminarCNN(), CifarNet(group_norm, dropout=0.5)], ids=lambda m: type(m).__name__
)
def test_the_model_stays_as_it_is(model):
    model = randomised(model).double().train()
    model.requires_grad_(False)
    first = next(iter(model.parameters())).requires_grad_(True)
    first.grad = torch.ones_like(first)
    next(model.children()).eval()
    before, modes = copy.deepcopy(model.state_dict()), [layer.training for layer in model.modules()]
    random = torch.get_rng_state()
    network_of(model)
    assert torch.equal(torch.get_rng_state(), random)
    assert [layer.training for layer in model.modules()] == modes
    assert [parameter.requires_grad for parameter in model.parameters()].count(True) == 1
    assert torch.equal(first.grad, torch.ones_like(first))
    for name, value in model.state_dict().items():
        assert value.dtype == before[name].dtype if isinstance(value, torch.Tensor) else value == before[name]
        assert not isinstance(value, torch.Tensor) or torch.equal(value, before[name])


@pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated")  # torch.compile asks for it itself
def test_a_compiled_model_is_written_as_the_model_in_it():
    model = randomised(LeNet5())
    assert web_network(torch.compile(model), preprocessing=images_of(model)) == network_of(model)


def test_a_model_in_training_is_written_as_it_predicts():
    model = randomised(DigitNet(dropout=0.5))
    assert network_of(model.train()) == network_of(model.eval())


def test_a_file_appears_whole_or_not_at_all(tmp_path, monkeypatch):
    path = export_web(LeNet5(), tmp_path / "network.json", preprocessing=prepared_for(1, 32, 32))
    before = path.read_bytes()
    with pytest.raises(ValueError, match="the page can't run"):
        export_web(nn.Sequential(nn.Flatten(), nn.Linear(784, 10), nn.GELU()), path, preprocessing=prepared_for())

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match=r"network\.json can't be written: No space left on device"):
        export_web(SeminarCNN(), path, preprocessing=prepared_for())
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("path", ["", ".", "/"])
def test_a_path_without_a_name_is_refused(path):
    with pytest.raises(ValueError, match=r"is not the name of a file; give one, for example network\.json"):
        export_web(LeNet5(), path, preprocessing=prepared_for(1, 32, 32))


# ── What can't be written ──


class Does(nn.Module):
    """A model that does with its maps what a test gives it."""

    input_shape = (1, 8, 8)

    def __init__(self, what, *layers):
        super().__init__()
        self.what, self.layers, self.last = what, nn.ModuleList(layers), nn.Linear(64, 10)
        self.factor = nn.Parameter(torch.tensor(2.0))

    def forward(self, x):
        return self.last(self.what(self, x).flatten(1))


def features(*layers):
    """A model of these layers whose output has 10 numbers."""
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d((2, 5)), nn.Flatten())


def added_in_place(model, x):
    maps = shortcut = x.relu()
    maps += x.tanh()  # changes the shortcut too
    return maps + shortcut


class TwoOutputs(Does):
    def __init__(self):
        super().__init__(lambda model, x: x)

    def forward(self, x):
        return super().forward(x), x


UNSUPPORTED = {
    "layer": (
        features(nn.Conv2d(1, 1, 1), nn.GELU()),
        r"can't run 1 \(GELU\)\. Use layers that it can run.*: Conv2d, Linear",
    ),
    "inner layer": (features(nn.Sequential(nn.ConvTranspose2d(1, 1, 2))), r"can't run 0\.0 \(ConvTranspose2d\)"),
    "operation": (Does(lambda m, x: torch.cat([x, x])[::2]), "can't run the operation cat"),
    "method": (Does(lambda m, x: x.permute(0, 1, 3, 2)), "can't run the operation permute"),
    "number": (Does(lambda m, x: x + 1), "can't run the operation add as it is here"),
    "product": (Does(lambda m, x: x * m.factor), "can't run the operation factor"),
    "another sum": (Does(lambda m, x: torch.add(x, x, alpha=2)), "can't run the operation add as it is here"),
    "sum of two shapes": (Does(lambda m, x: x + F.adaptive_avg_pool2d(x, 1)), r"adds 1×8×8 and 1×1×1; give both"),
    "view": (Does(lambda m, x: x.view(-1, 1, 64, 1)), "view as it is here: it does something else than Flatten"),
    "condition": (Does(lambda m, x: x if x.mean() > 0 else -x), "steps of forward can't be written down.*control flow"),
    "length": (Does(lambda m, x: x if len(x) > 1 else -x), "steps of forward can't be written down.*'len'"),
    "dropout": (Does(lambda m, x: F.dropout(x, 0.1)), "operation dropout.*give it training=self.training"),
    "in place": (
        Does(lambda m, x: (y := m.layers[0](x)) + m.layers[1](y), nn.Tanh(), nn.ReLU(inplace=True)),
        "in place",
    ),
    "added in place": (Does(added_in_place), "a change in place"),
    "padding": (features(nn.Conv2d(1, 1, 3, padding=1, padding_mode="reflect")), r'0 \(Conv2d\).*padding_mode="zeros"'),
    "even padding": (features(nn.Conv2d(1, 1, 2, padding="same")), 'with padding="same" its kernel must be odd'),
    "ceil_mode": (features(nn.MaxPool2d(3, ceil_mode=True)), r"0 \(MaxPool2d\).*make it with ceil_mode=False"),
    "ceil_mode of a function": (Does(lambda m, x: F.avg_pool2d(x, 1, ceil_mode=True)), "avg_pool2d.*ceil_mode=False"),
    "divisor": (features(nn.AvgPool2d(2, divisor_override=3)), "divisor_override"),
    "indices": (Does(lambda m, x: F.max_pool2d(x, 1, return_indices=True)[0]), "can't run the operation"),
    "statistics": (features(nn.BatchNorm2d(1, track_running_stats=False)), "make it with track_running_stats=True"),
    "softmax": (nn.Sequential(features(), nn.LogSoftmax(dim=0)), r"1 \(LogSoftmax\).*dim=0; make it with dim=1"),
    "softmax of maps": (nn.Sequential(nn.Softmax(dim=1), features()), r"0 \(Softmax\).*put nn.Flatten\(\) before it"),
    "dense on maps": (features(nn.Linear(8, 4)), r"0 \(Linear\).*put nn.Flatten\(\) before it"),
    "columns": (nn.Sequential(nn.Flatten(1, 2), nn.Flatten(), nn.Linear(64, 10)), r"0 \(Flatten\).*let nn.Flatten\(\)"),
    "pool of columns": (
        nn.Sequential(nn.Flatten(2), nn.MaxPool2d((1, 2)), nn.Flatten(), nn.Linear(32, 10)),
        r"0 \(Flatten\).*let nn.Flatten\(\) flatten everything",
    ),
    "norm of columns": (
        nn.Sequential(nn.Conv2d(1, 2, 1), nn.Flatten(2), nn.GroupNorm(2, 2), nn.Flatten(), nn.Linear(128, 10)),
        r"1 \(Flatten\).*neither maps C×H×W nor a list of numbers",
    ),
    "maps as output": (nn.Conv2d(1, 10, 8), r"returns 2×10×1×1, but .* it must be 2×10\. Change its last layers"),
    "too few outputs": (nn.Sequential(nn.Flatten(), nn.Linear(64, 3)), "returns 2×3, but"),
    "two outputs": (TwoOutputs(), "returns a tuple, but"),
}


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize(("model", "message"), UNSUPPORTED.values(), ids=UNSUPPORTED)
def test_what_the_page_cannot_run_is_named(model, message):
    with pytest.raises(ValueError, match=message):
        network_of(model)


class OtherConvolution(nn.Conv2d):
    def forward(self, x):
        return super().forward(x * 2)


def test_a_layer_with_a_forward_of_its_own_is_not_taken_for_torchs():
    with pytest.raises(ValueError, match="can't run the operation mul"):
        network_of(features(OtherConvolution(1, 1, 3)))


def test_a_hook_that_changes_the_output_is_noticed():
    model = LeNet5()
    model.register_forward_hook(lambda layer, inputs, output: output * 2)
    with pytest.raises(ValueError, match="a hook, or a change in place"):
        network_of(model)


def test_a_model_without_weights_or_with_nan_is_refused():
    model = DigitNet()
    model.features[1].running_var[3] = torch.nan
    with pytest.raises(ValueError, match=r"features\.1\.running_var has numbers that are infinite or NaN"):
        network_of(model)
    model = LeNet5().double()
    model.classifier[4].weight.data[0, 0] = 1e300  # finite, but not as the file's float32
    with pytest.raises(ValueError, match=r"classifier\.4\.weight has numbers that are infinite"):
        network_of(model)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    nn.init.constant_(model[1].weight, 3e38)  # finite, but not its sums
    with pytest.raises(ValueError, match=r"the model's answer is not a number\. Train it again"):
        network_of(model)
    with pytest.raises(ValueError, match=r"0\.weight has no shape yet"):
        network_of(features(nn.LazyConv2d(3, 3)))


ROOM = nn.Sequential(nn.AdaptiveAvgPool2d((2, 5)), nn.Flatten())


@pytest.mark.parametrize(
    ("model", "preprocessing", "error", "message"),
    [
        (ROOM, None, ValueError, "how the images of Sequential are prepared is not known.*Say it with preprocessing="),
        (ROOM, "MNIST", TypeError, "a Preprocessing or an ImageSet, .*this is a str"),
        (ROOM, {"classes": ["a"]}, TypeError, "this is a dict"),
        (ROOM, (1, 28, 28), TypeError, "this is a tuple"),
        (lambda images: images, prepared_for(), TypeError, "an nn.Module, not a function"),
        (LeNet5(), prepared_for(), ValueError, "LeNet5 takes images of 1×32×32, but .*1×28×28"),
        (CifarNet(), prepared_for(1, 32, 32), ValueError, "CifarNet takes images of 3×32×32, but .*1×32×32"),
        (ROOM, prepared_for(4), ValueError, r"takes images of 4×28×28, but the pad has grey ones \(1×H×W\)"),
        (ROOM, prepared_for(2), ValueError, "takes images of 2×28×28"),
        (
            ROOM,
            prepared_for(classes="ab"),
            ValueError,
            "returns 2×10, but its images have 2 classes",
        ),
        (
            nn.Sequential(nn.Flatten(), nn.Linear(64, 10)),
            prepared_for(1, 9, 9),
            ValueError,
            "can't take images of 1×9×9",
        ),
    ],
)
def test_how_images_are_prepared_must_be_known_and_fit(model, preprocessing, error, message):
    with pytest.raises(error, match=message):
        web_network(model, preprocessing=preprocessing)


def test_numbers_that_no_page_could_read_are_refused():
    for values, message in (
        ({"std": (0.0,)}, "the std of a channel is 0"),
        ({"mean": (float("nan"),)}, "the mean of each channel must be a number"),
        ({"classes": ("a", "")}, "each class needs a name"),
    ):
        images = torch.zeros(1, 1, 8, 8, dtype=torch.uint8)
        wrong = {"classes": ("a", "b"), "mean": (0.1,), "std": (0.3,)} | values
        if "classes" not in values:  # an ImageSet has no such mean or std itself
            with pytest.raises(ValueError, match="must be finite"):
                ImageSet(images, torch.tensor([0]), **wrong)
        with pytest.raises(ValueError, match=message):
            web_network(ROOM, preprocessing=Preprocessing(**wrong, size=(8, 8)))


# ── The browser ──

RUN = """async ([images, kept]) => {
    const file = document.querySelector("input").files[0];
    const network = cnncourse.readNetwork(JSON.parse(await file.text()));
    const bytes = Uint8Array.from(atob(images), letter => letter.charCodeAt(0));
    const length = network.inputShape.reduce((a, b) => a * b);
    const found = { about: { ...network, run: null }, logits: [], probabilities: [], outputs: [] };
    for (let start = 0; start < bytes.length; start += length) {
        const { outputs, logits, probabilities } = network.run(bytes.subarray(start, start + length));
        found.logits.push([...logits]);
        found.probabilities.push([...probabilities]);
        if (start < kept * length) found.outputs.push(outputs.map(output => ({ ...output, data: [...output.data] })));
    }
    return JSON.stringify(found);
}"""


@pytest.fixture(scope="module")
def page(browser):
    page = browser.new_page()
    page.set_content("<input type=file>")
    page.add_script_tag(path=JS / "network.js")
    yield page
    page.close()


@pytest.fixture
def in_browser(page, tmp_path):
    def run(model, images, kept=0, **options):
        """What the page finds in a model's file, and computes from uint8 images: logits, and `kept` images' maps."""
        page.set_input_files("input", export_web(model, tmp_path / "network.json", **options))
        return json.loads(page.evaluate(RUN, [base64.b64encode(images.numpy().tobytes()).decode(), kept]))

    return run


def maps_of(model, network, images):
    """What each layer of a file gives in torch, by hooks on the modules of its name."""
    outputs, hooks = {}, []
    for name, layer in model.named_modules():
        keep = lambda layer, inputs, output, name=name: outputs.__setitem__(name, output.detach().clone())  # noqa: E731
        hooks.append(layer.register_forward_hook(keep))
    with torch.no_grad():
        model.eval()(images)
    for hook in hooks:
        hook.remove()
    output = images
    for layer in network["layers"]:
        name = layer.get("batch_norm", layer["name"])
        if layer["type"] == "Add":  # of a residual block
            name = layer["inputs"][1].rpartition(".")[0]
        output = outputs[name] if name in outputs else output.flatten(1)
        yield layer, output


@pytest.mark.parametrize("name", KEPT)
def test_the_page_computes_what_torch_computes(name, in_browser, monkeypatch):
    """Every layer of every network that comes with its weights; tests/js has other networks, and each layer alone."""
    monkeypatch.setenv("CNNCOURSE_QUICK", "1")
    model = trained(name)
    images = load(RECIPES[name].data, "test").resize(model.input_shape[1]).images[:100]
    network, found = web_network(model), in_browser(model, images, kept=3)
    batch = model.preprocessing.normalise(images)
    with torch.no_grad():
        logits = model(batch)
    difference = (torch.tensor(found["logits"]) - logits).abs().max().item()
    print(f"{name}: the largest difference of a logit is {difference:.1e}")
    assert difference < 1e-4
    torch.testing.assert_close(
        torch.tensor(found["probabilities"]), (logits / model.temperature).softmax(1), rtol=0, atol=1e-5
    )
    assert found["about"]["parameters"] == sum(parameter.numel() for parameter in model.parameters())
    for image, outputs in enumerate(found["outputs"]):
        for (layer, expected), output in zip(maps_of(model, network, batch[image][None]), outputs, strict=True):
            assert output["shape"] == layer["shape"] == list(expected.shape[1:])
            assert (output["name"], output["type"]) == (layer["name"], layer["type"])
            difference = (torch.tensor(output["data"]) - expected.flatten()).abs().max()
            assert difference < 1e-4, (layer["name"], image)
