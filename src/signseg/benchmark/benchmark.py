"""Runs what a suite lacks and writes its tables. Every finished run leaves a small JSON in the store: a benchmark can stop anywhere."""

import contextlib
import dataclasses
import hashlib
import json
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from signseg import __version__
from signseg.benchmark.statistics import verdicts
from signseg.benchmark.suites import SUITES, Cell, Claim, Side, Suite
from signseg.config import RunConfig, with_overrides
from signseg.data.registry import located, open_dataset
from signseg.errors import InputError, did_you_mean
from signseg.files import folder_lock, read_json, write_atomically, write_json
from signseg.report.page import write_report
from signseg.report.tables import markdown_table, summarise
from signseg.results import DEFAULTS
from signseg.training.progress import Reporter
from signseg.training.score import read_rows, score_run
from signseg.training.settings import check, flat, preset
from signseg.training.train import commit, train, train_from

MOST_SEEDS = 1000


@dataclass(frozen=True)
class Benchmark:
    """A suite on a data set, in a folder: `store/` keeps rows, `runs/` keeps trained models until they are no longer needed."""

    name: str
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

    def finished(self, cell: Cell, seed: int) -> bool:
        """Whether its rows are stored and every setting they were trained with is what it would be trained with now.

        Settings that came after the rows do not count against them: the name of the file says that they are at their defaults.
        """
        path = self.stored(cell, seed)
        if not path.exists():
            return False
        then, now = read_json(path).get("config", {}), self.config(cell, seed).model_dump(mode="json")
        now["data"] = then.get("data")  # a path may have changed, and what is there has a hash in the name of the file
        return all(flat(now).get(key, value) == value for key, value in flat(then).items())

    def missing(self) -> list[tuple[Cell, int]]:
        """Cells to run, seed by seed, so that every seed is complete before the next begins."""
        return [(cell, seed) for seed in self.seeds for cell in self.suite.cells if not self.finished(cell, seed)]

    def rows(self) -> list[dict[str, Any]]:
        """Rows of all finished cells."""
        cells = [(cell, seed) for cell in self.suite.cells for seed in self.seeds if self.finished(cell, seed)]
        return [row for cell, seed in cells for row in read_rows(self.stored(cell, seed))]

    def claims(self) -> tuple[Claim, ...]:
        """The suite's claims, with data sets called as in rows: by their name, where the suite may have the path of a dataset.yaml."""
        names = {cell.data: open_dataset(cell.data).name for cell in self.suite.cells}

        def named(side: Side) -> Side:
            return dataclasses.replace(side, data=names.get(side.data, side.data))

        return tuple(dataclasses.replace(claim, left=named(claim.left), right=named(claim.right)) for claim in self.suite.claims)

    def before(self, cell: Cell, seed: int) -> RunConfig:
        """The configuration of a cell's steps a to c, the same for cells that differ in step four alone."""
        untouched = self.base.self_training.model_dump() | {"kind": "none"}
        return with_overrides(self.config(cell, seed), {"self_training": untouched, "variant": DEFAULTS["variant"]})

    def folders(self, cell: Cell, seed: int) -> tuple[Path, Path]:
        """The run folder of steps a to c, and that of the whole cell (the same without self-training)."""
        config = self.config(cell, seed)
        shared = self.out / "runs" / _key(self.before(cell, seed))
        return shared, shared if config.self_training.kind == "none" else self.out / "runs" / _key(config)

    def run_cell(self, cell: Cell, seed: int) -> None:
        """Train, score at every size, store the rows."""
        shared, run = self.folders(cell, seed)
        train(self.before(cell, seed), shared, resume=(shared / "config.json").exists(), reporter=self.reporter)
        if run != shared:
            train_from(shared, self.config(cell, seed), run, resume=(run / "config.json").exists(), reporter=self.reporter)
        rows = [row for scale in cell.scales for row in score_run(run, scale=scale, variant=cell.variant, reporter=self.reporter)]
        if cell.step_a_row:
            variant = "step_a" if cell.variant == DEFAULTS["variant"] else f"{cell.variant}-step_a"
            rows += score_run(shared, step="step_a", variant=variant, reporter=self.reporter)
        write_json(self.stored(cell, seed), {"rows": rows, "config": self.config(cell, seed).model_dump(mode="json")})

    def remove_runs(self) -> None:
        """Delete the trained models of this suite and nothing else."""
        for folder in {folder for cell in self.suite.cells for seed in self.seeds for folder in self.folders(cell, seed)}:
            shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            (self.out / "runs").rmdir()

    def write_tables(self) -> None:
        """results.json, tables.md and report.html from whatever is stored."""
        rows = self.rows()
        pending = len(self.missing())
        found = verdicts(rows, self.claims())
        origin = {"suite": self.name, "command": " ".join(["signseg", *sys.argv[1:]]), "commit": commit(), "pending": pending}
        write_json(self.out / "results.json", {"rows": rows, "summary": summarise(rows), "verdicts": found, **origin})
        heading = ["| claim (written down before the runs) | verdict | difference [95 % interval] | n |", "|---|---|---|---|"]
        lines = [markdown_table(summarise(rows)) if rows else "No run is finished.", "", *heading]
        for item in found:
            low, high = item["interval"]
            span = "" if item["difference"] is None else f"{100 * item['difference']:+.1f}"
            span += "" if low is None else f" [{100 * low:+.1f}, {100 * high:+.1f}]"
            lines.append(f"| {item['claim']} | {item['verdict']} | {span} | {item['n']} |")
        if pending:
            lines += ["", f"*{pending} runs pending*: the same command adds them."]
        text = "\n".join(lines) + "\n"
        write_atomically(self.out / "tables.md", lambda handle: handle.write(text.encode()))
        write_report(self.out)


def run_benchmark(
    suite: str,
    data: str,
    seeds: tuple[int, ...],
    out: Path,
    *,
    preset_name: str,
    overrides: dict[str, Any],
    reporter: Reporter,
    keep_runs: bool = False,
    tables_only: bool = False,
) -> None:
    """Run what is missing (unless `tables_only`) and rewrite the tables after every run.

    Raises:
        InputError: unknown suite or preset, or another process works in `out`.
    """
    if suite not in SUITES:
        raise InputError(f"There is no suite '{suite}'; {did_you_mean(suite, tuple(SUITES))}")
    data = located(data)
    open_dataset(data)
    base = with_overrides(preset(preset_name), {"data": data} | overrides)
    benchmark = Benchmark(suite, SUITES[suite](data), seeds, out, base, reporter)
    for cell in benchmark.suite.cells:
        check(benchmark.config(cell, seeds[0]))
    with folder_lock(out):
        todo = [] if tables_only else benchmark.missing()
        for done, (cell, seed) in enumerate(todo):
            reporter.say(f"[{done + 1} of {len(todo)} missing runs] {cell.variant} {cell.self_training} on {cell.data}, seed {seed}")
            benchmark.run_cell(cell, seed)
            benchmark.write_tables()
        benchmark.write_tables()
        if not keep_runs:
            benchmark.remove_runs()


def parse_seeds(text: str) -> tuple[int, ...]:
    """"5" -> 0, 1, 2, 3, 4; "100-104" -> 100 to 104.

    Raises:
        InputError: neither form, or none or too many seeds.
    """
    first, _, last = text.partition("-") if "-" in text else ("0", "", f"{int(text) - 1}" if text.isdecimal() else "")
    if not (first.isdecimal() and last.isdecimal() and int(first) <= int(last) < int(first) + MOST_SEEDS):
        raise InputError(f"--seeds is '{text}'; give a number from 1 to {MOST_SEEDS}, or a range such as 100-104.")
    return tuple(range(int(first), int(last) + 1))


def _key(config: RunConfig, *more: Any) -> str:
    """A file name that differs wherever the version, the data, a setting that is not at its default, or anything in `more` does."""
    data = open_dataset(config.data, seed=config.seed)
    settings = config.model_copy(update={"data": data.name}).model_dump(mode="json", exclude_defaults=True)  # wherever the data set lies
    text = json.dumps([__version__, data.fingerprint, settings, *more], sort_keys=True)
    readable = re.sub(r"[^a-z0-9.-]", "_", f"{data.name}-{config.variant}-{config.self_training.kind}-{config.seed}".lower())
    return f"{readable}-{hashlib.sha256(text.encode()).hexdigest()[:10]}"
