"""Rows of results.json end to end: tuning, calibration, the upper bound, and which files a score may replace."""

import json
from pathlib import Path

import pytest
from small_signseg import shrink_worlds

from signseg.cli import main
from signseg.data import registry
from signseg.errors import InputError
from signseg.report import page
from signseg.training.score import score_run

TRAIN = ["train", "--data", "world", "--method", "sign", "--preset", "tiny"]
FIXED = {
    *("method", "self_training", "variant", "data", "partition", "seed", "split", "test_scale", "calibrated", "budget", "run"),
    *("miou", "pixel_accuracy", "mean_accuracy", "ausuc", "iou_per_class", "seconds", "peak_memory_mb", "protocol"),
}
CARD = {
    *("evaluation", "background", "label_policy", "transductive", "uses_unseen_labels", "vectors", "pretraining", "classes"),
    "image_size",
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Path:
    """A tuning run, a final run calibrated with it, an upper bound, and self-training from that run and in one go, in one folder."""
    patch = pytest.MonkeyPatch()
    patch.setattr(registry, "DATASETS", dict(registry.DATASETS))
    patch.setattr(page, "write_report", lambda folder: folder)
    shrink_worlds()
    folder = tmp_path_factory.mktemp("runs")
    assert main([*TRAIN, "--out", str(folder / "tuning"), "--tuning"]) == 0
    assert main([*TRAIN, "--out", str(folder / "final"), "--calibration", str(folder / "tuning" / "calibration.json")]) == 0
    assert main([*TRAIN, "--out", str(folder / "bound"), "--upper-bound"]) == 0
    assert main(["self-train", str(folder / "final"), "--self-training", "st", "--out", str(folder / "st")]) == 0
    assert main([*TRAIN, "--out", str(folder / "whole"), "--self-training", "st"]) == 0
    yield folder
    patch.undo()


def rows(run: Path) -> list[dict]:
    return json.loads((run / "results.json").read_text())["rows"]


@pytest.mark.parametrize("name", ["tuning", "final", "bound", "st"])
def test_rows_have_the_fixed_keys(runs, name):
    for row in rows(runs / name):
        assert row.keys() >= FIXED and row["protocol"].keys() >= CARD
        assert row["miou"].keys() == {"seen", "unseen", "harmonic", "all"}
        assert row["seconds"].keys() >= {"step_a", "step_b", "step_c", "self_training", "evaluate"}
        assert row["run"] == name and row["protocol"]["image_size"] == [96, 96]


def test_a_tuning_run_recommends_the_bias_that_is_best_on_val(runs):
    calibration = json.loads((runs / "tuning" / "calibration.json").read_text())
    points = json.loads((runs / "tuning" / "curve.json").read_text())["points"]
    finite = [point for point in points if point["bias"] is not None]
    best = max(point["harmonic"] for point in finite)
    assert calibration["bias"] in [point["bias"] for point in finite if point["harmonic"] == best]
    assert (calibration["run"], calibration["split"], calibration["data"]) == ("tuning", "val", "world")
    (row,) = rows(runs / "tuning")
    assert (row["variant"], row["split"], row["calibrated"]) == ("tuning", "val", False)
    world = registry.open_dataset("world")
    assert set(calibration["unseen"]) == set(world.validation_unseen)
    assert not set(row["iou_per_class"]) & set(world.unseen)


def test_calibrated_rows_name_the_tuning_run(runs):
    plain, calibrated = rows(runs / "final")
    assert (plain["calibrated"], calibrated["calibrated"]) == (False, True)
    assert calibrated["calibration"] == "tuning (world, seed 0, val)"
    assert calibrated["protocol"]["bias"] == json.loads((runs / "tuning" / "calibration.json").read_text())["bias"]
    assert plain["ausuc"] == calibrated["ausuc"] and "bias" not in plain["protocol"]


def test_the_upper_bound_says_what_it_knows(runs):
    (row,) = rows(runs / "bound")
    assert row["protocol"]["uses_unseen_labels"] and row["variant"] == "upper-bound"
    assert row["protocol"]["classes"] == rows(runs / "final")[0]["protocol"]["classes"]  # scored on the original partition
    assert (row["seconds"]["step_b"], row["seconds"]["step_c"]) == (0.0, 0.0)


def test_a_self_trained_run_counts_the_time_of_its_first_steps(runs):
    (row,) = rows(runs / "st")
    before = rows(runs / "final")[0]["seconds"]
    assert row["self_training"] == "st" and row["protocol"]["transductive"]
    assert row["seconds"]["self_training"] > 0 and all(row["seconds"][step] == before[step] for step in ("step_a", "step_b", "step_c"))


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("tuning", {"split": "test"}, "scored on 'val', not on 'test'"),
        ("tuning", {"split": "train"}, "scored on 'val', not on 'train'"),
        ("tuning", {"calibration": "tuning"}, "takes none"),
        ("bound", {"calibration": "tuning"}, "no unseen class to calibrate"),
    ],
)
def test_scores_that_would_mislead_are_refused(runs, name, options, said):
    if "calibration" in options:
        options = {"calibration": runs / options["calibration"] / "calibration.json"}
    with pytest.raises(InputError, match=said):
        score_run(runs / name, **options)


def test_other_measurements_stand_beside_the_headline(runs):
    before = {name: (runs / "final" / name).read_bytes() for name in ("curve.json", "confusion.npz")}
    score_run(runs / "final", protocol="feature")
    score_run(runs / "final", scale=1.5)
    score_run(runs / "final", split="val")
    score_run(runs / "final", data_name="world-partial")
    (step_c,) = score_run(runs / "whole", step="step_c")
    assert {name: (runs / "final" / name).read_bytes() for name in before} == before
    found = rows(runs / "final")
    assert len(found) == 6 and [row["split"] for row in found].count("val") == 1
    assert found[0]["protocol"]["evaluation"] == "pixel" and found[0]["test_scale"] == 1.0 and not found[0]["calibrated"]
    assert (step_c["variant"], step_c["self_training"], step_c["protocol"]["transductive"]) == ("step_c", "none", False)
    assert step_c["seconds"]["step_c"] > 0 and step_c["seconds"]["self_training"] == 0.0
    score_run(runs / "final")
    assert len(rows(runs / "final")) == 6


def test_a_model_of_other_classes_is_refused(runs, monkeypatch):
    world = registry.open_dataset("world")
    world.unseen, world.validation_unseen = world.validation_unseen, world.unseen
    monkeypatch.setitem(registry.DATASETS, "other", lambda seed: world)
    with pytest.raises(InputError, match="have different classes: they come in another order"):
        score_run(runs / "final", data_name="other")
