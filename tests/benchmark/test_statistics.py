"""Verdicts: paired t tests against scipy, Holm's correction against an example worked by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from signseg.benchmark.statistics import by_seed, differences, holm, interval, p_value, verdicts
from signseg.benchmark.suites import Claim, Side

numbers = st.floats(-1, 1).map(lambda number: round(number, 3))
samples = st.lists(numbers, min_size=3, max_size=12).filter(lambda values: np.std(values) > 1e-3)


@given(samples)
def test_interval_and_p_value_are_those_of_a_paired_t_test(values):
    left = np.linspace(0.2, 0.8, len(values))
    expected = stats.ttest_rel(left + np.array(values), left)
    assert p_value(np.array(values)) == pytest.approx(expected.pvalue, rel=1e-6, abs=1e-12)
    assert interval(np.array(values)) == pytest.approx(tuple(expected.confidence_interval(0.95)), rel=1e-6, abs=1e-9)


def test_small_and_constant_samples():
    assert p_value(np.array([])) == p_value(np.array([0.3])) == 1.0
    assert all(math.isnan(end) for end in interval(np.array([0.3])))
    assert p_value(np.full(5, 0.1)) == 0.0 and p_value(np.zeros(5)) == 1.0


def test_holm_by_hand():
    """Sorted 0.005, 0.01, 0.03, 0.04, times 4, 3, 2, 1: 0.02, 0.03, 0.06, 0.04, and never below the one before: 0.06."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.9]) == [1.0, 1.0] and holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9))
def test_holm_keeps_the_order_and_never_lowers(p):
    adjusted = holm(p)
    assert all(low <= high <= 1 for low, high in zip(p, adjusted, strict=True))
    assert sorted(range(len(p)), key=lambda i: (p[i], i)) == sorted(range(len(p)), key=lambda i: (adjusted[i], p[i], i))


def row(seed, harmonic, kind="st", **changes):
    identity = {"method": "sign", "variant": "default", "self_training": kind, "data": "world", "split": "test", "seed": seed}
    measured = {"test_scale": 1.0, "calibrated": False, "miou": {"harmonic": harmonic}, "protocol": {"evaluation": "pixel"}}
    return identity | measured | changes


CLAIM = Claim("ast > st", Side("default", "ast"), Side("default", "st"))


def test_only_headline_rows_with_a_partner_count():
    rows = [row(0, 0.2), row(0, 0.5, "ast"), row(1, 0.3), row(2, 0.9, "ast"), row(3, 0.1), row(3, None, "ast")]
    other = [{"calibrated": True}, {"split": "val"}, {"test_scale": 1.5}, {"protocol": {"evaluation": "feature"}}]
    other += [{"variant": "x"}, {"method": "spnet"}]
    rows += [row(0, 0.99, **changes) for changes in other]
    assert by_seed(rows, CLAIM.right, "miou.harmonic") == {0: 0.2, 1: 0.3, 3: 0.1}
    assert differences(rows, CLAIM) == pytest.approx([0.3])
    assert differences(rows, Claim("", CLAIM.left, CLAIM.right, factor=0.5, margin=0.02)) == pytest.approx([0.42])


@pytest.mark.parametrize(("gain", "verdict"), [(0.1, "holds"), (-0.1, "does not hold")])
def test_five_seeds_decide(gain, verdict):
    noise = [0.0, 0.01, -0.01, 0.005, -0.005]
    rows = [row(seed, 0.4) for seed in range(5)] + [row(seed, 0.4 + gain + noise[seed], "ast") for seed in range(5)]
    (found,) = verdicts(rows, (CLAIM,))
    assert (found["verdict"], found["n"]) == (verdict, 5)
    assert found["difference"] == pytest.approx(gain) and found["interval"][0] < gain < found["interval"][1]


@pytest.mark.parametrize("n", [0, 1, 4])
def test_fewer_seeds_leave_it_undecided(n):
    rows = [row(seed, 0.1 * kind + 0.001 * seed * kind, ("st", "ast")[kind]) for seed in range(n) for kind in (0, 1)]
    (found,) = verdicts(rows, (CLAIM,))
    assert (found["verdict"], found["n"]) == ("undecided", n)
    assert found["interval"] == [None, None] or n == 4


def test_many_claims_make_each_harder():
    rows = [row(seed, 0.4 + 0.03 * seed) for seed in range(5)]
    rows += [row(seed, 0.43 + 0.03 * seed + 0.02 * (seed % 2), "ast") for seed in range(5)]
    alone, crowd = verdicts(rows, (CLAIM,)), verdicts(rows, (CLAIM,) * 40)
    assert alone[0]["verdict"] == "holds" and {found["verdict"] for found in crowd} == {"undecided"}
