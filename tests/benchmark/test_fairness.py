"""Lines that make a comparison fair: bias from each method's own tuning run, equal seconds of step a, and chance."""

import json

import numpy as np
import pytest
from small_signseg import SMALL, shrink_worlds

from signseg.benchmark import benchmark as module
from signseg.benchmark import timing
from signseg.benchmark.benchmark import Benchmark
from signseg.benchmark.chance import chance_row
from signseg.benchmark.statistics import by_seed
from signseg.benchmark.suites import Cell, Side, Suite
from signseg.config import TINY, with_overrides
from signseg.data import registry
from signseg.data.dataset import class_split
from signseg.data.world import World
from signseg.training.progress import Silent


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(registry, "DATASETS", dict(registry.DATASETS))
    shrink_worlds()


def make(tmp_path, *cells: Cell, seeds=(0,), chance=()) -> Benchmark:
    return Benchmark("test", Suite(cells, chance=chance), seeds, tmp_path, "tiny", {}, Silent())


def test_calibrated_rows_take_their_bias_from_the_tuning_run_of_their_method_and_self_training(tmp_path, monkeypatch):
    trained = []
    original = module.train
    monkeypatch.setattr(module, "train", lambda config, out, **named: (trained.append(config), original(config, out, **named)))
    lines = (("sign", "st"), ("spnet", "none"))
    cells = tuple(Cell("default", "world", kind, method=method, calibrated=flag) for method, kind in lines for flag in (False, True))
    benchmark = make(tmp_path, *cells, seeds=(3, 4))
    for cell, seed in benchmark.missing():
        benchmark.run_cell(cell, seed)
    tuning = [(config.method, config.seed) for config in trained if config.tuning]
    assert tuning == [("sign", 0), ("spnet", 0)]  # seeds share it
    rows = benchmark.rows()
    assert [(row["method"], row["seed"], row["calibrated"]) for row in rows] == [
        (method, seed, calibrated) for method in ("sign", "spnet") for calibrated in (False, True) for seed in (3, 4)
    ]
    assert len(benchmark.images()) == 4  # counts by image belong to scores as they come
    kept = {path.name.rsplit("-", 3)[1]: json.loads(path.read_text()) for path in (tmp_path / "store").glob("calibration-*")}
    assert kept.keys() == {"st", "none"}
    for row in rows:
        if row["calibrated"]:
            calibration = kept[row["self_training"]]
            assert row["protocol"]["bias"] == calibration["bias"] and calibration["run"] in row["calibration"]
            assert (calibration["seed"], calibration["split"]) == (0, "val")
            assert set(calibration["unseen"]) == set(registry.open_dataset("world").validation_unseen)
    assert benchmark.missing() == []
    benchmark.remove_runs()
    assert not (tmp_path / "runs").exists()


def test_lines_of_equal_time_have_as_many_iterations_as_take_the_time_of_sign(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "step_a_seconds", lambda configs: {name: {"sign": 0.4, "spnet": 0.1}[name] for name in configs})
    fast = Cell("default", "world", method="spnet", budget="time")
    benchmark = make(tmp_path, fast, Cell("default", "world", method="spnet"))
    for cell, seed in benchmark.missing():
        benchmark.run_cell(cell, seed)
    timed, plain = benchmark.rows()
    assert (timed["budget"], plain["budget"]) == ("time", "iterations")
    assert timed["equal_time"] == {"iterations": 16, "ratio": 4.0, "seconds_per_iteration": {"sign": 0.4, "spnet": 0.1}}
    runs = {len((path / "metrics.jsonl").read_text().splitlines()) for path in (tmp_path / "runs").iterdir()}
    assert runs == {1, 2}  # a line each ten iterations and at the end: 4, and 16
    assert "equal_time" not in plain and benchmark.missing() == []
    found = [by_seed([timed, plain], Side("default", method="spnet", budget=budget), "ausuc") for budget in ("time", "iterations")]
    assert found == [{0: timed["ausuc"]}, {0: plain["ausuc"]}]
    benchmark.remove_runs()
    assert not (tmp_path / "runs").exists()


def test_timing_takes_turns_and_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    order = []
    original = timing._iterate
    monkeypatch.setattr(timing, "_iterate", lambda run, stage: (order.append(run.config.method), original(run, stage))[1])
    seconds = timing.step_a_seconds({"sign": TINY, "spnet": with_overrides(TINY, {"method": "spnet", "spatial.module": "none"})})
    assert seconds.keys() == {"sign", "spnet"} and min(seconds.values()) > 0
    assert order == ["sign", "spnet"] * (timing.ROUNDS + 1)
    assert list(tmp_path.iterdir()) == []


def test_chance_is_what_a_fair_die_scores(monkeypatch):
    """Of n_c pixels of class c, n_c / k are hit, and N / k pixels are called c: IoU = n_c / k over n_c + N / k - n_c / k."""
    monkeypatch.setitem(registry.DATASETS, "world", lambda seed: World(seed=seed, **SMALL | {"test_images": 60}))
    world = registry.open_dataset("world")
    classes = class_split(world)
    counts = np.zeros(len(classes.names))
    for picture in world.split("test"):
        labels = classes.evaluation_labels(picture.mask)
        for number in range(len(counts)):
            counts[number] += (labels == number).sum()
    k, total = len(counts), counts.sum()
    expected = counts / k / (counts + total / k - counts / k)
    row = chance_row(with_overrides(TINY, {"seed": 2}))
    assert list(row["iou_per_class"].values()) == pytest.approx(expected.tolist(), rel=0.15, abs=1e-3)
    assert row["miou"]["seen"] == pytest.approx(expected[: len(classes.seen)].mean(), rel=0.03)
    assert (row["method"], row["seed"], row["split"], row["protocol"]["uses_unseen_labels"]) == ("chance", 2, "test", False)
    assert row == chance_row(with_overrides(TINY, {"seed": 2})) != chance_row(TINY)


def test_chance_is_a_line_of_every_seed_and_no_missing_run(tmp_path):
    benchmark = make(tmp_path, seeds=(0, 1), chance=("world",))
    assert benchmark.rows() == [] == benchmark.missing()
    benchmark.add_chance()
    assert [(row["method"], row["seed"]) for row in benchmark.rows()] == [("chance", 0), ("chance", 1)]
