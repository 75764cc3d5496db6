"""Fills the generated blocks of docs/results.md and README.md and writes docs/results.json from what docs/benchmark holds. Trains nothing.

Run by `make results`, after `signseg benchmark --tables-only --out docs/benchmark` has gathered the stored runs.
"""

import json
import re
import sys
from pathlib import Path

from signseg.report.tables import markdown_table

DOCS = Path(__file__).resolve().parent
README_VARIANTS = ("default", "step_a", "top-1", "share", "upper-bound")


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
    """Entries of the README's table: `world` at the training size, without the positions study."""
    return [entry for entry in summary if (entry["data"], entry["test_scale"]) == ("world", 1.0) and entry["variant"] in README_VARIANTS]


def pages(results: dict, tables: str) -> dict[Path, str]:
    """The pages that hold generated blocks, as they should be."""
    commits = ", ".join(sorted({row["commit"] for row in results["rows"]}))
    texts = {
        DOCS / "results.md": {"commits": f"Rows were trained at commits {commits}; each row names its own.\n", "tables": tables},
        DOCS.parent / "README.md": {"results": markdown_table(headline(results["summary"]))},
    }
    done = {}
    for path, blocks in texts.items():
        page = path.read_text(encoding="utf-8")
        for block, text in blocks.items():
            page = filled(page, block, text)
        done[path] = page
    return done


def main() -> None:
    results = json.loads((DOCS / "benchmark" / "results.json").read_text(encoding="utf-8"))
    for path, page in pages(results, (DOCS / "benchmark" / "tables.md").read_text(encoding="utf-8")).items():
        path.write_text(page, encoding="utf-8")
    (DOCS / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(f"{len(results['rows'])} rows, {results['pending']} runs pending")


if __name__ == "__main__":
    sys.exit(main())
