"""The wheel: it holds everything, and works where there is no checkout."""

import os
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

import signseg

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src"
COMMANDS = ("demo", "train", "self-train", "evaluate", "benchmark", "predict", "info")


def run(*command: str | Path, cwd: Path, exit_code: int = 0) -> subprocess.CompletedProcess:
    """Run a program with nothing of the checkout on its path; another exit code than the expected one shows what it printed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV", "COVERAGE"))}
    done = subprocess.run([str(part) for part in command], cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == exit_code, f"{' '.join(map(str, command))}\n{done.stdout}\n{done.stderr}"
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """A wheel built from the checkout, without the network: hatchling comes with the 'dev' extra."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    (file,) = folder.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """The Python of a new environment with the wheel in it. Its dependencies are read from this environment, through a .pth
    file: Python does not follow the .pth files of a folder named that way, so the editable checkout is out of reach."""
    folder = tmp_path_factory.mktemp("elsewhere") / "environment"
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "-qq", "--no-deps", "--no-index", wheel, cwd=folder)
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


def test_the_wheel_holds_every_source_file_and_template(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = {str(path.relative_to(SOURCE)) for kind in ("*.py", "*.j2") for path in (SOURCE / "signseg").rglob(kind)}
    assert wanted <= names, f"missing in the wheel: {sorted(wanted - names)}"
    assert {name.split("/")[0].split("-")[0] for name in names} == {"signseg"}, "the wheel installs something beside signseg"
    assert not [name for name in names if name.endswith((".pyc", ".so")) or "/tests/" in name]


def test_the_wheel_carries_licence_and_notice(wheel):
    archive = zipfile.ZipFile(wheel)
    information = f"signseg-{signseg.__version__}.dist-info"
    for name in ("LICENSE", "NOTICE"):
        assert archive.read(f"{information}/licenses/{name}") == (ROOT / name).read_bytes()
    metadata = archive.read(f"{information}/METADATA").decode()
    assert f"\nVersion: {signseg.__version__}\n" in metadata and "\nLicense-Expression: Apache-2.0\n" in metadata


def test_the_installed_package_imports_every_part_from_its_own_place(installed, tmp_path):
    program = """
import importlib, pkgutil, sys
from pathlib import Path
import signseg
for item in pkgutil.walk_packages(signseg.__path__, "signseg."):
    if not item.name.endswith("__main__"):
        importlib.import_module(item.name)
home = Path(sys.prefix)
strays = [m.__file__ for n, m in sys.modules.items() if n.split(".")[0] == "signseg" and home not in Path(m.__file__).parents]
assert not strays, strays
print(signseg.__version__)
"""
    assert run(installed, "-c", program, cwd=tmp_path).stdout == f"{signseg.__version__}\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("start", [["bin/python", "-m", "signseg"], ["bin/signseg"]], ids=["module", "script"])
def test_the_installed_command_tells_its_version_and_commands(installed, tmp_path, start):
    command = [installed.parents[1] / start[0], *start[1:]]
    assert signseg.__version__ in run(*command, "--version", cwd=tmp_path).stdout
    text = run(*command, "--help", cwd=tmp_path).stdout
    assert [name for name in COMMANDS if name not in text] == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_installed_command_has_help(installed, tmp_path, name):
    done = run(installed, "-m", "signseg", name, "--help", cwd=tmp_path)
    assert "usage" in done.stdout.lower() and done.stderr == ""


@pytest.mark.parametrize("arguments", ["info no-such-run", "evaluate no-such-run", "train --data no-such-data --method sign --out run"])
def test_bad_input_is_one_sentence_and_exit_code_2(installed, tmp_path, arguments):
    done = run(installed, "-m", "signseg", *arguments.split(), cwd=tmp_path, exit_code=2)
    assert "no-such-" in done.stderr and "Traceback" not in done.stderr and len(done.stderr.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_every_dependency_is_pinned_and_torchvision_is_not_there():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pins = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    pinned = {line.split("==")[0] for line in pins}
    for requirement in [*project["dependencies"], *project["optional-dependencies"]["dev"]]:
        assert requirement.split(">=")[0].split("[")[0] in pinned
    assert "torch==2.13.0" in pins and "torchvision" not in pinned and "+" not in "".join(pins)
