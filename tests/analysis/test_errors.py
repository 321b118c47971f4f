import pytest
import sklearn.metrics
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from cnncourse.analysis import confusion_matrix, misclassified
from cnncourse.analysis.errors import Mistake, Mistakes
from cnncourse.data import ImageSet, Loader
from cnncourse.train import predict


def image_set(number=70, classes=4):
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(256, (number, 1, 4, 4), dtype=torch.uint8, generator=generator)
    labels = torch.randint(classes, (number,), generator=generator)
    return ImageSet(images, labels, ("ant", "bee", "cow", "doe"), (0.5,), (0.3,))


@pytest.fixture
def model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(16, 4))


def torch_loader(images, **options):
    """A `DataLoader` with the batches of a `Loader`."""
    [(tensors, labels)] = Loader(images, len(images))
    return DataLoader(TensorDataset(tensors, labels), batch_size=16, **options)


@pytest.mark.parametrize("make", [lambda images: Loader(images, 16), torch_loader])
def test_all_mistakes_with_the_most_confident_first(model, make):
    images = image_set()
    rows = misclassified(model, make(images))
    probabilities = predict(model, Loader(images, 100))
    wrong = [index for index in range(70) if probabilities[index].argmax() != images.labels[index]]
    assert sorted(row.index for row in rows) == wrong
    assert 20 < len(wrong) < 70
    for row in rows:
        assert row.label == images.labels[row.index]
        assert row.prediction == probabilities[row.index].argmax()
        assert row.probability == pytest.approx(probabilities[row.index].max().item(), rel=1e-5)
    confidence = [row.probability for row in rows]
    assert confidence == sorted(confidence, reverse=True)


def test_equal_confidence_in_the_order_of_the_data_set():
    class Always(nn.Module):
        def forward(self, images):
            return torch.tensor([5.0, 0.0]).expand(len(images), 2)

    images = [(torch.zeros(2, 1, 4, 4), torch.tensor([1, 0])), (torch.zeros(2, 1, 4, 4), torch.tensor([1, 1]))]
    assert [row.index for row in misclassified(Always(), images)] == [0, 2, 3]


def test_printed_it_is_a_table_with_the_names_of_the_classes():
    rows = [Mistake(index, 0, 2, 1 - index / 100) for index in range(22)]
    lines = repr(Mistakes(rows, ("ant", "bee", "cow"))).splitlines()
    assert lines[:3] == [
        "index  label  prediction  probability",
        "0        ant         cow       100.0%",
        "1        ant         cow        99.0%",
    ]
    assert len(lines) == 22
    assert lines[-1] == "and 2 more"
    assert repr(Mistakes(rows)[:2]).splitlines()[1] == "0          0           2       100.0%"
    assert Mistakes(rows, ("ant", "bee", "cow"))[2:4].classes == ("ant", "bee", "cow")
    assert Mistakes(rows, ("ant", "bee", "cow"))[21] == rows[21]
    assert len(Mistakes(rows)[::2]) == 11
    assert repr(Mistakes([])) == "index  label  prediction  probability"


def test_the_names_are_those_of_the_data_set(model):
    assert "bee" in repr(misclassified(model, Loader(image_set(), 16)))


@pytest.mark.parametrize(
    "make", [lambda images: Loader(images, 16, shuffle=True), lambda images: torch_loader(images, shuffle=True)]
)
def test_a_loader_that_shuffles_loses_the_index(model, make):
    with pytest.raises(
        ValueError, match="shuffles, so the index of an image would be lost: make one with shuffle=False"
    ):
        misclassified(model, make(image_set()))


def test_a_loader_that_augments_shows_other_images(model):
    with pytest.raises(ValueError, match="loader augments, so the network would be judged on images that you"):
        misclassified(model, Loader(image_set(), 16, augment=lambda images: images.flip(3)))


@pytest.mark.parametrize("make", [lambda images: Loader(images, 16, shuffle=True), torch_loader])
def test_the_confusion_matrix_is_that_of_scikit_learn(model, make):
    images = image_set()
    answers = predict(model, Loader(images, 100)).argmax(dim=1)
    expected = sklearn.metrics.confusion_matrix(images.labels, answers, labels=range(4))
    matrix = confusion_matrix(model, make(images))
    assert matrix.dtype == torch.int64
    assert matrix.tolist() == expected.tolist()
    assert matrix.sum() - matrix.trace() == len(misclassified(model, Loader(images, 16)))


def test_classes_that_no_image_has_are_there_too(model):
    images = image_set()
    only = images.subset(images.labels == 2)
    assert confusion_matrix(model, Loader(only, 16)).sum(dim=1).tolist() == [0, 0, len(only), 0]


@pytest.mark.parametrize("look", [misclassified, confusion_matrix])
def test_the_model_stays_as_it_is(look, model):
    look(model, Loader(image_set(), 16))
    assert all(layer.training for layer in model.modules())
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize("look", [misclassified, confusion_matrix])
def test_what_does_not_fit(look, model):
    with pytest.raises(ValueError, match="the loader gave no batch"):
        look(model, [])
    with pytest.raises(TypeError, match=r"images must come in batches: give a Loader\(images, batch_size\)"):
        look(model, image_set())
    with pytest.raises(ValueError, match="the model has 4 classes, so labels go from 0 to 3"):
        look(model, [(torch.zeros(2, 1, 4, 4), torch.tensor([0, 4]))])
    with pytest.raises(ValueError, match=r"these are 2×4; make indices of them: labels\.argmax\(dim=1\)"):
        look(model, [(torch.zeros(2, 1, 4, 4), torch.eye(4)[:2])])
    with pytest.raises(TypeError, match=r"a list of 2: torch\.stack\(images\) makes one of a list"):
        look(model, [(list(torch.zeros(2, 1, 4, 4)), torch.tensor([0, 3]))])


@pytest.mark.parametrize("look", [misclassified, confusion_matrix])
@pytest.mark.parametrize("kind", [torch.uint8, torch.int32, torch.bool])
def test_labels_of_any_whole_numbers_in_batches_of_any_kind(look, kind):
    """Two classes, so that yes and no are labels too."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 2))
    images, labels = torch.randn(30, 1, 4, 4), torch.randint(2, (30,))
    expected = look(model, [(images, labels)])
    for batch in (
        [images, labels.to(kind)],
        {"image": images, "label": labels.to(kind)},
        (images, labels.to(kind)[:, None]),
        (images.numpy(), labels.to(kind).numpy()),
    ):
        found = look(model, [batch])
        assert found == expected if look is misclassified else torch.equal(found, expected)
