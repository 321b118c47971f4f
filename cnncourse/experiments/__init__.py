"""Recipes: named settings that are run over seeds, and what they measured.

`python -m cnncourse.experiments` runs them.
"""

from cnncourse._text import Table
from cnncourse.experiments.recipes import RECIPES, by_epoch, one_cycle, trained
from cnncourse.experiments.results import (
    T_975,
    Difference,
    Summary,
    compare,
    corrupted,
    load_results,
    summarise,
    table,
    weights_file,
)
from cnncourse.experiments.runs import Corruption, Recipe, environment, one_after_the_other, run, run_seed

__all__ = [
    "RECIPES",
    "T_975",
    "Corruption",
    "Difference",
    "Recipe",
    "Summary",
    "Table",
    "by_epoch",
    "compare",
    "corrupted",
    "environment",
    "load_results",
    "one_after_the_other",
    "one_cycle",
    "run",
    "run_seed",
    "summarise",
    "table",
    "trained",
    "weights_file",
]
