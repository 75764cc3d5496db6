"""The seen-unseen curve and its area against cases worked by hand and a polygon's area."""

import json

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from reference.scores import polygon_area

from signseg.evaluation.confusion import BIASES, Counts
from signseg.evaluation.curve import ausuc, best_bias, seen_unseen_curve


def point(seen, unseen, harmonic=None, bias=None):
    return {"bias": bias, "seen": seen, "unseen": unseen, "harmonic": harmonic}


def counts_of(gaps: list[float], truth: list[int]) -> Counts:
    """One seen and one unseen class; one pixel for each gap."""
    scores = torch.stack([torch.zeros(1, len(gaps)), torch.tensor([gaps])])
    counts = Counts.empty(1, 1)
    counts.add(scores, torch.tensor([truth]))
    return counts


def test_a_straight_line_and_a_perfect_corner():
    assert ausuc([point(0.8, 0.0), point(0.0, 0.5)]) == pytest.approx(0.2)
    assert ausuc([point(1.0, 0.0), point(1.0, 1.0), point(0.0, 1.0)]) == 1.0
    assert ausuc([point(0.8, 0.0), point(0.6, 0.3), point(0.0, 0.5)]) == pytest.approx(0.2 * 0.15 + 0.6 * 0.4)


def test_a_backward_part_counts_negatively():
    assert ausuc([point(0.5, 0.0), point(1.0, 0.5), point(0.0, 0.5)]) == pytest.approx(0.5 - 0.5 * 0.25)


@given(path=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=12))
def test_area_equals_that_of_the_closed_polygon(path):
    assert ausuc([point(*corner) for corner in path]) == pytest.approx(polygon_area(path), abs=1e-9)


def test_nothing_to_integrate_is_none():
    assert ausuc(None) is None
    assert ausuc([point(0.5, None), point(0.0, 0.0)]) is None
    assert ausuc(seen_unseen_curve(counts_of([1.0, -1.0], [0, 0]))) is None  # no unseen pixel in the truth


def test_curve_by_hand():
    curve = seen_unseen_curve(counts_of([-5.0, -1.0, -2.0, 3.0], [0, 0, 1, 1]))
    assert [entry["bias"] for entry in curve] == [None, *BIASES[1:-1], None]
    at = {entry["bias"]: entry for entry in curve[1:-1]}
    assert (curve[0]["seen"], curve[0]["unseen"]) == (0.5, 0.0)  # all pixels are called seen: 2 of 4
    assert (at[0.0]["seen"], at[0.0]["unseen"]) == pytest.approx((2 / 3, 1 / 2))  # one unseen pixel is called seen
    assert (at[2.25]["seen"], at[2.25]["unseen"]) == pytest.approx((1 / 2, 2 / 3))  # gaps above -2.25 are called unseen
    assert (curve[-1]["seen"], curve[-1]["unseen"]) == (0.0, 0.5)
    json.dumps(curve, allow_nan=False)


def test_without_unseen_classes_there_is_no_curve():
    counts = Counts.empty(2, 0)
    counts.add(torch.randn(2, 3, 3), torch.zeros(3, 3, dtype=torch.int64))
    assert seen_unseen_curve(counts) is None
    assert best_bias(None) == 0.0


def test_best_bias_takes_the_largest_harmonic_and_then_the_smallest_size():
    assert best_bias([point(0, 0, 0.1, -1.0), point(0, 0, 0.4, 2.0), point(0, 0, 0.3, 0.0)]) == 2.0
    assert best_bias([point(0, 0, 0.4, -3.0), point(0, 0, 0.4, 2.0), point(0, 0, 0.4, 5.0)]) == 2.0
    assert best_bias([point(0, 0, 0.0, -3.0), point(0, 0, 0.0, 0.0)]) == 0.0
    assert best_bias([point(0, 0, 0.9, None), point(0, 0, 0.1, 1.0)]) == 1.0  # an infinite bias is no setting


def test_best_bias_repairs_scores_that_lean_to_seen_classes():
    counts = counts_of([-9.0, -8.0, -4.0, -3.0], [0, 0, 1, 1])
    bias = best_bias(seen_unseen_curve(counts))
    assert bias == 4.25  # the first grid bias that lifts a gap of -4 above zero
    assert torch.equal(counts.matrix(bias), torch.tensor([[2, 0], [0, 2]]))
