"""Stopping a run in every step by real signals, and continuing it to the same bytes."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small_signseg import shrink_worlds

from signseg.cli import main
from signseg.data import registry
from signseg.report import page
from signseg.training.optim import Player

PROGRAM = Path(__file__).parent / "small_signseg.py"
STEPS = ("step_a", "step_b", "step_c", "self_training_1", "self_training_2")
LENGTHS = [f"--set={step}.iterations={count}" for step, count in (("step_a", 12), ("step_b", 12), ("step_c", 12), ("self_training", 11))]
TRAIN = ["train", "--data", "world", "--method", "sign", "--self-training", "ast", "--preset", "tiny", *LENGTHS]
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}


def start(*arguments: str, program: str = "") -> subprocess.Popen:
    """The command line in a process of its own, with `program` run before it."""
    program += "\nfrom signseg.report import page\npage.write_report = lambda folder: folder"
    source = f"import runpy, sys; sys.argv = sys.argv[1:]\n{program}\nrunpy.run_path({str(PROGRAM)!r}, run_name='__main__')"
    command = [sys.executable, "-c", source, "signseg", *arguments]
    return subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def kept(run: Path) -> dict[str, bytes]:
    return {name: (run / name).read_bytes() for name in ("metrics.jsonl", "model.safetensors")}


@pytest.fixture(scope="session")
def whole(tmp_path_factory) -> dict[str, bytes]:
    """What an uninterrupted run leaves."""
    run = tmp_path_factory.mktemp("whole") / "run"
    process = start(*TRAIN, "--out", str(run))
    _, error = process.communicate(timeout=120)
    assert (process.returncode, error) == (0, "")
    return kept(run)


def pausing(step: str, iteration: int, action: str) -> str:
    """A program that does `action` inside one iteration of one step, as if the signal came from outside at that moment."""
    return f"""
import os, signal
from signseg.training import optim
move = optim.Player.step
def step(self, update, *, stage, iteration):
    if (stage, iteration) == ({step!r}, {iteration}):
        {action}
    return move(self, update, stage=stage, iteration=iteration)
optim.Player.step = step
"""


@pytest.fixture
def here(monkeypatch):
    """Run a command in this process, on small worlds and without a report: (exit code, sentence)."""
    monkeypatch.setattr(registry, "DATASETS", dict(registry.DATASETS))
    shrink_worlds()
    monkeypatch.setattr(page, "write_report", lambda folder: folder)

    def run(capsys, *arguments: str) -> tuple[int, str]:
        code = main(arguments)
        return code, capsys.readouterr().err

    return run


@pytest.mark.parametrize(
    ("step", "number"), [*((step, signal.SIGTERM) for step in STEPS), ("step_b", signal.SIGINT), ("self_training_1", signal.SIGINT)]
)
def test_a_run_stopped_by_a_signal_goes_on_to_the_same_bytes(tmp_path, whole, here, capsys, monkeypatch, step, number):
    run, handlers = tmp_path / "run", [signal.getsignal(kind) for kind in (signal.SIGTERM, signal.SIGINT)]
    with monkeypatch.context() as patch:
        move = Player.step

        def signalled(self, update, *, stage, iteration):
            if (stage, iteration) == (step, 4):
                os.kill(os.getpid(), number)
            return move(self, update, stage=stage, iteration=iteration)

        patch.setattr(Player, "step", signalled)
        assert here(capsys, *TRAIN, "--out", str(run)) == (130, "Interrupted; continue with the same command and --resume.\n")
    assert not (run / "model.safetensors").exists()
    assert [signal.getsignal(kind) for kind in (signal.SIGTERM, signal.SIGINT)] == handlers
    assert here(capsys, *TRAIN, "--out", str(run), "--resume") == (0, "")
    assert kept(run) == whole
    seconds = json.loads((run / "seconds.json").read_text())
    assert seconds.keys() == set(STEPS) and all(0 < value < 120 for value in seconds.values())


@pytest.mark.parametrize("step", ["self_training_1"])
def test_a_killed_run_goes_on_from_its_last_checkpoint(tmp_path, whole, here, capsys, step):
    run = tmp_path / "run"
    process = start(*TRAIN, "--out", str(run), program=pausing(step, 10, "os.kill(os.getpid(), signal.SIGKILL)"))
    process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL
    assert f'"{step}", "iteration": 10' in (run / "metrics.jsonl").read_text()
    assert here(capsys, *TRAIN, "--out", str(run), "--resume") == (0, "")
    assert kept(run) == whole


def test_a_run_killed_in_the_middle_of_writing_its_checkpoint(tmp_path, whole, here, capsys):
    """The write is cut after a few bytes; the last whole checkpoint counts, and the piece is swept away."""
    run = tmp_path / "run"
    program = """
import os, signal
from signseg.training import folder
whole = folder.write_atomically
def write(path, writer):
    def torn(handle):
        handle.write(b"half a checkpoint")
        handle.flush()
        os.kill(os.getpid(), signal.SIGKILL)
    state = path.name == "state.pt" and path.exists() and (path.parent / "step_b.safetensors").exists()
    whole(path, torn if state else writer)
folder.write_atomically = write
"""
    process = start(*TRAIN, "--out", str(run), program=program)
    process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL
    assert len(list(run.glob(".state.pt.*"))) == 1
    assert here(capsys, *TRAIN, "--out", str(run), "--resume") == (0, "")
    assert kept(run) == whole
    assert not list(run.glob(".state.pt.*"))


@pytest.mark.parametrize(
    ("module", "name"), [("signseg.training.train", "prepare"), pytest.param("signseg.training.score", "evaluate", marks=pytest.mark.slow)]
)
def test_outside_the_loop_too(tmp_path, whole, here, capsys, module, name):
    """While pictures are drawn, and while a run is scored."""
    run = tmp_path / "run"
    program = f"""
import os, signal, sys
import {module} as module
def interrupted(*arguments, **named):
    print("here", flush=True)
    signal.pause()
module.{name} = interrupted
"""
    process = start(*TRAIN, "--out", str(run), program=program)
    assert process.stdout
    while process.stdout.readline() not in ("here\n", ""):
        pass
    time.sleep(0.2)
    process.send_signal(signal.SIGTERM)
    _, error = process.communicate(timeout=60)
    assert (process.returncode, error) == (130, "Interrupted; continue with the same command and --resume.\n")
    assert here(capsys, *TRAIN, "--out", str(run), "--resume") == (0, "")
    assert kept(run) == whole
    assert len(json.loads((run / "results.json").read_text())["rows"]) == 1


def test_a_second_process_is_refused(tmp_path, here, capsys):
    run = tmp_path / "run"
    wait = "print('here', flush=True); signal.pause()"
    process = start(*TRAIN, "--out", str(run), program=pausing("step_a", 0, wait))
    assert process.stdout
    while process.stdout.readline() not in ("here\n", ""):
        pass
    for options in ([], ["--resume"]):
        code, error = here(capsys, *TRAIN, "--out", str(run), *options)
        assert code == 2 and error.startswith("Another signseg process is using") and error.count("\n") == 1
    process.kill()
    process.communicate()
