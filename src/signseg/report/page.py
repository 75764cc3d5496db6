"""One self-contained page about a run folder or a folder of runs: `write_report(folder)` writes folder/report.html.

It reads files and shows them; a part whose files are missing is left out with a note. It reads, besides results.json, config.json and
classes.json (see the README), these files, each optional:

- RUN/metrics.jsonl: a line a log step {"step": "step_a", "iteration": 10, "seconds": 1.2, "losses": {"cross_entropy": 1.0}}
- RUN/curve.json: {"points": [{"bias": x | null, "seen": x, "unseen": x, "harmonic": x}], "ausuc": x | null};
  bias null at both infinite ends
- RUN/confusion.npz: "matrix", (k, k) pixels by truth and prediction, and "names"
- results.json, of a benchmark: "note", and "confusions": [{"name": "SIGN", "pairs": [{"truth", "prediction", "share", "truth_is_unseen"}]}]
- RUN/pseudo_labels.json: {"rounds": [{"round": 1, "share": x, "precision": x | null, "effective_weight": x | null,
  "per_class": {name: {"pixels": n, "precision": x | null}}}],
  "weights": {"confidence": [...], "curves": [{"temperature": T, "weight": [...]}]}}
- RUN/figures/encodings.npz: name -> (c, h, w) floats; a name such as "relative 12x12" is its caption
- RUN/figures/pseudo_labels.npz: images (m, H, W, 3) uint8, labels (m, h, w) uint8 raw ids, weights (m, h, w) floats in [0, 1]
- pictures/index.json: {"columns": [{"name": "sign-ast", "caption": "SIGN + AST"}], "pictures": [{"folder": "0", "caption": "test 12"}]}
  with pictures/<folder>/image.png (RGB), truth.png and <name>.png (index PNGs with raw ids)
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from signseg import __version__
from signseg.files import write_atomically
from signseg.report import figures, tables
from signseg.report.comparison import comparisons
from signseg.report.confusions import crossings, spelled
from signseg.report.folder import Contents, Run, read_contents
from signseg.report.pictures import RIGHT, VOID, WRONG, Strip, png_uri, strip, weight_strip

MOST_RUNS = 12  # runs drawn one by one; the tables show all of them


def write_report(folder: Path) -> Path:
    """Write folder/report.html, atomically, and return its path.

    Raises:
        InputError: the folder holds nothing to report, a file in it is damaged, or it cannot be written.
    """
    folder = Path(folder)
    html = render(read_contents(folder))
    write_atomically(folder / "report.html", lambda handle: handle.write(html.encode()))
    return folder / "report.html"


def render(contents: Contents) -> str:
    """The page as HTML. Every text from a file is escaped; only our own SVG is not."""
    loader = jinja2.PackageLoader("signseg", "report")
    environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    drawn = contents.runs[:MOST_RUNS]
    labels = run_labels(contents)
    values: dict[str, Any] = {
        "title": contents.path.resolve().name,
        "version": __version__,
        "headline": headline(contents),
        "note": contents.note,
        "comparisons": comparisons(contents.rows),
        "confusions": _confusions(contents, labels),
        "verdicts": [_verdict(entry) for entry in contents.verdicts],
        "bars": [_bars(labels[run.name], iou, run) for run in drawn if (iou := _iou(contents, run))],
        "curves": _curves(drawn, labels),
        "training": [_training(labels[run.name], run) for run in drawn if run.metrics],
        "pseudo_labels": [(labels[run.name], _rounds(run)) for run in drawn if run.pseudo_labels.get("rounds")],
        "weights": _weights(drawn, labels),
        "pseudo_maps": [(labels[run.name], pseudo_strips(run)) for run in drawn if len(run.pseudo_maps.get("images", ()))],
        "encodings": _encodings(drawn),
        "strips": _strips(contents),
        "legend": [(_hex(entry["colour"]), entry["name"], bool(entry.get("seen", True))) for entry in contents.classes],
        "error_colours": [(_hex(RIGHT), "right"), (_hex(WRONG), "wrong"), (_hex(VOID), "not scored")],
        "group_colours": {"seen": figures.SEEN, "unseen": figures.UNSEEN},
        "cards": cards(contents),
        "origins": [(labels[run.name], _origin(run)) for run in drawn if run.config],
        "left_out": len(contents.runs) - len(drawn),
    }
    return environment.get_template("page.html.j2").render(values)


def headline(contents: Contents) -> dict[str, Any]:
    """The first table: rows as they are, or means over seeds where something was run more than once."""
    summary = tables.summarise(contents.rows)
    entries = summary if any(entry["n"] > 1 for entry in summary) else contents.rows
    columns = [name for name in tables.identity_columns(entries) if name in ("data", "seed")]  # the label has the others
    lines = [
        {
            "identity": [tables.label(entry), *(tables.spelling(entry.get(name)) for name in columns)],
            "scores": [(tables.cell(entry, measure), 100 * (tables.fraction(entry, measure) or 0.0)) for measure in tables.MEASURES],
            "reference": _uses_unseen_labels(contents, entry),
        }
        for entry in entries
    ]
    return {
        "columns": ["Method", *(tables.TITLES[name] for name in columns)],
        "measures": [tables.TITLES[name] for name in tables.MEASURES],
        "lines": lines,
        "averaged": entries is summary,
        "context": [(tables.TITLES[name], tables.spelling(contents.rows[0].get(name))) for name in ("data", "split") if contents.rows],
    }


def run_labels(contents: Contents) -> dict[str, str]:
    """Folder name -> what the run is called on the page; with its seed, then its folder, where two would be called the same."""
    rows = {row.get("run"): row for row in reversed([*contents.rows, *(row for run in contents.runs for row in run.rows)])}
    named = {run.name: tables.label(rows[run.name]) if run.name in rows else run.name for run in contents.runs}
    for detail in ({run: f", seed {row.get('seed')}" for run, row in rows.items()}, {run: f" ({run})" for run in named}):
        repeated = {name for name in named.values() if list(named.values()).count(name) > 1}
        named = {run: name + detail.get(run, "") if name in repeated else name for run, name in named.items()}
    return named


def cards(contents: Contents) -> list[dict[str, Any]]:
    """Protocol cards, each with the names of the rows it holds for."""
    found: list[dict[str, Any]] = []
    for row in contents.rows:
        if not row.get("protocol"):
            continue
        facts = [(name.replace("_", " "), _plain(value)) for name, value in row["protocol"].items()]
        name = tables.label(row)
        same = next((card for card in found if card["facts"] == facts), None)
        if same is None:
            found.append({"facts": facts, "names": [name]})
        elif name not in same["names"]:
            same["names"].append(name)
    return found


def _iou(contents: Contents, run: Run) -> dict[str, float | None]:
    """Per-class IoU of the row that stands first for a run."""
    rows = [row for row in contents.rows if row.get("run") == run.name] or run.rows
    if not rows and len(contents.runs) == 1:
        rows = contents.rows
    return rows[0].get("iou_per_class", {}) if rows else {}


def _bars(name: str, iou: dict[str, float | None], run: Run) -> tuple[str, Markup]:
    return name, Markup(figures.per_class_bars(iou, run.unseen, title=f"IoU of each class, {name}"))


def _training(name: str, run: Run) -> tuple[str, Markup]:
    return name, Markup(figures.training_curves(run.metrics, title=f"Training losses, {name}"))


def _curves(runs: list[Run], labels: Mapping[str, str]) -> Markup | None:
    curves = {labels[run.name]: run.curve for run in runs if run.curve.get("points")}
    return Markup(figures.seen_unseen_curves(curves, title="Unseen against seen mIoU")) if curves else None


def _weights(runs: list[Run], labels: Mapping[str, str]) -> list[tuple[str, Markup]]:
    weights = [(labels[run.name], run.pseudo_labels.get("weights", {})) for run in runs]
    known = [(f"Weight against confidence, {name}", value) for name, value in weights if value.get("confidence") and value.get("curves")]
    return [(title, Markup(figures.weight_curves(value, title=title))) for title, value in known]


def _encodings(runs: list[Run]) -> list[tuple[str, list[str]]]:
    """Pictures of the first run that saved its encodings; a random part of an encoding is not compared between runs."""
    arrays = next((run.encodings for run in runs if run.encodings), {})
    return [(name, [png_uri(png) for png in figures.channel_pictures(array)]) for name, array in arrays.items()]


def _rounds(run: Run) -> list[dict[str, Any]]:
    return [
        {
            "facts": [str(entry["round"]), *(tables.percent(entry.get(name)) for name in ("share", "precision", "effective_weight"))],
            "classes": [
                (name, f"{found['pixels']:,}", tables.percent(found.get("precision"))) for name, found in entry.get("per_class", {}).items()
            ],
        }
        for entry in run.pseudo_labels["rounds"]
    ]


def pseudo_strips(run: Run) -> list[Strip]:
    """Training images with their pseudo-labels and what those weigh."""
    palette = {int(entry["id"]): tuple(entry["colour"]) for entry in run.classes}
    maps = zip(run.pseudo_maps["images"], run.pseudo_maps["labels"], run.pseudo_maps["weights"], strict=True)
    return [weight_strip(f"training image {number}", *found, palette=palette) for number, found in enumerate(maps, start=1)]


def _strips(contents: Contents) -> list[Strip]:
    columns = [(column["name"], column.get("caption", column["name"])) for column in contents.pictures.get("columns", [])]
    palette = {int(entry["id"]): tuple(entry["colour"]) for entry in contents.classes}
    listed = [(str(entry["folder"]), entry.get("caption", "")) for entry in contents.pictures.get("pictures", [])]
    return [strip(contents.path / "pictures" / name, caption or name, columns, palette) for name, caption in listed]


def _origin(run: Run) -> list[tuple[str, str]]:
    """What fixes a run's numbers, nested values written out with dots."""

    def flat(value: Any, prefix: str) -> list[tuple[str, str]]:
        if isinstance(value, dict) and value:
            return [pair for name, inner in value.items() for pair in flat(inner, f"{prefix}.{name}" if prefix else str(name))]
        return [(prefix, _plain(value))]

    pairs = flat(run.config, "")
    return sorted(pairs, key=lambda pair: pair[0].startswith("config."))


def _confusions(contents: Contents, labels: Mapping[str, str]) -> list[tuple[str, list[str]]]:
    """Of the rows of a benchmark, or of the runs in the folder."""
    lines = [(entry["name"], entry["pairs"]) for entry in contents.confusions]
    lines = lines or [(labels[run.name], crossings(*run.confusion, run.unseen)) for run in contents.runs if run.confusion]
    return [(name, [spelled(pair) for pair in pairs]) for name, pairs in lines]


def _verdict(entry: Mapping[str, Any]) -> list[str]:
    difference = "–" if entry.get("difference") is None else f"{100 * entry['difference']:+.1f}"
    spans = [_span(*(entry.get(name) or (None, None))) for name in ("interval", "bootstrap")]
    return [str(entry.get("claim", "")), str(entry.get("verdict", "")), difference, *spans, str(entry.get("n", "–"))]


def _span(low: float | None, high: float | None) -> str:
    return "–" if low is None or high is None else f"{100 * low:+.1f} to {100 * high:+.1f}"


def _uses_unseen_labels(contents: Contents, entry: Mapping[str, Any]) -> bool:
    keys = [name for name in tables.IDENTITY if name in entry]
    rows = [row for row in contents.rows if all(row.get(key, entry[key]) == entry[key] for key in keys)]
    return any(row.get("protocol", {}).get("uses_unseen_labels") for row in rows)


def _plain(value: Any) -> str:
    """A JSON value as a reader would write it."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {_plain(inner)}" for name, inner in value.items())
    if isinstance(value, list):
        return ", ".join(_plain(item) for item in value) or "–"
    return tables.spelling(value) if not isinstance(value, str) else (value[:12] if len(value) == 64 and value.isalnum() else value or "–")


def _hex(colour: Any) -> str:
    return "#" + "".join(f"{int(channel):02x}" for channel in colour)
