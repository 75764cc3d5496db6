"""The suites by name: which runs make a table, and which orderings were written down before any of them ran."""

from collections.abc import Callable

from signseg.benchmark.suites.positions import positions
from signseg.benchmark.suites.self_training import unannotated_shares
from signseg.benchmark.suites.targets import sign_alone, targets
from signseg.benchmark.suites.values import Cell, Claim, Side, Suite

SUITES: dict[str, Callable[[str], Suite]] = {
    "systems": sign_alone,
    "positions": positions,
    "self-training": unannotated_shares,
    "targets": targets,
}

__all__ = ["SUITES", "Cell", "Claim", "Side", "Suite"]
