"""The suites by name: which runs make a table, and which orderings were written down before any of them ran."""

from collections.abc import Callable

from signseg.benchmark.suites.ablation import ablation
from signseg.benchmark.suites.positions import positions
from signseg.benchmark.suites.self_training import self_training
from signseg.benchmark.suites.splits import splits
from signseg.benchmark.suites.systems import systems
from signseg.benchmark.suites.targets import targets
from signseg.benchmark.suites.values import Cell, Claim, Side, Suite

SUITES: dict[str, Callable[[str], Suite]] = {
    "systems": systems,
    "positions": positions,
    "self-training": self_training,
    "ablation": ablation,
    "splits": splits,
    "targets": targets,
}

__all__ = ["SUITES", "Cell", "Claim", "Side", "Suite"]
