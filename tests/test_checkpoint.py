import contextlib
import errno
import io
import os
import pickle

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import (
    CosineAnnealingLR,
    CyclicLR,
    ExponentialLR,
    LinearLR,
    OneCycleLR,
    ReduceLROnPlateau,
    SequentialLR,
    StepLR,
)

from cnncourse import _files
from cnncourse.augment import random_affine
from cnncourse.checkpoint import load_checkpoint, load_weights, save_checkpoint
from cnncourse.data import ImageSet, Loader
from cnncourse.models import CifarNet, LeNet5, group_norm, layer_norm
from cnncourse.train import fit

LABELS = torch.arange(60) % 3
IMAGES = torch.randint(256, (60, 1, 6, 6), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
VALID = ImageSet(IMAGES[:20], LABELS[:20], ("a", "b", "c"), (0.5,), (0.3,), split_name="valid")
TRAIN = ImageSet(IMAGES[20:], LABELS[20:], ("a", "b", "c"), (0.5,), (0.3,))


def make_model() -> nn.Module:
    return nn.Sequential(nn.BatchNorm2d(1), nn.Flatten(), nn.Linear(36, 8), nn.ReLU(), nn.Dropout(0.4), nn.Linear(8, 3))


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
    assert [line[:9] for line in lines[1:]] == ["epoch 3/4", "epoch 4/4"]
    assert_same(train("Adam", "StepLR", path, seed=99), whole)  # nothing is left to train
    assert [file.name for file in path.parent.iterdir()] == ["training.pt"]


def test_a_finished_one_cycle_can_not_be_prolonged(tmp_path):
    path = tmp_path / "training.pt"
    train("Adam", "OneCycleLR", path)
    model = make_model()
    optimizer = OPTIMIZERS["Adam"](model)
    scheduler = OneCycleLR(optimizer, max_lr=0.05, total_steps=8 * 5)
    with pytest.raises(ValueError, match="made for 20 steps, but this run has 40"):
        fit(model, Loader(TRAIN, 8), optimizer=optimizer, epochs=8, scheduler=scheduler, checkpoint=path)


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
        (smaller_lenet5, r"classifier\.2\.weight: in the file it is 84×120, in this LeNet5 it is 50×120\."),
        (make_model, r"0\.weight: in the file it is not there, in this Sequential it is 1\."),
        (lambda: LeNet5().features, r"0\.weight: in the file it is not there, in this Sequential it is 6×1×5×5\."),
        (
            lambda: nn.ModuleDict({"features": LeNet5().features}),
            r"classifier\.0\.weight: in the file it is 120×400, in this ModuleDict it is not there\.",
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
        (torch.optim.SGD, None, "was saved with another optimizer than SGD"),
        (lambda parameters: torch.optim.Adam(list(parameters)[:2]), None, "was saved with another optimizer than Adam"),
        (torch.optim.Adam, lambda optimizer: ExponentialLR(optimizer, 0.9), "another scheduler than ExponentialLR"),
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


def damage(content: bytes) -> dict[str, bytes]:
    flipped = bytearray(content)
    flipped[content.index(b"data/0") + 500] ^= 1  # one bit of the first tensor's values
    other_archive = io.BytesIO()
    np.savez(other_archive, a=np.zeros(3))
    return {
        "truncated": content[: len(content) // 2],
        "almost whole": content[:-10],
        "one bit": bytes(flipped),
        "garbage": np.random.default_rng(0).bytes(1000),
        "zeros": bytes(1000),
        "text": b"<!DOCTYPE html><html>Not found</html>",
        "another archive": other_archive.getvalue(),
        "empty": b"",
    }


@pytest.mark.parametrize("name", damage(b"data/0" + bytes(1000)))
def test_a_damaged_file(saved, name):
    saved.write_bytes(damage(saved.read_bytes())[name])
    model = LeNet5()
    message = r"lenet5\.pt is damaged or is not a checkpoint\. Delete it and train again, or copy it anew\.$"
    for load in (lambda: load_checkpoint(saved, model), lambda: load_weights(saved, model)):
        with pytest.raises(ValueError, match=message), unchanged(model):
            load()


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
    message = r"holds more than tensors and plain values, .* It was not loaded\. Ask its author for .*state_dict"
    for load in (lambda: load_checkpoint(path, model), lambda: load_weights(path, model)):
        with pytest.raises(ValueError, match=message), unchanged(model):
            load()
    assert not folder.exists()


def test_a_bare_pickle_is_not_loaded(tmp_path):
    (tmp_path / "model.pt").write_bytes(pickle.dumps(Harmful(tmp_path / "made")))
    with pytest.raises(ValueError, match="is damaged or is not a checkpoint"):
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
