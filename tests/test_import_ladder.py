"""Rules about the source tree as a whole: who may import whom, what importing does, and a few house rules."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import signseg

PACKAGE = Path(signseg.__file__).parent
MAX_LINES = 300

GROUND = {"errors", "files", "signals", "structures", "classes", "config", "precision", "results"}
STAGES = GROUND | {"modules", "losses", "data", "network"}
TRAINING = STAGES | {"evaluation", "stages", "methods"}
INFERENCE = TRAINING | {"training"}
EVERYTHING = INFERENCE | {"inference", "report", "benchmark", "demo", "cli", "app", "__main__"}

# Part of the package -> the parts it may import besides itself. 'import signseg' alone (the version) is always allowed.
MAY_IMPORT = {
    **dict.fromkeys(GROUND, GROUND),
    **dict.fromkeys(["modules", "losses", "data"], GROUND),
    "network": GROUND | {"modules", "losses", "data"},
    "evaluation": GROUND | {"data"},
    "stages": STAGES,
    "methods": STAGES | {"stages"},
    "training": TRAINING,
    "inference": INFERENCE,
    "report": GROUND,
    **dict.fromkeys(["benchmark", "demo", "cli", "app", "__main__", "__init__"], EVERYTHING),
}


def sources(package: Path) -> list[Path]:
    return sorted(package.rglob("*.py"))


def part_of(file: Path, package: Path) -> str:
    """The part of the package that `file` belongs to: its top folder, or its own name at the top."""
    return Path(file.relative_to(package).parts[0]).stem


def imported_names(file: Path, package: Path) -> list[tuple[int, str]]:
    """(line, dotted name) of everything that `file` imports from the package, at the top, inside functions or by string."""
    found = []
    home = ["signseg", *file.relative_to(package).parent.parts]
    for node in ast.walk(ast.parse(file.read_text(), str(file))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            start = home[: len(home) + 1 - node.level] if node.level else []
            origin = ".".join(start + ([node.module] if node.module else []))
            names = [f"{origin}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in ("import_module", "__import__") and node.args:
            first = node.args[0]
            names = [first.value] if isinstance(first, ast.Constant) and isinstance(first.value, str) else []
        found += [(node.lineno, name) for name in names if name.split(".")[0] == "signseg"]
    return found


def breaches(package: Path) -> list[str]:
    """One sentence for each import that goes up the ladder or sideways."""
    problems = []
    for file in sources(package):
        part = part_of(file, package)
        where = file.relative_to(package)
        if part not in MAY_IMPORT:
            problems.append(f"{where}: '{part}' has no place on the ladder; give it one in MAY_IMPORT of {Path(__file__).name}")
            continue
        allowed = MAY_IMPORT[part] | {part}
        for line, name in imported_names(file, package):
            target = name.split(".")[1] if "." in name else ""
            is_part = target in MAY_IMPORT or (package / target).is_dir() or (package / f"{target}.py").exists()
            if target and is_part and target not in allowed:
                problems.append(f"{where}:{line} imports {name}; '{part}' may import {', '.join(sorted(allowed))}")
    return problems


def test_imports_go_one_way():
    assert not breaches(PACKAGE), "\n".join(breaches(PACKAGE))


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("modules/generator.py", "from signseg.losses.matching import mmd"),
        ("losses/matching.py", "import signseg.data"),
        ("data/folder.py", "from signseg import network"),
        ("data/world/draw.py", "from ...training import loop"),
        ("classes.py", "from .data import dataset"),
        ("stages/step_b.py", "def late():\n    from signseg.methods import sign"),
        ("stages/step_b.py", "import importlib\nimportlib.import_module('signseg.evaluation.scores')"),
        ("report/page.py", "from signseg.evaluation.scores import scores"),
        ("training/loop.py", "from signseg import inference"),
        ("helpers.py", "import os"),
    ],
)
def test_the_ladder_catches(tmp_path, file, line):
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(line + "\n")
    (problem,) = breaches(tmp_path)
    assert problem.startswith(file) and ("may import" in problem or "no place" in problem)


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("cli.py", "from signseg.training.loop import train"),
        ("methods/zs3net.py", "from .sign import SIGN\nfrom signseg.stages import step_b"),
        ("report/page.py", "from signseg import __version__\nfrom signseg.errors import InputError"),
        ("data/world/draw.py", "from ..dataset import Picture\nfrom . import shapes"),
    ],
)
def test_the_ladder_allows(tmp_path, file, line):
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(line + "\n")
    assert breaches(tmp_path) == []


IMPORT_ALL = """
import importlib, os, pkgutil, random
import numpy, torch
import rich.progress  # draws from 'random' when it is imported, which is not ours to change
before = (torch.initial_seed(), torch.get_rng_state().tolist(), torch.get_num_threads(), torch.get_default_dtype(), torch.is_grad_enabled(),
    torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark, random.getstate(), repr(numpy.random.get_state()),
    dict(os.environ), os.getcwd())
import signseg
names = [item.name for item in pkgutil.walk_packages(signseg.__path__, "signseg.") if not item.name.endswith("__main__")]
for name in names:
    importlib.import_module(name)
after = (torch.initial_seed(), torch.get_rng_state().tolist(), torch.get_num_threads(), torch.get_default_dtype(), torch.is_grad_enabled(),
    torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark, random.getstate(), repr(numpy.random.get_state()),
    dict(os.environ), os.getcwd())
assert len(names) > 10, names
assert before == after, [position for position, pair in enumerate(zip(before, after)) if pair[0] != pair[1]]
"""


def test_importing_does_nothing_else(tmp_path):
    """A fresh process imports every module: no seed, thread count, environment variable or file changes, and nothing is printed."""
    home = tmp_path / "home"
    home.mkdir()
    places = {"HOME": home, "XDG_CACHE_HOME": home / "cache", "SIGNSEG_CACHE": home / "signseg", "MPLCONFIGDIR": tmp_path / "matplotlib"}
    environment = {**os.environ, **{name: str(path) for name, path in places.items()}, "PYTHONPATH": str(PACKAGE.parent)}
    done = subprocess.run([sys.executable, "-B", "-c", IMPORT_ALL], cwd=home, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(home.rglob("*")) == []


def test_no_source_file_is_long():
    lengths = {str(file.relative_to(PACKAGE)): len(file.read_text().splitlines()) for file in sources(PACKAGE)}
    long = {name: length for name, length in lengths.items() if length > MAX_LINES}
    assert not long, f"split what has more than {MAX_LINES} lines: {long}"


def test_no_file_is_a_grab_bag():
    names = {path.stem for path in PACKAGE.rglob("*")}
    assert not names & {"utils", "util", "helpers", "misc", "common"}


WHITE = {"data/world/catalogue.py": 1}  # file -> lines where a lone 255 is a paint, not a label


def void_numbers(source: str, name: str = "a source text") -> list[int]:
    """Lines where 255 or 254 is written as a label would be. An image intensity is scaled, clipped, or one of three in a colour."""
    tree = ast.parse(source, name)
    parents = {child: parent for parent in ast.walk(tree) for child in ast.iter_child_nodes(parent)}
    found = []
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Constant) and type(node.value) in (int, float) and node.value in (254, 255)):
            continue
        parent = parents[node]
        scaled = isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Div | ast.Mult)
        clipped = isinstance(parent, ast.Call) and ast.unparse(parent.func).split(".")[-1] in ("clip", "clamp", "clip_", "clamp_")
        colour = isinstance(parent, ast.Tuple | ast.List) and len(parent.elts) == 3
        if not (scaled or clipped or colour):
            found.append(node.lineno)
    return sorted(found)


def test_the_number_for_void_is_written_once():
    places = {str(file.relative_to(PACKAGE)): void_numbers(file.read_text(), str(file)) for file in sources(PACKAGE)}
    assert len(places.pop("classes.py")) == 2
    found = {name: lines for name, lines in places.items() if len(lines) > WHITE.get(name, 0)}
    assert not found, f"import IGNORE or UNANNOTATED from signseg.classes instead of writing the number (file: lines): {found}"


def test_the_void_check_catches():
    assert void_numbers("a = 255\nb = labels != 255\nc = fill(value=255.0)\nd = {'ignore': 255}") == [1, 2, 3, 4]
    assert void_numbers("a = image / 255\nb = 255 * x\nc = x.clip(0, 255)\nred = (255, 0, 0)") == []
