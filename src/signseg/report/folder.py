"""What lies in a folder that a report is made of, read once and tolerant of what is missing.

The file formats are described at the top of `page.py`; nothing is drawn or worked out here.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from signseg.errors import InputError
from signseg.files import read_json
from signseg.report.tables import Row, merge_rows


@dataclass(frozen=True)
class Run:
    """One run folder; empty values where a file is missing."""

    name: str
    rows: list[Row]
    config: dict[str, Any]
    classes: list[dict[str, Any]]
    metrics: list[dict[str, Any]]
    curve: dict[str, Any]
    pseudo_labels: dict[str, Any]
    encodings: dict[str, np.ndarray]
    pseudo_maps: dict[str, np.ndarray]
    confusion: tuple[np.ndarray, list[str]] | None  # (k, k) pixels by truth and prediction, and the names

    @property
    def unseen(self) -> set[str]:
        """Names of the classes without labels."""
        return {entry["name"] for entry in self.classes if not entry.get("seen", True)}


@dataclass(frozen=True)
class Contents:
    """A run folder (one run) or a folder of several."""

    path: Path
    rows: list[Row]
    verdicts: list[dict[str, Any]]
    runs: list[Run]
    pictures: dict[str, Any]
    confusions: list[dict[str, Any]]
    note: str

    @property
    def classes(self) -> list[dict[str, Any]]:
        """Classes of the first run that lists any, as they are without a tuning run's gaps."""
        return max((run.classes for run in self.runs), key=len, default=[])


def read_contents(path: Path) -> Contents:
    """Read a run folder, or a folder with a results.json of its own and run folders in it or in its runs/.

    Raises:
        InputError: not a folder, nothing of a run in it, or a file in it is damaged.
    """
    if not path.is_dir():
        raise InputError(f"{path} is not a folder; give a run folder or one that holds run folders.")
    results = _json(path / "results.json")
    inside = sorted(child for child in [*path.glob("*"), *path.glob("runs/*")] if child.is_dir() and _is_run(child))
    runs = [read_run(path)] if (path / "config.json").exists() or not inside else [read_run(child) for child in inside]
    rows = results.get("rows") or [row for run in runs for row in run.rows]
    if not rows and not any((run.config, run.metrics, run.curve) != ({}, [], {}) for run in runs):
        raise InputError(f"{path} holds no results.json and no run folder; train into it first.")
    order = list(dict.fromkeys(row.get("run") for row in rows))
    runs.sort(key=lambda run: order.index(run.name) if run.name in order else len(order))
    further = (_json(path / "pictures" / "index.json"), results.get("confusions", []), str(results.get("note", "")))
    return Contents(path, merge_rows([], rows), results.get("verdicts", []), runs, *further)


def read_run(path: Path) -> Run:
    """Read one run folder."""
    classes = _json(path / "classes.json")
    return Run(
        name=path.resolve().name,
        rows=merge_rows([], _json(path / "results.json").get("rows", [])),
        config=_json(path / "config.json"),
        classes=classes.get("classes", []),
        metrics=_lines(path / "metrics.jsonl"),
        curve=_json(path / "curve.json"),
        pseudo_labels=_json(path / "pseudo_labels.json"),
        encodings={name: array for name, array in _arrays(path / "figures" / "encodings.npz").items() if array.ndim == 3},
        pseudo_maps=_pseudo_maps(path / "figures" / "pseudo_labels.npz"),
        confusion=_confusion(path / "confusion.npz"),
    )


def _is_run(path: Path) -> bool:
    return any((path / name).exists() for name in ("config.json", "results.json", "metrics.jsonl"))


def _json(path: Path) -> dict[str, Any]:
    value = read_json(path) if path.exists() else {}
    if not isinstance(value, dict):
        raise InputError(f"{path} holds a {type(value).__name__}; expected a JSON object: restore it or start a new run.")
    return value


def _lines(path: Path) -> list[dict[str, Any]]:
    """Complete lines of a log; a last line that an interruption cut off is dropped."""
    lines = []
    for text in path.read_text().splitlines() if path.exists() else []:
        try:
            line = json.loads(text)
        except ValueError:
            break
        if isinstance(line, dict) and line.keys() >= {"step", "iteration", "losses"}:
            lines.append(line)
    return lines


def _arrays(path: Path) -> dict[str, np.ndarray]:
    """Arrays of an npz file by name; arrays of objects are refused by numpy, so nothing in the file can run."""
    if not path.exists():
        return {}
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({error}); delete it or start a new run.") from error


def _confusion(path: Path) -> tuple[np.ndarray, list[str]] | None:
    found = _arrays(path)
    if not found:
        return None
    names = found["names"].tolist() if "names" in found else []
    if "matrix" not in found or found["matrix"].shape != (len(names), len(names)):
        raise InputError(f"{path} holds no square matrix with names; delete it and evaluate the run again.")
    return found["matrix"], names


def _pseudo_maps(path: Path) -> dict[str, np.ndarray]:
    found = _arrays(path)
    if found and (found.keys() != {"images", "labels", "weights"} or len({len(array) for array in found.values()}) != 1):
        raise InputError(f"{path} does not hold as many images as label and weight maps; delete it and train the run again.")
    return found
