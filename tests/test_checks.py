"""Models, losses, optimizers and schedulers that do not belong together are told in the reader's words."""

import copy
import warnings
from collections import namedtuple
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.optim.lr_scheduler import (
    ChainedScheduler,
    CosineAnnealingLR,
    CyclicLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    OneCycleLR,
    ReduceLROnPlateau,
    SequentialLR,
    StepLR,
)

from cnncourse.analysis import confusion_matrix, misclassified
from cnncourse.models import CifarNet, ConvNet, DigitNet, LeNet5, ResidualCifarNet, SeminarCNN, SeminarMLP
from cnncourse.train import evaluate, fit, loss_batch, predict

IMAGES = torch.randn(12, 1, 4, 4, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(12) % 3
BATCHES = [(IMAGES, LABELS)]


def make_model(*more: nn.Module) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(16, 3), *more)


def sgd(model: nn.Module, **options) -> torch.optim.SGD:
    return torch.optim.SGD(model.parameters(), **{"lr": 0.1} | options)


def train(model, optimizer=None, epochs=1, **options):
    return fit(model, BATCHES, optimizer=sgd(model) if optimizer is None else optimizer, epochs=epochs, **options)


class Gives(nn.Module):
    """A network whose output is changed by a function."""

    def __init__(self, function):
        super().__init__()
        self.layers, self.function = make_model(), function

    def forward(self, images):
        return self.function(self.layers(images))


Outputs = namedtuple("Outputs", "logits hidden")
BAD_OUTPUTS = {
    "nothing": (lambda y: None, "gave nothing: its forward needs a return"),
    "tuple": (lambda y: (y, y), "gave a tuple of 2: let it return the logits alone"),
    "list": (lambda y: [y], "gave a list of 1"),
    "named tuple": (lambda y: Outputs(y, y), "gave a Outputs of 2"),
    "dict": (lambda y: {"logits": y, "loss": 0}, "gave a dict with the keys logits, loss: let it return the logits"),
    "array": (lambda y: y.detach().numpy(), "gave a ndarray"),
    "squeezed": (lambda y: y[:, :1].squeeze(), r"gave 12, a single number for an image: two classes need two"),
    "one number": (lambda y: y.sum(), "gave one number, a single number"),
    "not flattened": (lambda y: y[:, :, None, None], r"gave 12×3×1×1: let it end in .*nn\.Flatten\(\)"),
    "maps": (lambda y: y[:, :, None, None].expand(-1, -1, 2, 2), "gave 12×3×2×2: let it end in nn.AdaptiveAvgPool2d"),
    "other rows": (lambda y: y.view(-1, 2), "gave 18 rows for 12 images of 1×4×4: .*view.*mixes them"),
    "turned": (lambda y: y.T, "gave 3 rows for 12 images"),
    "the first only": (lambda y: y[:1], "gave 1 row for 12 images"),
    "classes": (lambda y: y.argmax(1), "gave 12, a single number"),
    "one-hot classes": (lambda y: F.one_hot(y.argmax(1), 3), "gave numbers of type int64: take its argmax away"),
    "softmax": (lambda y: y.softmax(1), "gave probabilities: take the softmax at its end away"),
    "sharp softmax": (lambda y: (9 * y).softmax(1), "gave probabilities"),
    "softmax in halves": (lambda y: y.bfloat16().softmax(1), "gave probabilities"),
}


@pytest.mark.parametrize("name", BAD_OUTPUTS)
def test_a_model_that_gives_no_logits(name):
    function, message = BAD_OUTPUTS[name]
    model = Gives(function)
    before = copy.deepcopy(model.state_dict())
    for look in (train, lambda model: evaluate(model, BATCHES), lambda model: predict(model, IMAGES)):
        with pytest.raises(ValueError, match=f"a network gives logits, N×classes, .*this Gives {message}"):
            look(model)
    for look in (misclassified, confusion_matrix):
        with pytest.raises(ValueError, match="this Gives"):
            look(model, BATCHES)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_a_squeeze_of_a_batch_of_one_image():
    with pytest.raises(ValueError, match=r"gave 3, without an axis for the images: squeeze\(\) takes it away"):
        predict(Gives(torch.squeeze), IMAGES[:1])


def test_a_single_column():
    """Its softmax is 1 for every image."""
    model = Gives(lambda y: y[:, :1])
    with pytest.warns(UserWarning, match="the model gives a single number for an image: two classes need two"):
        assert (predict(model, BATCHES) == 1).all()
    for look in (misclassified, confusion_matrix):
        with (
            pytest.warns(UserWarning, match="each probability is 1"),
            pytest.raises(ValueError, match="a single number for an image"),
        ):
            look(model, BATCHES)
    for look in (train, lambda model: evaluate(model, BATCHES)):
        with pytest.raises(ValueError, match=r"a single number for an image.*this batch has labels from 0 to 2"):
            look(model)


@pytest.mark.parametrize(
    "make", [lambda: make_model(nn.Softmax(1)), lambda: nn.DataParallel(make_model(nn.Softmax(dim=1)))]
)
def test_a_softmax_is_noticed_for_one_image_too(make):
    with pytest.raises(ValueError, match="this Sequential gave probabilities"):
        predict(make(), IMAGES[:1])


@pytest.mark.parametrize(
    "logits",
    [
        torch.eye(4),
        torch.eye(4)[[0, 0, 1]],
        torch.zeros(3, 4),
        torch.ones(3, 4),
        torch.tensor([[0.5, 0.5, 0, 0], [3.0, -1, 0, 0]]),
        torch.tensor([[2.0, -1, 0, 0], [0.5, 0.5, 0, 0]]),
        torch.randn(5, 4).log_softmax(1),
        torch.randn(5, 4).log_softmax(1).double(),
        torch.rand(5, 4) + 1,
    ],
)
def test_logits_are_not_taken_for_probabilities(logits):
    expected = logits.softmax(1)
    torch.testing.assert_close(predict(nn.Flatten(), logits[:, None, None]), expected, check_dtype=False)


@pytest.mark.parametrize("number", [1, 2, 50])
def test_no_network_of_the_course_is_taken_for_one_with_a_softmax(number):
    """Whatever its weights and however many images."""
    for seed in range(5):
        torch.manual_seed(seed)
        for model in (LeNet5(), ConvNet(), DigitNet(), SeminarCNN(), SeminarMLP(), CifarNet(), ResidualCifarNet()):
            assert len(predict(model, torch.randn(number, *model.input_shape))) == number


def test_an_answer_that_is_not_a_number():
    model = make_model()
    images = IMAGES.clone()
    images[3, 0, 2, 1] = torch.nan
    for look in (predict, misclassified, confusion_matrix):
        with pytest.raises(FloatingPointError, match="answer is not a number: its weights, or these images, are not"):
            look(model, [(images, LABELS)])
    with pytest.raises(FloatingPointError, match="because the images of this batch are not all finite numbers"):
        evaluate(model, [(images, LABELS)])
    with torch.no_grad():
        model[1].weight[0] = torch.nan
    with pytest.raises(FloatingPointError, match=r"loss is nan, because the model's answer .*its weights are not all"):
        evaluate(model, BATCHES)


@pytest.mark.parametrize(
    "make",
    [LeNet5, ConvNet, DigitNet, SeminarCNN, SeminarMLP, CifarNet, ResidualCifarNet],
    ids=lambda kind: kind.__name__,
)
def test_one_image_without_a_batch(make):
    model = make()
    shape = model.input_shape
    message = rf"a batch of images is N×C×H×W, but this is {shape[0]}×{shape[1]}×{shape[2]}; image\[None\] is a batch"
    with pytest.raises(ValueError, match=message):
        predict(model, torch.randn(shape))
    with pytest.raises(ValueError, match=message):
        predict(model, [torch.randn(shape)])


def test_images_without_an_axis():
    pooled = nn.Sequential(nn.Conv2d(3, 3, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    with pytest.raises(ValueError, match=r"this is 3×8×8; image\[None\]"):
        predict(pooled, torch.randn(3, 8, 8))
    with pytest.raises(ValueError, match=r"this is 60×28×28; images\[:, None\] gives grey images their channel"):
        predict(ConvNet(), torch.randn(60, 28, 28))
    with pytest.raises(ValueError, match=r"this is 28×28; image\[None, None\]"):
        predict(DigitNet(), torch.randn(28, 28))


@pytest.mark.parametrize("norm", [nn.BatchNorm2d, partial(nn.InstanceNorm2d, affine=True)])
def test_a_last_batch_of_one_image(norm):
    model = nn.Sequential(nn.Conv2d(1, 3, 4), norm(3), nn.Flatten())
    batches = (
        [(IMAGES[:11], LABELS[:11]), (IMAGES[11:], LABELS[11:])]
        if norm is nn.BatchNorm2d
        else [(IMAGES[11:], LABELS[11:])]
    )
    with pytest.raises(ValueError, match=r"can't learn from a batch of one image.*drop_last=True, or a batch size"):
        fit(model, batches, optimizer=sgd(model), epochs=1)


def test_a_layer_that_is_made_in_forward_is_named_by_its_class():
    class Model(nn.Module):
        def forward(self, images):
            return nn.MaxPool2d(4)(nn.AvgPool2d(2)(images))

    with pytest.raises(ValueError, match=r"^Layer MaxPool2d gets a map of 2×2, too small for a kernel of 4×4\. Give"):
        predict(Model(), IMAGES)


# --- losses ---


BAD_LOSSES = {
    "a class": (
        nn.CrossEntropyLoss,
        TypeError,
        r"the class CrossEntropyLoss itself: make one of it, CrossEntropyLoss\(\)",
    ),
    "none": (nn.CrossEntropyLoss(reduction="none"), ValueError, "reduction='none', but the loss must be the mean"),
    "sum": (nn.CrossEntropyLoss(reduction="sum"), ValueError, "reduction='sum'"),
    "partial sum": (partial(F.cross_entropy, reduction="sum"), ValueError, "cross_entropy has reduction='sum'"),
    "MSELoss": (nn.MSELoss(), ValueError, r"MSELoss compares numbers with numbers.*take nn\.CrossEntropyLoss\(\)"),
    "mse_loss": (F.mse_loss, ValueError, "mse_loss compares numbers"),
    "BCELoss": (nn.BCELoss(), ValueError, "BCELoss compares numbers"),
    "BCEWithLogitsLoss": (nn.BCEWithLogitsLoss(), ValueError, "BCEWithLogitsLoss compares numbers"),
    "KLDivLoss": (nn.KLDivLoss(), ValueError, "KLDivLoss compares numbers"),
    "NLLLoss": (nn.NLLLoss(), ValueError, "NLLLoss takes log-probabilities, but this model gives logits"),
    "nll_loss": (F.nll_loss, ValueError, "nll_loss takes log-probabilities"),
    "of too few classes": (
        nn.CrossEntropyLoss(torch.ones(2)),
        ValueError,
        "CrossEntropyLoss can't be computed of logits",
    ),
    "of three": (lambda logits, labels, model: 0, ValueError, "can't be computed of logits, 12×3, .* int64 12: "),
    "a float": (
        lambda logits, labels: F.cross_entropy(logits, labels).item(),
        ValueError,
        "gave a float, but a tensor",
    ),
    "a pair": (lambda logits, labels: (logits.sum(), 0), ValueError, "gave a tuple of 2, but a tensor with one number"),
    "one an image": (lambda logits, labels: logits.sum(1), ValueError, "gave 12 numbers, but their mean is needed"),
}


@pytest.mark.parametrize("name", BAD_LOSSES)
def test_a_loss_function_that_does_not_fit(name):
    loss_function, kind, message = BAD_LOSSES[name]
    model = make_model()
    before = model[1].weight.clone()
    for look in (train, partial(loss_batch, images=IMAGES, labels=LABELS)):
        with pytest.raises(kind, match=message):
            look(model, loss_function=loss_function)
    assert torch.equal(before, model[1].weight)


@pytest.mark.parametrize(
    "loss_function",
    [
        F.cross_entropy,
        partial(F.cross_entropy, label_smoothing=0.1),
        nn.CrossEntropyLoss(torch.tensor([1.0, 2, 3]), label_smoothing=0.1),
        nn.MultiMarginLoss(),
        lambda logits, labels: F.nll_loss(logits.log_softmax(1), labels),
        lambda logits, labels: F.cross_entropy(logits, labels)[None],
    ],
)
def test_a_loss_function_that_fits(loss_function):
    model, reference = make_model(), make_model()
    metrics = loss_batch(model, IMAGES, LABELS, sgd(model), loss_function)
    expected = loss_function(reference(IMAGES), LABELS)
    assert metrics.loss == expected.item()
    expected.backward()
    sgd(reference).step()
    assert torch.equal(model[1].weight, reference[1].weight)


@pytest.mark.parametrize("loss_function", [nn.NLLLoss(), F.nll_loss])
def test_nll_loss_takes_log_probabilities(loss_function):
    model = make_model(nn.LogSoftmax(1))
    assert loss_batch(model, IMAGES, LABELS, loss_function=loss_function) == loss_batch(make_model(), IMAGES, LABELS)


def test_a_loss_below_zero_is_told():
    with pytest.warns(UserWarning, match=r"the loss is -\d.*, below 0, as no cross-entropy is"):
        loss_batch(Gives(lambda y: y + 9), IMAGES, LABELS, loss_function=lambda y, labels: F.nll_loss(y, labels))


@pytest.mark.parametrize("function", [torch.Tensor.detach, lambda y: torch.tensor(y.tolist())])
def test_a_loss_that_does_not_depend_on_the_model(function):
    with pytest.raises(ValueError, match="nothing can be learnt: the loss does not depend on a parameter"):
        train(Gives(function))


# --- optimizers ---


def test_the_optimizer_of_a_model_from_before():
    model = make_model()
    for other in (make_model(), copy.deepcopy(model), nn.Linear(16, 3)):
        with pytest.raises(ValueError, match=r"the optimizer holds no parameter of this Sequential.* after the model"):
            train(model, sgd(other))


def test_the_optimizer_of_a_layer_from_before():
    model = make_model()
    optimizer = sgd(model)
    model.append(nn.Linear(3, 3))
    model[1] = nn.Linear(16, 3)
    optimizer.add_param_group({"params": list(model[2].parameters())})
    with pytest.raises(ValueError, match=r"would not train 1\.weight, but holds parameters that are not the model's"):
        train(model, optimizer)


def test_optimizers_that_are_none():
    model = make_model()
    for given in (torch.optim.SGD, None, 0.1, model.parameters()):
        with pytest.raises(TypeError, match=r"for example torch\.optim\.SGD\(model\.parameters\(\), lr=0\.1\)"):
            fit(model, BATCHES, optimizer=given, epochs=1)
    with pytest.raises(ValueError, match="LBFGS computes the loss several times in a step"):
        train(model, torch.optim.LBFGS(model.parameters()))


def test_an_optimizer_of_frozen_parameters():
    model = make_model(nn.Linear(3, 3))
    optimizer = torch.optim.SGD(model[1].parameters(), lr=0.1)
    model[1].requires_grad_(False)
    with pytest.raises(ValueError, match="the optimizer holds frozen parameters only"):
        train(model, optimizer)


@pytest.mark.parametrize(
    "wrap", [nn.DataParallel, lambda model: torch.compile(model, backend="eager"), lambda model: model]
)
@pytest.mark.parametrize("frozen", [True, False])
def test_an_optimizer_of_a_part_of_the_model(wrap, frozen):
    """As for transfer learning: the part that the optimizer does not hold stays as it is."""
    model = make_model(nn.Linear(3, 3))
    model[1].requires_grad_(not frozen)
    before = copy.deepcopy(model.state_dict())
    train(wrap(model), torch.optim.SGD(model[2].parameters(), lr=0.1))
    assert torch.equal(before["1.weight"], model[1].weight)
    assert not torch.equal(before["2.weight"], model[2].weight)


def test_an_optimizer_that_also_trains_the_loss():
    model = make_model()
    scale = nn.Parameter(torch.ones(()))
    optimizer = torch.optim.SGD([*model.parameters(), scale], lr=0.1)
    train(model, optimizer, loss_function=lambda logits, labels: F.cross_entropy(scale * logits, labels))
    assert scale != 1


# --- schedulers ---


def with_scheduler(make, epochs: int = 2, valid=BATCHES, other: bool = False):
    model = make_model()
    optimizer = sgd(model)
    scheduler = make(sgd(model) if other else optimizer)
    return fit(model, BATCHES, valid, optimizer=optimizer, epochs=epochs, scheduler=scheduler)


@pytest.mark.parametrize(
    "make",
    [
        lambda optimizer: StepLR(optimizer, 1),
        lambda optimizer: OneCycleLR(optimizer, 1, total_steps=2),
        ReduceLROnPlateau,
        lambda optimizer: LambdaLR(optimizer, lambda epoch: 1),
        lambda optimizer: ChainedScheduler([StepLR(optimizer, 1)]),
        lambda optimizer: SequentialLR(optimizer, [LinearLR(optimizer), StepLR(optimizer, 1)], [1]),
    ],
)
def test_a_scheduler_of_another_optimizer(make):
    with pytest.raises(ValueError, match="is of another optimizer: make the scheduler after the optimizer"):
        with_scheduler(make, other=True)


@pytest.mark.parametrize("inner", [lambda o: OneCycleLR(o, 1, total_steps=9), lambda o: CyclicLR(o, 0.1, 1)])
@pytest.mark.parametrize(
    "outer",
    [lambda o, inner: SequentialLR(o, [LinearLR(o), inner(o)], [1]), lambda o, inner: ChainedScheduler([inner(o)])],
)
def test_a_scheduler_of_batches_in_one_of_epochs(outer, inner):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own about the order of steps, as the schedulers are made
        with pytest.raises(
            ValueError, match=r"steps after every epoch, but the (OneCycle|Cyclic)LR in it counts batches"
        ):
            with_scheduler(lambda optimizer: outer(optimizer, inner))


def test_a_plateau_of_the_accuracy():
    with pytest.raises(ValueError, match='watches the validation loss, which should fall: make it with mode="min"'):
        with_scheduler(lambda optimizer: ReduceLROnPlateau(optimizer, mode="max"))


def test_a_class_in_place_of_a_scheduler():
    with pytest.raises(TypeError, match="scheduler is the class StepLR itself: make one of it for the optimizer"):
        with_scheduler(lambda optimizer: StepLR)


@pytest.mark.parametrize(
    "make",
    [
        lambda o: SequentialLR(o, [LinearLR(o), CosineAnnealingLR(o, 3)], [1]),
        lambda o: ChainedScheduler([LinearLR(o), ExponentialLR(o, 0.9)]),
    ],
)
def test_schedulers_of_several_are_taken(make):
    reference = sgd(make_model())
    scheduler = make(reference)
    rates = []
    for _ in range(4):
        rates.append(reference.param_groups[0]["lr"])
        reference.step()
        scheduler.step()
    assert with_scheduler(make, epochs=4).column("lr") == rates
    assert len(set(rates)) > 2
