"""Scoring a finished run: one row of results.json per split, size and calibration, and the bias that a tuning run recommends."""

import math
import resource
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from signseg.config import RunConfig, with_overrides
from signseg.data.dataset import Dataset
from signseg.data.registry import open_dataset
from signseg.errors import InputError
from signseg.evaluation.curve import best_bias
from signseg.evaluation.evaluate import Evaluation, evaluate, protocol_for
from signseg.evaluation.image_counts import write_image_counts
from signseg.files import folder_lock, read_json, write_atomically, write_json
from signseg.results import DEFAULTS, Row, merge_rows
from signseg.training.folder import RunFolder, load_config, load_network, seconds_of
from signseg.training.progress import Reporter, Silent
from signseg.training.scored_classes import scored_classes

STEPS: tuple[str, ...] = ("step_a", "step_b", "step_c", "self_training")  # whose times a row lists


@dataclass(frozen=True)
class Calibration:
    """A bias for the scores of unseen classes, and the tuning run that it comes from."""

    bias: float
    source: str


def score_run(
    path: Path,
    *,
    data_name: str | None = None,
    split: str | None = None,
    scale: float = 1.0,
    protocol: str = "pixel",
    step: str | None = None,
    variant: str | None = None,
    calibration: Path | None = None,
    reporter: Reporter | None = None,
) -> list[Row]:
    """Evaluate a run and add its rows to results.json; also writes the confusion matrix and, for the headline row, curve.json.

    A tuning run is scored on "val" and writes calibration.json; any other run on "test" unless told otherwise.

    Args:
        data_name: another data set than the run's own, with the same classes.
        scale: image side over that of training (built-in worlds).
        step: score the network as this step left it; its rows have the step as variant.
        variant: name of the rows, instead of what the configuration says.
        calibration: calibration.json of a tuning run; adds a calibrated row.
    Returns:
        The new rows, uncalibrated first.
    Raises:
        InputError: the run is not finished, or the data or the calibration do not fit it.
    """
    folder, reporter = RunFolder(Path(path)), reporter or Silent()
    config, record = load_config(folder)
    chosen = check_calibration(config, calibration)
    split = _split(config, split)
    network = load_network(folder, step=step)
    data = open_dataset(data_name or config.data, seed=config.seed)
    classes, predict, said = scored_classes(folder, record, config, data, network)
    for sentence in said:
        reporter.say(sentence)
    config = with_overrides(config, {"self_training.kind": "none"}) if step else config
    started = time.monotonic()
    pictures = data.split(split, scale=scale)
    evaluation = evaluate(
        predict,
        pictures,
        classes,
        protocol=protocol_for(protocol, config.image_size),
        progress=lambda done, total: reporter.advance(f"evaluate {split}", done, total),
    )
    card = protocol_card(config, data, evaluation, protocol, config.image_size or pictures[0].image.shape[:2])
    common = {
        "variant": variant or _variant(config, step),
        "data": data.name,
        "partition": getattr(data, "partition", DEFAULTS["partition"]),
        "split": split,
        "test_scale": scale,
        "run": folder.path.resolve().name,
        "seconds": _seconds(folder, step) | {"evaluate": round(time.monotonic() - started, 2)},
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "commit": record.get("commit", ""),
        "command": record.get("command", ""),
        "hardware": record.get("hardware", {}),
    }
    rows = [measured_row(config, evaluation, common, card)]
    if chosen is not None:
        rows.append(measured_row(config, evaluation.calibrated(chosen.bias), common, card) | {"calibration": chosen.source})
    _write(folder, config, data, evaluation, rows, step, own=data.name == trained_on(record, config))
    return rows


def trained_on(record: dict[str, Any], config: RunConfig) -> str:
    """The name of the data set that a run was trained on; `config.data` may be a path."""
    data = record.get("data")
    return data["name"] if isinstance(data, dict) and "name" in data else config.data


def read_calibration(path: Path | None) -> Calibration | None:
    """The bias of a tuning run and a name for it.

    Raises:
        InputError: not a calibration file.
    """
    if path is None:
        return None
    record = read_json(path)
    try:
        bias, source = float(record["bias"]), f"{record['run']} ({record['data']}, seed {record['seed']}, {record['split']})"
        if math.isfinite(bias):
            return Calibration(bias, source)
        raise ValueError(f"bias {bias}")
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} is not a calibration file ({error}); expected the calibration.json of a --tuning run.") from error


def check_calibration(config: RunConfig, path: Path | None) -> Calibration | None:
    """The calibration for a run with this configuration.

    Raises:
        InputError: not a calibration file, or the run cannot have one.
    """
    chosen = read_calibration(path)
    if chosen is not None and (config.tuning or config.upper_bound):
        kind = "A tuning run makes a calibration and takes none" if config.tuning else "An upper bound has no unseen class to calibrate"
        raise InputError(f"{kind}; leave out --calibration.")
    return chosen


def _split(config: RunConfig, asked: str | None) -> str:
    """The split to score on. What a tuning run is for is chosen on val; its test scores would leak into that choice."""
    if config.tuning and asked not in (None, "val"):
        raise InputError(f"A tuning run is scored on 'val', not on '{asked}'; train without --tuning for scores on other splits.")
    return asked or ("val" if config.tuning else DEFAULTS["split"])


def _variant(config: RunConfig, step: str | None) -> str:
    base = "upper-bound" if config.upper_bound else "tuning" if config.tuning else config.variant
    return base if step is None else step if base == DEFAULTS["variant"] else f"{base}-{step}"


def measured_row(config: RunConfig, evaluation: Evaluation, common: dict[str, Any], card: dict[str, Any]) -> Row:
    """A row of results.json: what identifies it, then `common`, scores and card."""
    identity = {
        "method": config.method,
        "self_training": config.self_training.kind,
        "seed": config.seed,
        "calibrated": evaluation.bias is not None,
        "budget": "iterations",
    }
    bias = {} if evaluation.bias is None else {"bias": evaluation.bias}
    return identity | common | evaluation.scores() | {"ausuc": evaluation.ausuc, "protocol": card | bias}


def protocol_card(config: RunConfig, data: Dataset, evaluation: Evaluation, protocol: str, size: tuple[int, ...]) -> dict[str, Any]:
    """The protocol card: what somebody must know to compare the number."""
    return {
        "evaluation": protocol,
        "background": data.background,
        "label_policy": config.label_policy,
        "transductive": config.self_training.kind != "none",
        "uses_unseen_labels": config.upper_bound,
        "vectors": list(data.vectors().of_source(config.vectors).sources),
        "pretraining": "none",
        "classes": {"seen": len(evaluation.classes.seen), "unseen": len(evaluation.classes.unseen)},
        "image_size": list(size),
        "data": data.fingerprint,
    }


def _seconds(folder: RunFolder, step: str | None) -> dict[str, float]:
    """Training times by step (up to `step`), self-training rounds added up."""
    total: dict[str, float] = dict.fromkeys(STEPS, 0.0)
    for name, seconds in seconds_of(folder).items():
        merged = "self_training" if name.startswith("self_training") else name
        total[merged] = round(total.get(merged, 0.0) + seconds, 2)
    later = STEPS[[*STEPS, step].index(step) + 1 :]
    return {name: 0.0 if name in later else seconds for name, seconds in total.items()}


def _write(
    folder: RunFolder, config: RunConfig, data: Dataset, evaluation: Evaluation, rows: list[Row], step: str | None, *, own: bool
) -> None:
    """Rows, confusion matrix, and for the headline measurement the curve and (of a tuning run) the calibration."""
    row = rows[0]
    asked = {"split": row["split"], "scale": f"{row['test_scale']:g}", "protocol": row["protocol"]["evaluation"], "step": step}
    usual = {"split": "val" if config.tuning else DEFAULTS["split"], "scale": "1", "protocol": DEFAULTS["evaluation"], "step": None}
    unusual = [str(value) for name, value in asked.items() if value != usual[name]] + [data.name] * (not own)
    with folder_lock(folder.path):
        existing = read_rows(folder.results) if folder.results.exists() else []
        write_json(folder.results, {"rows": merge_rows(existing, rows)})
        arrays = {"matrix": evaluation.matrix().numpy(), "names": np.array(evaluation.classes.names)}
        matrix = folder.path / f"{'-'.join(['confusion', *unusual])}.npz"
        write_atomically(matrix, lambda handle: np.savez_compressed(handle, allow_pickle=False, **arrays))
        if not unusual:
            write_image_counts(folder.path / "confusion_images.npz", evaluation.by_image())
        curve = evaluation.curve()
        if curve and not unusual:
            write_json(folder.path / "curve.json", {"points": curve, "ausuc": evaluation.ausuc})
        if config.tuning and curve and not unusual:
            source = {"run": row["run"], "data": data.name, "seed": config.seed, "split": row["split"]}
            write_json(folder.calibration, {"bias": best_bias(curve), **source, "unseen": list(evaluation.classes.unseen)})


def read_rows(path: Path) -> list[Row]:
    """Rows of a results.json.

    Raises:
        InputError: missing or damaged.
    """
    record = read_json(path)
    rows = record.get("rows") if isinstance(record, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InputError(f"{path} has no list 'rows'; delete it and evaluate again.")
    return rows
