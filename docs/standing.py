"""Fills the generated blocks of docs/results.md and README.md and writes docs/results.json from the runs in docs/benchmark/store.

It trains nothing. Run by `make results`. Each suite keeps its own list of claims and its own correction; rows that two suites share
are listed once.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

from signseg.report.tables import markdown_table, summarise
from signseg.results import merge_rows

DOCS = Path(__file__).resolve().parent
STANDING = (("targets", "world"), ("systems", "world"))  # suite and data, in the order of the page
SEEDS = 5
README_VARIANTS = ("default", "step_a", "top-1", "share", "upper-bound", "chance")


def filled(page: str, block: str, text: str) -> str:
    """`page` with `text` between the markers of `block`.

    Raises:
        ValueError: the page has no such block.
    """
    pattern = re.compile(rf"(<!-- {block} -->\n).*?(<!-- /{block} -->)", re.DOTALL)
    if not pattern.search(page):
        raise ValueError(f"no block '{block}'")
    return pattern.sub(lambda found: found[1] + text + found[2], page)


def headline(summary: list[dict]) -> list[dict]:
    """Entries of the README's table: `world` at the training size, at equal iterations, without bias and without the positions study."""
    wanted = {"data": "world", "test_scale": 1.0, "calibrated": False, "budget": "iterations"}
    return [entry for entry in summary if entry["variant"] in README_VARIANTS and all(entry[key] == value for key, value in wanted.items())]


def together(gathered: dict[str, dict]) -> dict:
    """One results.json of several suites; a verdict and a number of pending runs say which suite they are of."""
    rows = merge_rows([], [row for results in gathered.values() for row in results["rows"]])
    verdicts = [{"suite": suite, **verdict} for suite, results in gathered.items() for verdict in results["verdicts"]]
    pending = {suite: results["pending"] for suite, results in gathered.items()}
    return {"rows": rows, "summary": summarise(rows), "verdicts": verdicts, "pending": pending}


def pages(results: dict, tables: dict[str, str]) -> dict[Path, str]:
    """The pages that hold generated blocks, as they should be."""
    commits = ", ".join(sorted({row["commit"] for row in results["rows"] if row.get("commit")}))
    texts = {
        DOCS / "results.md": {"commits": f"Rows were trained at commits {commits}; each row names its own.\n"}
        | {f"tables {suite}": text for suite, text in tables.items()},
        DOCS.parent / "README.md": {"results": markdown_table(headline(results["summary"]))},
    }
    done = {}
    for path, blocks in texts.items():
        page = path.read_text(encoding="utf-8")
        for block, text in blocks.items():
            page = filled(page, block, text)
        done[path] = page
    return done


def gather(suite: str, data: str) -> tuple[dict, str]:
    """Results and tables of a suite from what is stored."""
    out = DOCS / "benchmark"
    command = ["benchmark", "--suite", suite, "--data", data, "--seeds", str(SEEDS), "--tables-only", "--out", str(out)]
    subprocess.run([sys.executable, "-m", "signseg", *command], check=True, stdout=subprocess.DEVNULL)
    return json.loads((out / "results.json").read_text(encoding="utf-8")), (out / "tables.md").read_text(encoding="utf-8")


def main() -> None:
    found = {suite: gather(suite, data) for suite, data in STANDING}
    results = together({suite: record for suite, (record, _) in found.items()})
    for path, page in pages(results, {suite: text for suite, (_, text) in found.items()}).items():
        path.write_text(page, encoding="utf-8")
    (DOCS / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(f"{len(results['rows'])} rows; pending: {results['pending']}")


if __name__ == "__main__":
    sys.exit(main())
