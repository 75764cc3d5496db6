"""Weighted cross-entropy against the slow twin and torch, and masked pixels that change nothing."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from reference import segmentation as slow
from torch.nn import functional

from signseg.classes import IGNORE, UNANNOTATED
from signseg.losses.segmentation import cross_entropy, pixel_cross_entropy, weighted_mean

seeds = st.integers(0, 10_000)


def draw(seed: int, k: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    labels = torch.tensor([*range(k), IGNORE, UNANNOTATED])[torch.randint(0, k + 2, (2, 3, 5), generator=generator)]
    return 3 * torch.randn(2, k, 3, 5, generator=generator), labels


@given(seed=seeds, k=st.integers(1, 5))
def test_each_pixel_equals_the_slow_twin(seed: int, k: int) -> None:
    scores, labels = draw(seed, k)
    expected = slow.pixel_cross_entropy(scores.numpy(), labels.numpy())
    np.testing.assert_allclose(pixel_cross_entropy(scores, labels), expected, rtol=1e-4, atol=1e-5)


@given(seed=seeds)
def test_the_mean_is_over_pixels_with_a_class(seed: int) -> None:
    scores, labels = draw(seed)
    expected = functional.cross_entropy(scores, torch.where(labels < 4, labels, -100))
    torch.testing.assert_close(cross_entropy(scores, labels), expected)


@given(seed=seeds)
def test_weighted_mean_equals_the_slow_twin(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    values, weights = torch.rand(2, 3, 4, generator=generator)
    weights = weights * (weights > 0.3)
    assert weighted_mean(values, weights).item() == pytest.approx(slow.weighted_mean(values.numpy(), weights.numpy()), abs=1e-6)


@given(seed=seeds, factor=st.floats(0.1, 10))
def test_only_ratios_of_weights_count_and_a_weight_is_a_repetition(seed: int, factor: float) -> None:
    values = torch.rand(6, generator=torch.Generator().manual_seed(seed))
    counts = torch.tensor([1, 2, 3, 0, 1, 2])
    value = weighted_mean(values, counts.float())
    torch.testing.assert_close(value, values.repeat_interleave(counts).mean())
    torch.testing.assert_close(value, weighted_mean(values, factor * counts))


@given(seed=seeds)
def test_masked_pixels_change_neither_loss_nor_gradient(seed: int) -> None:
    scores, labels = draw(seed)
    outside = (labels >= UNANNOTATED)[:, None]
    changed = torch.where(outside, 100.0, scores).requires_grad_()
    loss = cross_entropy(changed, labels)
    torch.testing.assert_close(loss, cross_entropy(scores, labels))
    loss.backward()
    assert not (changed.grad * outside).any()


@pytest.mark.parametrize("value", [IGNORE, UNANNOTATED])
def test_nothing_labelled_costs_nothing_and_has_a_gradient_of_zero(value: int) -> None:
    scores = torch.randn(1, 3, 2, 2, requires_grad=True)
    loss = cross_entropy(scores, torch.full((1, 2, 2), value))
    assert loss == 0
    loss.backward()
    assert not scores.grad.any()


def test_the_right_class_costs_less() -> None:
    scores = torch.zeros(1, 3, 1, 1)
    scores[:, 1] = 5
    assert cross_entropy(scores, torch.tensor([[[1]]])) < cross_entropy(scores, torch.tensor([[[0]]]))
