"""The generated blocks of README.md and docs/results.md say what docs/results.json says."""

import importlib.util
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def standing():
    spec = importlib.util.spec_from_file_location("standing", ROOT / "docs" / "standing.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pages_agree_with_the_stored_results(standing):
    results = json.loads((ROOT / "docs" / "results.json").read_text())
    page = (ROOT / "docs" / "results.md").read_text()
    suites = [suite for suite, _ in standing.STANDING]
    tables = {suite: page.split(f"<!-- tables {suite} -->\n")[1].split(f"<!-- /tables {suite} -->")[0] for suite in suites}
    for path, expected in standing.pages(results, tables).items():
        assert path.read_text() == expected, f"{path.name} is stale: run make results"


def test_the_tables_of_the_page_have_every_entry_of_the_summary(standing):
    results = json.loads((ROOT / "docs" / "results.json").read_text())
    lines = (ROOT / "docs" / "results.md").read_text().splitlines()
    for line in standing.markdown_table(results["summary"]).splitlines()[2:]:
        scores = " | ".join(line.split(" | ")[-4:])
        assert any(written.endswith(scores) for written in lines), line
    for verdict in results["verdicts"]:
        assert f"| {verdict['claim']} | {verdict['verdict']} |" in (ROOT / "docs" / "results.md").read_text()


def test_a_page_without_the_block_is_refused(standing):
    assert standing.filled("a\n<!-- x -->\nold\n<!-- /x -->\nb", "x", "new\n") == "a\n<!-- x -->\nnew\n<!-- /x -->\nb"
    with pytest.raises(ValueError, match="no block 'y'"):
        standing.filled("nothing", "y", "")


def test_no_path_of_a_machine_is_stored():
    for path in [ROOT / "docs" / "results.json", *(ROOT / "docs" / "benchmark" / "store").glob("*.json")]:
        assert not any(word in path.read_text() for word in ("/tmp", "/home", "/root", "/work"))
