"""Rows of results.json as tables: means over seeds, Markdown, plain text. It computes no score of its own and draws nothing."""

import math
import statistics
from collections.abc import Hashable, Sequence
from typing import Any

from signseg.results import DEFAULTS, IDENTITY, Row, identity, merge_rows, row_key

MEASURES = ("seen", "unseen", "harmonic", "ausuc")
TITLES = {
    **{name: name.replace("_", " ").capitalize() for name in (*IDENTITY, *MEASURES)},
    **{"self_training": "Self-training", "ausuc": "AUSUC"},
}
SPELLINGS = {
    **{"sign": "SIGN", "cagnet": "CaGNet", "zs3net": "ZS3Net", "zs3net-gc": "ZS3Net-GC", "csrl": "CSRL", "spnet": "SPNet"},
    **{"st": "ST", "ast": "AST", "chance": "Chance", "time": "equal time"},
}


def summarise(rows: Sequence[Row]) -> list[Row]:
    """The 'summary' list of results.json: one entry for each group of rows that differ in nothing but the seed.

    Each measure is {"mean", "std", "n"}: std is that of a sample (divisor n - 1) and None for a single value; rows whose measure is None
    do not enter it, and without any other the mean is None.
    """
    groups: dict[tuple[Hashable, ...], list[Row]] = {}
    for row in merge_rows([], rows):
        key = tuple(value for name, value in zip(IDENTITY, row_key(row), strict=True) if name != "seed")
        groups.setdefault(key, []).append(row)
    names = [name for name in IDENTITY if name != "seed"]
    return [
        dict(zip(names, key, strict=True))
        | {"n": len(group)}
        | {measure: _spread([_measure(row, measure) for row in group]) for measure in MEASURES}
        for key, group in groups.items()
    ]


def markdown_table(entries: Sequence[Row]) -> str:
    """A Markdown table of rows or of summary entries, percentages with one decimal; of a summary 'mean ± std (n)'.

    Settings that all entries leave at their default are not shown.
    """
    heading, *lines = _cells(entries)
    rule = ["---"] * (len(heading) - len(MEASURES)) + ["---:"] * len(MEASURES)
    return "\n".join("| " + " | ".join(escaped(text) for text in line) + " |" for line in (heading, rule, *lines)) + "\n"


def plain_table(entries: Sequence[Row]) -> str:
    """The same table for a terminal: columns aligned with blanks, scores to the right."""
    lines = _cells(entries)
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    first_score = len(widths) - len(MEASURES)
    return "\n".join(
        "  ".join(
            text.rjust(width) if column >= first_score else text.ljust(width)
            for column, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _cells(entries: Sequence[Row]) -> list[list[str]]:
    """Heading and lines as texts: identity columns, then MEASURES."""
    columns = identity_columns(entries)
    lines = [[spelling(identity(entry, name)) for name in columns] + [cell(entry, name) for name in MEASURES] for entry in entries]
    return [[TITLES[name] for name in (*columns, *MEASURES)], *lines]


def identity_columns(entries: Sequence[Row]) -> list[str]:
    """Identity columns worth showing: method and self-training always, others where an entry departs from the default or they differ."""

    def shown(name: str) -> bool:
        values = {identity(entry, name) for entry in entries}
        return name in ("method", "self_training") or len(values) > 1 or (name in DEFAULTS and values != {DEFAULTS[name]})

    return [name for name in IDENTITY if shown(name) and any(name in entry or name == "evaluation" for entry in entries)]


def cell(entry: Row, measure: str) -> str:
    """One measure of a row ('61.2') or of a summary entry ('61.2 ± 0.8 (5)')."""
    value = _measure(entry, measure)
    if not isinstance(value, dict):
        return percent(value)
    spread = f" ± {percent(value['std'])}" if value.get("std") is not None else ""
    return f"{percent(value['mean'])}{spread} ({value.get('n', entry['n'])})"


def fraction(entry: Row, measure: str) -> float | None:
    """One measure as a fraction: a row's value, a summary entry's mean."""
    value = _measure(entry, measure)
    return value["mean"] if isinstance(value, dict) else value


def percent(value: float | None) -> str:
    """A fraction as a percentage with one decimal, an en dash for None."""
    return "–" if value is None or not math.isfinite(value) else f"{100 * value:.1f}"


def spelling(value: Any) -> str:
    """A value of an identity column as readers know it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "–" if value is None else SPELLINGS.get(value, value) if isinstance(value, str) else f"{value:g}"


def label(row: Row) -> str:
    """A short name of a row: 'SIGN + AST', then what is not at its default."""
    trained = "" if row.get("self_training", "none") == "none" else f" + {spelling(row['self_training'])}"
    settings = {name: identity(row, name) for name, value in DEFAULTS.items() if identity(row, name) != value}
    extra = [
        {"calibrated": "calibrated", "test_scale": f"scale {value:g}" if name == "test_scale" else ""}.get(name) or str(spelling(value))
        for name, value in settings.items()
    ]
    return ", ".join([spelling(row.get("method", row.get("run", "run"))) + trained, *extra])


def _measure(entry: Row, measure: str) -> Any:
    return entry["miou"].get(measure) if "miou" in entry and measure != "ausuc" else entry.get(measure)


def _spread(values: list[float | None]) -> dict[str, float | int | None]:
    known = [value for value in values if value is not None]
    return {
        "mean": statistics.fmean(known) if known else None,
        "std": statistics.stdev(known) if len(known) > 1 else None,
        "n": len(known),
    }


def escaped(text: str) -> str:
    """A text that Markdown shows as it is, in a cell of a table too."""
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")
