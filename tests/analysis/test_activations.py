import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cnncourse.analysis import feature_maps, grad_cam
from cnncourse.models import CifarNet, DigitNet, LeNet5, ResidualCifarNet, SeminarCNN, SeminarMLP


@pytest.fixture(params=[LeNet5, DigitNet, lambda: CifarNet(dropout=0.5), ResidualCifarNet, SeminarCNN])
def model(request):
    torch.manual_seed(0)
    return request.param()


def images_for(model, number=3):
    return torch.randn(number, *model.input_shape, generator=torch.Generator().manual_seed(1))


class Pooled(nn.Module):
    """Convolutions, global average pooling and one dense layer: the networks that CAM is made for."""

    input_shape = (3, 16, 12)

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 5, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(5, 7, 3))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.dense = nn.Linear(7, 4)

    def forward(self, images):
        return self.dense(self.pool(self.features(images)).flatten(1))


# --- feature_maps


@torch.no_grad()
def test_the_last_feature_map_is_the_answer_and_each_comes_from_the_one_before(model):
    images = images_for(model)
    maps = feature_maps(model, images)
    model.eval()
    torch.testing.assert_close([*maps.values()][-1].flatten(1), model(images))
    layers = dict(model.named_modules())
    before = images
    for name, output in maps.items():
        if "Residual" not in type(model).__name__:  # there a sum lies between
            given = before.flatten(1) if isinstance(layers[name], nn.Linear) else before
            torch.testing.assert_close(layers[name](given), output)
        before = output


def test_names_and_shapes_of_lenet5():
    model = LeNet5(nn.MaxPool2d, nn.ReLU)
    shapes = {name: tuple(output.shape) for name, output in feature_maps(model, images_for(model, 2)).items()}
    expected = {
        "features.0": (2, 6, 28, 28),
        "features.1": (2, 6, 28, 28),
        "features.2": (2, 6, 14, 14),
        "features.3": (2, 16, 10, 10),
        "features.4": (2, 16, 10, 10),
        "features.5": (2, 16, 5, 5),
        "classifier.0": (2, 120),
        "classifier.1": (2, 120),
        "classifier.2": (2, 84),
        "classifier.3": (2, 84),
        "classifier.4": (2, 10),
    }
    assert list(shapes.items()) == list(expected.items())


def test_a_residual_block_is_a_layer_with_its_sum():
    model = ResidualCifarNet().eval()
    maps = feature_maps(model, images_for(model))
    block = next(name for name, layer in model.named_modules() if type(layer).__name__ == "Residual")
    names = list(maps)
    inside = [name for name in names if name.startswith(f"{block}.")]
    before = names[names.index(inside[0]) - 1]
    torch.testing.assert_close(maps[block], maps[before] + maps[inside[-1]])
    assert "features" not in maps


def test_layers_that_work_in_place_change_nothing_that_was_kept():
    convolution = nn.Conv2d(1, 4, 3)
    model = nn.Sequential(convolution, nn.ReLU(inplace=True), nn.Dropout(0.5, inplace=True))
    images = torch.randn(2, 1, 6, 6)
    maps = feature_maps(model, images)
    torch.testing.assert_close(maps["0"], convolution(images).detach())
    assert (maps["0"] < 0).any()
    assert torch.equal(maps["1"], maps["0"].relu())
    first_in_place = nn.Sequential(nn.ReLU(inplace=True), convolution)
    given = images.clone()
    feature_maps(first_in_place, given)
    assert torch.equal(given, images)


def test_a_layer_that_runs_again_has_its_number():
    relu = nn.ReLU()
    model = nn.Sequential()
    for name, layer in {"first": nn.Conv2d(1, 2, 3), "relu": relu, "second": nn.Conv2d(2, 2, 3), "again": relu}.items():
        model.add_module(name, layer)
    maps = feature_maps(model, torch.randn(1, 1, 9, 9))
    assert list(maps) == ["first", "relu", "second", "relu (2)"]
    assert torch.equal(maps["relu (2)"], maps["second"].relu())
    assert grad_cam(model.append(nn.Flatten()), torch.randn(1, 1, 9, 9)).shape == (1, 9, 9)


# --- grad_cam


def grad_cam_by_hand(model, images, layer, target):
    """From the whole graph, by `backward`, image by image: weights are means of gradients, the sum is cut at 0."""
    heat = []
    for image, label in zip(images, target, strict=True):
        kept = []
        hook = model.get_submodule(layer).register_forward_hook(
            lambda module, given, output, kept=kept: kept.append(output)
        )
        logits = model(image[None].requires_grad_())
        hook.remove()
        kept[0].retain_grad()
        logits[0, label].backward()
        maps, gradients = kept[0][0].detach(), kept[0].grad[0]
        weighted = sum(gradients[channel].mean() * maps[channel] for channel in range(len(maps)))
        heat.append(F.interpolate(weighted.clamp(min=0)[None, None], image.shape[1:], mode="bilinear")[0, 0])
    model.zero_grad()
    return torch.stack(heat)


LAYERS = [
    (lambda: LeNet5(nn.MaxPool2d, nn.ReLU), "features.5"),
    (DigitNet, "features.7"),
    (CifarNet, "features.27"),
    (ResidualCifarNet, "features.7"),
]


@pytest.mark.parametrize(("make", "layer"), LAYERS)
def test_grad_cam_is_what_is_computed_by_hand(make, layer):
    torch.manual_seed(0)
    model = make().eval()
    images, target = images_for(model), torch.tensor([3, 0, 9])
    expected = grad_cam_by_hand(model, images, layer, target)
    assert expected.max() > 0
    torch.testing.assert_close(grad_cam(model, images, layer, target), expected)


def test_grad_cam_is_cam_up_to_relu_and_a_constant():
    """CAM adds the maps with the weights of the dense layer after the pooling (Zhou et al., 2016)."""
    torch.manual_seed(0)
    model = Pooled()
    images = images_for(model)
    maps = feature_maps(model, images)["features.3"]  # 3×7×5×3
    for label in range(4):
        cam = torch.einsum("c,nchw->nhw", model.dense.weight[label].detach(), maps).relu()
        cam = F.interpolate(cam[:, None], (16, 12), mode="bilinear")[:, 0]
        assert cam.max() > 0
        torch.testing.assert_close(grad_cam(model, images, target=label) * maps[0, 0].numel(), cam)


def test_by_default_it_is_the_last_layer_with_maps_and_the_predicted_class(model):
    images = images_for(model)
    maps = feature_maps(model, images)
    last = [name for name, output in maps.items() if output.ndim == 4 and output.shape[2] > 1][-1]
    predicted = [*maps.values()][-1].flatten(1).argmax(dim=1)
    heat = grad_cam(model, images)
    assert heat.shape == (3, *images.shape[2:])
    assert heat.min() >= 0
    assert torch.equal(heat, grad_cam(model, images, last, predicted))


def test_each_image_has_its_own_map_whatever_else_is_in_the_batch():
    torch.manual_seed(0)
    model = DigitNet()  # in training its batch norm would mix the images
    images = images_for(model)
    torch.testing.assert_close(grad_cam(model, images)[:1], grad_cam(model, images[:1]))


def test_a_log_softmax_at_the_end_is_left_out():
    """Its gradient would be that of log p, which is almost nothing where the network is sure."""
    torch.manual_seed(0)
    model = SeminarCNN()
    images = images_for(model)
    with torch.no_grad():
        model[5][0].weight *= 1000  # now it is sure
    without = SeminarCNN()
    without.load_state_dict(model.state_dict())
    without[5][1] = nn.Identity()
    heat = grad_cam(model, images)
    assert heat.max() > 1
    assert torch.equal(heat, grad_cam(without, images))
    assert torch.equal(heat, grad_cam(nn.Sequential(without, nn.Softmax(dim=1)), images))


def test_frozen_parameters_and_modes_without_gradients_are_no_obstacle():
    torch.manual_seed(0)
    model = LeNet5()
    images = images_for(model)
    heat = grad_cam(model, images)
    with torch.no_grad():
        assert torch.equal(grad_cam(model, images), heat)
    with torch.inference_mode():
        assert torch.equal(grad_cam(model, images * 1), heat)
    assert torch.equal(grad_cam(model.requires_grad_(False), images), heat)
    assert not heat.requires_grad


def test_a_layer_before_one_that_works_in_place():
    torch.manual_seed(0)
    layers = [nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3)]
    images = torch.randn(2, 1, 6, 6)
    expected = grad_cam(nn.Sequential(*layers), images, "0")
    layers[1] = nn.ReLU(inplace=True)
    assert torch.equal(grad_cam(nn.Sequential(*layers), images, "0"), expected)


class Ending(nn.Module):
    """Convolutions and a dense layer, with a last step; it is very sure of its answers."""

    def __init__(self, end, number=4):
        super().__init__()
        torch.manual_seed(0)
        self.softmax = nn.Softmax(dim=1)  # before the others in named_modules
        self.features = nn.Sequential(nn.Conv2d(1, 6, 3), nn.ReLU())
        self.dense = nn.Linear(6 * 16, number)
        self.dense.weight.data *= 400
        self.end = end

    def forward(self, images):
        return self.end(self, self.dense(self.features(images).flatten(1)))


ENDS = {
    "F.softmax": lambda model, logits: F.softmax(logits, 1),
    "F.log_softmax": lambda model, logits: F.log_softmax(logits, dim=-1),
    "Tensor.log_softmax": lambda model, logits: logits.log_softmax(1),
    "torch.softmax in another precision": lambda model, logits: torch.softmax(logits, 1, dtype=torch.float64),
    "a layer that was made first": lambda model, logits: model.softmax(logits),
    "a layer in a Sequential": lambda model, logits: nn.Sequential(nn.Identity(), nn.LogSoftmax(1))(logits),
    "on maps of one pixel, flattened": lambda model, logits: F.log_softmax(logits[:, :, None, None], 1).flatten(1),
    "squeezed": lambda model, logits: F.softmax(logits[:, :, None, None], 1).squeeze(-1).squeeze(-1),
    "picked": lambda model, logits: F.softmax(logits[:, :, None, None], 1)[:, :, 0, 0],
    "transposed": lambda model, logits: F.softmax(logits.T, 0).T.contiguous(),
    "log of softmax": lambda model, logits: model.softmax(logits).log(),
    "log of softmax and a little": lambda model, logits: torch.log(F.softmax(logits, 1) + 1e-8),
    "log of softmax, not too small": lambda model, logits: F.softmax(logits, 1).clamp(min=1e-7).log(),
    "exp of log_softmax": lambda model, logits: F.log_softmax(logits, 1).exp(),
    "softmax twice": lambda model, logits: F.log_softmax(model.softmax(logits), 1),
    "sigmoid": lambda model, logits: torch.sigmoid(logits),
    "F.logsigmoid": lambda model, logits: F.logsigmoid(logits),
}


@pytest.mark.parametrize("name", ENDS)
def test_whatever_makes_probabilities_is_left_out(name):
    images = torch.randn(5, 1, 6, 6, generator=torch.Generator().manual_seed(2))
    plain, model = Ending(lambda model, logits: logits), Ending(ENDS[name])
    target = plain(images).argmax(dim=1)
    expected = grad_cam(plain, images, target=target)
    assert expected.amax(dim=(1, 2)).min() > 1
    assert torch.equal(grad_cam(model, images, target=target), expected)
    if "sigmoid" not in name:  # behind it, several answers may be the largest
        assert torch.equal(grad_cam(model, images), expected)


def test_a_trained_network_has_the_maps_of_the_same_one_without_softmax():
    torch.manual_seed(0)
    images, labels = torch.randn(200, 1, 6, 6), torch.arange(200) % 2
    images[labels == 1, :, :3] += 2
    model = Ending(lambda model, logits: F.log_softmax(logits, 1), 2)
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    for _ in range(30):
        F.nll_loss(model(images), labels).backward()
        optimizer.step()
        optimizer.zero_grad()
    assert (model(images).argmax(dim=1) == labels).float().mean() > 0.95
    heat = grad_cam(model, images)
    model.end = lambda model, logits: logits
    assert torch.equal(heat, grad_cam(model, images))


@pytest.mark.parametrize(
    "end",
    [
        lambda model, logits: logits.exp().clamp(max=3),  # no probabilities: the steps are the network's own
        lambda model, logits: logits.abs().log(),
        lambda model, logits: (logits.softmax(1) * torch.arange(4.0)).flip(1),
    ],
)
def test_steps_that_make_no_probabilities_are_a_part_of_the_network(end):
    model = Ending(end)
    model.dense.weight.data /= 400
    images = torch.randn(3, 1, 6, 6)
    target = torch.tensor([0, 1, 2])
    expected = grad_cam_by_hand(model, images, "features.1", target)
    torch.testing.assert_close(grad_cam(model, images, "features.1", target), expected)


def test_a_softmax_inside_a_network_stays():
    class Gated(Ending):
        def forward(self, images):
            maps = self.features(images)
            return self.dense((maps * maps.mean((2, 3), keepdim=True).softmax(1)).flatten(1))

    model, images = Gated(None), torch.randn(3, 1, 6, 6)
    expected = grad_cam_by_hand(model, images, "features.1", torch.tensor([0, 1, 2]))
    torch.testing.assert_close(grad_cam(model, images, "features.1", torch.tensor([0, 1, 2])), expected)


@pytest.mark.parametrize(
    "end",
    [
        lambda model, logits: (F.softmax(logits, 1) + F.softmax(logits / 2, 1)) / 2,
        lambda model, logits: logits - logits.logsumexp(1, keepdim=True),
    ],
)
def test_probabilities_of_unknown_origin_are_refused(end):
    with pytest.raises(ValueError, match="the model's answers are probabilities, and it can't be seen how"):
        grad_cam(Ending(end), torch.randn(3, 1, 6, 6))


@pytest.mark.parametrize(
    ("end", "found"),
    [
        (lambda model, logits: (logits, logits), "a tuple"),
        (lambda model, logits: {"logits": logits}, "a dict"),
        (lambda model, logits: logits[:, 0], "3"),
        (lambda model, logits: logits[:, :, None, None], "3×4×1×1"),
        (lambda model, logits: logits.view(-1, 2), "6×2"),
    ],
)
def test_answers_that_are_not_one_for_each_class(end, found):
    with pytest.raises(ValueError, match=f"for 3 images Ending gives {found}$"):
        grad_cam(Ending(end), torch.randn(3, 1, 6, 6))


def test_a_layer_that_the_answer_does_not_depend_on():
    model = Ending(lambda model, logits: logits)
    model.forward = lambda images: (model.features(images), model.dense(images.flatten(1).repeat(1, 3)[:, :96]))[1]
    for frozen in (False, True):
        with pytest.raises(ValueError, match=r"do not depend on what layer 'features\.1' gives"):
            grad_cam(model.requires_grad_(not frozen), torch.randn(3, 1, 6, 6))


def test_a_network_that_needs_more_than_one_image():
    layers = [nn.Conv2d(1, 2, 3), nn.Flatten(), nn.BatchNorm1d(32, track_running_stats=False), nn.Linear(32, 3)]
    assert grad_cam(nn.Sequential(*layers), torch.randn(3, 1, 6, 6)).shape == (3, 6, 6)


def test_layers_that_there_are_not():
    model = LeNet5()
    known = "In this model: features.0, features.1, features.2, features.3, features.4, features.5"
    for layer in ("features.6", "classifier.0", "features"):
        with pytest.raises(ValueError, match=f"'{layer}' is no layer that gives maps of more than one pixel. {known}"):
            grad_cam(model, images_for(model), layer)
    with pytest.raises(ValueError, match="In this model: none"):
        grad_cam(SeminarMLP(), torch.randn(1, 1, 28, 28))


def test_classes_that_there_are_not():
    model = LeNet5()
    for target in (10, torch.tensor([0, -1, 2])):
        with pytest.raises(ValueError, match="the model has 10 classes, so labels go from 0 to 9"):
            grad_cam(model, images_for(model), target=target)
    with pytest.raises(ValueError, match=r"target is one class, or one for each of the 3 images, not 2"):
        grad_cam(model, images_for(model), target=torch.tensor([0, 1]))


# --- both


@pytest.mark.parametrize("look", [feature_maps, grad_cam])
def test_the_model_stays_as_it_is(look):
    model = DigitNet(dropout=0.5)
    model.features.eval()
    modes = [layer.training for layer in model.modules()]
    values = {name: value.clone() for name, value in model.state_dict().items()}
    random = torch.get_rng_state()
    look(model, torch.randn(4, 1, 28, 28, generator=torch.Generator().manual_seed(0)))
    with pytest.raises(ValueError, match="DigitNet takes images of 1×28×28, but this batch has images of 1×32×32"):
        look(model, torch.zeros(4, 1, 32, 32))
    assert [layer.training for layer in model.modules()] == modes
    assert all(torch.equal(values[name], value) for name, value in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random)
    assert all(parameter.grad is None and parameter.requires_grad for parameter in model.parameters())
    assert not any(layer._forward_hooks or layer._forward_pre_hooks for layer in model.modules())


@pytest.mark.parametrize("look", [feature_maps, grad_cam])
def test_a_layer_that_gives_more_than_one_tensor(look):
    model = nn.Sequential(nn.Flatten(2), nn.Flatten(1, 1), nn.LSTM(4, 3))
    with pytest.raises(ValueError, match=r"2 \(LSTM\) gives a tuple, not one tensor"):
        look(model, torch.zeros(1, 3, 2, 2))


@pytest.mark.parametrize("look", [feature_maps, grad_cam])
def test_one_image_is_no_batch(look):
    with pytest.raises(ValueError, match=r"a batch of images is N×C×H×W, but this is 1×32×32"):
        look(LeNet5(), torch.zeros(1, 32, 32))


@pytest.mark.parametrize("look", [feature_maps, grad_cam])
@pytest.mark.parametrize(
    ("images", "message"),
    [
        (torch.full((2, 1, 32, 32), 255, dtype=torch.uint8), "these are uint8 images; .* normalised, as a Loader"),
        (torch.zeros(2, 1, 32, 32, dtype=torch.int64), "these are int64 images; "),
        (torch.zeros(2, 1, 32, 32, dtype=torch.bool), "these are bool images; "),
        (torch.linspace(0, 255, 2048).view(2, 1, 32, 32), "these are images with values from 0 to 255; "),
        (torch.linspace(3, 90, 2048).view(2, 1, 32, 32).double(), "these are images with values from 3 to 90; "),
        (torch.full((2, 1, 32, 32), float("nan")), "values that are infinite or no numbers"),
        (torch.full((2, 1, 32, 32), float("inf")), "values that are infinite or no numbers"),
        (torch.zeros(0, 1, 32, 32), "this batch has no images"),
    ],
)
def test_images_that_are_not_normalised(look, images, message):
    with pytest.raises(ValueError, match=message):
        look(LeNet5(), images)


@pytest.mark.parametrize("look", [feature_maps, grad_cam])
@pytest.mark.parametrize("images", [torch.zeros(1, 1, 32, 32), torch.linspace(-99, 99, 1024).view(1, 1, 32, 32)])
def test_images_of_any_other_range(look, images):
    look(LeNet5(), images)


@pytest.mark.parametrize("look", [feature_maps, grad_cam])
def test_what_is_no_tensor(look):
    with pytest.raises(TypeError, match="give a batch of images as a tensor N×C×H×W, not a list"):
        look(LeNet5(), [torch.zeros(1, 32, 32)])
