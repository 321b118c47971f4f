import math
import time

import pytest
import torch
import torch.nn.functional as F
from IPython.lib.pretty import pretty
from sklearn.metrics import accuracy_score, log_loss
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR, CyclicLR, OneCycleLR, ReduceLROnPlateau, StepLR
from torch.utils.data import DataLoader, Subset, TensorDataset

from cnncourse.augment import random_crop
from cnncourse.data import ImageSet, Loader
from cnncourse.models import ConvNet, DigitNet, LeNet5
from cnncourse.train import History, Metrics, accuracy, default_device, evaluate, fit, loss_batch, predict


def make_images(number: int, split_name: str = "train") -> ImageSet:
    """Images of 8×8 pixels in three classes: the brighter, the higher the class, more or less."""
    generator = torch.Generator().manual_seed(number)
    labels = torch.randint(3, (number,), generator=generator)
    noise = torch.randint(100, (number, 1, 8, 8), generator=generator)
    images = (noise + 40 * labels[:, None, None, None]).to(torch.uint8)
    return ImageSet(images, labels, ("dark", "grey", "bright"), (0.35,), (0.2,), "Tiny", split_name)


TRAIN, VALID, TEST = make_images(53), make_images(23, "valid"), make_images(20, "test")


def make_model(dropout: float = 0.0) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Dropout(dropout), nn.Linear(4 * 36, 3))


def adam(model: nn.Module, lr: float = 0.01) -> torch.optim.Adam:
    return torch.optim.Adam(model.parameters(), lr=lr)


def weights(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def assert_same_weights(first: dict, second: dict):
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


def without_seconds(history: History) -> list[dict]:
    return [{name: value for name, value in row.items() if name != "seconds"} for row in history]


@pytest.mark.parametrize("batch_size", [1, 7, 23, 100])
def test_evaluate_equals_scikit_learn_however_the_batches_fall(batch_size):
    model, loader = make_model(), Loader(VALID, batch_size)
    with torch.no_grad():
        logits = torch.cat([model(images) for images, _ in loader])
    metrics = evaluate(model, loader)
    assert metrics.loss == pytest.approx(log_loss(VALID.labels, logits.double().softmax(1)), rel=1e-5)
    assert metrics.accuracy == pytest.approx(accuracy_score(VALID.labels, logits.argmax(1)), rel=1e-6)


def test_accuracy_equals_scikit_learn():
    logits, labels = torch.randn(101, 5), torch.randint(5, (101,))
    assert accuracy(logits, labels) == accuracy_score(labels, logits.argmax(1))


def test_loss_batch_measures_and_with_an_optimizer_takes_one_step():
    model, reference = make_model(), make_model()
    [(images, labels)] = Loader(TRAIN, 53)
    before = weights(model)
    metrics = loss_batch(model, images, labels)
    assert_same_weights(before, weights(model))

    optimizer = torch.optim.SGD(reference.parameters(), lr=0.1)
    loss = F.cross_entropy(reference(images), labels)
    loss.backward()
    optimizer.step()
    assert loss_batch(model, images, labels, torch.optim.SGD(model.parameters(), lr=0.1)) == metrics
    assert metrics.loss == loss.item()
    assert_same_weights(weights(reference), weights(model))
    assert all(parameter.grad is None for parameter in model.parameters())


def test_loss_batch_takes_another_loss_function():
    model = make_model()
    [(images, labels)] = Loader(TRAIN, 53)
    smoothed = nn.CrossEntropyLoss(label_smoothing=0.1)
    assert loss_batch(model, images, labels, loss_function=smoothed).loss == smoothed(model(images), labels).item()


def plain_loop(model, optimizer, scheduler, every, epochs: int, batch_size: int = 8):
    """The loop as a student writes it: the epochs' training losses and learning rates, and the validation losses."""
    losses, rates, valid_losses = [], [], []
    loader = Loader(TRAIN, batch_size, shuffle=True)
    for _ in range(epochs):
        rates.append(optimizer.param_groups[0]["lr"])
        model.train()
        total = 0.0
        for images, labels in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(images), labels)
            loss.backward()
            optimizer.step()
            total += len(labels) * loss.item()
            if every == "batch":
                scheduler.step()
        losses.append(total / len(TRAIN))
        model.eval()
        with torch.no_grad():
            total = 0.0
            for images, labels in Loader(VALID, 10):
                total += len(labels) * F.cross_entropy(model(images), labels).item()
            valid_losses.append(total / len(VALID))
        if every == "epoch":
            scheduler.step()
        if every == "epoch, with the loss":
            scheduler.step(valid_losses[-1])
    return losses, rates, valid_losses


SCHEDULERS = {
    "none": (lambda optimizer: None, ""),
    "OneCycleLR": (lambda optimizer: OneCycleLR(optimizer, max_lr=0.05, total_steps=5 * 7), "batch"),
    "CyclicLR": (lambda optimizer: CyclicLR(optimizer, 0.001, 0.05, step_size_up=9, cycle_momentum=False), "batch"),
    "StepLR": (lambda optimizer: StepLR(optimizer, 2, gamma=0.3), "epoch"),
    "CosineAnnealingLR": (lambda optimizer: CosineAnnealingLR(optimizer, T_max=5), "epoch"),
    "ReduceLROnPlateau": (
        lambda optimizer: ReduceLROnPlateau(optimizer, patience=0, threshold=0.5),
        "epoch, with the loss",
    ),
}


@pytest.mark.parametrize("name", SCHEDULERS)
def test_fit_gives_the_bits_of_a_plain_loop_and_steps_the_scheduler_at_its_time(name):
    make_scheduler, every = SCHEDULERS[name]
    reference = make_model(dropout=0.2)
    optimizer = adam(reference)
    torch.manual_seed(1)
    losses, rates, valid_losses = plain_loop(reference, optimizer, make_scheduler(optimizer), every, epochs=5)

    model = make_model(dropout=0.2).eval()
    optimizer = adam(model)
    torch.manual_seed(1)
    history = fit(
        model,
        Loader(TRAIN, 8, shuffle=True),
        Loader(VALID, 10),
        optimizer=optimizer,
        epochs=5,
        scheduler=make_scheduler(optimizer),
    )
    assert_same_weights(weights(reference), weights(model))
    assert history.column("lr") == rates
    assert history.column("train_loss") == losses
    assert history.column("valid_loss") == valid_losses
    assert (len(set(rates)) > 1) == (name != "none")


def test_history_has_a_row_for_each_epoch():
    model = make_model()
    history = fit(model, Loader(TRAIN, 8), Loader(VALID, 10), optimizer=adam(model), epochs=3)
    assert list(history[0]) == [
        "epoch", "train_loss", "train_accuracy", "valid_loss", "valid_accuracy", "lr", "seconds"
    ]  # fmt: skip
    assert history.column("epoch") == [1, 2, 3]
    assert Metrics(history[-1]["valid_loss"], history[-1]["valid_accuracy"]) == evaluate(model, Loader(VALID, 10))
    assert history[-1]["valid_accuracy"] > history[0]["valid_accuracy"]
    without = fit(model, Loader(TRAIN, 8), optimizer=adam(model), epochs=1)
    assert list(without[0]) == ["epoch", "train_loss", "train_accuracy", "lr", "seconds"]


def test_the_training_accuracy_is_that_of_the_batches_as_they_were_trained_on():
    model = make_model()
    batch = next(iter(Loader(TRAIN, 53)))
    expected = accuracy(model(batch[0]), batch[1])
    assert fit(model, [batch], optimizer=adam(model), epochs=1)[0]["train_accuracy"] == expected


def test_fit_prints_a_table_with_one_line_an_epoch(capsys):
    model = make_model()
    history = fit(model, Loader(TRAIN, 8), Loader(VALID, 10), optimizer=adam(model), epochs=10)
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split() == list(history[0])
    assert [line.split()[0] for line in lines] == [f"{epoch}/10" for epoch in range(1, 11)]
    assert [line.split()[1] for line in lines] == [f"{loss:.4f}" for loss in history.column("train_loss")]
    assert {len(line) for line in (head, *lines)} == {len(head)}
    assert len(head) <= 80


def test_the_log_is_aligned_up_to_a_thousand_epochs_and_with_any_rate(capsys):
    model = make_model()
    fit(model, [next(iter(Loader(TRAIN, 8)))], optimizer=torch.optim.SGD(model.parameters(), lr=1.234e-12), epochs=100)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 101
    assert len(set(map(len, lines))) == 1


def test_history_is_a_table_when_printed_and_in_a_notebook():
    row = {"epoch": 1, "train_loss": 2.30258, "train_accuracy": 0.1, "lr": 0.00123, "seconds": 3.14159}
    history = History([row, {**row, "epoch": 12, "valid_loss": 1.5}])
    lines = [
        "epoch  train_loss  train_accuracy      lr  seconds  valid_loss",
        "    1      2.3026          0.1000  0.0012      3.1            ",
        "   12      2.3026          0.1000  0.0012      3.1      1.5000",
    ]
    assert str(history).splitlines() == pretty(history).splitlines() == lines
    assert repr(History()) == "epoch"
    assert repr(history[:1]) == repr(History(history[0:1]))
    assert isinstance(history[-1:], History)
    assert history[-1]["epoch"] == 12


@pytest.mark.parametrize("workers", [0, 2])
def test_fit_and_evaluate_take_a_dataloader(workers):
    model = make_model()
    loader = DataLoader(VALID, 10, num_workers=workers)
    history = fit(model, loader, loader, optimizer=adam(model), epochs=1)
    assert history[0]["valid_loss"] == evaluate(model, loader).loss


def test_the_seed_repeats_the_bits_with_shuffle_augmentation_and_dropout():
    results = []
    for _ in range(2):
        model = make_model(dropout=0.3)
        torch.manual_seed(4)
        loader = Loader(TRAIN, 8, shuffle=True, augment=lambda images: random_crop(images, 1))
        history = fit(model, loader, Loader(VALID, 10), optimizer=adam(model), epochs=3)
        results.append((without_seconds(history), weights(model)))
    assert results[0][0] == results[1][0]
    assert_same_weights(results[0][1], results[1][1])


def test_evaluate_and_predict_change_nothing_and_leave_the_mode_as_it_was():
    model = nn.Sequential(nn.BatchNorm2d(1), make_model(dropout=0.5))
    for mode in (True, False):
        model.train(mode)
        before = weights(model)
        assert evaluate(model, Loader(VALID, 10)) == evaluate(model, Loader(VALID, 10))
        predict(model, torch.randn(2, 1, 8, 8))
        assert [part.training for part in model.modules()] == [mode] * len(list(model.modules()))
        assert_same_weights(before, weights(model))


MODES = {
    "a frozen norm": lambda model: model[0].eval(),
    "a frozen part": lambda model: model[1].eval(),
    "a layer that trains": lambda model: model.eval()[1][3].train(),
    "the root alone": lambda model: setattr(model, "training", False),
    "all": lambda model: model.eval(),
    "none": lambda model: model,
}


@pytest.mark.parametrize("name", MODES)
def test_each_layer_keeps_its_own_mode(name):
    model = nn.Sequential(nn.BatchNorm2d(1), make_model(dropout=0.5))
    MODES[name](model)
    before = [layer.training for layer in model.modules()]
    for look in (evaluate, predict):
        look(model, Loader(VALID, 10))
        assert [layer.training for layer in model.modules()] == before
        with pytest.raises(ValueError, match="the loader gave no batch"):
            look(model, [])
        assert [layer.training for layer in model.modules()] == before


@pytest.mark.parametrize("wrap", [lambda model: model, lambda model: torch.compile(model, backend="eager")])
def test_a_frozen_layer_stays_frozen_in_training(wrap):
    model = nn.Sequential(nn.BatchNorm2d(1), make_model(dropout=0.5))
    frozen = weights(model[0].eval().requires_grad_(False))
    fit(wrap(model), Loader(TRAIN, 10), Loader(VALID, 10), optimizer=adam(model), epochs=2)
    assert_same_weights(frozen, weights(model[0]))
    assert [model.training, model[0].training, model[1].training, model[1][3].training] == [True, False, True, True]


def test_a_model_in_evaluation_mode_is_trained_as_a_whole():
    model = nn.Sequential(nn.BatchNorm2d(1), make_model()).eval()
    before = model[0].running_mean.clone()
    fit(model, Loader(TRAIN, 10), optimizer=adam(model), epochs=1)
    assert not torch.equal(before, model[0].running_mean)
    assert all(layer.training for layer in model.modules())


def test_a_model_that_freezes_its_own_layers_keeps_doing_so():
    class Frozen(nn.Sequential):
        def train(self, mode: bool = True):
            super().train(mode)
            self[0].eval()
            return self

    model = Frozen(nn.BatchNorm2d(1), make_model()).eval()
    before = weights(model[0].requires_grad_(False))
    fit(model, Loader(TRAIN, 10), Loader(VALID, 10), optimizer=adam(model), epochs=2)
    assert_same_weights(before, weights(model[0]))


def test_gradients_from_before_are_not_trained_on():
    model, reference = make_model(), make_model()
    F.cross_entropy(model(torch.ones(1, 1, 8, 8)), torch.tensor([0])).backward()
    for each in (model, reference):
        fit(each, Loader(TRAIN, 10), optimizer=adam(each), epochs=1)
    assert_same_weights(weights(model), weights(reference))


def test_the_seconds_are_those_of_the_epoch():
    """Each pass over the training batches takes 0.2 s longer, and the validation 0.1 s."""

    class Slow:
        def __init__(self, loader, seconds):
            self.loader, self.seconds = loader, seconds

        def __iter__(self):
            time.sleep(self.seconds)
            return iter(self.loader)

    model = make_model()
    start = time.perf_counter()
    history = fit(model, Slow(Loader(TRAIN, 10), 0.2), Slow(Loader(VALID, 10), 0.1), optimizer=adam(model), epochs=2)
    whole = time.perf_counter() - start
    assert all(seconds >= 0.3 for seconds in history.column("seconds"))
    assert sum(history.column("seconds")) <= whole


def test_a_learning_rate_in_a_tensor_is_kept_as_it_was():
    """Torch changes such a tensor in place."""
    model = make_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=torch.tensor(0.5))
    scheduler = StepLR(optimizer, 1, gamma=0.5)
    history = fit(model, Loader(TRAIN, 10), optimizer=optimizer, epochs=3, scheduler=scheduler)
    assert history.column("lr") == [0.5, 0.25, 0.125]


def test_the_mode_is_restored_after_an_error():
    model = LeNet5()
    for call in (lambda: evaluate(model, Loader(VALID, 10)), lambda: predict(model, torch.randn(2, 3, 32, 32))):
        with pytest.raises(ValueError, match="LeNet5 takes"):
            call()
        assert model.training


@pytest.mark.parametrize("last", [nn.Identity(), nn.LogSoftmax(dim=1)])
def test_predict_gives_probabilities_from_logits_and_from_log_probabilities(last):
    model = nn.Sequential(make_model(), last)
    [(images, _)] = Loader(VALID, 23)
    probabilities = predict(model, images)
    torch.testing.assert_close(probabilities, model[0](images).softmax(1))
    torch.testing.assert_close(probabilities.sum(dim=1), torch.ones(23))
    assert not probabilities.requires_grad
    probabilities[0] = 0  # an ordinary tensor: free to change


def test_predict_takes_a_loader():
    model = make_model()
    [(images, _)] = Loader(VALID, 23)
    torch.testing.assert_close(predict(model, Loader(VALID, 5)), predict(model, images))


def test_default_device_is_the_fastest_there_is(monkeypatch):
    for cuda, mps, expected in ((True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda cuda=cuda: cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda mps=mps: mps)
        assert default_device() == torch.device(expected)


def test_batches_follow_the_model_to_its_device():
    """On the device "meta", which has shapes but no values, images from the CPU would not fit."""
    seen = []

    class Spy(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(1, device="meta"))

        def forward(self, images):
            seen.append(images.device.type)
            return torch.zeros(len(images), 3)

    predict(Spy(), torch.randn(2, 1, 8, 8))
    assert seen == ["meta"]


class TorchvisionLike(TensorDataset):
    """Says which split it is in the way of torchvision's data sets."""

    def __init__(self, train: bool):
        super().__init__(TEST.images / 255, TEST.labels)
        self.train = train


@pytest.mark.parametrize(
    "test",
    [
        TEST,
        Loader(TEST, 5),
        DataLoader(TEST, 5),
        DataLoader(TorchvisionLike(train=False), 5),
        DataLoader(Subset(TorchvisionLike(train=False), range(10)), 5),
        Loader(TEST.split(0.5, seed=0)[1], 5),
    ],
    ids=["ImageSet", "Loader", "DataLoader", "torchvision", "Subset", "part"],
)
@pytest.mark.parametrize("place", ["train", "valid"])
def test_fit_refuses_the_test_split(test, place):
    model = make_model()
    loaders = {"train": Loader(TRAIN, 5), "valid": Loader(VALID, 5), place: test}
    before = weights(model)
    with pytest.raises(ValueError, match=r"fit was given the test split\. .*Use ImageSet.split to make a validation"):
        fit(model, **loaders, optimizer=adam(model), epochs=1)
    assert_same_weights(before, weights(model))


def test_fit_takes_the_training_split_of_torchvision():
    model, loader = make_model(), DataLoader(TorchvisionLike(train=True), 5)
    assert len(fit(model, loader, optimizer=adam(model), epochs=1)) == 1


def test_a_loss_that_is_not_finite_stops_the_training_before_its_step():
    model = make_model()
    batches = list(Loader(TRAIN, 10))
    fit(model, batches[:3], optimizer=adam(model), epochs=1)
    good = weights(model)

    model = make_model()
    batches[3][0][0] = math.nan
    message = r"^in epoch 1, batch 4, the loss is nan, because the images of this batch are not all finite numbers$"
    with pytest.raises(FloatingPointError, match=message):
        fit(model, batches, optimizer=adam(model), epochs=2)
    assert_same_weights(good, weights(model))


def test_a_learning_rate_that_is_too_high_is_told():
    model = make_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e20)
    with pytest.raises(
        FloatingPointError, match=r"^in epoch 1, batch \d, the loss is .*; try a smaller learning rate$"
    ):
        fit(model, Loader(TRAIN, 10), optimizer=optimizer, epochs=3)


def interrupted_at(batches, pass_number: int):
    """The batches, but somebody presses Ctrl-C in the middle of one pass."""

    class Batches:
        passes = 0

        def __iter__(self):
            self.passes += 1
            for number, batch in enumerate(batches):
                if (self.passes, number) == (pass_number, 3):
                    raise KeyboardInterrupt
                yield batch

    return Batches()


def test_ctrl_c_returns_the_history_so_far(capsys):
    model = make_model()
    history = fit(model, interrupted_at(Loader(TRAIN, 8), 3), Loader(VALID, 10), optimizer=adam(model), epochs=5)
    assert history.column("epoch") == [1, 2]
    reference = make_model()
    full = fit(reference, Loader(TRAIN, 8), Loader(VALID, 10), optimizer=adam(reference), epochs=2)
    assert without_seconds(history) == without_seconds(full)
    assert "Stopped by you in epoch 3. Finished epochs, which the history has: 2.\n" in capsys.readouterr().out
    assert fit(model, interrupted_at(Loader(TRAIN, 8), 1), optimizer=adam(model), epochs=5) == []


def small_maps(layer: nn.Module) -> nn.Sequential:
    """Gives the layer maps of 2×2 where the images are 8×8."""
    return nn.Sequential(nn.Conv2d(1, 2, 7), nn.Sequential(layer, nn.AdaptiveAvgPool2d(1), nn.Flatten()))


@pytest.mark.parametrize(
    ("model", "shape", "expected"),
    [
        (LeNet5(), (4, 1, 28, 28), "LeNet5 takes images of 1×32×32, but this batch has images of 1×28×28"),
        (LeNet5(), (4, 3, 32, 32), "LeNet5 takes images of 1×32×32, but this batch has images of 3×32×32"),
        (ConvNet(), (4, 1, 32, 32), "ConvNet takes images of 1×28×28, but this batch has images of 1×32×32"),
        (LeNet5(), (1, 32, 32), r"a batch of images is N×C×H×W, but this is 1×32×32; image\[None\] is a batch of one"),
        (DigitNet(norm=nn.Identity), (4, 1, 16, 16), "takes images of 1×28×28, but this batch has images of 1×16×16"),
        (DigitNet(norm=nn.Identity), (4, 1, 16, 16), r"features.16 \(Conv2d\) gets a map of 2×2, .* a kernel of 3×3"),
        (small_maps(nn.Conv2d(2, 1, 3)), (4, 1, 8, 8), r"1\.0 \(Conv2d\) gets a map of 2×2, too small for a kernel"),
        (small_maps(nn.Conv2d(2, 1, (1, 3))), (4, 1, 8, 8), r"1\.0 \(Conv2d\) gets a map of 2×2, .* a kernel of 1×3"),
        (small_maps(nn.Conv2d(2, 1, 2, dilation=2)), (4, 1, 8, 8), r"1\.0 \(Conv2d\) gets a map of 2×2, .* of 2×2"),
        (small_maps(nn.MaxPool2d(3)), (4, 1, 8, 8), r"1\.0 \(MaxPool2d\) gets a map of 2×2, .* of 3×3\. Give larger"),
        (small_maps(nn.AvgPool2d(3)), (4, 1, 8, 8), r"1\.0 \(AvgPool2d\) gets a map of 2×2, .* of 3×3\. Give larger"),
    ],
)
def test_images_that_do_not_fit_the_model(model, shape, expected):
    images, labels = torch.randn(shape), torch.zeros(shape[0], dtype=torch.int64)
    before = weights(model)
    for call in (
        lambda: predict(model, images),
        lambda: evaluate(model, [(images, labels)]),
        lambda: fit(model, [(images, labels)], optimizer=adam(model), epochs=1),
    ):
        with pytest.raises(ValueError, match=expected):
            call()
    assert_same_weights(before, weights(model))


def test_images_that_do_not_fit_a_model_without_a_known_shape_get_torchs_error():
    with pytest.raises(RuntimeError, match=r"144.*3|3.*144"):
        predict(make_model(), torch.randn(2, 1, 9, 9))


def test_a_map_that_is_too_small_for_a_function_gets_torchs_error():
    """No layer of the model is to blame for it."""

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Conv2d(1, 2, 7)

        def forward(self, images):
            return F.max_pool2d(self.layer(images), 3)

    with pytest.raises(RuntimeError, match="Output size is too small"):
        predict(Model(), torch.randn(2, 1, 8, 8))


@pytest.mark.parametrize(("labels", "given"), [([0, 3], "from 0 to 3"), ([-1, 2], "from -1 to 2")])
def test_labels_outside_the_models_classes(labels, given):
    model, batch = make_model(), (torch.randn(2, 1, 8, 8), torch.tensor(labels))
    message = f"the model has 3 classes, so labels go from 0 to 2; this batch has labels {given}"
    for call in (
        lambda: evaluate(model, [batch]),
        lambda: fit(model, [batch], optimizer=adam(model), epochs=1),
    ):
        with pytest.raises(ValueError, match=message):
            call()


def test_images_without_a_loader():
    model = make_model()
    for call in (
        lambda: evaluate(model, TEST),
        lambda: fit(model, TRAIN, optimizer=adam(model), epochs=1),
    ):
        with pytest.raises(TypeError, match=r"images must come in batches: give a Loader\(images, batch_size\)"):
            call()


def test_a_generator_of_batches_serves_for_one_epoch():
    model = make_model()
    assert len(fit(model, (batch for batch in Loader(TRAIN, 8)), optimizer=adam(model), epochs=1)) == 1
    with pytest.raises(ValueError, match="a loader that is a generator can be used only once"):
        fit(model, (batch for batch in Loader(TRAIN, 8)), optimizer=adam(model), epochs=2)
    with pytest.raises(ValueError, match="the loader gave no batch"):
        evaluate(model, [])


def test_a_scheduler_for_another_number_of_steps():
    model = make_model()
    optimizer = adam(model)
    scheduler = OneCycleLR(optimizer, max_lr=0.1, total_steps=30)
    with pytest.raises(
        ValueError, match=r"for 30 steps, but this run has 35: 5 epochs of 7 batches\. .*total_steps=35"
    ):
        fit(model, Loader(TRAIN, 8), optimizer=optimizer, epochs=5, scheduler=scheduler)


def test_reduce_on_plateau_needs_a_validation_part():
    model = make_model()
    optimizer = adam(model)
    with pytest.raises(ValueError, match="give fit a validation part"):
        fit(model, Loader(TRAIN, 8), optimizer=optimizer, epochs=1, scheduler=ReduceLROnPlateau(optimizer))
