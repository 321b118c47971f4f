import random
import re

import numpy as np
import pytest
import torch
from torch import nn

from cnncourse import exercises


@exercises.check
def check_double(double):
    values = torch.rand(3)
    answer = exercises.tensor(double(values), "The answer", (3,))
    assert torch.allclose(answer, 2 * values), "Each number should be twice as large."
    print("Correct.")
    return "a figure"


def said(capsys, *answers, check=check_double):
    value = check(*answers)
    return capsys.readouterr().out, value


def test_a_right_answer_is_praised_and_gives_what_the_check_returns(capsys):
    assert said(capsys, lambda values: values + values) == ("Correct.\n", "a figure")


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        (lambda values: values, "Not yet: Each number should be twice as large."),
        (lambda values: None, "Not done yet: double returns nothing."),
        (
            lambda values: values.foo,
            r"Not yet: double stopped with AttributeError: 'Tensor' .*, in the line `lambda values: values\.foo,`",
        ),
        (lambda values: values.mul_(2), "Not yet: double changes the Tensor that it was given. Let it work on a copy."),
        (lambda: 0, r"Not yet: double stopped with TypeError: .* takes 0 positional arguments but 1 was given"),
        (lambda values: values[:2], "Not yet: The answer should be 3, not a tensor of 2."),
        (lambda values: "two", "Not yet: The answer should be a number, a tensor or an array, not a str."),
        (torch.rand(3), "Not yet: double should be a function, not a tensor of 3."),
    ],
)
def test_any_other_answer_gets_one_line(answer, line, capsys):
    out, value = said(capsys, answer)
    assert re.fullmatch(line, out.rstrip("\n"))
    assert value is None


def test_an_error_of_many_lines_is_told_by_its_first(capsys):
    def double(values):
        raise ValueError("first line\nsecond line")

    assert "ValueError: first line, in the line `raise ValueError(" in said(capsys, double)[0]


def test_an_error_in_the_check_itself_is_no_trace_either(capsys):
    @exercises.check
    def check_key(key):
        return {"a": 1}[key()]

    out, _ = said(capsys, lambda: "b", check=check_key)
    assert out == "Not yet: the check cannot use what key gives. It stopped with KeyError: 'b'\n"


def test_a_function_that_works_in_place_may(capsys):
    @exercises.check(returns=False)
    def check_clear(clear):
        values = torch.ones(3)
        clear(values)
        if values.all():
            raise exercises.NotDone("all is as before.")
        print("Correct.")

    assert said(capsys, lambda values: values.zero_(), check=check_clear)[0] == "Correct.\n"
    assert said(capsys, lambda values: None, check=check_clear)[0] == "Not done yet: all is as before.\n"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda network: network.eval(), True),
        (lambda network: network[0].weight.data.zero_(), True),
        (lambda network: network(torch.randn(4, 2)), False),  # the running values of a norm in training
    ],
)
def test_a_network_keeps_its_parameters_and_its_mode(change, told, capsys):
    @exercises.check
    def check_look(look):
        look(nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)))
        print("Correct.")

    out, _ = said(capsys, lambda network: (change(network), 0), check=check_look)
    assert ("changes the Sequential" in out) == told


def test_the_random_numbers_after_a_check_are_those_without_it(capsys):
    def draws():
        return torch.rand(1).item(), random.random(), np.random.rand()  # noqa: NPY002

    def seed():
        torch.manual_seed(5)
        random.seed(5)
        np.random.seed(5)  # noqa: NPY002

    seed()
    expected = draws()
    for answer in (lambda values: (draws(), seed(), 2 * values)[-1], lambda values: draws() + None):
        seed()
        check_double(answer)
        assert draws() == expected


def test_a_check_draws_the_same_each_time(capsys):
    seen = []
    for _ in range(2):
        torch.rand(1)
        check_double(lambda values: seen.append(values.clone()) or values)
    assert torch.equal(*seen)


@pytest.mark.parametrize(
    "answer",
    [2, 2.0, True + 1, np.float32(2), np.array([2]), torch.tensor(2), torch.tensor([[2.0]], requires_grad=True), [2]],
)
def test_a_number_comes_in_many_forms(answer):
    assert exercises.number(answer, "It") == 2.0


@pytest.mark.parametrize("answer", [None, "2", [], [1, 2], {2: 2}, torch.zeros(0), 2j, float, object()])
def test_what_is_no_number(answer):
    with pytest.raises(AssertionError, match=r"^It should"):
        exercises.number(answer, "It")


@pytest.mark.parametrize(
    "answer",
    [
        [[1, 2], [3, 4]],
        ((1.0, 2), (3, 4)),
        np.array([[1, 2], [3, 4]], dtype=np.float64),
        torch.tensor([[1, 2], [3, 4]], dtype=torch.int8),
        [torch.tensor([1.0, 2]), np.array([3, 4])],
        nn.Parameter(torch.tensor([[1.0, 2], [3, 4]], dtype=torch.float64)),
    ],
)
def test_a_tensor_comes_in_many_forms(answer):
    found = exercises.tensor(answer, "It", (2, 2))
    assert found.dtype == torch.float32
    assert torch.equal(found, torch.tensor([[1.0, 2], [3, 4]]))


def test_a_pair_has_two_parts():
    assert exercises.pair((1, 2), "It") == (1, 2)
    assert exercises.pair(torch.tensor([1, 2]), "It") == (1, 2)
    for answer in (1, (1, 2, 3), torch.tensor(1), "ab", {1: 2, 3: 4}, None):
        with pytest.raises(AssertionError, match="two values"):
            exercises.pair(answer, "It")


def test_a_network_that_stops_says_why():
    with pytest.raises(AssertionError, match=r"takes no input of 1×5\. It stops with RuntimeError: mat1 and mat2"):
        exercises.outputs(nn.Linear(4, 2), torch.zeros(1, 5))
    with pytest.raises(AssertionError, match=r"should be a network, an nn\.Module, not the class Linear itself"):
        exercises.outputs(nn.Linear, torch.zeros(1, 5))
