"""Runs what a suite lacks and writes its tables. Every finished run leaves a small JSON in the store: a benchmark can stop anywhere."""

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from signseg import __version__
from signseg.benchmark.statistics import verdicts
from signseg.benchmark.suites import SUITES, Cell, Suite
from signseg.config import PRESETS, RunConfig, with_overrides
from signseg.errors import InputError, did_you_mean
from signseg.files import folder_lock, read_json, write_json
from signseg.report.page import write_report
from signseg.report.tables import markdown_table, summarise
from signseg.training.progress import Reporter
from signseg.training.score import score_run
from signseg.training.train import train, train_from


@dataclass(frozen=True)
class Benchmark:
    """A suite on a data set, in a folder: `store/` keeps rows, `runs/` keeps trained models until they are no longer needed."""

    suite: Suite
    seeds: tuple[int, ...]
    out: Path
    base: RunConfig
    reporter: Reporter

    def config(self, cell: Cell, seed: int) -> RunConfig:
        """The full configuration of a cell."""
        fixed = {"data": cell.data, "seed": seed, "variant": cell.variant, "self_training.kind": cell.self_training}
        return with_overrides(self.base, fixed | dict(cell.overrides))

    def stored(self, cell: Cell, seed: int) -> Path:
        """Where the rows of a cell are kept: named by version, configuration and scales."""
        return self.out / "store" / f"{_key(self.config(cell, seed), list(cell.scales), cell.step_a_row)}.json"

    def missing(self) -> list[tuple[Cell, int]]:
        """Cells to run, seed by seed, so that every seed is complete before the next begins."""
        return [(cell, seed) for seed in self.seeds for cell in self.suite.cells if not self.stored(cell, seed).exists()]

    def rows(self) -> list[dict[str, Any]]:
        """Rows of all finished cells."""
        paths = [self.stored(cell, seed) for cell in self.suite.cells for seed in self.seeds]
        return [row for path in paths if path.exists() for row in read_json(path)["rows"]]

    def run_cell(self, cell: Cell, seed: int) -> None:
        """Train, score at every size, store the rows."""
        config = self.config(cell, seed)
        before = with_overrides(config, {"self_training": self.base.self_training.model_dump() | {"kind": "none"}})
        shared = self.out / "runs" / _key(before)
        train(before, shared, resume=(shared / "config.json").exists(), reporter=self.reporter)
        run = shared
        if config.self_training.kind in ("st", "ast"):
            run = self.out / "runs" / _key(config)
            train_from(shared, config, run, resume=(run / "config.json").exists(), reporter=self.reporter)
        rows = [row for scale in cell.scales for row in score_run(run, scale=scale, reporter=self.reporter)]
        if cell.step_a_row:
            rows += score_run(run, step="step_a", reporter=self.reporter)
        write_json(self.stored(cell, seed), {"rows": rows})

    def write_tables(self) -> None:
        """results.json, tables.md and report.html from whatever is stored."""
        rows = self.rows()
        pending = len(self.missing())
        found = verdicts(rows, self.suite.claims)
        write_json(self.out / "results.json", {"rows": rows, "summary": summarise(rows), "verdicts": found, "pending": pending})
        heading = ["| claim (written down before the runs) | verdict | difference [95 % interval] | n |", "|---|---|---|---|"]
        lines = [markdown_table(summarise(rows)), "", *heading]
        for item in found:
            low, high = item["interval"]
            span = "" if item["difference"] is None else f"{100 * item['difference']:+.1f}"
            span += "" if low is None else f" [{100 * low:+.1f}, {100 * high:+.1f}]"
            lines.append(f"| {item['claim']} | {item['verdict']} | {span} | {item['n']} |")
        if pending:
            lines += ["", f"*{pending} runs pending*: the same command adds them."]
        (self.out / "tables.md").write_text("\n".join(lines) + "\n")
        write_report(self.out)


def run_benchmark(
    suite: str,
    data: str,
    seeds: tuple[int, ...],
    out: Path,
    *,
    preset: str,
    overrides: dict[str, Any],
    reporter: Reporter,
    keep_runs: bool = False,
) -> None:
    """Run what is missing and rewrite the tables after every seed.

    Raises:
        InputError: unknown suite or preset, or another process works in `out`.
    """
    if suite not in SUITES:
        raise InputError(f"There is no suite '{suite}'; {did_you_mean(suite, tuple(SUITES))}")
    if preset not in PRESETS:
        raise InputError(f"There is no preset '{preset}'; {did_you_mean(preset, tuple(PRESETS))}")
    benchmark = Benchmark(SUITES[suite](data), seeds, out, with_overrides(PRESETS[preset], overrides), reporter)
    with folder_lock(out):
        todo = benchmark.missing()
        for done, (cell, seed) in enumerate(todo):
            reporter.say(f"[{done + 1} of {len(todo)} missing runs] {cell.variant} {cell.self_training} on {cell.data}, seed {seed}")
            benchmark.run_cell(cell, seed)
            benchmark.write_tables()
        benchmark.write_tables()
        if not keep_runs:
            shutil.rmtree(out / "runs", ignore_errors=True)


def _key(config: RunConfig, *more: Any) -> str:
    text = json.dumps([__version__, config.model_dump(mode="json"), *more], sort_keys=True)
    return f"{config.data}-{config.variant}-{config.self_training.kind}-{config.seed}-{hashlib.sha256(text.encode()).hexdigest()[:10]}"
