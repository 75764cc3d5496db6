"""Every command from end to end on small worlds: what it prints and what it leaves."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from small_signseg import shrink_worlds

from signseg import __version__, cli, demo
from signseg.benchmark import tables
from signseg.benchmark.suites import SUITES
from signseg.benchmark.suites.targets import sign_alone
from signseg.data import registry
from signseg.report import page

RUNS = ("sign", "sign-st", "sign-ast", "spnet", "zs3net")
COMMANDS = ("demo", "train", "self-train", "evaluate", "benchmark", "predict", "info")


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(registry, "DATASETS", dict(registry.DATASETS))
    shrink_worlds()


@pytest.fixture(scope="module")
def demo_folder(tmp_path_factory) -> Path:
    """A finished tiny demo."""
    patch = pytest.MonkeyPatch()
    patch.setattr(registry, "DATASETS", dict(registry.DATASETS))
    shrink_worlds()
    out = tmp_path_factory.mktemp("demo") / "out"
    assert cli.main(["demo", "--preset", "tiny", "--out", str(out)]) == 0
    patch.undo()
    return out


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["--help"])
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    assert all(command in printed for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(capsys, command):
    with pytest.raises(SystemExit) as ended:
        cli.main([command, "--help"])
    assert ended.value.code == 0 and "--threads" in capsys.readouterr().out


def test_version_and_help_load_no_torch():
    program = "import sys\nfrom signseg.cli import main\ntry: main(['--version'])\nexcept SystemExit: print('torch' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)
    assert (done.stdout, done.stderr) == (f"signseg {__version__}\nFalse\n", "")


def test_the_demo_leaves_runs_results_pictures_and_a_report(demo_folder):
    assert {path.name for path in demo_folder.iterdir() if path.is_dir()} == {*RUNS, "pictures"}
    results = json.loads((demo_folder / "results.json").read_text())
    assert [(row["run"], row["method"], row["variant"], row["self_training"]) for row in results["rows"]] == [
        ("sign", "sign", "step_a", "none"),
        ("sign", "sign", "default", "none"),
        ("sign-st", "sign", "default", "st"),
        ("sign-ast", "sign", "default", "ast"),
        ("spnet", "spnet", "default", "none"),
        ("zs3net", "zs3net", "default", "none"),
    ]
    assert results.keys() >= {"rows", "summary", "verdicts"} and len(results["summary"]) == 6
    index = json.loads((demo_folder / "pictures" / "index.json").read_text())
    for picture in index["pictures"]:
        for name in ("image", "truth", *(column["name"] for column in index["columns"])):
            with Image.open(demo_folder / "pictures" / picture["folder"] / f"{name}.png") as image:
                assert image.size == (96, 96)
    assert "SIGN" in (demo_folder / "report.html").read_text()


def test_a_finished_demo_only_scores_again(demo_folder, capsys, monkeypatch):
    before = {name: (demo_folder / name / "model.safetensors").stat().st_mtime_ns for name in RUNS}
    monkeypatch.setattr(demo, "write_report", lambda folder: folder)
    assert cli.main(["demo", "--preset", "tiny", "--out", str(demo_folder)]) == 0
    printed = capsys.readouterr().out
    assert "step_a 4/4" not in printed and "SIGN    AST" in printed and "done in" in printed
    assert before == {name: (demo_folder / name / "model.safetensors").stat().st_mtime_ns for name in before}


def test_a_demo_with_other_settings_is_refused(demo_folder, capsys):
    assert cli.main(["demo", "--preset", "tiny", "--seed", "3", "--out", str(demo_folder)]) == 2
    assert "was started with seed 0, not 3" in capsys.readouterr().err


@pytest.mark.parametrize("moment", ["write_pictures", "write_encodings", "train_from", "score_run"])
def test_an_interrupted_demo_says_how_to_go_on(demo_folder, capsys, monkeypatch, moment):
    def stop(*arguments, **named):
        raise KeyboardInterrupt

    monkeypatch.setattr(demo, moment, stop)
    assert cli.main(["demo", "--preset", "tiny", "--out", str(demo_folder)]) == 130
    assert capsys.readouterr().err == "Interrupted; continue with the same command.\n"


def test_info(demo_folder, capsys):
    assert cli.main(["info", str(demo_folder / "sign-ast")]) == 0
    printed = capsys.readouterr().out
    for text in ("finished", "sign, self-training ast, preset tiny, seed 0", "unseen:", "Harmonic"):
        assert text in printed


def test_predict(demo_folder, tmp_path, capsys):
    images = [str(demo_folder / "pictures" / name / "image.png") for name in "01"]
    assert cli.main(["predict", str(demo_folder / "sign"), *images, "--out", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().out.count("image.png: ") == 2
    assert len(list((tmp_path / "out").iterdir())) == 6


def test_benchmark(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(tables, "write_report", lambda folder: folder)
    monkeypatch.setitem(SUITES, "systems", sign_alone)  # the whole suite takes half a minute; that it runs is for the README's test
    short = ["--set", "step_a.iterations=1", "--set", "step_b.iterations=1", "--set", "step_c.iterations=1"]
    command = ["benchmark", "--suite", "systems", "--data", "world", "--seeds", "7-7", "--preset", "tiny", "--out", str(tmp_path / "out")]
    assert cli.main([*command, *short, "--set", "self_training.rounds=1"]) == 0
    printed = capsys.readouterr().out
    assert "undecided" in printed and "| upper-bound |" in printed and "pending" not in printed
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert {row["seed"] for row in results["rows"]} == {7} and {item["n"] for item in results["verdicts"]} == {1}
    assert all({"commit", "command"} <= row.keys() for row in results["rows"])


def test_a_reader_that_goes_away_is_no_error():
    program = "import sys\nfrom signseg import cli\ncli.info = lambda arguments: print('x' * 10**6)\nsys.exit(cli.main(['info', 'run']))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(f'{sys.executable} -c "{program}" | head -c 10', shell=True, capture_output=True, text=True, env=environment)
    assert (done.stdout, done.stderr) == ("x" * 10, "")


def test_a_full_disk_behind_standard_output():
    program = "import sys\nfrom signseg import cli\ncli.info = lambda arguments: print('x')\nsys.exit(cli.main(['info', 'run']))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with open("/dev/full", "w") as full:
        done = subprocess.run([sys.executable, "-c", program], stdout=full, stderr=subprocess.PIPE, text=True, env=environment)
    assert done.returncode != 0 and "Traceback" not in done.stderr and "No space left on device" in done.stderr


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to")])
def test_too_little_memory(monkeypatch, capsys, error):
    def fail(arguments):
        raise error

    monkeypatch.setattr(cli, "info", fail)
    assert cli.main(["info", "run"]) == 2
    assert capsys.readouterr().err.startswith("There is not enough memory; use smaller pictures")


def test_an_error_of_ours_is_not_hidden(monkeypatch):
    def fail(arguments):
        raise RuntimeError("shapes do not match")

    monkeypatch.setattr(cli, "info", fail)
    with pytest.raises(RuntimeError, match="shapes do not match"):
        cli.main(["info", "run"])


def test_the_report_is_written_by_train(tmp_path, monkeypatch, capsys):
    written = []
    monkeypatch.setattr(page, "write_report", written.append)
    assert cli.main(["train", "--data", "world", "--method", "sign", "--preset", "tiny", "--out", str(tmp_path / "run")]) == 0
    assert written == [tmp_path / "run"] and "report: " in capsys.readouterr().out
