"""Verdicts over seeds: paired t intervals, Holm's correction over the whole list of claims, "undecided" below five seeds."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import stats

from signseg.benchmark.bootstrap import bootstrap_interval
from signseg.benchmark.suites import Claim, Side
from signseg.evaluation.image_counts import ImageCounts
from signseg.results import DEFAULTS, Row, identity

ImagesOf = Callable[[Row], ImageCounts | None]

ENOUGH = 5
LEVEL = 0.05
OF_A_SIDE = ("method", "variant", "self_training", "data", "calibrated", "budget")


def value(row: Row, score: str) -> float | None:
    """A score of a row by its dotted name."""
    found: Any = row
    for part in score.split("."):
        found = found[part]
    return found


def rows_by_seed(rows: list[Row], side: Side) -> dict[int, Row]:
    """The row of one side of a claim for each seed: of the test split, scored at label resolution."""
    found = {}
    for row in rows:
        same = all(identity(row, name) == getattr(side, name) for name in OF_A_SIDE)
        usual = all(identity(row, name) == DEFAULTS[name] for name in ("split", "evaluation"))
        if same and usual and math.isclose(row["test_scale"], side.test_scale, abs_tol=1e-6):
            found[row["seed"]] = row
    return found


def by_seed(rows: list[Row], side: Side, score: str) -> dict[int, float]:
    """Scores of one side of a claim by seed, where they exist."""
    numbers = {seed: value(row, score) for seed, row in rows_by_seed(rows, side).items()}
    return {seed: number for seed, number in numbers.items() if number is not None}


def differences(rows: list[Row], claim: Claim) -> np.ndarray:
    """left - factor * right + margin by seed, for seeds that have both. (n,)"""
    left, right = by_seed(rows, claim.left, claim.score), by_seed(rows, claim.right, claim.score)
    return np.array([left[seed] - claim.factor * right[seed] + claim.margin for seed in sorted(left.keys() & right.keys())])


def interval(values: np.ndarray, level: float = LEVEL) -> tuple[float, float]:
    """Student's t interval of the mean at 1 - level; (nan, nan) below two values."""
    if len(values) < 2:
        return math.nan, math.nan
    half = stats.t.ppf(1 - level / 2, len(values) - 1) * values.std(ddof=1) / math.sqrt(len(values))
    return float(values.mean() - half), float(values.mean() + half)


def p_value(values: np.ndarray) -> float:
    """Two-sided paired t test of a zero mean; 1 below two values."""
    if len(values) < 2:
        return 1.0
    spread = values.std(ddof=1)
    if spread == 0:
        return 0.0 if values.mean() else 1.0
    return float(2 * stats.t.sf(abs(values.mean()) * math.sqrt(len(values)) / spread, len(values) - 1))


def holm(p: list[float]) -> list[float]:
    """Holm's step-down adjustment of a list of p values."""
    adjusted, running = [0.0] * len(p), 0.0
    for rank, position in enumerate(sorted(range(len(p)), key=p.__getitem__)):
        running = max(running, min(1.0, (len(p) - rank) * p[position]))
        adjusted[position] = running
    return adjusted


def over_images(rows: list[Row], claim: Claim, images: ImagesOf) -> list[float] | None:
    """The bootstrap interval over test images; None where a side has no counts by image, or for scores of more than one matrix."""
    left, right = rows_by_seed(rows, claim.left), rows_by_seed(rows, claim.right)
    known = [(images(left[seed]), images(right[seed])) for seed in sorted(left.keys() & right.keys())]
    pairs = [(one, other) for one, other in known if one is not None and other is not None]
    found = bootstrap_interval(pairs, claim.score, factor=claim.factor, margin=claim.margin) if len(pairs) == len(known) else None
    return None if found is None else list(found)


def verdicts(rows: list[Row], claims: tuple[Claim, ...], images: ImagesOf = lambda row: None) -> list[dict[str, Any]]:
    """The "verdicts" list of results.json.

    A claim holds (or does not hold) when its interval over seeds lies on one side of 0 and its Holm-adjusted p value is below 0.05. The
    bootstrap over images is told beside it and decides nothing.

    Args:
        images: counts by image of a row, where they were kept.
    """
    samples = [differences(rows, claim) for claim in claims]
    adjusted = holm([p_value(sample) for sample in samples])
    result = []
    for claim, sample, p in zip(claims, samples, adjusted, strict=True):
        low, high = interval(sample)
        decided = len(sample) >= ENOUGH and p < LEVEL
        verdict = ("holds" if sample.mean() > 0 else "does not hold") if decided else "undecided"
        result.append(
            {
                "claim": claim.text,
                "verdict": verdict,
                "difference": float(sample.mean()) if len(sample) else None,
                "interval": [None if math.isnan(end) else end for end in (low, high)],
                "bootstrap": over_images(rows, claim, images),
                "p_holm": p,
                "n": len(sample),
            }
        )
    return result
