"""Recipes: named settings that are run over seeds, and what they measured.

`python -m cnncourse.experiments` runs them.
"""

from cnncourse._text import Table
from cnncourse.experiments.recipes import RECIPES, by_epoch, one_cycle, trained
from cnncourse.experiments.results import (
    Difference,
    Summary,
    compare,
    corrupted,
    holm,
    load_results,
    machine,
    strangers,
    summarise,
    t_975,
    table,
    weights_file,
)
from cnncourse.experiments.runs import Corruption, Recipe, environment, run, run_seed

__all__ = [
    "RECIPES",
    "Corruption",
    "Difference",
    "Recipe",
    "Summary",
    "Table",
    "by_epoch",
    "compare",
    "corrupted",
    "environment",
    "holm",
    "load_results",
    "machine",
    "one_cycle",
    "run",
    "run_seed",
    "strangers",
    "summarise",
    "t_975",
    "table",
    "trained",
    "weights_file",
]
