"""README.md and docs/world.md keep their word: commands run, files are where they say, tables are what the code says."""

import contextlib
import io
import re
import shlex
from pathlib import Path

import pytest
from small_folder import write_folder

from signseg.cli import main, parser
from signseg.data import registry
from signseg.data.world import STANDARD_PARTIAL, World
from signseg.data.world import sentences as text
from signseg.data.world.catalogue import CLASSES, EXTRA, NOTHING, UNSEEN
from signseg.data.world.scene import SIDE

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
WORLD = (ROOT / "docs" / "world.md").read_text()
SKIPPED = ("make ", "source ")  # set-up, which CI does before any test


def blocks(page: str, language: str) -> list[str]:
    """Contents of the fenced blocks of a language."""
    return [body for found, body in re.findall(r"^```(\w*)\n(.*?)^```$", page, re.DOTALL | re.MULTILINE) if found == language]


def commands(page: str) -> list[str]:
    """Command lines of all shell blocks, in order."""
    return [line for block in blocks(page, "sh") for line in block.splitlines() if line and not line.startswith(SKIPPED)]


def options(name: str) -> str:
    """The help text of a command, which names its options."""
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown), pytest.raises(SystemExit):
        parser().parse_args([name, "--help"])
    return shown.getvalue()


def shrunk(command: str) -> list[str]:
    """Arguments of a README command, at tiny size and one seed where it has such options."""
    arguments = shlex.split(command)[1:]
    if "--seeds" in arguments:
        arguments[arguments.index("--seeds") + 1] = "1"
    if "--preset" in options(arguments[0]):
        arguments += ["--preset", "tiny"]
    elif "--smoke" in options(arguments[0]):
        arguments += ["--smoke"]
    return arguments


def printed(code: str) -> str:
    """What a Python block prints."""
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown):
        exec(code, {})
    return shown.getvalue()


@pytest.fixture(scope="module")
def small_worlds():
    """The built-in worlds with a few pictures each, under their own names."""
    few = {"train_images": 12, "val_images": 4, "test_images": 4}
    shares = {"world": 0.0, "world-partial": STANDARD_PARTIAL}
    with pytest.MonkeyPatch.context() as patch:
        for name, partial in shares.items():
            patch.setitem(registry.DATASETS, name, lambda seed, partial=partial: World(seed=seed, partial=partial, **few))
        yield


def test_every_readme_command_and_example_runs(small_worlds, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["signseg"])  # runs write down their command
    (described,) = blocks(README, "yaml")
    write_folder(tmp_path / "farm").write_text(described)
    found = commands(README)
    assert len(found) >= 12
    for command in found:
        assert command.startswith("signseg "), f"neither a command of ours nor set-up: {command}"
        assert main(shrunk(command)) == 0, command
    for example in blocks(README, "python"):
        assert printed(example).startswith(f"({SIDE}, {SIDE}) ")
    named = set(re.findall(r"^\| `([^|]+)` \|", README, re.MULTILINE))
    files = {name for cell in named for name in re.split(r"`, `|` and so on", cell) if name}
    missing = [name for name in files if not any(Path("runs").glob(f"**/{name}"))]
    assert len(files) >= 10 and not missing, missing


def test_every_command_is_in_the_readme():
    shown = re.findall(r"^    ([a-z-]+)(?:\s|$)", parser().format_help(), re.MULTILINE)
    assert len(shown) >= 7 and {command.split()[1] for command in commands(README)} == set(shown)


def test_files_named_in_the_readme_exist():
    for link in re.findall(r"\]\(([^)#]+)\)", README + WORLD):
        assert (ROOT / link).exists(), link
    (tree,) = [block for block in blocks(README, "") if block.startswith("src/signseg/")]
    for name in re.findall(r"^  ([\w.]+/?)(?:\s|$)", tree, re.MULTILINE):
        assert (ROOT / "src" / "signseg" / name).exists(), name
    (figure,) = [block for block in blocks(README, "") if "SIM" in block]
    for name in re.findall(r"\w+\.py", figure):
        assert list((ROOT / "src" / "signseg").glob(f"*/{name}")), name


def test_the_readme_is_short_and_keeps_its_blocks():
    assert len(README.splitlines()) <= 200
    for name in ("demo-output", "results"):
        assert README.count(f"<!-- {name} -->") == README.count(f"<!-- /{name} -->") == 1


def test_the_class_table_of_the_world_is_the_catalogue():
    (table,) = re.findall(r"<!-- classes -->\n(.*?)<!-- /classes -->", WORLD, re.DOTALL)
    (code,) = blocks(WORLD, "python")
    assert table == printed(code)


def test_the_numbers_of_the_world_page_are_those_of_the_code():
    world = World(cache=Path("unused"))
    counts = world._counts
    assert f"{counts['train']} training, {counts['val']} validation, {counts['test']} test pictures" in WORLD
    assert f"{SIDE} x {SIDE} RGB" in WORLD and f"raw id {NOTHING}" in WORLD
    assert f"{len(EXTRA)} further names" in WORLD and f"{text.SENTENCES:,}".replace(",", " ") + " short sentences" in WORLD
    assert f"{text.DIMENSIONS} dimensions each" in WORLD and f"vectors of {2 * text.DIMENSIONS}" in WORLD
    rare = [kind.name for kind in CLASSES if kind.frequency != 1]
    assert f"{', '.join(rare[:-1]).capitalize()} and {rare[-1]} are drawn {CLASSES[10].frequency} times" in WORLD
    seen = [kind for kind in CLASSES if kind.name not in UNSEEN]
    values = {value for kind in CLASSES if kind.name in UNSEEN for value in kind.attributes}
    assert min(sum(value in kind.attributes for kind in seen) for value in values) >= 3
    assert {name for name in registry.DATASETS if name in WORLD} == set(registry.DATASETS)


def test_shares_of_void_and_unseen_pixels_are_as_told():
    pictures = [(picture.mask == NOTHING, picture.mask < NOTHING, picture.mask) for picture in World(test_images=60, seed=0).split("test")]
    void = sum(nothing.mean() for nothing, _, _ in pictures) / len(pictures)
    unseen_ids = [number for number, kind in enumerate(CLASSES) if kind.name in UNSEEN]
    unseen = sum(sum((mask == number).mean() for number in unseen_ids) for _, _, mask in pictures) / len(pictures)
    assert abs(void - 1 / 7) < 0.04 and abs(unseen - 1 / 6) < 0.04
