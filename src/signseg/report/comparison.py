"""The tables of SIGN's article with published numbers and ours in columns of their own: every method, and every positional encoding."""

from collections.abc import Sequence
from dataclasses import dataclass

from signseg.report.published import DATASETS, NUMBERS, PROTOCOL, SOURCES, UNKNOWN, Published
from signseg.report.tables import cell, escaped, summarise
from signseg.results import DEFAULTS, Row, identity

MIOU = {"seen": "S", "unseen": "U", "harmonic": "H"}
OURS: dict[str, tuple[str, str, bool]] = {  # line of the table -> method, self-training, calibrated
    "SPNet": ("spnet", "none", False),
    "SPNet, as quoted later": ("", "", False),
    "SPNet, calibrated": ("spnet", "none", True),
    "SPNet + ST": ("spnet", "st", False),
    "ZS3Net": ("zs3net", "none", False),
    "ZS3Net + ST": ("zs3net", "st", False),
    "CSRL": ("csrl", "none", False),
    "CSRL + ST": ("csrl", "st", False),
    "CaGNet": ("cagnet", "none", False),
    "CaGNet + ST": ("cagnet", "st", False),
    "SIGN": ("sign", "none", False),
    "SIGN + ST": ("sign", "st", False),
    "SIGN + AST": ("sign", "ast", False),
}
ENCODINGS = {"none": "no encoding", "absolute": "absolute", "absolute-interpolated": "absolute, interpolated", "default": "relative (RPE)"}


@dataclass(frozen=True)
class Comparison:
    """A table of texts with what must be known to read it."""

    caption: str
    columns: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]


def comparisons(rows: Sequence[Row]) -> list[Comparison]:
    """Table 1 where at least two of its lines were run here, Table 2 where at least two encodings were."""
    return [table for make in (methods_table, positions_table) if (table := make(rows)) is not None]


def methods_table(rows: Sequence[Row]) -> Comparison | None:
    """Methods by self-training: three published data sets, then ours."""
    methods = {method for method, _, _ in OURS.values()}
    ours = [row for row in rows if _usual(row) and row.get("method") in methods and identity(row, "variant") == DEFAULTS["variant"]]
    data = str(identity(ours[0], "data")) if ours else ""
    summary = summarise([row for row in ours if identity(row, "data") == data])
    found = {(str(entry["method"]), str(entry["self_training"]), bool(entry["calibrated"])): entry for entry in summary}
    if sum(key in found for key in OURS.values()) < 2:
        return None
    published = {(number.name, number.dataset): number for number in NUMBERS}
    names = [*OURS, *dict.fromkeys(number.name for number in NUMBERS if number.name not in OURS)]
    columns = ["Method", *(f"{title} {letter}" for title in DATASETS.values() for letter in MIOU.values()), "Source"]
    lines = []
    for name in names:
        known = [published.get((name, dataset)) for dataset in DATASETS]
        entry = found.get(OURS.get(name, ("", "", False)))
        mine = [cell(entry, measure) if entry else "–" for measure in MIOU]
        lines.append((name, *(text for number in known for text in _scores(number)), _sources(known), *mine))
    notes = [f"Sources: {'; '.join(f'{key}: {text}' for key, text in SOURCES.items())}. A number with ? is unverified."]
    notes += [f"{number.name}, {DATASETS[number.dataset]}: {number.note}." for number in NUMBERS if number.note]
    return Comparison(
        "Table 1: methods, published numbers (left) and ours (right), mIoU in percent",
        (*columns, *(f"{data} (ours) {letter}" for letter in MIOU.values())),
        tuple(lines),
        (PROTOCOL, UNKNOWN, *notes, _protocol(ours, data)),
    )


def positions_table(rows: Sequence[Row]) -> Comparison | None:
    """Positional encodings at every size of the test pictures; published numbers are unknown."""
    chosen = [row for row in rows if _usual(row, scaled=True) and row.get("variant") in ENCODINGS and _is_plain_sign(row)]
    data = str(identity(chosen[0], "data")) if chosen else ""
    chosen = [row for row in chosen if identity(row, "data") == data]
    if len({row["variant"] for row in chosen}) < 2:
        return None
    scales = sorted({float(identity(row, "test_scale")) for row in chosen})
    found = {(str(entry["variant"]), float(entry["test_scale"])): entry for entry in summarise(chosen)}
    lines = []
    for variant, name in ENCODINGS.items():
        entries = [found.get((variant, scale)) for scale in scales]
        lines.append((name, "–", *(cell(entry, measure) if entry else "–" for entry in entries for measure in MIOU)))
    headings = (f"{data} (ours) x{round(scale, 2):g} {letter}" for scale in scales for letter in MIOU.values())
    return Comparison(
        "Table 2: positional encodings, before self-training, mIoU in percent",
        ("Encoding", "Published", *headings),
        tuple(lines),
        (UNKNOWN, "x: side of the test pictures over that in training.", _protocol(chosen, data)),
    )


def markdown(table: Comparison) -> str:
    """The table as Markdown."""
    rule = tuple("---" for _ in table.columns)
    body = ["| " + " | ".join(escaped(text) for text in line) + " |" for line in (table.columns, rule, *table.lines)]
    return "\n".join([f"### {escaped(table.caption)}", "", *body, "", *(f"- {escaped(note)}" for note in table.notes)]) + "\n"


def _usual(row: Row, *, scaled: bool = False) -> bool:
    """Whether a row is measured as the headline is, but for its calibration (and its scale)."""
    free = {"variant", "calibrated"} | ({"test_scale"} if scaled else set())
    return all(identity(row, name) == value for name, value in DEFAULTS.items() if name not in free)


def _is_plain_sign(row: Row) -> bool:
    return (row.get("method"), row.get("self_training"), identity(row, "calibrated")) == ("sign", "none", False)


def _scores(number: Published | None) -> list[str]:
    if number is None:
        return ["–"] * len(MIOU)
    mark = "?" if number.unverified else ""
    return [f"{getattr(number, measure):g}{mark}" for measure in MIOU]  # as printed there, not rounded again


def _sources(known: Sequence[Published | None]) -> str:
    """Sources of a line, data set by data set where they differ."""
    found = {DATASETS[number.dataset]: ", ".join(number.sources) for number in known if number is not None}
    if len(set(found.values())) == 1:
        return next(iter(found.values()))
    return "; ".join(f"{dataset}: {sources}" for dataset, sources in found.items()) or "–"


def _protocol(rows: Sequence[Row], data: str) -> str:
    """Our protocol in a sentence, from the cards of the rows."""
    cards = [row["protocol"] for row in rows if row.get("protocol") and identity(row, "data") == data]

    def all_of(name: str) -> str:
        return ", ".join(dict.fromkeys(str(card.get(name, "–")) for card in cards)) or "–"

    facts = ("evaluation", "label_policy", "background", "pretraining", "image_size")
    card = ", ".join(f"{name.replace('_', ' ')} {all_of(name)}" for name in facts)
    return f"Our numbers: {data}, test split, {card}; mean ± standard deviation (seeds)."
