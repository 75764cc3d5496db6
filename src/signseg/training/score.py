"""Scoring a finished run: one row of results.json per split, size and calibration, and the bias that a tuning run recommends."""

import json
import resource
import time
from pathlib import Path
from typing import Any

import numpy as np

from signseg.config import RunConfig
from signseg.data.dataset import Dataset, class_split
from signseg.data.registry import open_dataset
from signseg.errors import InputError
from signseg.evaluation.curve import best_bias
from signseg.evaluation.evaluate import Evaluation, evaluate
from signseg.files import read_json, write_atomically, write_json
from signseg.training.folder import RunFolder, load_config, load_network
from signseg.training.progress import Reporter, Silent


def score_run(
    path: Path,
    *,
    data_name: str | None = None,
    split: str | None = None,
    scale: float = 1.0,
    protocol: str = "pixel",
    step: str | None = None,
    calibration: Path | None = None,
    reporter: Reporter | None = None,
) -> list[dict[str, Any]]:
    """Evaluate a run and add its rows to results.json; also writes confusion.npz and, at scale 1, curve.json.

    A tuning run is scored on "val" by default and writes calibration.json; any other run on "test".

    Args:
        data_name: another data set than the run's own, with the same classes.
        scale: image side over that of training (built-in worlds).
        step: score the network as this step left it; its rows have the step as variant.
        calibration: calibration.json of a tuning run; adds a calibrated row.
    Returns:
        The new rows, uncalibrated first.
    Raises:
        InputError: the run is not finished, or the data do not fit it.
    """
    folder, reporter = RunFolder(Path(path)), reporter or Silent()
    bias, bias_source = read_calibration(calibration)
    config, record = load_config(folder)
    network = load_network(folder, step=step)
    data = open_dataset(data_name or config.data, seed=config.seed)
    split = split or ("val" if config.tuning else "test")
    classes = class_split(data, tuning=config.tuning)
    started = time.monotonic()
    evaluation = evaluate(
        network,
        data.split(split, scale=scale),
        classes,
        protocol=protocol,
        progress=lambda done, total: reporter.advance(f"evaluate {split}", done, total),
    )
    seconds = _seconds(folder) | {"evaluate": round(time.monotonic() - started, 2)}
    size = data.split(split, scale=scale)[0].image.shape[:2]
    common = {
        "variant": step or ("upper-bound" if config.upper_bound else "tuning" if config.tuning else config.variant),
        "split": split,
        "test_scale": scale,
        "data": data.name,
        "run": folder.path.name,
        "seconds": seconds,
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "commit": record.get("commit", ""),
        "command": record.get("command", ""),
        "hardware": record.get("hardware", {}),
    }
    rows = [_row(config, data, evaluation, common, protocol, size)]
    if bias is not None:
        rows.append(_row(config, data, evaluation.calibrated(bias), common, protocol, size) | {"calibration": bias_source})
    existing = read_json(folder.results)["rows"] if folder.results.exists() else []
    write_json(folder.results, {"rows": _merge(existing, rows)})
    matrix = evaluation.matrix().numpy()
    write_atomically(folder.path / "confusion.npz", lambda handle: np.savez_compressed(handle, matrix=matrix, names=np.array(classes.names)))
    curve = evaluation.curve()
    if curve and scale == 1.0 and step is None:
        write_json(folder.path / "curve.json", {"points": curve, "ausuc": evaluation.ausuc})
    if config.tuning and step is None:
        write_json(
            folder.calibration,
            {"bias": best_bias(curve), "run": folder.path.name, "data": data.name, "seed": config.seed, "split": split, "unseen": list(classes.unseen)},
        )
    return rows


def read_calibration(path: Path | None) -> tuple[float | None, str]:
    """The bias of a tuning run and a name for it.

    Raises:
        InputError: not a calibration file.
    """
    if path is None:
        return None, ""
    record = read_json(path)
    try:
        return float(record["bias"]), f"{record['run']} (seed {record['seed']}, {record['split']})"
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} is not a calibration file; expected the calibration.json of a --tuning run.") from error


def _row(config: RunConfig, data: Dataset, evaluation: Evaluation, common: dict[str, Any], protocol: str, size: tuple[int, ...]) -> dict[str, Any]:
    identity = {
        "method": config.method,
        "self_training": config.self_training.kind,
        "partition": "default",
        "seed": config.seed,
        "calibrated": evaluation.bias is not None,
        "budget": "iterations",
    }
    return identity | common | evaluation.scores() | {"ausuc": evaluation.ausuc, "protocol": _card(config, data, evaluation, protocol, size)}


def _card(config: RunConfig, data: Dataset, evaluation: Evaluation, protocol: str, size: tuple[int, ...]) -> dict[str, Any]:
    """The protocol card: what somebody must know to compare the number."""
    card: dict[str, Any] = {
        "evaluation": protocol,
        "background": data.background,
        "label_policy": config.label_policy,
        "transductive": config.self_training.kind != "none",
        "uses_unseen_labels": config.upper_bound,
        "vectors": list(data.vectors().sources),
        "pretraining": "none",
        "classes": {"seen": len(evaluation.classes.seen), "unseen": len(evaluation.classes.unseen)},
        "image_size": list(size),
        "data": data.fingerprint,
    }
    return card | ({"bias": evaluation.bias} if evaluation.bias is not None else {})


def _merge(existing: list[dict[str, Any]], new: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows with new ones in place of those they repeat."""
    keys = ("method", "self_training", "variant", "data", "partition", "seed", "split", "test_scale", "calibrated", "budget")
    fresh = {json.dumps([row[key] for key in keys]) for row in new}
    kept = [row for row in existing if json.dumps([row[key] for key in keys]) not in fresh]
    return sorted(kept + new, key=lambda row: (row["variant"] != "default", row["test_scale"] != 1.0, row["calibrated"]))


def _seconds(folder: RunFolder) -> dict[str, float]:
    """Training times by step, self-training rounds added up."""
    path = folder.path / "seconds.json"
    recorded = read_json(path) if path.exists() else {}
    total: dict[str, float] = {}
    for step, seconds in recorded.items():
        name = "self_training" if step.startswith("self_training") else step
        total[name] = round(total.get(name, 0.0) + seconds, 2)
    return total
