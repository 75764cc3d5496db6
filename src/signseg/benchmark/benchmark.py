"""Runs what a suite lacks. Every finished run leaves a small JSON in the store: a benchmark can stop anywhere."""

import contextlib
import dataclasses
import hashlib
import json
import re
import shutil
import time
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from signseg import __version__
from signseg.benchmark.chance import chance_row
from signseg.benchmark.gallery import keep_predictions
from signseg.benchmark.suites import SUITES, Cell, Claim, Side, Suite
from signseg.benchmark.tables import write_tables
from signseg.benchmark.timing import step_a_seconds
from signseg.config import RunConfig, with_overrides
from signseg.data.registry import DATASETS, located, open_dataset
from signseg.errors import InputError, did_you_mean
from signseg.evaluation.image_counts import read_image_counts, write_image_counts
from signseg.files import folder_lock, read_json, write_json
from signseg.report.tables import label
from signseg.results import DEFAULTS, Row, row_key
from signseg.training.folder import RunFolder
from signseg.training.progress import Reporter
from signseg.training.score import read_rows, score_run
from signseg.training.settings import check, flat, preset
from signseg.training.shared_step_a import find_step_a
from signseg.training.train import train, train_from

MOST_SEEDS = 1000
CALIBRATION_SEED = 0  # of the tuning run whose bias all seeds of a line use
PACE = "sign"  # the method whose seconds of step a are the budget of equal-time lines
REPORT_EVERY = 60.0  # seconds between two report pages while runs go on


@dataclass(frozen=True)
class Benchmark:
    """A suite on a data set, in a folder: `store/` keeps rows, `runs/` keeps trained models until they are no longer needed."""

    name: str
    suite: Suite
    seeds: tuple[int, ...]
    out: Path
    preset: str
    overrides: dict[str, Any]  # of all cells, from the command line
    reporter: Reporter

    def base(self, method: str) -> RunConfig:
        """The preset with what the method and then the user have different."""
        return with_overrides(preset(self.preset, method), self.overrides)

    def config(self, cell: Cell, seed: int) -> RunConfig:
        """The full configuration of a cell; one of equal time has the iterations of step a still to be measured."""
        fixed = {"method": cell.method, "data": cell.data, "seed": seed}
        fixed |= {"variant": cell.variant, "self_training.kind": cell.self_training}
        return with_overrides(self.base(cell.method), fixed | dict(cell.overrides))

    def stored(self, cell: Cell, seed: int) -> Path:
        """Where the rows of a cell are kept: named by version, configuration and what is measured."""
        further = [name for name, asked in (("calibrated", cell.calibrated), ("time", cell.budget == "time")) if asked]
        return self.out / "store" / f"{_key(self.config(cell, seed), list(cell.scales), cell.step_a_row, *further)}.json"

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

    def records(self) -> list[Path]:
        """Stored files of all finished cells, and of chance."""
        found = [self.stored(cell, seed) for cell in self.suite.cells for seed in self.seeds if self.finished(cell, seed)]
        return found + [path for data in self.suite.chance for seed in self.seeds if (path := self._chance(data, seed)).exists()]

    def rows(self) -> list[Row]:
        """Rows of all finished cells, and of chance."""
        return [row for path in self.records() for row in read_rows(path)]

    def claims(self) -> tuple[Claim, ...]:
        """The suite's claims, with data sets called as in rows: by their name, where the suite may have the path of a dataset.yaml."""
        names = {cell.data: open_dataset(cell.data).name for cell in self.suite.cells}

        def named(side: Side) -> Side:
            return dataclasses.replace(side, data=names.get(side.data, side.data))

        return tuple(dataclasses.replace(claim, left=named(claim.left), right=named(claim.right)) for claim in self.suite.claims)

    def images(self) -> dict[tuple[Hashable, ...], Path]:
        """Where the counts by image are of each row that has some: the first of its cell."""
        found = {path.with_suffix(".npz"): path for path in self.records()}
        return {row_key(read_rows(path)[0]): images for images, path in found.items() if images.exists()}

    def predictions(self) -> dict[str, tuple[Cell, Path]]:
        """Where the pictures of each line of the first data set are kept: first seed, usual size, scores as they come."""
        usual = (self.suite.cells[0].data, False, DEFAULTS["budget"])
        cells = [cell for cell in self.suite.cells if (cell.data, cell.calibrated, cell.budget) == usual and 1.0 in cell.scales]
        stems = {self.stored(cell, self.seeds[0]).stem: cell for cell in cells}
        return {stem: (cell, self.out / "predictions" / f"{stem}.npz") for stem, cell in stems.items()}

    def before(self, config: RunConfig) -> RunConfig:
        """Steps a to c of a configuration, the same for those that differ in step four alone."""
        untouched = self.base(config.method).self_training.model_dump() | {"kind": "none"}
        return with_overrides(config, {"self_training": untouched, "variant": DEFAULTS["variant"]})

    def folders(self, config: RunConfig) -> tuple[Path, Path]:
        """The run folder of steps a to c, and that of the whole (the same without self-training)."""
        shared = self.out / "runs" / _key(self.before(config))
        return shared, shared if config.self_training.kind == "none" else self.out / "runs" / _key(config)

    def train(self, config: RunConfig) -> tuple[Path, Path]:
        """Train what is not there yet, step a only where no other run of this benchmark has the same; the folders."""
        first, (shared, run) = self.before(config), self.folders(config)
        fingerprint = open_dataset(config.data, seed=config.seed).fingerprint
        step_a = find_step_a(first, fingerprint, self.out / "runs", besides=shared)
        train(first, shared, resume=(shared / "config.json").exists(), reporter=self.reporter, step_a=step_a)
        if run != shared:
            train_from(shared, config, run, resume=(run / "config.json").exists(), reporter=self.reporter)
        return shared, run

    def run_cell(self, cell: Cell, seed: int) -> None:
        """Train, score at every size, store the rows."""
        calibration = self.calibration(cell) if cell.calibrated else None
        pace = BUDGETS[cell.budget](self, cell)
        scaled = {"step_a.iterations": pace["equal_time"]["iterations"]} if pace else {}
        shared, run = self.train(with_overrides(self.config(cell, seed), scaled))
        measure: dict[str, Any] = {"variant": cell.variant, "calibration": calibration, "reporter": self.reporter}
        rows = [row for scale in cell.scales for row in score_run(run, scale=scale, **measure) if row["calibrated"] == cell.calibrated]
        if cell.step_a_row:
            variant = "step_a" if cell.variant == DEFAULTS["variant"] else f"{cell.variant}-step_a"
            rows += score_run(shared, step="step_a", variant=variant, reporter=self.reporter)
        if path := {drawn: path for drawn, path in self.predictions().values()}.get(cell) if seed == self.seeds[0] else None:
            keep_predictions(path, run, label(rows[0]), open_dataset(cell.data, seed=seed))
        config = self.config(cell, seed).model_dump(mode="json")
        if not cell.calibrated:  # the counts are those of the scores as they come
            write_image_counts(self.stored(cell, seed).with_suffix(".npz"), read_image_counts(run / "confusion_images.npz"))
        write_json(self.stored(cell, seed), {"rows": [row | pace for row in rows], "config": config})

    def calibration(self, cell: Cell) -> Path:
        """The calibration.json of a tuning run with the settings of `cell`, seed 0, trained now if it is not in the store."""
        config = with_overrides(self.config(cell, CALIBRATION_SEED), {"tuning": True})
        kept = self.out / "store" / f"calibration-{_key(config)}.json"
        if not kept.exists():
            self.reporter.say(f"tuning run for the bias of {cell.method} {cell.variant} {cell.self_training}")
            _, run = self.train(config)
            score_run(run, reporter=self.reporter)
            write_json(kept, read_json(RunFolder(run).calibration))
        return kept

    def pace(self, cell: Cell) -> dict[str, Any]:
        """How many iterations of step a take the seconds of `PACE`'s, and the measurement that says so; part of the cell's rows."""
        methods = dict.fromkeys((PACE, *(other.method for other in self.suite.cells if (other.budget, other.data) == ("time", cell.data))))
        configs = {method: self.config(Cell(DEFAULTS["variant"], cell.data, method=method), self.seeds[0]) for method in methods}
        kept = self.out / "store" / f"timing-{_key(configs[PACE], *(_key(config) for config in configs.values()))}.json"
        if not kept.exists():
            self.reporter.say(f"timing an iteration of step a of {', '.join(methods)}")
            write_json(kept, step_a_seconds(configs))
        seconds = read_json(kept)
        ratio = seconds[PACE] / seconds[cell.method]
        iterations = max(1, round(configs[PACE].step_a.iterations * ratio))
        return {"budget": "time", "equal_time": {"iterations": iterations, "ratio": ratio, "seconds_per_iteration": seconds}}

    def add_chance(self) -> None:
        """Store the rows of chance, which take seconds."""
        for data, seed in ((data, seed) for data in self.suite.chance for seed in self.seeds):
            if not (path := self._chance(data, seed)).exists():
                write_json(path, {"rows": [chance_row(with_overrides(self.base(PACE), {"data": data, "seed": seed}))]})

    def _chance(self, data: str, seed: int) -> Path:
        return self.out / "store" / f"chance-{_key(with_overrides(self.base(PACE), {'data': data, 'seed': seed}))}.json"

    def remove_runs(self) -> None:
        """Delete the trained models of this suite and nothing else."""
        configs = [self.config(cell, seed) for cell in self.suite.cells for seed in self.seeds if cell.budget != "time"]
        configs += [with_overrides(self.config(cell, CALIBRATION_SEED), {"tuning": True}) for cell in self.suite.cells if cell.calibrated]
        for cell in (cell for cell in self.suite.cells if cell.budget == "time" and any((self.out / "store").glob("timing-*"))):
            scaled = {"step_a.iterations": self.pace(cell)["equal_time"]["iterations"]}
            configs += [with_overrides(self.config(cell, seed), scaled) for seed in self.seeds]
        for folder in {folder for config in configs for folder in self.folders(config)}:
            shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            (self.out / "runs").rmdir()


BUDGETS = {"iterations": lambda benchmark, cell: {}, "time": Benchmark.pace}


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
    smoke: bool = False,
) -> None:
    """Run what is missing (unless `tables_only`) and rewrite the tables after every run.

    Args:
        smoke: one seed, the preset "tiny" and, for a built-in world, its small copy: everything runs, the numbers mean nothing.
    Raises:
        InputError: unknown suite or preset, or another process works in `out`.
    """
    if suite not in SUITES:
        raise InputError(f"There is no suite '{suite}'; {did_you_mean(suite, tuple(SUITES))}")
    data = located(data)
    open_dataset(data)
    if smoke:
        small = data.replace("world", "world-smoke", 1)
        data, seeds, preset_name = small if small in DATASETS else data, seeds[:1], "tiny"
    benchmark = Benchmark(suite, SUITES[suite](data), seeds, out, preset_name, overrides, reporter)
    for cell in benchmark.suite.cells:
        check(benchmark.config(cell, seeds[0]))
    with folder_lock(out):
        todo, shown = [] if tables_only else benchmark.missing(), 0.0
        if not tables_only:
            benchmark.add_chance()
        for done, (cell, seed) in enumerate(todo):
            what = f"{cell.method} {cell.variant} {cell.self_training} on {cell.data}, seed {seed}"
            reporter.say(f"[{done + 1} of {len(todo)} missing runs] {what}")
            benchmark.run_cell(cell, seed)
            late = time.monotonic() - shown > REPORT_EVERY
            write_tables(benchmark, page=late, smoke=smoke)
            shown = time.monotonic() if late else shown
        write_tables(benchmark, page=True, smoke=smoke)
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
    method = [config.method] if config.method != RunConfig.model_fields["method"].default else []
    words = [data.name, *method, config.variant, config.self_training.kind, str(config.seed)]
    readable = re.sub(r"[^a-z0-9.-]", "_", "-".join(words).lower())
    return f"{readable}-{hashlib.sha256(text.encode()).hexdigest()[:10]}"
