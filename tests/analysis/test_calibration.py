"""How sure a network may be: the error by hand, and the temperature against SciPy's search."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import optimize

from cnncourse.analysis import calibration_error, fit_temperature

EQUAL = torch.tensor([[2.0, 2.0], [-1.0, -1.0]])


def by_hand(logits, labels, bins=15):
    """A loop over the bins, as the paper writes it."""
    probabilities = F.softmax(logits.double(), dim=1)
    confidence, answers = probabilities.max(dim=1)
    total = 0.0
    for number in range(bins):
        inside = (confidence > number / bins) & (confidence <= (number + 1) / bins)
        if inside.any():
            accuracy = (answers[inside] == labels[inside]).double().mean()
            total += inside.sum().item() / len(labels) * abs(accuracy - confidence[inside].mean()).item()
    return total


def by_scipy(logits, labels):
    def loss(log_temperature):
        return F.cross_entropy(logits.double() / math.exp(log_temperature), labels).item()

    return math.exp(optimize.minimize_scalar(loss, bounds=(-4.6, 4.6), method="bounded", options={"xatol": 1e-10}).x)


def calibrated(number=20_000, classes=5, seed=0):
    """Log-probabilities with labels that are drawn from them: N×classes and N."""
    generator = torch.Generator().manual_seed(seed)
    logits = (2 * torch.randn(number, classes, generator=generator)).log_softmax(dim=1)
    return logits, torch.multinomial(logits.exp(), 1, generator=generator)[:, 0]


def test_the_error_of_four_answers():
    """Two bins: 0.6 and 0.8 in the upper one of two, one of them right."""
    probabilities = torch.tensor([[0.6, 0.2, 0.2], [0.1, 0.8, 0.1], [0.4, 0.3, 0.3], [0.3, 0.3, 0.4]])
    labels = torch.tensor([0, 0, 0, 2])
    # upper: |1/2 - 0.7| = 0.2; lower: |1 - 0.4| = 0.6; half of the answers are in each
    assert calibration_error(probabilities.log(), labels, bins=2) == pytest.approx(0.4, abs=1e-6)
    assert calibration_error(probabilities.log(), labels, bins=1) == pytest.approx(0.75 - 0.55, abs=1e-6)


@pytest.mark.parametrize("bins", [1, 2, 7, 15, 1000])
@pytest.mark.parametrize("seed", range(3))
def test_the_error_is_that_of_a_loop_over_the_bins(bins, seed):
    logits, labels = calibrated(500, seed=seed)
    assert calibration_error(1.7 * logits, labels, bins) == pytest.approx(by_hand(1.7 * logits, labels, bins), abs=1e-9)


def test_a_confidence_on_a_border_belongs_to_the_lower_bin():
    logits, labels = torch.zeros(4, 2), torch.tensor([0, 0, 0, 0])  # 0.5 each, all right
    logits[2:, 0] = math.log(3)  # 0.75
    # one bin for 0.5 and one for 0.75: the gaps are 0.5 and 0.25
    assert calibration_error(logits, labels, bins=2) == pytest.approx((0.5 + 0.25) / 2)


def test_sure_answers_that_are_right_have_no_error_and_those_that_are_wrong_have_all():
    logits, labels = 1000 * torch.eye(3), torch.arange(3)
    assert calibration_error(logits, labels) == 0
    assert calibration_error(logits, labels.roll(1)) == 1


def test_probabilities_that_hold_have_a_small_error_and_a_temperature_of_1():
    logits, labels = calibrated()
    assert calibration_error(logits, labels) < 0.015
    assert fit_temperature(logits, labels) == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("factor", [0.5, 2, 5])
def test_a_known_temperature_is_found_and_mends_the_error(factor):
    logits, labels = calibrated()
    temperature = fit_temperature(factor * logits, labels)
    assert temperature == pytest.approx(factor, rel=0.03)
    assert temperature == pytest.approx(factor * fit_temperature(logits, labels), rel=1e-5)  # float32's rounding
    before, after = (calibration_error(factor * logits / each, labels) for each in (1, temperature))
    assert after < 0.02 < 0.05 < before


@pytest.mark.parametrize(("number", "classes"), [(20, 2), (300, 3), (2000, 10)])
def test_the_temperature_is_scipys(number, classes):
    logits, labels = calibrated(number, classes)
    logits = 3 * logits + torch.arange(number)[:, None] % 7  # what is added to a row changes nothing
    assert fit_temperature(logits, labels) == pytest.approx(by_scipy(logits, labels), rel=1e-5)


@pytest.mark.parametrize("scale", [1e-3, 1, 30, 1e30])
def test_the_temperature_stays_within_its_bounds(scale):
    logits = scale * torch.eye(4)
    assert fit_temperature(logits, torch.arange(4)) == 0.01  # all right
    assert fit_temperature(logits, torch.arange(4).roll(1)) == 100  # all wrong
    assert fit_temperature(logits[:1], torch.tensor([0])) == 0.01


def test_where_every_temperature_is_as_good_it_is_1():
    assert fit_temperature(EQUAL, torch.tensor([0, 1])) == 1
    assert fit_temperature(torch.tensor([[3.0], [4.0]]), torch.tensor([0, 0])) == 1


@pytest.mark.parametrize("labels", [[0, 1], np.array([0, 1]), torch.tensor([[0], [1]], dtype=torch.uint8)], ids=repr)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_any_precision_and_labels_of_any_kind(labels, dtype):
    logits = torch.tensor([[2.0, 0], [2, 0]], dtype=dtype, requires_grad=True)
    assert fit_temperature(logits, labels) == 100
    # both are sure of class 0 to 0.88, and one is right
    assert calibration_error(logits, labels) == pytest.approx(1 / (1 + math.exp(-2)) - 0.5)


NAN, INFINITE = (torch.tensor([[0.0, value], [1, 2]]) for value in (math.nan, -math.inf))
GOOD = torch.tensor([[0.0, 3], [1, 2]])


@pytest.mark.parametrize("measure", [calibration_error, fit_temperature])
@pytest.mark.parametrize(
    ("logits", "labels", "error", "text"),
    [
        ([[1.0, 2.0]], [0], TypeError, "logits must be a tensor, N×classes, not of type list"),
        (GOOD, "ab", TypeError, "labels must be a tensor"),
        (torch.zeros(3), [0, 0, 0], ValueError, "a row for each image, but these are 3"),
        (torch.tensor(1.0), [0], ValueError, "but these are a number"),
        (torch.zeros(2, 3, 4), [0, 0], ValueError, "but these are 2×3×4"),
        (torch.zeros(0, 3), [], ValueError, "nothing to measure: these logits are 0×3"),
        (torch.zeros(3, 0), [0, 0, 0], ValueError, "nothing to measure: these logits are 3×0"),
        (GOOD.long(), [0, 1], ValueError, "but these are int64"),
        (NAN, [0, 1], ValueError, "infinite or NaN"),
        (INFINITE, [0, 1], ValueError, r"take probabilities\.clamp\(min=1e-30\)\.log\(\)"),
        (GOOD.softmax(dim=1), [0, 1], ValueError, "these are probabilities, but logits are needed"),
        (GOOD, [0], ValueError, "2 images but 1 labels"),
        (GOOD, torch.zeros(2, 2), ValueError, "labels are N numbers"),
        (GOOD, torch.zeros(2), ValueError, "labels are whole numbers"),
        (GOOD, [0, 2], ValueError, "labels go from 0 to 1"),
        (GOOD, [-1, 1], ValueError, "labels from -1 to 1"),
    ],
    ids=lambda value: value if isinstance(value, str) and " " in value else "",
)
def test_what_cannot_be_measured_is_refused(measure, logits, labels, error, text):
    with pytest.raises(error, match=text):
        measure(logits, labels)


@pytest.mark.parametrize("bins", [0, -1, 1.5, "15", None])
def test_bins_are_a_whole_number(bins):
    with pytest.raises(ValueError, match="bins must be a whole number from 1"):
        calibration_error(GOOD, [0, 1], bins=bins)
