"""The benchmark that compares `fit` with other frameworks: it is fair only if all of them train the same."""

import pytest
import torch
from torch.utils.data import DataLoader

from benchmarks import frameworks
from benchmarks.frameworks import by_fit, by_loop, check_same, measure, ways_to_train
from benchmarks.timing import Case, PilImages, ratio, take_turns
from cnncourse.data import Loader, load, torchvision
from cnncourse.models import DigitNet

STEPS = 4
CASE = Case(DigitNet, "MNIST", size=28, batch_size=50, steps=STEPS)


@pytest.fixture(autouse=True)
def sample(monkeypatch):
    monkeypatch.setenv("CNNCOURSE_QUICK", "1")


def trained(way, batches):
    torch.manual_seed(0)
    model = DigitNet()
    way(model, batches)()
    return model.state_dict()


@pytest.mark.parametrize(
    ("package", "way"),
    [
        ("cnncourse", frameworks.by_fit),
        ("skorch", frameworks.by_skorch),
        ("lightning", frameworks.by_lightning),
        ("fastai", frameworks.by_fastai),
    ],
)
@pytest.mark.filterwarnings("ignore")  # advice about loaders, and what is deprecated in torch
def test_every_way_trains_as_the_plain_loop_does(package, way):
    pytest.importorskip(package)
    batches = DataLoader(list(Loader(CASE.images(), CASE.batch_size)), batch_size=None)
    torch.testing.assert_close(trained(way, batches), trained(by_loop, batches))


def test_all_batches_are_the_same():
    images = CASE.images()
    ways = ways_to_train(images, images.resize(32), CASE.batch_size)
    reference = list(Loader(images.resize(32), CASE.batch_size))
    assert [len(ways["ready"]), len(ways["loaded"])] == [5, 7]
    for name, (_, batches) in [*ways["ready"].items(), *ways["loaded"].items()]:
        if "workers" not in name:
            torch.testing.assert_close([tuple(batch) for batch in batches], reference)


def test_ways_that_do_not_train_the_same_are_refused():
    check_same({"a": 0.5, "b": 0.50001})
    with pytest.raises(ValueError, match=r"'b': 0\.51"):
        check_same({"a": 0.5, "b": 0.51})


def test_ways_take_turns_from_the_same_weights():
    trained, first_weights = [], []

    def way(name):
        def prepare(model, batches):
            first_weights.append(next(model.parameters()).detach().clone())
            return lambda: trained.append(name + batches)

        return prepare

    seconds, models = take_turns(DigitNet, {"a": (way("a"), "1"), "b": (way("b"), "2")}, rounds=2)
    assert trained == ["a1", "b2"] * 3
    assert {name: len(times) for name, times in seconds.items()} == {"a": 2, "b": 2}
    assert all(torch.equal(weights, first_weights[0]) for weights in first_weights)
    assert models["a"] is not models["b"]


def test_a_ratio_is_the_median_over_rounds_of_one_machine():
    assert ratio([2, 3, 40], [1, 1, 10]) == {"median": 3, "least": 2, "most": 4}


def test_ratios_of_one_network(monkeypatch):
    def only_ours(images, resized, batch_size):
        loader = Loader(resized, batch_size)
        return {"loaded": {"plain loop": (by_loop, loader), "`fit`": (by_fit, loader)}}

    monkeypatch.setattr(frameworks, "ways_to_train", only_ours)
    ratios = measure(CASE, rounds=1)["loaded"]
    assert ratios["plain loop"] == {"median": 1, "least": 1, "most": 1}
    assert ratios["`fit`"]["median"] > 0


def test_pil_images_are_those_of_the_loader():
    images = load("MNIST", "train").subset(slice(20))
    [(batch, labels)] = Loader(images.resize(32), 20)
    items = PilImages(images, torchvision.transforms.Resize(32))
    pairs = [items[i] for i in range(len(items))]
    torch.testing.assert_close(torch.stack([image for image, _ in pairs]), batch)
    assert [label for _, label in pairs] == labels.tolist()
