"""How long the same training takes with `fit`, with a plain loop, and with other frameworks.

LeNet-5 trains on Fashion-MNIST at 32×32 in batches of 512, DigitNet on MNIST in batches of 64: an epoch of some steps,
from the same weights, over the same images in the same order, with SGD and momentum. Frameworks log nothing, show no
progress, and write no checkpoints. Their set-up is not timed.

- ready: every way gets the same list of batches, so that its own work is seen;
- loaded: `fit` has a `Loader`, all others have a `DataLoader`.

The ways take turns, round after round, and a ratio is the median over the rounds. It stops if they do not end at the
same loss. It writes `results/benchmarks/frameworks.json`.
"""

import argparse
import logging
import math
import warnings
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from importlib.metadata import PackageNotFoundError, version

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader

from benchmarks.timing import Batches, Case, PilImages, Way, ratio, take_turns, write
from cnncourse._memory import keep_memory
from cnncourse.data import ImageSet, Loader, torchvision
from cnncourse.models import DigitNet, LeNet5
from cnncourse.train import evaluate, fit

FRAMEWORKS = ("skorch", "lightning", "fastai")
SGD = partial(torch.optim.SGD, lr=0.02, momentum=0.9)
CASES = {
    "LeNet5": Case(LeNet5, "FashionMNIST", size=32, batch_size=512, steps=40),
    "DigitNet": Case(DigitNet, "MNIST", size=28, batch_size=64, steps=80),
}


def by_loop(model: nn.Module, batches: Batches) -> Callable[[], None]:
    optimizer = SGD(model.parameters())

    def train() -> None:
        model.train()
        for images, labels in batches:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(images), labels)
            loss.backward()
            optimizer.step()

    return train


def by_fit(model: nn.Module, batches: Batches) -> Callable[[], object]:
    return partial(fit, model, batches, optimizer=SGD(model.parameters()), epochs=1)


def by_skorch(model: nn.Module, batches: Batches) -> Callable[[], object]:
    from skorch import NeuralNet

    net = NeuralNet(
        model,
        criterion=nn.CrossEntropyLoss,
        optimizer=SGD.func,
        **{f"optimizer__{name}": value for name, value in SGD.keywords.items()},
        max_epochs=1,
        iterator_train=lambda dataset, batch_size: batches,
        train_split=None,
        callbacks="disable",
        verbose=0,
    )
    return partial(net.fit, torch.empty(1))  # which the batches take the place of


def by_lightning(model: nn.Module, batches: Batches) -> Callable[[], object]:
    import lightning

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def training_step(self, batch, index):
            images, labels = batch
            return F.cross_entropy(self.model(images), labels)

        def configure_optimizers(self):
            return SGD(self.model.parameters())

    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)  # what it found in the machine, and tips
    trainer = lightning.Trainer(
        max_epochs=1,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    return partial(trainer.fit, Module(), batches)


def by_fastai(model: nn.Module, batches: Batches) -> Callable[[], object]:
    from fastai.callback.progress import ProgressCallback
    from fastai.data.core import DataLoaders
    from fastai.learner import Learner
    from fastai.optimizer import OptimWrapper

    learner = Learner(
        DataLoaders(batches, [], device="cpu"),
        model,
        loss_func=F.cross_entropy,
        opt_func=partial(OptimWrapper, opt=SGD.func, **SGD.keywords),
        lr=SGD.keywords["lr"],
    )
    learner.remove_cb(ProgressCallback)
    return partial(learner.fit, 1)


def ways_to_train(images: ImageSet, resized: ImageSet, batch_size: int) -> dict[str, dict[str, tuple[Way, Batches]]]:
    """For ready and loaded, each way's name, the way, and its batches; the first is what the others are measured by.

    Args:
        images: as torchvision's own class has them.
        resized: the same, of the size that the network wants.
        batch_size: how many images a batch has.
    """
    ready = DataLoader(list(Loader(resized, batch_size)), batch_size=None)  # hands over what is there
    loaded = DataLoader(resized, batch_size)
    one_by_one = PilImages(images, torchvision.transforms.Resize(resized.images.shape[-1]))
    frameworks = {"skorch": by_skorch, "Lightning": by_lightning, "fastai": by_fastai}
    return {
        "ready": {
            "plain loop": (by_loop, ready),
            "`fit`": (by_fit, ready),
            **{name: (way, ready) for name, way in frameworks.items()},
        },
        "loaded": {
            "plain loop over `DataLoader(image_set)`": (by_loop, loaded),
            "`fit` over `Loader(image_set)`": (by_fit, Loader(resized, batch_size)),
            **{f"{name} over `DataLoader(image_set)`": (way, loaded) for name, way in frameworks.items()},
            "plain loop over torchvision's images": (by_loop, DataLoader(one_by_one, batch_size)),
            "the same with 2 workers": (by_loop, DataLoader(one_by_one, batch_size, num_workers=2)),
        },
    }


def check_same(losses: dict[str, float]) -> None:
    """Raise a ValueError unless all ways ended at the same loss, to rounding."""
    first = next(iter(losses.values()))
    if not all(math.isclose(loss, first, rel_tol=1e-3) for loss in losses.values()):
        raise ValueError(f"the ways do not train the same: their losses are {losses}")


def measure(case: Case, rounds: int) -> dict[str, dict[str, dict[str, float]]]:
    """How many times as long as the plain loop each way takes, for ready and for loaded batches."""
    images = case.images()
    resized = images.resize(case.size)
    result = {}
    for kind, ways in ways_to_train(images, resized, case.batch_size).items():
        seconds, models = take_turns(case.model, ways, rounds)
        check_same({name: evaluate(model, Loader(resized, 1000)).loss for name, model in models.items()})
        plain = next(iter(seconds.values()))
        result[kind] = {name: ratio(times, plain) for name, times in seconds.items()}
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    try:
        versions = {name: version(name) for name in FRAMEWORKS}
    except PackageNotFoundError as error:
        parser.error(f"{error.name} is not installed: pip install -r requirements.txt -r benchmarks/requirements.txt")
    warnings.simplefilter("ignore")  # each framework has its own advice about loaders
    keep_memory()  # `fit` asks for it; so it helps every way from the first step on
    rows: dict[str, dict] = {"ready": defaultdict(dict), "loaded": defaultdict(dict)}
    for network, case in CASES.items():
        for kind, ratios in measure(case, rounds).items():
            for way, times in ratios.items():
                rows[kind][way][network] = times
    write("frameworks", {"versions": versions, **rows})


if __name__ == "__main__":
    main()
