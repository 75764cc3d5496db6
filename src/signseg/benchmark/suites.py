"""The suites as values: which runs make a table, and which orderings were written down before any of them ran."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Cell:
    """One line of a table; run once for each seed.

    overrides: dotted settings that differ from the preset. Self-training settings apply to step four only, so that cells which differ in
    them alone share their steps a to c.
    """

    variant: str
    data: str
    self_training: str = "none"
    overrides: tuple[tuple[str, Any], ...] = ()
    scales: tuple[float, ...] = (1.0,)
    step_a_row: bool = False  # also score the model as step a leaves it


@dataclass(frozen=True)
class Side:
    """One side of a comparison: a line of the table and one of its scores ("miou.harmonic", "ausuc")."""

    variant: str
    self_training: str = "none"
    data: str = "world"
    test_scale: float = 1.0


@dataclass(frozen=True)
class Claim:
    """left > right on `score`, or left >= right - `margin`; paired by seed."""

    text: str
    left: Side
    right: Side
    score: str = "miou.harmonic"
    margin: float = 0.0
    factor: float = 1.0  # the right side is multiplied by this


@dataclass(frozen=True)
class Suite:
    """Cells and claims."""

    cells: tuple[Cell, ...]
    claims: tuple[Claim, ...] = field(default=())


SCALES = (1.0, 2 / 3, 1.5)
UPPER = (("upper_bound", True),)
BY_SHARE = (("self_training.annealing", "share"), ("self_training.temperature", 10.0))  # of tuning runs (lab notebook)


def systems(data: str) -> Suite:
    """SIGN before self-training, with ST and with AST, beside the supervised upper bound at equal step-a budget."""
    default = [Cell("default", data, kind, step_a_row=kind == "none") for kind in ("none", "st", "ast")]
    default.append(Cell("top-1", data, "st", overrides=(("self_training.top_p", 1),)))  # CaGNet's choice of pixels
    upper = Side("upper-bound", data=data)
    return Suite(
        (*default, Cell("upper-bound", data, overrides=UPPER)),
        (
            Claim("sign H >= 0.60 x upper bound", Side("default", data=data), upper, factor=0.60),
            Claim("sign+st H >= 0.75 x upper bound", Side("default", "st", data), upper, factor=0.75),
            Claim("sign+ast H >= 0.75 x upper bound", Side("default", "ast", data), upper, factor=0.75),
            Claim("sign+st > sign", Side("default", "st", data), Side("default", data=data)),
            Claim("sign+ast > sign", Side("default", "ast", data), Side("default", data=data)),
            Claim("sign+ast >= sign+st", Side("default", "ast", data), Side("default", "st", data)),
        ),
    )


def positions(data: str) -> Suite:
    """The paper's Table 2: no encoding, absolute, absolute with interpolation, relative; three test sizes; nothing else differs."""
    rivals = ("none", "absolute", "absolute-interpolated")
    cells = [Cell("default", data, scales=SCALES)]
    cells += [Cell(name, data, overrides=(("spatial.encoding", name),), scales=SCALES) for name in rivals]
    seen, relative = "miou.seen", Side("default", data=data)
    at = {scale: Side("default", data=data, test_scale=scale) for scale in SCALES[1:]}
    without = Side("none", data=data)
    claims = [Claim("relative > none (S)", relative, without, seen), Claim("relative > none (H)", relative, without)]
    for scale, side in at.items():
        claims.append(Claim(f"relative: S at size x{scale:.2f} >= S at x1 - 2 points", side, relative, seen, margin=0.02))
        for rival in rivals[1:]:
            claims.append(Claim(f"relative > {rival} (S) at size x{scale:.2f}", side, Side(rival, data=data, test_scale=scale), seen))
    return Suite(tuple(cells), tuple(claims))


def self_training(data: str) -> Suite:
    """ST against AST over the share of seen segments that nobody annotated. `data` is the world; its partial forms are added."""
    shares = {0: data, 15: f"{data}-partial-15", 30: f"{data}-partial", 45: f"{data}-partial-45"}
    cells = [Cell("default", name, kind) for name in shares.values() for kind in ("none", "st", "ast")]
    cells += [Cell("share", name, "ast", overrides=BY_SHARE) for name in shares.values()]
    claims = []
    for share, name in shares.items():
        for score in ("miou.harmonic", "ausuc"):
            annealed, plain = Side("default", "ast", name), Side("default", "st", name)
            claims.append(Claim(f"ast > st ({score}) at {share} % unannotated", annealed, plain, score))
        by_share = Side("share", "ast", name)
        claims.append(Claim(f"ast by share >= st - 1 point at {share} % unannotated", by_share, Side("default", "st", name), margin=0.01))
    return Suite(tuple(cells), tuple(claims))


def targets(data: str) -> Suite:
    """The three suites above as one table, with one correction over all claims: what docs/results.md shows."""
    suites = (systems(data), positions(data), self_training(data))
    cells = dict.fromkeys(cell for suite in suites for cell in suite.cells)
    return Suite(tuple(cells), tuple(claim for suite in suites for claim in suite.claims))


SUITES: dict[str, Callable[[str], Suite]] = {
    "systems": systems,
    "positions": positions,
    "self-training": self_training,
    "targets": targets,
}
