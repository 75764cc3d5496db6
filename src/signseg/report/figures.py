"""Plots as inline SVG that takes its text colour from the page, so that it reads in light, in dark and in print.

Each function turns plain values into one picture, whose `title` is read to those who cannot see it; which runs and files the values come
from is decided in `page.py`. No global state of matplotlib is left changed, and text stays text.
"""

import hashlib
import html
import io
import math
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

SEEN, UNSEEN = "#2b83c6", "#d9661f"  # told apart with every common colour blindness, and legible on white and on black
LINES = ("#2b83c6", "#d9661f", "#1b9e77", "#c567a3", "#b8860b", "#7a6ff0", "#8c8c8c", "#3fb4d8")
DASHES = ("-", "--", "-.", ":")
_INK = "#010203"  # replaced by the page's text colour
_WIDTH = 4.7  # inches; the page scales it
_STYLE: Any = {
    **{"svg.fonttype": "none", "svg.hashsalt": "signseg", "font.size": 10, "axes.spines.top": False, "axes.spines.right": False},
    **{"text.color": _INK, "axes.labelcolor": _INK, "axes.edgecolor": _INK, "xtick.color": _INK, "ytick.color": _INK},
    **{"axes.titlesize": 10, "axes.titlelocation": "left", "legend.frameon": False, "legend.fontsize": 9, "axes.linewidth": 0.6},
    **{"axes.grid": True, "grid.color": _INK, "grid.alpha": 0.13, "grid.linewidth": 0.6, "axes.axisbelow": True},
}


def per_class_bars(iou: Mapping[str, float | None], unseen: set[str], *, title: str) -> str:
    """IoU of each class of one run, seen classes first; a class without a value has no bar and says so."""
    names = [name for name in iou if name not in unseen] + [name for name in iou if name in unseen]

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        values = [100 * (iou[name] or 0.0) for name in names]
        axes.barh(range(len(names)), values, color=[UNSEEN if name in unseen else SEEN for name in names], height=0.72)
        for position, name in enumerate(names):
            text = "absent" if iou[name] is None else f"{values[position]:.0f}"
            axes.annotate(text, (values[position], position), xytext=(3, 0), textcoords="offset points", va="center", fontsize=8)
        axes.set_yticks(range(len(names)), labels=names)
        for text in axes.get_yticklabels():
            text.set_parse_math(False)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="y", visible=False)
        axes.set(xlim=(0, 108), xticks=range(0, 101, 25), ylim=(len(names) - 0.4, -0.6), xlabel="IoU (%)")

    return _svg(draw, title=title, height=0.65 + 0.205 * max(len(names), 2))


def seen_unseen_curves(curves: Mapping[str, Mapping[str, Any]], *, title: str) -> str:
    """Unseen against seen mIoU while the bias grows, one line a run, a dot at bias 0. Values as in curve.json."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for position, (name, curve) in enumerate(curves.items()):
            points = [point for point in curve["points"] if point["seen"] is not None and point["unseen"] is not None]
            colour = LINES[position % len(LINES)]
            area = "–" if curve.get("ausuc") is None else f"{100 * curve['ausuc']:.1f}"
            seen, unseen = [100 * point["seen"] for point in points], [100 * point["unseen"] for point in points]
            axes.plot(seen, unseen, DASHES[position // len(LINES) % 4], color=colour, lw=1.6, label=f"{name} (AUSUC {area})")
            zero = [index for index, point in enumerate(points) if point["bias"] == 0]
            axes.plot([seen[index] for index in zero], [unseen[index] for index in zero], "o", color=colour, ms=6)
        axes.set(xlabel="seen mIoU (%)", ylabel="unseen mIoU (%)")
        axes.set_xlim(left=0)
        axes.set_ylim(bottom=0)
        _legend_below(figure, axes)

    return _svg(draw, title=title, height=3.1 + 0.2 * len(curves))


def training_curves(lines: Sequence[Mapping[str, Any]], *, title: str, points: int = 300) -> str:
    """Losses by iteration, one panel a step; long series are averaged in runs so that about `points` remain. Lines as in metrics.jsonl."""
    steps = list(dict.fromkeys(line["step"] for line in lines))

    def draw(figure: Figure) -> None:
        for axes, step in zip(figure.subplots(len(steps), squeeze=False)[:, 0], steps, strict=True):
            of_step = [line for line in lines if line["step"] == step]
            lowest, highest = math.inf, 0.0
            for position, name in enumerate(dict.fromkeys(name for line in of_step for name in line["losses"])):
                series = np.array([(line["iteration"], line["losses"][name]) for line in of_step if _is_number(line["losses"].get(name))])
                if not len(series):
                    continue
                chunks = np.array_split(series, min(points, len(series)))
                x, y = np.array([chunk.mean(axis=0) for chunk in chunks]).T
                lowest, highest = min(lowest, y.min()), max(highest, y.max())
                style = DASHES[position // len(LINES) % 4]
                axes.plot(x, y, style, color=LINES[position % len(LINES)], lw=1.3, label=name.replace("_", " "))
            if 0 < lowest and highest > 30 * lowest:
                axes.set_yscale("log")
            axes.set_title(step.replace("_", " "), parse_math=False)
            _legend_above(axes)
        axes.set_xlabel("iteration")

    return _svg(draw, title=title, height=0.4 + 1.75 * max(len(steps), 1))


def weight_curves(weights: Mapping[str, Any], *, title: str) -> str:
    """Weight of a pseudo-label against its confidence for several temperatures (Figure 5 of SIGN's article)."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        shades = matplotlib.colormaps["viridis"](np.linspace(0.25, 0.85, max(len(weights["curves"]), 1)))
        for position, curve in enumerate(weights["curves"]):
            style, name = DASHES[position % 4], f"T = {curve['temperature']:g}"
            axes.plot(weights["confidence"], curve["weight"], style, color=shades[position], lw=1.8, label=name)
        axes.set(xlabel="confidence of the pseudo-label", ylabel="weight in the loss", ylim=(0, 1.04))
        _legend_below(figure, axes, columns=3)

    return _svg(draw, title=title, height=3.2)


def channel_pictures(encoding: np.ndarray, channels: int = 6) -> list[bytes]:
    """A few channels of a positional encoding as PNG, spread over all of them, on one colour scale (Figure 3 of SIGN's article).

    Args:
        encoding: (c, h, w) floats.
    Returns:
        One PNG of w x h pixels each; the page enlarges them without smoothing.
    """
    chosen = np.unique(np.linspace(0, len(encoding) - 1, min(channels, len(encoding))).round().astype(int))
    shown = np.nan_to_num(encoding[chosen].astype(np.float64))
    scaled = (shown - shown.min()) / max(float(np.ptp(shown)), 1e-12)
    return [_png(matplotlib.colormaps["cividis"](channel, bytes=True)) for channel in scaled]


def _png(pixels: np.ndarray) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels[..., :3]).save(buffer, "PNG")
    return buffer.getvalue()


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _legend_below(figure: Figure, axes: Axes, columns: int = 1) -> None:
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        legend = figure.legend(handles, labels, loc="outside lower left", ncols=columns)
        for text in legend.get_texts():
            text.set_parse_math(False)


def _legend_above(axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        legend = axes.legend(
            handles, labels, loc="lower right", bbox_to_anchor=(1, 0.98), ncols=2, labelspacing=0.2, fontsize=8, columnspacing=1
        )
        for text in legend.get_texts():
            text.set_parse_math(False)


def _svg(draw: Callable[[Figure], None], *, title: str, height: float) -> str:
    """Draw on a figure of its own and return an <svg> element without metadata; its ids are unique on a page whose titles are."""
    with matplotlib.rc_context(_STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # the browser's fonts draw the text, not matplotlib's
        figure = Figure(figsize=(_WIDTH, height), layout="constrained")
        draw(figure)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    text = text.replace(_INK, "currentColor")
    text = re.sub(r"'DejaVu Sans'[^;\"]*", "system-ui, sans-serif", text)
    head, body = text.split(">", 1)
    head = re.sub(r' (?:width|height)="[^"]*"', "", head)
    text = f'{head} role="img" aria-label="{html.escape(title)}">{body}'
    prefix = "f" + hashlib.sha256(text.encode()).hexdigest()[:8]
    return re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{prefix}-", text)
