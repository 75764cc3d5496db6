"""Counts against the slow twin and torchmetrics, and what must be true of them whatever the scores are."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.confusion import confusion_matrix
from torchmetrics.classification import MulticlassConfusionMatrix

from signseg.classes import IGNORE
from signseg.errors import InputError
from signseg.evaluation.confusion import BIASES, Counts


def draw(seed: int, *, seen: int, unseen: int, height: int, width: int, ties: bool):
    """Random scores (many equal ones if `ties`) and labels with some ignored pixels."""
    generator = torch.Generator().manual_seed(seed)
    k = seen + unseen
    scores = torch.randn(k, height, width, generator=generator) * 4
    if ties:
        scores = (scores * 2).round() / 2  # gaps fall exactly on grid biases
    labels = torch.randint(0, k, (height, width), generator=generator)
    labels[torch.rand(height, width, generator=generator) < 0.2] = IGNORE
    return scores, labels


def count(scores: torch.Tensor, labels: torch.Tensor, seen: int) -> Counts:
    counts = Counts.empty(seen, len(scores) - seen)
    counts.add(scores, labels)
    return counts


cases = {
    "seed": st.integers(0, 10_000),
    "seen": st.integers(1, 4),
    "unseen": st.integers(1, 3),
    "height": st.integers(1, 5),
    "width": st.integers(1, 5),
    "ties": st.booleans(),
}


@settings(max_examples=25, deadline=None)
@given(**cases)
def test_matrix_at_every_bias_equals_the_slow_twin(seed, seen, unseen, height, width, ties):
    scores, labels = draw(seed, seen=seen, unseen=unseen, height=height, width=width, ties=ties)
    counts = count(scores, labels, seen)
    every = counts.matrices()
    for position in [*range(0, len(BIASES), 12), len(BIASES) - 1]:
        expected = confusion_matrix(scores.numpy(), labels.numpy(), seen, BIASES[position])
        np.testing.assert_array_equal(counts.matrix(BIASES[position]).numpy(), expected)
        np.testing.assert_array_equal(every[position].numpy(), expected)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000), ties=st.booleans())
def test_matrix_at_every_finite_bias_equals_argmax_of_biased_scores(seed, ties):
    scores, labels = draw(seed, seen=4, unseen=3, height=9, width=11, ties=ties)
    every = count(scores, labels, 4).matrices()
    valid = labels != IGNORE
    for bias, matrix in list(zip(BIASES, every, strict=True))[1:-1]:
        biased = scores.double()
        biased[4:] += bias
        prediction = torch.from_numpy(biased.numpy().argmax(axis=0))  # numpy takes the first of equal values
        expected = torch.bincount(labels[valid] * 7 + prediction[valid], minlength=49).view(7, 7)
        assert torch.equal(matrix, expected)


@settings(max_examples=25, deadline=None)
@given(**cases)
def test_at_bias_zero_it_is_the_plain_confusion_matrix(seed, seen, unseen, height, width, ties):
    scores, labels = draw(seed, seen=seen, unseen=unseen, height=height, width=width, ties=ties)
    oracle = MulticlassConfusionMatrix(seen + unseen, ignore_index=IGNORE)
    prediction = torch.from_numpy(scores.numpy().argmax(axis=0))
    assert torch.equal(count(scores, labels, seen).matrix(), oracle(prediction[None], labels[None]))


@settings(max_examples=25, deadline=None)
@given(**cases)
def test_counts_add_and_forget_order_and_ignored_pixels(seed, seen, unseen, height, width, ties):
    scores, labels = draw(seed, seen=seen, unseen=unseen, height=height, width=width, ties=ties)
    other_scores, other_labels = draw(seed + 1, seen=seen, unseen=unseen, height=3, width=4, ties=ties)
    counts = count(scores, labels, seen)

    both = count(scores, labels, seen)
    both.add(other_scores, other_labels)
    assert torch.equal(both.table, (counts + count(other_scores, other_labels, seen)).table)

    order = torch.randperm(height * width, generator=torch.Generator().manual_seed(seed))
    shuffled = count(scores.flatten(1)[:, order][:, :, None], labels.flatten()[order][:, None], seen)
    assert torch.equal(shuffled.table, counts.table)

    changed = scores.clone()
    changed[:, labels == IGNORE] = 77.0
    assert torch.equal(count(changed, labels, seen).table, counts.table)

    valid = int((labels != IGNORE).sum())
    assert all(int(matrix.sum()) == valid for matrix in counts.matrices())


def test_a_tie_goes_to_the_lower_training_id():
    scores = torch.tensor([1.0, 2.0, 2.0, 2.0])[:, None, None]  # classes 1 (seen), 2 and 3 (unseen) are equal
    counts = count(scores, torch.zeros(1, 1, dtype=torch.int64), 2)
    assert counts.matrix(0.0)[0].tolist() == [0, 1, 0, 0]
    assert counts.matrix(0.25)[0].tolist() == [0, 0, 1, 0]


def test_without_unseen_classes_every_bias_gives_the_same_matrix():
    scores, labels = draw(3, seen=4, unseen=0, height=6, width=5, ties=True)
    counts = count(scores, labels, 4)
    expected = confusion_matrix(scores.numpy(), labels.numpy(), 4, 0.0)
    for bias, matrix in zip(BIASES, counts.matrices(), strict=True):
        np.testing.assert_array_equal(matrix.numpy(), expected)
        np.testing.assert_array_equal(counts.matrix(bias).numpy(), expected)


def test_counts_stay_integers_beyond_what_a_float_holds():
    counts = Counts.empty(1, 1)
    counts.table[0, 0, 0] = 2**53
    counts.add(torch.tensor([5.0, -20.0])[:, None, None], torch.zeros(1, 1, dtype=torch.int64))
    assert counts.matrix()[0, 0] == 2**53 + 1


def test_refuses_a_bias_between_grid_points_and_labels_that_are_no_class():
    counts = Counts.empty(2, 1)
    with pytest.raises(InputError, match="use 0.25"):
        counts.matrix(0.3)
    with pytest.raises(ValueError, match="expected 0 to 2"):
        counts.add(torch.zeros(3, 1, 1), torch.full((1, 1), 254))
    with pytest.raises(ValueError, match="do not add"):
        _ = counts + Counts.empty(1, 2)


def test_an_image_without_a_labelled_pixel_changes_nothing():
    counts = count(torch.randn(3, 4, 4), torch.full((4, 4), IGNORE), 2)
    assert counts.table.sum() == 0
