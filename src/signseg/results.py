"""What identifies a row of results.json, and how new rows replace the ones they repeat. It reads no file and computes no score."""

from collections.abc import Hashable, Sequence
from typing import Any

Row = dict[str, Any]

DEFAULTS = {
    **{"variant": "default", "partition": "default", "split": "test", "test_scale": 1.0, "calibrated": False, "budget": "iterations"},
    **{"evaluation": "pixel"},  # numbers under different protocols are different measurements
}
IDENTITY = (
    *("method", "self_training", "variant", "data", "partition", "seed", "split", "test_scale", "calibrated", "budget"),
    "evaluation",
)


def identity(row: Row, name: str) -> Any:
    """One part of what identifies a row (or a summary entry). The evaluation protocol stands on a row's protocol card."""
    if name == "evaluation" and "protocol" in row:
        return row["protocol"].get(name, DEFAULTS[name])
    return row.get(name, DEFAULTS.get(name))


def row_key(row: Row) -> tuple[Hashable, ...]:
    """What identifies a row; two rows with one key are the same measurement."""
    return tuple(identity(row, name) for name in IDENTITY)


def is_default(row: Row) -> bool:
    """Whether a row is measured as the headline is: every setting but method, self-training, data and seed at its default."""
    return all(identity(row, name) == value for name, value in DEFAULTS.items())


def merge_rows(old: Sequence[Row], new: Sequence[Row]) -> list[Row]:
    """Old rows with new ones in place of those they repeat; default rows first, otherwise in order of first appearance."""
    merged = {row_key(row): row for row in old} | {row_key(row): row for row in new}
    return sorted(merged.values(), key=lambda row: not is_default(row))
