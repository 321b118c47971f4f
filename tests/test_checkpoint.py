import contextlib
import copy
import enum
import errno
import io
import os
import pickle
from collections import Counter
from datetime import datetime
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import (
    ChainedScheduler,
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
    CyclicLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    LRScheduler,
    MultiplicativeLR,
    MultiStepLR,
    OneCycleLR,
    PolynomialLR,
    ReduceLROnPlateau,
    SequentialLR,
    StepLR,
)

from cnncourse import _files
from cnncourse.augment import random_affine
from cnncourse.checkpoint import load_checkpoint, load_weights, save_checkpoint
from cnncourse.data import ImageSet, Loader
from cnncourse.models import CifarNet, LeNet5, group_norm, layer_norm
from cnncourse.train import Metrics, fit

LABELS = torch.arange(60) % 3
IMAGES = torch.randint(256, (60, 1, 6, 6), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
VALID = ImageSet(IMAGES[:20], LABELS[:20], ("a", "b", "c"), (0.5,), (0.3,), split_name="valid")
TRAIN = ImageSet(IMAGES[20:], LABELS[20:], ("a", "b", "c"), (0.5,), (0.3,))


def make_model() -> nn.Module:
    return nn.Sequential(nn.BatchNorm2d(1), nn.Flatten(), nn.Linear(36, 8), nn.ReLU(), nn.Dropout(0.4), nn.Linear(8, 3))


def weights_of(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


OPTIMIZERS = {
    "Adam": lambda model: torch.optim.Adam(model.parameters(), lr=0.01),
    "SGD": lambda model: torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9),
}
SCHEDULERS = {
    "none": lambda optimizer: None,
    "OneCycleLR": lambda optimizer: OneCycleLR(optimizer, max_lr=0.05, total_steps=4 * 5),
    "CyclicLR": lambda optimizer: CyclicLR(optimizer, 0.001, 0.1, step_size_up=3, cycle_momentum=False),
    "StepLR": lambda optimizer: StepLR(optimizer, 3, gamma=0.1),
    "ReduceLROnPlateau": lambda optimizer: ReduceLROnPlateau(optimizer, patience=0, threshold=0.5),
    "SequentialLR": lambda optimizer: SequentialLR(
        optimizer, [LinearLR(optimizer), CosineAnnealingLR(optimizer, 3)], [1]
    ),
}


class Interrupted:
    """A loader at which somebody presses Ctrl-C in the middle of a pass."""

    def __init__(self, loader, pass_number: int):
        self.loader, self.passes_left = loader, pass_number

    def __len__(self):
        return len(self.loader)

    def __iter__(self):
        self.passes_left -= 1
        for number, batch in enumerate(self.loader):
            if self.passes_left == 0 and number == 2:
                raise KeyboardInterrupt
            yield batch


def train(optimizer: str, scheduler: str, path=None, *, seed: int = 0, stop_in: int | None = None, epochs: int = 4):
    """Train from the seed, or on from the checkpoint, with shuffling, augmentation and dropout."""
    torch.manual_seed(seed)
    model = make_model()
    optimizer = OPTIMIZERS[optimizer](model)
    loader = Loader(TRAIN, 8, shuffle=True, augment=lambda images: random_affine(images, degrees=10))
    history = fit(
        model,
        Interrupted(loader, stop_in) if stop_in else loader,
        Loader(VALID, 20),
        optimizer=optimizer,
        epochs=epochs,
        scheduler=SCHEDULERS[scheduler](optimizer),
        checkpoint=path,
    )
    rows = [{name: value for name, value in row.items() if name != "seconds"} for row in history]
    return rows, model.state_dict(), torch.get_rng_state()


def assert_same(first, second):
    assert first[0] == second[0]
    assert first[1].keys() == second[1].keys()
    assert all(torch.equal(first[1][name], second[1][name]) for name in first[1])
    assert torch.equal(first[2], second[2])


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_a_stopped_training_goes_on_bit_for_bit(tmp_path, optimizer, scheduler):
    whole = train(optimizer, scheduler)
    path = tmp_path / "training.pt"
    rows, _, _ = train(optimizer, scheduler, path, stop_in=3)
    assert rows == whole[0][:2]
    assert_same(train(optimizer, scheduler, path, seed=99), whole)
    assert len({row["lr"] for row in whole[0]}) > 1 or scheduler == "none"


def test_two_and_two_epochs_are_four(tmp_path, capsys):
    whole, path = train("Adam", "StepLR"), tmp_path / "new" / "folder" / "training.pt"
    train("Adam", "StepLR", path, epochs=2)
    capsys.readouterr()
    assert_same(train("Adam", "StepLR", path, seed=99), whole)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{path} holds 2 of 4 epochs: going on from there."
    assert [line.split()[0] for line in lines[1:]] == ["epoch", "3/4", "4/4"]
    assert_same(train("Adam", "StepLR", path, seed=99), whole)  # nothing is left to train
    assert [file.name for file in path.parent.iterdir()] == ["training.pt"]


def test_a_finished_one_cycle_can_not_be_prolonged(tmp_path):
    path = tmp_path / "training.pt"
    train("Adam", "OneCycleLR", path)
    model = make_model()
    optimizer = OPTIMIZERS["Adam"](model)
    scheduler = OneCycleLR(optimizer, max_lr=0.05, total_steps=8 * 5)
    before = weights_of(model)
    with pytest.raises(
        ValueError, match=r"another scheduler than this OneCycleLR: total_steps is 20 in the file, 40 h"
    ):
        fit(model, Loader(TRAIN, 8), optimizer=optimizer, epochs=8, scheduler=scheduler, checkpoint=path)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_a_checkpoint_is_one_dict_of_tensors_and_plain_values(tmp_path):
    path = tmp_path / "training.pt"
    rows, state, random = train("Adam", "OneCycleLR", path)
    file = torch.load(path, weights_only=True)
    assert [{name: row[name] for name in rows[0]} for row in file["history"]] == rows
    assert all(torch.equal(file["model"][name], state[name]) for name in state)
    assert torch.equal(file["random"], random)


@pytest.fixture
def saved(tmp_path):
    """A checkpoint of LeNet5 after no epoch, with the optimizer, and with a scheduler."""
    model = LeNet5()
    optimizer = torch.optim.Adam(model.parameters())
    save_checkpoint(tmp_path / "lenet5.pt", model, optimizer, StepLR(optimizer, 2))
    return tmp_path / "lenet5.pt"


@contextlib.contextmanager
def unchanged(*parts):
    """Torch's random state, and these parts of a training, are the same afterwards."""

    def state() -> bytes:
        content = io.BytesIO()
        torch.save([torch.get_rng_state(), *(part.state_dict() for part in parts)], content)
        return content.getvalue()

    before = state()
    yield
    assert state() == before


def smaller_lenet5():
    model = LeNet5()
    model.classifier[2], model.classifier[4] = nn.Linear(120, 50), nn.Linear(50, 10)
    return model


@pytest.mark.parametrize(
    ("make", "difference"),
    [
        (
            smaller_lenet5,
            r"classifier\.2\.weight: in the file it is 84×120, in this LeNet5 it is 50×120\. "
            r"Of another shape: classifier\.2\.weight, classifier\.2\.bias, classifier\.4\.weight\.",
        ),
        (make_model, r"0\.weight: in the file it is not there, in this Sequential it is 1\."),
        (lambda: LeNet5().features, r"0\.weight: in the file it is not there, in this Sequential it is 6×1×5×5\."),
        (
            lambda: nn.ModuleDict({"features": LeNet5().features}),
            r"classifier\.0\.weight: in the file it is 120×400, in this ModuleDict it is not there\. "
            r"Not in the model: classifier\.0\.weight, classifier\.0\.bias, classifier\.2\.weight and 3 more\.",
        ),
    ],
)
def test_a_checkpoint_of_another_model_names_the_first_tensor_that_differs(saved, make, difference):
    model = make()
    optimizer = torch.optim.Adam(model.parameters())
    message = rf"lenet5\.pt is a checkpoint of another model\. The first tensor that differs is {difference}$"
    for load in (lambda: load_checkpoint(saved, model, optimizer), lambda: load_weights(saved, model)):
        with pytest.raises(ValueError, match=message), unchanged(model, optimizer):
            load()


@pytest.mark.parametrize(
    ("make_optimizer", "make_scheduler", "message"),
    [
        (torch.optim.SGD, None, "was saved with a scheduler, so"),
        (
            lambda parameters: torch.optim.Adam(list(parameters)[:2]),
            lambda optimizer: StepLR(optimizer, 2),
            "another optimizer than this Adam: number of tensors in group 1 is 10 in the file, 2 here",
        ),
        (
            torch.optim.Adam,
            lambda optimizer: ExponentialLR(optimizer, 0.9),
            "another scheduler than this ExponentialLR: class is StepLR in the file, ExponentialLR here",
        ),
        (torch.optim.Adam, None, "was saved with a scheduler, so the training can't go on exactly without one"),
    ],
)
def test_a_checkpoint_of_another_training(saved, make_optimizer, make_scheduler, message):
    model = LeNet5()
    optimizer = make_optimizer(model.parameters())
    scheduler = make_scheduler and make_scheduler(optimizer)
    parts = [part for part in (model, optimizer, scheduler) if part is not None]
    with pytest.raises(ValueError, match=message), unchanged(*parts):
        load_checkpoint(saved, *parts)


def test_a_checkpoint_without_an_optimizer_does_not_resume_a_training(tmp_path):
    model = LeNet5()
    save_checkpoint(tmp_path / "model.pt", model)
    optimizer = torch.optim.Adam(model.parameters())
    with pytest.raises(ValueError, match="was saved without its optimizer"), unchanged(model, optimizer):
        load_checkpoint(tmp_path / "model.pt", model, optimizer)
    assert load_checkpoint(tmp_path / "model.pt", LeNet5()) == []


def test_weights_from_a_checkpoint_or_from_a_file_of_weights_alone(saved, tmp_path):
    weights = torch.load(saved, weights_only=True)["model"]
    torch.save(weights, tmp_path / "weights.pt")
    for path in (saved, str(saved), tmp_path / "weights.pt"):
        model = LeNet5()
        with unchanged():
            assert load_weights(path, model) is model
        assert all(torch.equal(value, weights[name]) for name, value in model.state_dict().items())
    with pytest.raises(ValueError, match=r"holds weights alone, not a training\. Use load_weights\."):
        load_checkpoint(tmp_path / "weights.pt", LeNet5())


class Harmful:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder):
        self.folder = str(folder)

    def __reduce__(self):
        return os.mkdir, (self.folder,)


@pytest.mark.parametrize("kind", ["code", "a whole model", "code among the weights"])
def test_a_file_that_could_run_code_is_not_loaded(tmp_path, kind):
    path, folder = tmp_path / "model.pt", tmp_path / "made"
    content = {
        "code": Harmful(folder),
        "a whole model": LeNet5(),
        "code among the weights": {**LeNet5().state_dict(), "more": Harmful(folder)},
    }[kind]
    torch.save(content, path)
    model = LeNet5()
    message = r"holds more than tensors and plain values \(.*\), .* It was not loaded\. Ask its author for .*state_dict"
    for load in (lambda: load_checkpoint(path, model), lambda: load_weights(path, model)):
        with pytest.raises(ValueError, match=message), unchanged(model):
            load()
    assert not folder.exists()


def test_a_bare_pickle_is_not_loaded(tmp_path):
    (tmp_path / "model.pt").write_bytes(pickle.dumps(Harmful(tmp_path / "made")))
    with pytest.raises(ValueError, match="is a Python pickle, and loading it could run code that it brings"):
        load_weights(tmp_path / "model.pt", LeNet5())
    assert not (tmp_path / "made").exists()


def test_a_file_without_names(tmp_path):
    torch.save([torch.zeros(3)], tmp_path / "list.pt")
    with pytest.raises(ValueError, match=r"list\.pt is not a checkpoint: it holds a list"):
        load_weights(tmp_path / "list.pt", LeNet5())


@pytest.mark.parametrize("content", [{"model": 3}, {"model": [1, 2]}, {0: torch.zeros(3)}], ids=repr)
def test_a_file_that_holds_no_model(tmp_path, content):
    path, model = tmp_path / "other.pt", LeNet5()
    torch.save(content, path)
    with pytest.raises(ValueError, match=r"other\.pt is not a checkpoint of a model"), unchanged(model):
        load_weights(path, model)
    save_checkpoint(path, model)
    torch.save(torch.load(path, weights_only=True) | {"model": content.get("model", content)}, path)
    with pytest.raises(ValueError, match=r"other\.pt is not a checkpoint of a model"), unchanged(model):
        load_checkpoint(path, model)


def test_a_file_that_is_not_there(tmp_path):
    for load in (lambda path: load_checkpoint(path, LeNet5()), lambda path: load_weights(path, LeNet5())):
        for path in (tmp_path / "nothing.pt", tmp_path):
            with pytest.raises(FileNotFoundError, match=f"there is no checkpoint {path}"):
                load(path)


@contextlib.contextmanager
def full_disk(room: int):
    """As on a disk with this room left, in bytes: no file can grow beyond it."""
    resource = pytest.importorskip("resource", reason="only Unix can limit the size of files")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("room", [0, 5_000, 200_000])
def test_a_full_disk_leaves_the_file_from_before(saved, room):
    before = saved.read_bytes()
    with full_disk(room), pytest.raises(OSError, match=r".*lenet5\.pt can't be written: .* Make room"):
        save_checkpoint(saved, LeNet5())
    assert saved.read_bytes() == before
    assert [file.name for file in saved.parent.iterdir()] == ["lenet5.pt"]


@pytest.mark.parametrize("error", [OSError(errno.EROFS, "Read-only file system"), KeyboardInterrupt()])
def test_a_failure_at_the_last_moment_leaves_the_file_from_before(saved, monkeypatch, error):
    def fail(source, target):
        raise error

    before = saved.read_bytes()
    monkeypatch.setattr(_files.os, "replace", fail)
    with pytest.raises(type(error)):
        save_checkpoint(saved, LeNet5())
    assert saved.read_bytes() == before
    assert [file.name for file in saved.parent.iterdir()] == ["lenet5.pt"]


def test_a_folder_that_can_not_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "model.pt"
    with pytest.raises(OSError, match=r".*model\.pt can't be written: .* choose another folder"):
        save_checkpoint(path, LeNet5())


def test_a_training_goes_on_where_no_checkpoint_can_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "training.pt"
    whole = train("Adam", "OneCycleLR")
    with pytest.warns(UserWarning, match=r"training\.pt can't be written: .* Training goes on") as told:
        assert_same(train("Adam", "OneCycleLR", path), whole)
    assert told[0].filename == __file__


def test_a_training_does_not_start_anew_over_a_checkpoint_that_does_not_fit(saved):
    before = saved.read_bytes()
    with pytest.raises(ValueError, match="is a checkpoint of another model"):
        train("Adam", "none", saved)
    assert saved.read_bytes() == before


NORMS = {"batch": nn.BatchNorm2d, "group": group_norm, "layer": layer_norm}
BATCH_NORMS = r"The first tensor that differs is features\.2\.running_mean: "
OTHER_NORMS = [
    ("batch", "group", BATCH_NORMS + "in the file it is 16, in this CifarNet it is not there"),
    ("layer", "batch", BATCH_NORMS + "in the file it is not there, in this CifarNet it is 16"),
    (
        "layer",
        "group",
        r"The first layer that differs is features\.2: in the file it has groups = 1, in this CifarNet groups = 4",
    ),
]


@pytest.mark.parametrize(("saved", "loaded", "difference"), OTHER_NORMS)
def test_a_checkpoint_of_another_normalisation(tmp_path, saved, loaded, difference):
    path, model = tmp_path / "norm.pt", CifarNet(NORMS[loaded])
    before = {name: tensor.clone() for name, tensor in model.state_dict().items() if isinstance(tensor, torch.Tensor)}
    save_checkpoint(path, CifarNet(NORMS[saved]))
    for load in (load_weights, load_checkpoint):
        with pytest.raises(ValueError, match=rf"norm\.pt is a checkpoint of another model\. {difference}\."):
            load(path, model)
    for name, tensor in before.items():
        assert torch.equal(model.state_dict()[name], tensor)


def test_torch_itself_refuses_weights_of_another_number_of_groups():
    with pytest.raises(ValueError, match="these weights are of a norm with groups = 1, not 4"):
        CifarNet(group_norm).load_state_dict(CifarNet(layer_norm).state_dict())


@pytest.mark.parametrize("norm", NORMS.values())
def test_weights_of_the_same_normalisation_load(tmp_path, norm):
    saved, images = CifarNet(norm).eval(), torch.randn(2, 3, 32, 32)
    save_checkpoint(tmp_path / "norm.pt", saved)
    assert torch.equal(load_weights(tmp_path / "norm.pt", CifarNet(norm)).eval()(images), saved(images))


# --- whatever is written can be read ---


class Functor:
    """A schedule with its own numbers, which LambdaLR keeps in its state."""

    def __init__(self, factor):
        self.factor = factor

    def __call__(self, epoch):
        return self.factor**epoch


NUMPY_TRAININGS = {
    "lr": ({"lr": np.float64(0.1)}, None),
    "lr, float32": ({"lr": np.float32(0.1)}, None),
    "lr, an array": ({"lr": float(np.logspace(-1, 0, 2)[0]), "momentum": np.linspace(0, 0.9, 3)[1]}, None),
    "lr, a tensor": ({"lr": torch.tensor(0.1)}, lambda optimizer: StepLR(optimizer, 1, 0.5)),
    "weight_decay": ({"weight_decay": np.logspace(-4, -2, 3)[0]}, None),
    "nesterov": ({"momentum": np.float16(0.5), "nesterov": np.bool_(True)}, None),
    "gamma": ({}, lambda optimizer: StepLR(optimizer, np.int64(1), gamma=np.float32(0.5))),
    "milestones": ({}, lambda optimizer: MultiStepLR(optimizer, np.arange(3), np.float64(0.5))),
    "cos": ({}, lambda optimizer: LambdaLR(optimizer, lambda epoch: np.cos(epoch))),
    "functor": ({}, lambda optimizer: LambdaLR(optimizer, Functor(np.float64(0.9)))),
    "functor of an array": ({}, lambda optimizer: LambdaLR(optimizer, Functor(np.array(0.9)))),
    "MultiplicativeLR": ({}, lambda optimizer: MultiplicativeLR(optimizer, lambda epoch: np.float64(0.9))),
    "T_max": ({}, lambda optimizer: CosineAnnealingLR(optimizer, np.int64(3), np.float64(0.01))),
    "T_0": ({}, lambda optimizer: CosineAnnealingWarmRestarts(optimizer, int(np.int64(2)), eta_min=0.01)),
    "max_lr": ({}, lambda optimizer: OneCycleLR(optimizer, np.float64(0.2), total_steps=int(np.int64(15)))),
    "CyclicLR": (
        {},
        lambda optimizer: CyclicLR(optimizer, np.float64(0.1), np.float32(0.5), np.int64(3), cycle_momentum=False),
    ),
    "plateau": ({}, lambda optimizer: ReduceLROnPlateau(optimizer, factor=np.float64(0.5), patience=np.int64(0))),
    "inner": (
        {},
        lambda optimizer: SequentialLR(
            optimizer, [LinearLR(optimizer, np.float64(0.5)), ExponentialLR(optimizer, np.float32(0.5))], [np.int64(1)]
        ),
    ),
    "chained": ({}, lambda optimizer: ChainedScheduler([PolynomialLR(optimizer, np.int64(3), np.float64(2))])),
}


def numpy_training(name, path, epochs, stop_in=None):
    options, make_scheduler = NUMPY_TRAININGS[name]
    torch.manual_seed(0)
    model = make_model()
    optimizer = torch.optim.SGD(model.parameters(), **{"lr": 0.1} | copy.deepcopy(options))
    scheduler = make_scheduler and make_scheduler(optimizer)
    loader = Loader(TRAIN, 8)
    history = fit(
        model,
        Interrupted(loader, stop_in) if stop_in else loader,
        Loader(VALID, 20),
        optimizer=optimizer,
        epochs=epochs,
        scheduler=scheduler,
        checkpoint=path,
    )
    return [{key: value for key, value in row.items() if key != "seconds"} for row in history], weights_of(model)


@pytest.mark.parametrize("name", NUMPY_TRAININGS)
def test_numbers_of_numpy_are_written_so_that_they_can_be_read(tmp_path, name):
    path = tmp_path / "training.pt"
    whole = numpy_training(name, None, 3)
    numpy_training(name, path, 3, stop_in=2)
    torch.load(path, weights_only=True)
    rows, weights = numpy_training(name, path, 3)
    assert rows == whole[0]
    assert all(torch.equal(weights[name], whole[1][name]) for name in weights)


class Word(str):
    pass


class Level(enum.IntEnum):
    HIGH = 3


def test_a_history_of_any_numbers(tmp_path):
    rows = [
        {"f1": np.float64(0.5), "counts": np.arange(3), "names": np.array(["a", "b"]), "good": np.bool_(True)},
        {"level": Level.HIGH, "word": Word("x"), "pair": Counter(a=np.int64(2)), "tuple": (np.float32(0.5), None)},
        {
            "metrics": Metrics(np.float64(1), 0.5),
            "set": {np.int64(3)},
            "complex": np.complex64(1j),
            "tensor": torch.ones(2),
        },
    ]
    save_checkpoint(tmp_path / "model.pt", LeNet5(), history=rows)
    found = load_checkpoint(tmp_path / "model.pt", LeNet5())
    assert found[0] == {"f1": 0.5, "counts": [0, 1, 2], "names": ["a", "b"], "good": True}
    assert found[1] == {"level": 3, "word": "x", "pair": {"a": 2}, "tuple": (0.5, None)}
    assert found[2].pop("tensor").tolist() == [1, 1]
    assert found[2] == {"metrics": (1.0, 0.5), "set": {3}, "complex": 1j}


class WithExtraState(nn.Module):
    def __init__(self, extra, buffer=None):
        super().__init__()
        self.extra = extra
        self.register_buffer("buffer", torch.zeros(2).as_subclass(Picture) if buffer is None else buffer)

    def get_extra_state(self):
        return self.extra

    def set_extra_state(self, state):
        self.extra = state


class Picture(torch.Tensor):
    """A type of tensor of its own, as torchvision's."""


def test_a_layer_that_keeps_more_than_tensors(tmp_path):
    path = tmp_path / "model.pt"
    save_checkpoint(path, WithExtraState({"steps": np.int64(7), "mean": np.arange(2)}))
    model = load_weights(path, WithExtraState({"steps": 0, "mean": [0, 0]}))  # it counts, and is no setting
    assert model.extra == {"steps": 7, "mean": [0, 1]}
    load_checkpoint(path, WithExtraState({"steps": 0, "mean": [0, 0]}))


@pytest.mark.parametrize(
    ("save", "name", "kind"),
    [
        (lambda path: save_row(path, when=datetime.now()), r"history\[0\]\['when'\]", "datetime"),
        (lambda path: save_row(path, model=LeNet5), r"history\[0\]\['model'\]", "type"),
        (lambda path: save_row(path, a=[1, np.array([None])]), r"history\[0\]\['a'\]\[1\]", "ndarray"),
        (
            lambda path: save_checkpoint(path, WithExtraState({"f": print})),
            r"model\['_extra_state'\]\['f'\]",
            "builtin",
        ),
        (lambda path: fit_functor(path), r"scheduler\['lr_lambdas'\]\[0\]\['factor'\]", "function"),
    ],
)
def test_what_could_not_be_read_again_is_not_written(tmp_path, save, name, kind):
    path = tmp_path / "model.pt"
    with pytest.raises(
        TypeError, match=rf"a checkpoint keeps tensors and plain values only, .* but {name} is a {kind}"
    ):
        save(path)
    assert not path.exists()


def save_row(path, **row):
    save_checkpoint(path, LeNet5(), history=[row])


def fit_functor(path):
    """The error comes before the training, not when it is first saved."""
    model = make_model()
    optimizer = OPTIMIZERS["SGD"](model)
    scheduler = LambdaLR(optimizer, Functor(0.5))
    scheduler.lr_lambdas[0].factor = lambda: None
    loader = iter([pytest.fail])
    fit(model, loader, optimizer=optimizer, epochs=1, scheduler=scheduler, checkpoint=path)


# --- another training ---


ALL_OPTIMIZERS = {
    kind.__name__: kind
    for kind in (
        torch.optim.ASGD, torch.optim.Adadelta, torch.optim.Adafactor, torch.optim.Adagrad, torch.optim.Adam,
        torch.optim.AdamW, torch.optim.Adamax, torch.optim.NAdam, torch.optim.RAdam, torch.optim.RMSprop,
        torch.optim.Rprop, torch.optim.SGD,
    )
} | {"SGD with momentum": partial(torch.optim.SGD, momentum=0.9)}  # fmt: skip
BATCHES = [(torch.randn(6, 1, 6, 6, generator=torch.Generator().manual_seed(1)), torch.arange(6) % 3)]


def short_training(path, make_optimizer, make_scheduler=None, epochs: int = 1):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(36, 3))
    optimizer = make_optimizer(model.parameters())
    scheduler = make_scheduler and make_scheduler(optimizer)
    parts = [part for part in (model, optimizer, scheduler) if part is not None]
    with contextlib.ExitStack() as stack:
        if epochs == 2:
            stack.enter_context(unchanged(*parts))
        fit(model, BATCHES, BATCHES, optimizer=optimizer, epochs=epochs, scheduler=scheduler, checkpoint=path)
    return model


@pytest.mark.parametrize("saved", ALL_OPTIMIZERS)
def test_a_training_goes_on_with_no_optimizer_but_its_own(tmp_path, saved):
    path = tmp_path / "training.pt"
    short_training(path, ALL_OPTIMIZERS[saved])
    for name, kind in ALL_OPTIMIZERS.items():
        if name != saved:
            told = r"momentum is 0(\.9)? in the file, 0(\.9)? here" if name[:3] == saved[:3] == "SGD" else r"class is "
            with pytest.raises(ValueError, match=rf"was saved with another optimizer than this \w+: {told}"):
                short_training(path, kind, epochs=2)
    whole, path_3 = short_training(None, ALL_OPTIMIZERS[saved], epochs=3), path
    resumed = short_training(path_3, ALL_OPTIMIZERS[saved], epochs=3)
    assert torch.equal(whole[1].weight, resumed[1].weight)


SGD, ADAM = partial(torch.optim.SGD, lr=0.1), partial(torch.optim.Adam, lr=0.1)


def groups(parameters, **second):
    first, last = parameters
    return torch.optim.SGD([{"params": [first]}, {"params": [last], **second}], lr=0.1)


OTHER_SETTINGS = [
    (SGD, partial(SGD, lr=0.01), r"lr is 0\.1 in the file, 0\.01 here"),
    (SGD, partial(SGD, lr=np.float64(0.01)), r"lr is 0\.1 in the file, 0\.01 here"),
    (SGD, partial(SGD, momentum=0.9), r"momentum is 0 in the file, 0\.9 here"),
    (partial(SGD, momentum=0.9), partial(SGD, momentum=0.9, nesterov=True), "nesterov is False in the file, True here"),
    (partial(SGD, weight_decay=5), SGD, "weight_decay is 5 in the file, 0 here"),
    (ADAM, partial(ADAM, betas=(0.5, 0.9)), r"betas is \(0\.9, 0\.999\) in the file, \(0\.5, 0\.9\) here"),
    (ADAM, partial(ADAM, eps=1e-3), "eps is 1e-08 in the file, 0.001 here"),
    (ADAM, partial(ADAM, amsgrad=True), "amsgrad is False in the file, True here"),
    (partial(SGD, maximize=True), SGD, "maximize is True in the file, False here"),
    (SGD, groups, "number of parameter groups is 1 in the file, 2 here"),
    (groups, partial(groups, lr=0.5), r"lr of group 2 is 0\.1 in the file, 0\.5 here"),
    (groups, partial(groups, weight_decay=1), "weight_decay of group 2 is 0 in the file, 1 here"),
    (
        SGD,
        lambda parameters: SGD(reversed(list(parameters))),
        r"tensor 1 in group 1 is 1\.weight in the file, 1\.bias here",
    ),
    (SGD, lambda parameters: SGD([next(parameters)]), "number of tensors in group 1 is 2 in the file, 1 here"),
]


@pytest.mark.parametrize(("saved", "given", "difference"), OTHER_SETTINGS)
def test_an_optimizer_with_other_settings(tmp_path, saved, given, difference):
    short_training(tmp_path / "training.pt", saved)
    with pytest.raises(
        ValueError, match=rf"another optimizer than this \w+: {difference}\. A training goes on with the"
    ):
        short_training(tmp_path / "training.pt", given, epochs=2)


OTHER_SCHEDULERS = [
    (partial(StepLR, step_size=2), partial(StepLR, step_size=3), "step_size is 2 in the file, 3 here"),
    (partial(StepLR, step_size=2), partial(StepLR, step_size=2, gamma=0.5), r"gamma is 0\.1 in the file, 0\.5 here"),
    (partial(CosineAnnealingLR, T_max=1), partial(CosineAnnealingLR, T_max=3), "T_max is 1 in the file, 3 here"),
    (
        partial(CosineAnnealingLR, T_max=3),
        partial(CosineAnnealingLR, T_max=3, eta_min=1),
        "eta_min is 0.0 in the file, 1",
    ),
    (
        partial(CosineAnnealingWarmRestarts, T_0=1),
        partial(CosineAnnealingWarmRestarts, T_0=3),
        "T_0 is 1 in the file, 3",
    ),
    (
        partial(MultiStepLR, milestones=[1, 2]),
        partial(MultiStepLR, milestones=[1]),
        "milestones is Counter.* in the file",
    ),
    (partial(LinearLR, total_iters=5), partial(LinearLR, total_iters=6), "total_iters is 5 in the file, 6 here"),
    (partial(PolynomialLR, power=1), partial(PolynomialLR, power=2), "power is 1 in the file, 2 here"),
    (partial(ExponentialLR, gamma=0.9), partial(ExponentialLR, gamma=0.8), r"gamma is 0\.9 in the file, 0\.8 here"),
    (
        partial(ReduceLROnPlateau, patience=1),
        partial(ReduceLROnPlateau, patience=2),
        "patience is 1 in the file, 2 here",
    ),
    (
        lambda optimizer: OneCycleLR(optimizer, 1, total_steps=1),
        lambda optimizer: OneCycleLR(optimizer, 1, total_steps=2),
        "total_steps is 1 in the file, 2 here",
    ),
    (
        partial(CyclicLR, base_lr=0.1, max_lr=1, cycle_momentum=False),
        partial(CyclicLR, base_lr=0.1, max_lr=2, cycle_momentum=False),
        r"max_lrs is \[1\] in the file, \[2\] here",
    ),
    (
        partial(StepLR, step_size=2),
        partial(ExponentialLR, gamma=0.9),
        "class is StepLR in the file, ExponentialLR here",
    ),
    (
        lambda optimizer: SequentialLR(optimizer, [LinearLR(optimizer), StepLR(optimizer, 2)], [1]),
        lambda optimizer: SequentialLR(optimizer, [LinearLR(optimizer), ExponentialLR(optimizer, 0.5)], [1]),
        "class of scheduler 2 is StepLR in the file, ExponentialLR here",
    ),
    (
        lambda optimizer: SequentialLR(optimizer, [LinearLR(optimizer), StepLR(optimizer, 2)], [1]),
        lambda optimizer: SequentialLR(optimizer, [LinearLR(optimizer), StepLR(optimizer, 2)], [2]),
        r"_milestones is \[1\] in the file, \[2\] here",
    ),
    (
        lambda optimizer: LambdaLR(optimizer, lambda epoch: 1),
        lambda optimizer: LambdaLR(optimizer, np.cos),
        r"functions is \['<lambda>'\] in the file, \['cos'\] here",
    ),
]


@pytest.mark.parametrize(("saved", "given", "difference"), OTHER_SCHEDULERS)
def test_a_scheduler_with_other_settings(tmp_path, saved, given, difference):
    short_training(tmp_path / "training.pt", SGD, saved)
    with pytest.raises(
        ValueError, match=f"another scheduler than this .*: {difference}.* make the scheduler as it was; o"
    ):
        short_training(tmp_path / "training.pt", SGD, given, epochs=2)


def test_another_one_cycle_of_as_many_steps(tmp_path):
    def training(**options):
        model = nn.Sequential(nn.Flatten(), nn.Linear(36, 3))
        optimizer = SGD(model.parameters(), momentum=0.9)
        return model, optimizer, OneCycleLR(optimizer, total_steps=9, **options)

    parts = training(max_lr=1)
    parts[1].step()
    parts[2].step()
    save_checkpoint(tmp_path / "training.pt", *parts)
    for options in (
        {"max_lr": 2},
        {"max_lr": 1, "pct_start": 0.5},
        {"max_lr": 1, "three_phase": True},
        {"max_lr": 1, "base_momentum": 0.5},
    ):
        with pytest.raises(ValueError, match=r"was saved with another (optimizer|scheduler) than this"):
            load_checkpoint(tmp_path / "training.pt", *training(**options))
    load_checkpoint(tmp_path / "training.pt", *training(max_lr=1))


@pytest.mark.parametrize("scheduler", [name for name in SCHEDULERS if name != "none"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_parts_of_a_training_that_has_gone_on_go_on(tmp_path, optimizer, scheduler):
    """In a notebook: the cell with `fit` is stopped and run again, without those above it."""
    whole = train(optimizer, scheduler)
    torch.manual_seed(0)
    model = make_model()
    made = OPTIMIZERS[optimizer](model)
    parts = {"optimizer": made, "scheduler": SCHEDULERS[scheduler](made), "checkpoint": tmp_path / "training.pt"}
    loader = Loader(TRAIN, 8, shuffle=True, augment=lambda images: random_affine(images, degrees=10))
    fit(model, Interrupted(loader, 3), Loader(VALID, 20), epochs=4, **parts)
    history = fit(model, loader, Loader(VALID, 20), epochs=4, **parts)
    assert [{name: row[name] for name in whole[0][0]} for row in history] == whole[0]
    assert all(torch.equal(value, whole[1][name]) for name, value in model.state_dict().items())


def test_a_learning_rate_that_was_set_by_hand_is_not_ignored(tmp_path):
    model = make_model()
    optimizer = SGD(model.parameters())
    parts = {"optimizer": optimizer, "checkpoint": tmp_path / "training.pt"}
    fit(model, Loader(TRAIN, 8), epochs=1, **parts)
    optimizer.param_groups[0]["lr"] = 0.01
    with pytest.raises(ValueError, match=r"lr of group 1 is 0\.1 in the file, 0\.01 here"):
        fit(model, Loader(TRAIN, 8), epochs=2, **parts)


class OwnScheduler(LRScheduler):
    """Counts by itself, as students' do."""

    def __init__(self, optimizer, every):
        self.every, self.seen = every, 0
        super().__init__(optimizer)

    def get_lr(self):
        self.seen += 1
        return [rate * 0.5 ** (self.seen // self.every) for rate in self.base_lrs]


def test_a_scheduler_of_ones_own_goes_on(tmp_path):
    whole = short_training(None, SGD, partial(OwnScheduler, every=2), epochs=3)
    short_training(tmp_path / "training.pt", SGD, partial(OwnScheduler, every=2))
    resumed = short_training(tmp_path / "training.pt", SGD, partial(OwnScheduler, every=2), epochs=3)
    assert torch.equal(whole[1].weight, resumed[1].weight)


def test_a_file_with_more_epochs(tmp_path):
    path = tmp_path / "training.pt"
    short_training(path, SGD, epochs=3)
    with pytest.raises(
        ValueError, match=r"training\.pt holds 3 epochs, more than the 2 of this training\. Ask for more"
    ):
        short_training(path, SGD, epochs=2)


def test_a_finished_training_says_so(tmp_path, capsys):
    path = tmp_path / "training.pt"
    short_training(path, SGD)
    capsys.readouterr()
    short_training(path, SGD)
    assert capsys.readouterr().out == f"{path} holds 1 of 1 epochs: nothing is left to train.\n"


def test_a_file_from_before_settings_were_kept(saved):
    state = torch.load(saved, weights_only=True)
    for name in ("settings", "preprocessing", "random_mps"):
        del state[name]
    torch.save(state, saved)
    assert load_checkpoint(saved, LeNet5()) == []
    load_weights(saved, LeNet5())
    model = LeNet5()
    optimizer = torch.optim.Adam(model.parameters())
    scheduler = StepLR(optimizer, 2)
    with (
        pytest.raises(ValueError, match=r"written by an older version, .*load_weights takes its weights"),
        unchanged(model),
    ):
        load_checkpoint(saved, model, optimizer, scheduler)


def test_what_fails_midway_changes_nothing(saved, monkeypatch):
    model = LeNet5()
    optimizer = torch.optim.Adam(model.parameters())
    scheduler = StepLR(optimizer, 2)
    load = StepLR.load_state_dict
    seen = []

    def fail_once(self, state):
        load(self, state)
        seen.append(state)
        if len(seen) == 1:
            raise KeyError("gamma")

    monkeypatch.setattr(StepLR, "load_state_dict", fail_once)
    with pytest.raises(ValueError, match=r"lenet5\.pt does not fit: 'gamma'"), unchanged(model, optimizer, scheduler):
        load_checkpoint(saved, model, optimizer, scheduler)


# --- wrapped models, and what goes with them ---


WRAPPERS = {
    "none": lambda model: model,
    "compiled": lambda model: torch.compile(model, backend="eager"),
    "parallel": nn.DataParallel,
    "compiled, parallel": lambda model: nn.DataParallel(torch.compile(model, backend="eager")),
    "parallel, compiled": lambda model: torch.compile(nn.DataParallel(model), backend="eager"),
}


@pytest.mark.parametrize("saver", WRAPPERS)
@pytest.mark.parametrize("loader", WRAPPERS)
def test_a_wrapped_model_is_saved_and_loaded_as_the_model_in_it(tmp_path, saver, loader):
    path, model = tmp_path / "model.pt", make_model()
    save_checkpoint(path, WRAPPERS[saver](model))
    assert torch.load(path, weights_only=True)["model"].keys() == model.state_dict().keys()
    for load in (load_weights, load_checkpoint):
        other = make_model()
        load(path, WRAPPERS[loader](other))
        assert all(torch.equal(value, model.state_dict()[name]) for name, value in other.state_dict().items())


def test_a_model_with_a_compiled_part(tmp_path):
    path, model, compiled = tmp_path / "model.pt", LeNet5(), LeNet5()
    compiled.features = torch.compile(compiled.features, backend="eager")
    assert "features._orig_mod.0.weight" in compiled.state_dict()
    save_checkpoint(path, compiled)
    images = torch.randn(2, 1, 32, 32)
    assert torch.equal(load_weights(path, model)(images), compiled(images))
    other = LeNet5()
    save_checkpoint(path, other)
    assert torch.equal(load_weights(path, compiled)(images), other(images))


def test_a_compiled_training_goes_on_without(tmp_path):
    def training(wrap, epochs):
        torch.manual_seed(0)
        model = make_model()
        fit(wrap(model), BATCHES, optimizer=SGD(model.parameters()), epochs=epochs, checkpoint=tmp_path / "training.pt")
        return weights_of(model)

    training(WRAPPERS["compiled"], 1)
    resumed = training(WRAPPERS["none"], 2)
    (tmp_path / "training.pt").unlink()
    whole = training(WRAPPERS["none"], 2)
    assert all(torch.equal(resumed[name], whole[name]) for name in whole)


def test_the_preprocessing_goes_along(tmp_path):
    path, model, loader = tmp_path / "model.pt", make_model(), Loader(TRAIN, 8)
    fit(model, loader, optimizer=SGD(model.parameters()), epochs=1, checkpoint=path)
    for load in (load_weights, load_checkpoint):
        for wrap in WRAPPERS.values():
            other = make_model()
            load(path, wrap(other))
            assert other.preprocessing == model.preprocessing == TRAIN.preprocessing
    model.preprocessing = "centred"  # a student's own word for it
    save_checkpoint(path, model)
    other = make_model()
    other.preprocessing = TRAIN.preprocessing
    assert load_weights(path, other).preprocessing == TRAIN.preprocessing


def test_the_random_state_of_an_apple(tmp_path, monkeypatch):
    states = [torch.arange(5, dtype=torch.uint8)]
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch.mps, "get_rng_state", lambda: states[-1])
    monkeypatch.setattr(torch.mps, "set_rng_state", states.append)
    save_checkpoint(tmp_path / "model.pt", make_model())
    states.append(torch.zeros(5, dtype=torch.uint8))
    load_checkpoint(tmp_path / "model.pt", make_model())
    assert states[-1].tolist() == [0, 1, 2, 3, 4]
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    load_checkpoint(tmp_path / "model.pt", make_model())
    assert len(states) == 3


def test_the_path_comes_first(tmp_path):
    for function in (load_weights, load_checkpoint, save_checkpoint):
        with pytest.raises(TypeError, match=rf"{function.__name__}\(path, model, …\) takes the file's path first"):
            function(make_model(), tmp_path / "model.pt")


def test_a_model_without_a_tensor(tmp_path):
    save_checkpoint(tmp_path / "model.pt", nn.Flatten())
    load_weights(tmp_path / "model.pt", nn.Flatten())
    assert load_checkpoint(tmp_path / "model.pt", nn.Flatten()) == []
