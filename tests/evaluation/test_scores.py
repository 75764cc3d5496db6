"""Scores against the slow twin and torchmetrics, and the laws of the harmonic mean."""

import json

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from reference import scores as twin
from torchmetrics.classification import MulticlassJaccardIndex

from signseg.evaluation.scores import harmonic, score

fractions = st.floats(0, 1)


def random_matrix(seed: int, k: int) -> torch.Tensor:
    """Counts with many zeros, so that some classes are absent."""
    generator = np.random.default_rng(seed)
    matrix = generator.integers(0, 50, (k, k)) * (generator.random((k, k)) < 0.5)
    for c in range(k):
        if generator.random() < 0.3:
            matrix[c] = 0
        if generator.random() < 0.3:
            matrix[:, c] = 0
    return torch.from_numpy(matrix)


def flags(seen: int, unseen: int) -> torch.Tensor:
    return torch.arange(seen + unseen) >= seen


def names(k: int) -> tuple[str, ...]:
    return tuple(f"class {c}" for c in range(k))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), seen=st.integers(1, 5), unseen=st.integers(0, 4))
def test_every_score_equals_the_slow_twin(seed, seen, unseen):
    k = seen + unseen
    matrix = random_matrix(seed, k)
    got = score(matrix, flags(seen, unseen), names(k))
    iou, recall = twin.iou(matrix.numpy()), twin.recall(matrix.numpy())
    groups = {"seen": list(range(seen)), "unseen": list(range(seen, k)), "all": list(range(k))}
    assert list(got["iou_per_class"].values()) == pytest.approx(iou)
    for group, members in groups.items():
        assert got["miou"][group] == pytest.approx(twin.mean_over(iou, members))
        assert got["mean_accuracy"][group] == pytest.approx(twin.mean_over(recall, members))
        assert got["pixel_accuracy"][group] == pytest.approx(twin.accuracy_over(matrix.numpy(), members))
    json.dumps(got, allow_nan=False)


def test_iou_equals_torchmetrics_where_every_class_occurs():
    generator = torch.Generator().manual_seed(0)
    prediction, labels = torch.randint(0, 6, (2, 4000), generator=generator)
    matrix = torch.bincount(labels * 6 + prediction, minlength=36).view(6, 6)
    expected = MulticlassJaccardIndex(6, average="none")(prediction, labels).tolist()
    assert list(score(matrix, flags(4, 2), names(6))["iou_per_class"].values()) == pytest.approx(expected)


@given(seen=fractions, unseen=fractions)
def test_harmonic_lies_between_and_is_at_most_twice_the_smaller(seen, unseen):
    value = harmonic(seen, unseen)
    assert min(seen, unseen) - 1e-12 <= value <= min(max(seen, unseen), 2 * min(seen, unseen)) + 1e-12
    assert value == harmonic(unseen, seen)


@given(seen=fractions)
def test_harmonic_is_zero_when_either_is_zero_and_none_when_either_is_none(seen):
    assert harmonic(seen, 0.0) == 0.0 == harmonic(0.0, seen)
    assert harmonic(seen, None) is None is harmonic(None, seen)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_relabelling_classes_within_a_group_changes_no_group_score(seed):
    matrix = random_matrix(seed, 7)
    assume(matrix.sum() > 0)
    generator = np.random.default_rng(seed)
    order = torch.from_numpy(np.concatenate([generator.permutation(4), 4 + generator.permutation(3)]))
    before = score(matrix, flags(4, 3), names(7))
    after = score(matrix[order][:, order], flags(4, 3), names(7))
    for kind in ("miou", "pixel_accuracy", "mean_accuracy"):
        assert after[kind] == pytest.approx(before[kind])


def test_an_absent_class_is_none_and_a_wrongly_predicted_one_is_zero():
    matrix = torch.tensor([[3, 0, 1], [0, 0, 0], [0, 0, 0]])  # class 1 in neither, class 2 only predicted
    got = score(matrix, flags(2, 1), ("a", "b", "c"))
    assert got["iou_per_class"] == {"a": 0.75, "b": None, "c": 0.0}
    assert got["miou"] == {"seen": 0.75, "unseen": 0.0, "harmonic": 0.0, "all": 0.375}
    assert got["mean_accuracy"] == {"seen": 0.75, "unseen": None, "harmonic": None, "all": 0.75}


def test_a_mean_over_nothing_is_none():
    got = score(torch.zeros(2, 2, dtype=torch.int64), flags(1, 1), ("a", "b"))
    assert set(got["miou"].values()) | set(got["pixel_accuracy"].values()) | set(got["mean_accuracy"].values()) == {None}


def test_false_positives_on_seen_pixels_lower_an_unseen_iou():
    right = torch.tensor([[8, 0], [0, 4]])
    wrong = torch.tensor([[4, 4], [0, 4]])
    assert score(right, flags(1, 1), ("a", "b"))["iou_per_class"]["b"] == 1.0
    assert score(wrong, flags(1, 1), ("a", "b"))["iou_per_class"]["b"] == 0.5
