"""results.json, tables.md and report.html of a benchmark, from whatever is stored. It trains nothing and scores nothing."""

import functools
import sys
from collections.abc import Hashable
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from signseg.benchmark.gallery import write_pictures
from signseg.benchmark.statistics import verdicts
from signseg.benchmark.suites import Cell, Claim
from signseg.data.registry import open_dataset
from signseg.evaluation.image_counts import read_image_counts
from signseg.files import write_atomically, write_json
from signseg.report.comparison import comparisons, markdown
from signseg.report.confusions import crossings, spelled
from signseg.report.page import write_report
from signseg.report.tables import escaped, label, markdown_table, summarise
from signseg.results import Row, row_key
from signseg.training.train import commit

SMOKE = "Smoke run: tiny networks on a few pictures, one seed. It shows that the suite runs; its numbers mean nothing."


class Stored(Protocol):
    """What tables need of a benchmark."""

    @property
    def name(self) -> str: ...
    @property
    def out(self) -> Path: ...
    def claims(self) -> tuple[Claim, ...]: ...
    def rows(self) -> list[Row]: ...
    def missing(self) -> list[Any]: ...
    def images(self) -> dict[tuple[Hashable, ...], Path]: ...
    def predictions(self) -> dict[str, tuple[Cell, Path]]: ...


def write_tables(benchmark: Stored, *, page: bool, smoke: bool) -> None:
    """Write results.json and tables.md, and report.html if `page`."""
    rows, pending = benchmark.rows(), len(benchmark.missing())
    images = benchmark.images()
    counts = functools.cache(lambda key: read_image_counts(images[key]) if key in images else None)
    found = verdicts(rows, benchmark.claims(), lambda row: counts(row_key(row)))
    origin = {"suite": benchmark.name, "command": " ".join(["signseg", *sys.argv[1:]]), "commit": commit(), "pending": pending}
    origin |= {"note": SMOKE} if smoke else {}
    origin["confusions"] = confusions(rows, images)
    write_json(benchmark.out / "results.json", {"rows": rows, "summary": summarise(rows), "verdicts": found, **origin})
    lines = [f"**{SMOKE}**", ""] if smoke else []
    lines += [markdown_table(summarise(rows)) if rows else "No run is finished.", "", *claims_table(found), ""]
    lines += [markdown(table) for table in comparisons(rows)]
    taken = [f"- {escaped(entry['name'])}: {escaped('; '.join(map(spelled, entry['pairs'])))}" for entry in origin["confusions"]]
    lines += ["### Seen and unseen classes taken for one another, percent of the pixels of the true class", "", *taken] if taken else []
    if pending:
        lines += ["", f"*{pending} runs pending*: the same command adds them."]
    text = "\n".join(lines) + "\n"
    write_atomically(benchmark.out / "tables.md", lambda handle: handle.write(text.encode()))
    if page:
        drawn = {name: (cell, path) for name, (cell, path) in benchmark.predictions().items() if path.exists()}
        for cell, _ in list(drawn.values())[:1]:
            write_pictures(benchmark.out, {name: path for name, (_, path) in drawn.items()}, open_dataset(cell.data))
        write_report(benchmark.out)


def confusions(rows: list[Row], images: dict[tuple[Hashable, ...], Path]) -> list[dict[str, Any]]:
    """The largest confusions of each line of the table, over all seeds."""
    seeds: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if row_key(row) in images:
            seeds.setdefault((label(row), str(row["data"])), []).append(row)
    several = len({data for _, data in seeds}) > 1
    found = []
    for (name, data), group in seeds.items():
        counts = [read_image_counts(images[row_key(row)]) for row in group]
        names, seen = counts[0].names, counts[0].seen
        pairs = crossings(np.sum([one.matrix() for one in counts], axis=0), names, names[seen:])
        found.append({"name": f"{name}, {data}" if several else name, "pairs": pairs})
    return found


def claims_table(found: list[dict[str, Any]]) -> list[str]:
    """Lines of a Markdown table of verdicts."""
    lines = ["| claim (written down before the runs) | verdict | difference | 95 % over seeds | 95 % over test images | n |"]
    lines.append("|---|---|---|---|---|---|")
    for item in found:
        difference = "" if item["difference"] is None else f"{100 * item['difference']:+.1f}"
        spans = [_span(*(item[name] or (None, None))) for name in ("interval", "bootstrap")]
        lines.append("| " + " | ".join([item["claim"], item["verdict"], difference, *spans, str(item["n"])]) + " |")
    return lines


def _span(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"[{100 * low:+.1f}, {100 * high:+.1f}]"
