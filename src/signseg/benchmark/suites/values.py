"""What a suite is made of: cells (lines of a table), claims about them, and the settings that several suites share. Nothing runs here."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Cell:
    """One line of a table; run once for each seed.

    overrides: dotted settings that differ from the preset of the method. Self-training settings apply to step four only, so that cells
    which differ in them alone share their steps a to c.
    """

    variant: str
    data: str
    self_training: str = "none"
    overrides: tuple[tuple[str, Any], ...] = ()
    scales: tuple[float, ...] = (1.0,)
    step_a_row: bool = False  # also score the model as step a leaves it
    method: str = "sign"
    calibrated: bool = False  # score with the bias that a tuning run of the same method and self-training recommends
    budget: str = "iterations"  # or "time": step a has as many iterations as take the seconds of SIGN's


@dataclass(frozen=True)
class Side:
    """One side of a comparison: a line of the table, at the size of its test pictures."""

    variant: str
    self_training: str = "none"
    data: str = "world"
    test_scale: float = 1.0
    method: str = "sign"
    calibrated: bool = False
    budget: str = "iterations"


@dataclass(frozen=True)
class Claim:
    """left > right on `score` ("miou.harmonic", "ausuc"), or left >= right - `margin`; paired by seed."""

    text: str
    left: Side
    right: Side
    score: str = "miou.harmonic"
    margin: float = 0.0
    factor: float = 1.0  # the right side is multiplied by this


@dataclass(frozen=True)
class Suite:
    """Cells and claims; on the data sets in `chance`, classes drawn at random are a line of the table too."""

    cells: tuple[Cell, ...]
    claims: tuple[Claim, ...] = field(default=())
    chance: tuple[str, ...] = ()


UPPER = (("upper_bound", True),)
