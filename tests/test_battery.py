"""One battery over every registered method: train, stop in each step, resume, evaluate, predict without labels. And one real training."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

import signseg
from signseg.config import QUICK, TINY, RunConfig, with_overrides
from signseg.data import registry
from signseg.data.world import World
from signseg.methods import METHODS
from signseg.training import loop
from signseg.training.interrupt import Interrupted
from signseg.training.score import score_run
from signseg.training.train import train

SMALL = {"train_images": 16, "val_images": 4, "test_images": 6}
MIOU_OF_CHANCE = 1 / 30


class Killed(BaseException):
    """Stands for kill -9: nothing is saved on the way out."""


@pytest.fixture(autouse=True)
def small_world(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.DATASETS, "small-world", lambda seed: World(seed=seed, partial=0.3, **SMALL))


def tiny(method: str, **overrides: Any) -> RunConfig:
    """Four iterations a step, a checkpoint every two, then two rounds of AST."""
    settings: dict[str, Any] = {"data": "small-world", "method": method, "checkpoint_every": 2}
    settings |= {f"{step}.iterations": 4 for step in ("step_a", "step_b", "step_c", "self_training")}
    settings |= {f"{step}.batch_size": 4 for step in ("step_a", "step_b", "step_c", "self_training")}
    return with_overrides(TINY, METHODS[method].settings | settings | {"self_training.kind": "ast", "self_training.rounds": 2} | overrides)


def all_steps(config: RunConfig) -> list[str]:
    return [*METHODS[config.method].steps, *(f"self_training_{number + 1}" for number in range(config.self_training.rounds))]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {"at": tmp_path_factory.mktemp("battery")}


@pytest.fixture(params=METHODS)
def uninterrupted(request: pytest.FixtureRequest, finished: dict[str, Path]) -> Path:
    """A run that nobody stopped, one for each method."""
    out = finished["at"] / request.param
    if request.param not in finished:
        finished[request.param] = train(tiny(request.param), out)
    return out


def weights(path: Path) -> dict[str, torch.Tensor]:
    return safetensors.torch.load_file(path)


def assert_same_run(run: Path, expected: Path) -> None:
    """Weights of every step, losses and pseudo-labels, bit for bit."""
    files = sorted(path.name for path in expected.glob("*.safetensors"))
    assert files == sorted(path.name for path in run.glob("*.safetensors")) and "model.safetensors" in files
    for name in files:
        here, there = weights(run / name), weights(expected / name)
        assert here.keys() == there.keys() and all(torch.equal(here[key], there[key]) for key in there), name
    for name in ("metrics.jsonl", "pseudo_labels.json"):
        assert (run / name).read_text() == (expected / name).read_text(), name


def interrupt_at(monkeypatch: pytest.MonkeyPatch, step: str, iteration: int, *, kill: bool) -> None:
    """A signal (or a sudden death) as the loop is about to draw this batch."""
    original = loop.batch_index

    def draw(seed: int, name: str, now: int, *rest: int) -> torch.Tensor:
        if (name, now) == (step, iteration):
            if kill:
                raise Killed
            os.kill(os.getpid(), signal.SIGTERM)
        return original(seed, name, now, *rest)

    monkeypatch.setattr(loop, "batch_index", draw)


@pytest.mark.parametrize("how", ["asked", "killed"])
def test_stopped_in_every_step_and_resumed_is_the_same_run_bit_for_bit(
    how: str, uninterrupted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, out = tiny(uninterrupted.name), tmp_path / "run"
    for position, step in enumerate(all_steps(config)):
        with monkeypatch.context() as patch:
            interrupt_at(patch, step, 3 if how == "killed" else position % 4, kill=how == "killed")
            with pytest.raises(Killed if how == "killed" else Interrupted):
                train(config, out, resume=position > 0)
        state = torch.load(out / "state.pt", weights_only=True)
        assert (state["step"], state["iteration"]) == (step, 2 if how == "killed" else position % 4 + 1)
        assert not (out / "model.safetensors").exists()
    train(config, out, resume=True)
    assert_same_run(out, uninterrupted)


def test_killed_before_the_first_checkpoint_of_a_step_resumes_from_the_step_before(
    uninterrupted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, out = tiny(uninterrupted.name), tmp_path / "run"
    steps = all_steps(config)
    for position, step in enumerate(steps[1:]):
        with monkeypatch.context() as patch:
            interrupt_at(patch, step, 1, kill=True)
            with pytest.raises(Killed):
                train(config, out, resume=position > 0)
        assert torch.load(out / "state.pt", weights_only=True)["step"] == steps[position]
    train(config, out, resume=True)
    assert_same_run(out, uninterrupted)


@pytest.mark.parametrize("option", [{"views": "mirror-scales"}, {"top_share": 0.25}, {"views": "mirror", "top_share": 0.5}], ids=str)
def test_fewer_pseudo_labels_are_the_same_ones_after_resuming(
    option: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the teacher labels is decided anew on resuming, from the teacher alone."""
    config = tiny("sign", **{f"self_training.{key}": value for key, value in option.items()})
    whole, out = train(config, tmp_path / "whole"), tmp_path / "run"
    for position, step in enumerate(["self_training_1", "self_training_2"]):
        with monkeypatch.context() as patch:
            interrupt_at(patch, step, 3, kill=position > 0)
            with pytest.raises(Killed if position else Interrupted):
                train(config, out, resume=position > 0)
    train(config, out, resume=True)
    assert_same_run(out, whole)
    (first, _), score = json.loads((whole / "pseudo_labels.json").read_text())["rounds"], score_run(whole)
    assert 0 < first["share"] < first["candidates"] and score[0]["self_training"] == "ast"


def test_resuming_a_finished_run_leaves_it_alone(uninterrupted: Path) -> None:
    before = (uninterrupted / "model.safetensors").stat().st_mtime_ns
    train(tiny(uninterrupted.name), uninterrupted, resume=True)
    assert (uninterrupted / "model.safetensors").stat().st_mtime_ns == before


def test_the_same_seed_gives_the_same_run_and_another_seed_another(uninterrupted: Path, tmp_path: Path) -> None:
    assert_same_run(train(tiny(uninterrupted.name), tmp_path / "again"), uninterrupted)
    other = weights(train(tiny(uninterrupted.name, seed=1), tmp_path / "other") / "model.safetensors")
    mine = weights(uninterrupted / "model.safetensors")
    assert all(not torch.equal(other[name], mine[name]) for name in mine if name.startswith("classifier.") and name.endswith("weight"))


def test_every_step_leaves_its_network_and_trains_something(uninterrupted: Path) -> None:
    paths = [uninterrupted / f"{step}.safetensors" for step in METHODS[uninterrupted.name].steps] + [uninterrupted / "model.safetensors"]
    for before, after in zip(map(weights, paths), map(weights, paths[1:]), strict=False):
        assert any(not torch.equal(before[name], after[name]) for name in before)


def test_evaluation_gives_complete_rows(uninterrupted: Path) -> None:
    (row,) = score_run(uninterrupted)
    assert row["method"] == uninterrupted.name and row["self_training"] == "ast" and not row["calibrated"]
    assert set(row["miou"]) >= {"seen", "unseen", "harmonic"} and row["ausuc"] is not None
    assert row["protocol"]["transductive"] and not row["protocol"]["uses_unseen_labels"]
    assert score_run(uninterrupted)[0]["miou"] == row["miou"]


@pytest.mark.parametrize("size", [(96, 96), (64, 144), (33, 47)], ids=str)
def test_predicting_needs_a_run_and_a_picture(size: tuple[int, int], uninterrupted: Path) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    segmenter = signseg.load(uninterrupted)
    prediction = segmenter.predict(picture)
    assert prediction.classes.shape == prediction.confidence.shape == size
    assert prediction.classes.max() < len(segmenter.split.names)
    assert ((prediction.confidence > 0) & (prediction.confidence <= 1)).all()
    np.testing.assert_array_equal(signseg.load(uninterrupted).predict(picture).classes, prediction.classes)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["sign", "spnet", "zs3net"])
def test_a_real_training_learns_classes_it_has_no_labels_for(method: str, tmp_path: Path) -> None:
    """About a minute on one idle core. The methods of the demo; SIGN's settings are written down, so that tuned defaults change nothing."""
    settings: dict[str, Any] = {
        "method": method,
        "encoder.stem_width": 32,
        "encoder.widths": [64, 64],
        "encoder.features": 64,
        "spatial.body": "context",
        "step_a.iterations": 350,
        "step_a.batch_size": 8,
        "step_a.resolution": 4,
        "step_a.learning_rate": 5e-3,
        "step_b.iterations": 200,
        "step_b.batch_size": 8,
        "step_b.learning_rate": 1e-3,
        "step_c.iterations": 200,
        "step_c.batch_size": 8,
        "step_c.learning_rate": 3e-3,
        "step_c.unseen_rate": 20.0,
        "step_c.real_weight": 1.0,
        "step_c.synthetic_weight": 1.0,
    }
    run = train(with_overrides(QUICK, settings | METHODS[method].settings), tmp_path / "run")
    (before,) = score_run(run, step="step_a")
    (after,) = score_run(run)
    if "step_c" in METHODS[method].steps:
        assert before["miou"]["unseen"] < 0.01, "nothing asks for an unseen class in step a"
    assert after["miou"]["unseen"] > 2 * MIOU_OF_CHANCE  # seeds 0 and 1 reached 0.144 and 0.108
    assert after["miou"]["seen"] > 6 * MIOU_OF_CHANCE
