"""docs/paper_map.md: every symbol it names exists, no part of the method is missing from it, and every line has a verdict."""

import importlib
import re
from pathlib import Path

import pytest

import signseg

PACKAGE = Path(signseg.__file__).parent
PAPER_MAP = Path(__file__).parents[1] / "docs" / "paper_map.md"
SYMBOL = re.compile(r'(signseg[\w.]*):(\w[\w.]*)(?:\["([^"]+)"\])?')
VERDICTS = ("followed", "differs", "chosen", "not here")


def resolve(text: str) -> None:
    """Import the module of 'module:Name.attribute["key"]' and walk to the end; LookupError says where the path breaks."""
    match = SYMBOL.fullmatch(text)
    if match is None:
        raise LookupError(f"'{text}' is not written as signseg.module:Symbol")
    module, path, key = match.groups()
    try:
        found = importlib.import_module(module)
    except ImportError as error:
        raise LookupError(f"'{text}': no module {module}") from error
    for name in path.split("."):
        fields = {**getattr(found, "model_fields", {}), **getattr(found, "__dataclass_fields__", {})}
        if not hasattr(found, name) and name not in fields:
            raise LookupError(f"'{text}': {module} has no {path}")
        found = getattr(found, name, None)
    if key is not None and key not in (found or {}):
        raise LookupError(f"'{text}': no entry '{key}'")


def symbols(text: str) -> list[str]:
    """Everything in backticks that begins with the package's name."""
    return re.findall(r"`(signseg[.:][^`]*)`", text)


def rows(text: str) -> list[list[str]]:
    """Cells of the table lines, headings and rules left out."""
    lines = [line for line in text.splitlines() if line.startswith("|") and not line.startswith(("|---", "| Statement"))]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def broken(text: str) -> list[str]:
    """What is wrong with the symbols of a map."""
    faults = []
    for symbol in symbols(text):
        try:
            resolve(symbol)
        except LookupError as error:
            faults.append(str(error))
    return faults


def missing_files(text: str) -> list[str]:
    """Modules of the method's three folders that the map does not name."""
    named = {symbol.split(":")[0] for symbol in symbols(text)}
    files = [file for part in ("modules", "losses", "stages") for file in sorted((PACKAGE / part).glob("*.py")) if file.stem != "__init__"]
    return [module for file in files if (module := f"signseg.{file.parent.name}.{file.stem}") not in named]


@pytest.fixture(scope="module")
def paper_map() -> str:
    return PAPER_MAP.read_text()


def test_every_symbol_exists(paper_map):
    assert broken(paper_map) == [] and len(symbols(paper_map)) > 60


def test_every_file_of_the_method_is_in_the_map(paper_map):
    assert missing_files(paper_map) == []


def test_every_line_has_statement_source_code_and_verdict(paper_map):
    for row in rows(paper_map):
        assert len(row) == 4, row
        statement, source, code, here = row
        assert statement and source and symbols(code), row
        assert here.startswith(VERDICTS), row


@pytest.mark.parametrize(
    "bogus",
    [
        "signseg.network:Netwrok",
        "signseg.nowhere:Network",
        "signseg.network.Network",
        "signseg.network:Network.predict_all",
        "signseg.config:StepBConfig.no_such_setting",
        'signseg.losses.matching:GROUPS["no-such-group"]',
    ],
)
def test_a_wrong_symbol_is_found(paper_map, bogus):
    assert len(broken(paper_map.replace("`signseg.network:Network`", f"`{bogus}`", 1))) == 1


def test_a_file_that_leaves_the_map_is_missed(paper_map):
    without = "\n".join(line for line in paper_map.splitlines() if "signseg.modules.generator" not in line)
    assert missing_files(without) == ["signseg.modules.generator"]


def test_options_named_in_the_map_are_settings(paper_map):
    from signseg.config import QUICK, with_overrides

    options = re.findall(r"`([a-z_]+(?:\.[a-z_]+)?=[\w-]+)`", paper_map)
    assert len(options) >= 6
    for option in options:
        with_overrides(QUICK, dict([option.split("=")]))
