"""Bad input on the command line: one sentence (found, expected, what to do), exit code 2, nothing half-written."""

import dataclasses
import errno
import json
import os
import pickle
import shutil
from pathlib import Path

import pytest
import torch
from small_signseg import shrink_worlds

from signseg.cli import main
from signseg.data import registry
from signseg.report import page
from signseg.training import interrupt, loop
from signseg.training.optim import Player

TRAIN = ["train", "--data", "world", "--method", "sign", "--preset", "tiny"]


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(registry, "DATASETS", dict(registry.DATASETS))
    shrink_worlds()
    monkeypatch.setattr(page, "write_report", lambda folder: folder)


@pytest.fixture
def refused(capsys):
    """Run a command that must be refused; its sentence."""

    def run(*arguments) -> str:
        capsys.readouterr()
        assert main([str(argument) for argument in arguments]) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1 and error.endswith((".\n", "?\n")) and "Traceback" not in error
        return error

    return run


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """A finished run; tests copy it before they damage it."""
    patch = pytest.MonkeyPatch()
    patch.setattr(registry, "DATASETS", dict(registry.DATASETS))
    patch.setattr(page, "write_report", lambda folder: folder)
    shrink_worlds()
    run = tmp_path_factory.mktemp("finished") / "run"
    assert main([*TRAIN, "--out", str(run)]) == 0
    patch.undo()
    return run


@pytest.fixture(scope="module")
def stopped(tmp_path_factory) -> Path:
    """A run that was stopped in step b."""
    patch = pytest.MonkeyPatch()
    patch.setattr(registry, "DATASETS", dict(registry.DATASETS))
    shrink_worlds()
    move = Player.step

    def stop(self, update, *, stage, iteration):
        if (stage, iteration) == ("step_b", 2):
            raise KeyboardInterrupt
        return move(self, update, stage=stage, iteration=iteration)

    patch.setattr(Player, "step", stop)
    run = tmp_path_factory.mktemp("stopped") / "run"
    assert main([*TRAIN, "--out", str(run)]) == 130
    patch.undo()
    return run


@pytest.fixture
def copy(tmp_path):
    def make(run: Path) -> Path:
        return Path(shutil.copytree(run, tmp_path / "copy"))

    return make


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--method", "sing"], "no method 'sing'; did you mean 'sign'?"),
        (["--data", "wrld"], "no data set 'wrld'; did you mean 'world'?"),
        (["--preset", "tniy"], "no preset 'tniy'; did you mean 'tiny'?"),
        (["--self-training", "sst"], "'self_training.kind' is 'sst'"),
        (["--set", "step_a.iteration=3"], "no setting 'step_a.iteration'; did you mean 'iterations'?"),
        (["--set", "step_a.iterations"], "has no '='"),
        (["--set", "step_a.learning_rate=-1"], "'step_a.learning_rate' is '-1'"),
        (["--set", "step_a.learning_rate=nan"], "'step_a.learning_rate' is 'nan'"),
        (["--set", "step_a.learning_rate=inf"], "'step_a.learning_rate' is 'inf'"),
        (["--set", "step_a.iterations=0"], "'step_a.iterations' is '0'"),
        (["--set", "step_a.iterations=1000000000000"], "less than or equal to 10000000"),
        (["--set", "step_a=5"], "'step_a' is '5'"),
        (["--seed", "-1"], "'seed' is -1"),
        (["--seed", "x"], "invalid int value: 'x'"),
        (["--threads", "0"], "--threads is 0; give a number from 1"),
        (["--threads", "1000000"], "--threads is 1000000"),
        (["--upper-bound", "--tuning"], "choose one of the two"),
        (["--upper-bound", "--self-training", "st"], "nothing to self-train on"),
        (["--calibration", "nowhere.json"], "nowhere.json does not exist"),
        (["--resume"], "holds no run to resume"),
        (["--colour"], "unrecognized arguments: --colour"),
    ],
)
def test_options(tmp_path, refused, options, said):
    run = tmp_path / "run"
    assert said in refused(*TRAIN, "--out", run, *options)
    assert not run.exists()


@pytest.mark.parametrize("below", [".", "run", "a/run"])
def test_an_out_folder_that_cannot_be(tmp_path, refused, below):
    (tmp_path / "file").write_text("in the way")
    assert "choose a writable folder" in refused(*TRAIN, "--out", tmp_path / "file" / below)
    assert [item.name for item in tmp_path.iterdir()] == ["file"]


def test_a_place_where_nobody_may_write(refused):
    assert "choose a writable folder" in refused(*TRAIN, "--out", "/proc/run")


def test_a_folder_that_holds_a_run(finished, refused):
    before = {path.name: path.read_bytes() for path in finished.iterdir()}
    assert "already holds a run; continue it with --resume" in refused(*TRAIN, "--out", finished)
    assert before == {path.name: path.read_bytes() for path in finished.iterdir()}


def test_resuming_with_other_settings(stopped, refused):
    assert "was started with seed 0, not 1" in refused(*TRAIN, "--out", stopped, "--resume", "--seed", 1)
    assert "was started with preset tiny, not quick" in refused(*TRAIN, "--out", stopped, "--resume", "--preset", "quick")


def broken_state(run: Path) -> None:
    (run / "state.pt").write_bytes((run / "state.pt").read_bytes()[:-1000])


def foreign_state(run: Path) -> None:
    state = torch.load(run / "state.pt", weights_only=True)
    state["config"]["seed"] = 7
    torch.save(state, run / "state.pt")


def unfit_state(run: Path) -> None:
    state = torch.load(run / "state.pt", weights_only=True)
    state["network"].popitem()
    torch.save(state, run / "state.pt")


def unknown_step(run: Path) -> None:
    state = torch.load(run / "state.pt", weights_only=True)
    torch.save(state | {"step": "step_z"}, run / "state.pt")


class Malice:
    def __reduce__(self):
        return os.system, ("touch executed-by-signseg",)


def malicious_state(run: Path) -> None:
    (run / "state.pt").write_bytes(pickle.dumps({"step": Malice()}))


def malicious_torch_state(run: Path) -> None:
    torch.save({"step": Malice()}, run / "state.pt")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (broken_state, "damaged and cannot be resumed"),
        (malicious_state, "damaged and cannot be resumed"),
        (malicious_torch_state, "damaged and cannot be resumed"),
        (foreign_state, "belongs to another configuration"),
        (unfit_state, "does not fit the network"),
        (unknown_step, "unknown step 'step_z'"),
        (lambda run: (run / "config.json").write_bytes(b'{"config": {"data": "w\xff'), "cannot be read as JSON"),
        (lambda run: (run / "config.json").write_text('{"config": {"data"'), "cannot be read as JSON"),
        (lambda run: (run / "config.json").write_text('{"config": [1]}'), "config.json: Setting"),
        (lambda run: (run / "config.json").write_text("[]"), "no 'config' entry"),
        (lambda run: (run / "config.json").unlink(), "holds no run"),
    ],
)
def test_a_damaged_checkpoint(stopped, copy, refused, monkeypatch, tmp_path, damage, said):
    monkeypatch.chdir(tmp_path)
    run = copy(stopped)
    damage(run)
    assert said in refused(*TRAIN, "--out", run, "--resume")
    assert not list(tmp_path.rglob("executed-by-signseg"))


def cut(name: str):
    return lambda run: (run / name).write_bytes((run / name).read_bytes()[:-20])


def change_classes(change):
    def damage(run: Path) -> None:
        record = json.loads((run / "classes.json").read_text())
        change(record["classes"])
        (run / "classes.json").write_text(json.dumps(record))

    return damage


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (cut("model.safetensors"), "damaged or does not fit config.json"),
        (lambda run: (run / "model.safetensors").write_bytes(b""), "damaged or does not fit config.json"),
        (lambda run: (run / "model.safetensors").unlink(), "has not finished"),
        (cut("classes.json"), "cannot be read as JSON"),
        (change_classes(lambda entries: entries.pop()), "classes"),
        (change_classes(lambda entries: entries[0].update(colour=[1, 2])), "is not a class list"),
        (change_classes(lambda entries: entries[0].update(id=entries[1]["id"])), "both have the id"),
        (lambda run: (run / "config.json").write_text('{"config": {"encoder": {"features": 8}}}'), "does not fit config.json"),
    ],
)
@pytest.mark.parametrize("command", ["evaluate", "predict"])
def test_a_damaged_run(finished, copy, refused, tmp_path, command, damage, said):
    run = copy(finished)
    damage(run)
    options = [] if command == "evaluate" else [tmp_path / "none.png", "--out", tmp_path / "out"]
    assert said in refused(command, run, *options)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--split", "tset"], "did you mean 'test'?"),
        (["--scale", "0"], "cannot be drawn at scale 0"),
        (["--scale", "nan"], "cannot be drawn at scale nan"),
        (["--protocol", "pixels"], "did you mean 'pixel'?"),
        (["--data", "voc"], "no data set 'voc'"),
    ],
)
def test_evaluate(finished, refused, options, said):
    assert said in refused("evaluate", finished, *options)


@pytest.mark.parametrize("text", ["{}", "[]", '{"bias": "x", "run": "r", "seed": 0, "split": "val", "data": "world"}', '{"bias": NaN}'])
def test_a_calibration_that_is_none(finished, refused, tmp_path, text):
    (tmp_path / "calibration.json").write_text(text)
    assert "is not a calibration file" in refused("evaluate", finished, "--calibration", tmp_path / "calibration.json")


def test_rows_that_are_none(finished, copy, refused):
    run = copy(finished)
    (run / "results.json").write_text("[]")
    assert "has no list 'rows'" in refused("evaluate", run)


def test_step_four_changes_nothing_before_it(finished, refused, tmp_path):
    train = ["self-train", finished, "--self-training", "st"]
    assert "'encoder.features' belongs to steps before" in refused(*train, "--out", tmp_path / "st", "--set", "encoder.features=8")
    assert "is the run to start from" in refused(*train, "--out", finished)
    assert not (tmp_path / "st").exists()


@pytest.mark.parametrize("name", ["state.pt", "metrics.jsonl", "step_a.safetensors", "model.safetensors"])
def test_a_disk_that_fills_up(tmp_path, refused, monkeypatch, name):
    """The system refuses to write one of the files; what was there before stays usable."""
    run, replace, append = tmp_path / "run", os.replace, loop.append_line

    def full(source, target):
        if Path(target).name == name:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        replace(source, target)

    def full_log(path, text):
        with monkeypatch.context() as patch:
            patch.setattr("builtins.open", lambda *arguments, **named: os.fdopen(os.open("/dev/full", os.O_WRONLY), "wb", buffering=0))
            append(path, text)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        if name == "metrics.jsonl":
            patch.setattr(loop, "append_line", full_log)
        assert f"{name}: No space left on device; free some space" in refused(*TRAIN, "--out", run)
    assert not [path for path in run.iterdir() if path.name.endswith(".part")]
    assert main([*TRAIN, "--out", str(run), "--resume"]) == 0


def test_a_loss_that_is_not_finite(tmp_path, refused, monkeypatch):
    move = Player.step

    def spoiled(self, update, *, stage, iteration):
        if (stage, iteration) == ("step_b", 2):
            update = dataclasses.replace(update, terms=update.terms | {"mmd": torch.tensor(torch.nan)})
        return move(self, update, stage=stage, iteration=iteration)

    monkeypatch.setattr(Player, "step", spoiled)
    said = refused(*TRAIN, "--out", tmp_path / "run")
    assert said.startswith("Loss 'mmd' of ")
    assert "is nan in step_b, iteration 2; expected a finite number: lower step_b.learning_rate" in said
    assert not (tmp_path / "run" / "model.safetensors").exists()


def test_a_request_that_comes_too_late_still_counts():
    with pytest.raises(interrupt.Interrupted), interrupt.stop_request():
        os.kill(os.getpid(), 15)
