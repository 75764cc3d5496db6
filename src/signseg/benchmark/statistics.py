"""Verdicts over seeds: paired t intervals, Holm's correction over the whole list of claims, "undecided" below five seeds."""

import math
from typing import Any

import numpy as np
from scipy import stats

from signseg.benchmark.suites import Claim, Side
from signseg.results import DEFAULTS, identity

ENOUGH = 5
LEVEL = 0.05
OF_A_SIDE = ("method", "variant", "self_training", "data", "calibrated", "budget")


def value(row: dict[str, Any], score: str) -> float | None:
    """A score of a row by its dotted name."""
    found: Any = row
    for part in score.split("."):
        found = found[part]
    return found


def by_seed(rows: list[dict[str, Any]], side: Side, score: str) -> dict[int, float]:
    """Scores of one side of a claim by seed: rows of the test split, scored at label resolution."""
    found = {}
    for row in rows:
        same = all(identity(row, name) == getattr(side, name) for name in OF_A_SIDE)
        usual = all(identity(row, name) == DEFAULTS[name] for name in ("split", "evaluation"))
        if same and usual and math.isclose(row["test_scale"], side.test_scale, abs_tol=1e-6):
            number = value(row, score)
            if number is not None:
                found[row["seed"]] = number
    return found


def differences(rows: list[dict[str, Any]], claim: Claim) -> np.ndarray:
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


def verdicts(rows: list[dict[str, Any]], claims: tuple[Claim, ...]) -> list[dict[str, Any]]:
    """The "verdicts" list of results.json.

    A claim holds (or does not hold) when its interval over seeds lies on one side of 0 and its Holm-adjusted p value is below 0.05.
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
                "p_holm": p,
                "n": len(sample),
            }
        )
    return result
