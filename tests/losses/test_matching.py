"""MMD, its groups and KL against slow twins and torch.distributions, and what must be true of them for any pixels."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from reference import matching as slow
from torch.distributions import Normal, kl_divergence

from signseg.losses.matching import (
    GROUPS,
    MATCHING,
    class_groups,
    grouped_mmd,
    kl_to_standard_normal,
    mmd,
    paired_squared_error,
    raster_run_groups,
)

BANDWIDTHS = (2.0, 5.0, 10.0, 20.0, 40.0, 60.0)
seeds = st.integers(0, 10_000)


def uniform(groups: int, pixels: int) -> torch.Tensor:
    return torch.full((groups, pixels), 1.0 / pixels)


def draw(seed: int, groups: int, pixels: int, channels: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    real = torch.randn(groups, pixels, channels, generator=generator, dtype=torch.float64)
    return real, 1.5 * torch.randn(groups, pixels, channels, generator=generator, dtype=torch.float64) + 0.5


@given(seed=seeds, groups=st.integers(1, 3), pixels=st.integers(1, 6), channels=st.integers(1, 5))
def test_mmd_equals_the_slow_twin(seed: int, groups: int, pixels: int, channels: int) -> None:
    real, synthetic = draw(seed, groups, pixels, channels)
    fast = mmd(real, synthetic, uniform(groups, pixels).double(), BANDWIDTHS)
    expected = [slow.mmd(real[g].numpy(), synthetic[g].numpy(), BANDWIDTHS) for g in range(groups)]
    np.testing.assert_allclose(fast, expected, rtol=1e-6, atol=1e-6)


@given(seed=seeds, pixels=st.integers(2, 6))
def test_mmd_is_symmetric_positive_and_blind_to_order(seed: int, pixels: int) -> None:
    real, synthetic = draw(seed, 1, pixels, 4)
    weight = uniform(1, pixels).double()
    value = mmd(real, synthetic, weight, BANDWIDTHS)
    assert value > 0
    torch.testing.assert_close(value, mmd(synthetic, real, weight, BANDWIDTHS))
    torch.testing.assert_close(value, mmd(real[:, torch.randperm(pixels)], synthetic[:, torch.randperm(pixels)], weight, BANDWIDTHS))


@given(seed=seeds, pixels=st.integers(1, 6))
def test_mmd_of_identical_sets_is_zero_and_its_gradient_finite(seed: int, pixels: int) -> None:
    real = draw(seed, 2, pixels, 4)[0].float()
    synthetic = real.flip(1).clone().requires_grad_()
    value = mmd(real, synthetic, uniform(2, pixels), BANDWIDTHS)
    assert (value < 2e-3).all()
    value.sum().backward()
    assert torch.isfinite(synthetic.grad).all()


def test_mmd_pulls_a_distant_set_closer() -> None:
    real, synthetic = (part.float() for part in draw(0, 1, 6, 3))
    synthetic = (synthetic + 3).requires_grad_()
    before = mmd(real, synthetic, uniform(1, 6), BANDWIDTHS).sum()
    before.backward()
    assert mmd(real, synthetic - 2.0 * synthetic.grad, uniform(1, 6), BANDWIDTHS).sum() < before


@given(seed=seeds, labels=st.lists(st.integers(0, 3), min_size=1, max_size=14))
def test_padding_a_group_changes_nothing(seed: int, labels: list[int]) -> None:
    """Raster runs are padded to the longest one: the slow twin of each run alone must come out."""
    generator = torch.Generator().manual_seed(seed)
    real, synthetic = torch.rand(2, len(labels), 3, generator=generator)
    value = grouped_mmd(real, synthetic, raster_run_groups(torch.tensor(labels), 100), BANDWIDTHS)
    expected = [slow.mmd(real[run].numpy(), synthetic[run].numpy(), BANDWIDTHS) for run in slow.raster_runs(labels)]
    np.testing.assert_allclose(value, np.mean(expected), atol=2e-3)  # the root enlarges rounding near 0


# ---- paired squared error


@given(seed=seeds, labels=st.lists(st.integers(0, 3), min_size=1, max_size=14))
def test_squared_error_equals_the_slow_twin(seed: int, labels: list[int]) -> None:
    real, synthetic = torch.rand(2, len(labels), 3, generator=torch.Generator().manual_seed(seed))
    value = paired_squared_error(real, synthetic, raster_run_groups(torch.tensor(labels), 100), BANDWIDTHS)
    assert value.item() == pytest.approx(slow.squared_error(real.numpy(), synthetic.numpy(), slow.raster_runs(labels)), rel=1e-5)


@given(seed=seeds)
def test_squared_error_knows_which_pixel_is_which_and_mmd_does_not(seed: int) -> None:
    real = draw(seed, 1, 6, 3)[0][0].float()
    groups = raster_run_groups(torch.zeros(6, dtype=torch.int64), 6)
    assert paired_squared_error(real, real, groups, BANDWIDTHS) == 0
    assert paired_squared_error(real, real.roll(1, 0), groups, BANDWIDTHS) > 0
    assert grouped_mmd(real, real.roll(1, 0), groups, BANDWIDTHS) < 2e-3


# ---- groups


@given(seed=seeds, labels=st.lists(st.integers(0, 5), min_size=1, max_size=40), pixels=st.integers(2, 9))
def test_a_class_group_holds_pixels_of_one_class_and_every_class_has_one(seed: int, labels: list[int], pixels: int) -> None:
    torch.manual_seed(seed)
    classes = torch.tensor(labels)
    groups = class_groups(classes, pixels)
    assert groups.index.shape == (len(set(labels)), pixels)
    members = classes[groups.index]
    assert (members == members[:, :1]).all()
    assert sorted(members[:, 0].tolist()) == sorted(set(labels))
    torch.testing.assert_close(groups.weight.sum(1), torch.ones(len(groups.weight)))


def test_class_groups_draw_every_pixel_equally_often() -> None:
    torch.manual_seed(0)
    labels = torch.tensor([3, 1, 3, 3, 1, 0])
    counts = torch.bincount(class_groups(labels, 30_000).index.flatten(), minlength=6) / 30_000
    np.testing.assert_allclose(counts, [1 / 3, 1 / 2, 1 / 3, 1 / 3, 1 / 2, 1], atol=0.02)


def test_a_toy_map_of_three_classes_has_five_raster_runs_and_three_class_groups() -> None:
    toy = torch.tensor([[0, 0, 1, 1], [0, 0, 2, 2], [2, 2, 1, 1]]).flatten()
    groups = raster_run_groups(toy, 100)
    assert [index[weight > 0].tolist() for index, weight in zip(groups.index, groups.weight, strict=True)] == slow.raster_runs(toy.tolist())
    assert len(groups.index) == 5 and len(class_groups(toy, 4).index) == 3


@given(labels=st.lists(st.integers(0, 3), min_size=1, max_size=30), pixels=st.integers(2, 5))
def test_long_runs_keep_their_first_pixels(labels: list[int], pixels: int) -> None:
    groups = raster_run_groups(torch.tensor(labels), pixels)
    kept = [index[weight > 0].tolist() for index, weight in zip(groups.index, groups.weight, strict=True)]
    assert kept == [run[:pixels] for run in slow.raster_runs(labels)]
    torch.testing.assert_close(groups.weight.sum(1), torch.ones(len(kept)))


@pytest.mark.parametrize("matching", MATCHING)
@pytest.mark.parametrize("name", GROUPS)
def test_each_group_counts_the_same_whatever_its_size(name: str, matching: str) -> None:
    """One pixel of class 1 far off, nineteen of class 0 matched: half of the single pixel's distance is left."""
    torch.manual_seed(0)
    labels = torch.tensor([0] * 19 + [1])
    real = torch.zeros(20, 2)
    synthetic = real.clone()
    synthetic[-1] = 1.0
    alone = {"mmd": slow.mmd(np.zeros((1, 2)), np.ones((1, 2)), BANDWIDTHS), "squared-error": 2.0}
    assert MATCHING[matching](real, synthetic, GROUPS[name](labels, 8), BANDWIDTHS).item() == pytest.approx(alone[matching] / 2, rel=1e-4)


# ---- KL


def code(seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    mean, log_variance = torch.randn(2, 2, 3, 4, 5, generator=generator)
    return mean, log_variance, (torch.rand(2, 4, 5, generator=generator) < 0.6).float()


@given(seed=seeds)
def test_kl_equals_the_slow_twin_and_torch(seed: int) -> None:
    mean, log_variance, mask = code(seed)
    value = kl_to_standard_normal(mean, log_variance, mask)
    assert value.item() == pytest.approx(slow.kl_to_standard_normal(mean.numpy(), log_variance.numpy(), mask.numpy()), rel=1e-5)
    everywhere = kl_to_standard_normal(mean, log_variance, torch.ones_like(mask))
    torch.testing.assert_close(everywhere, kl_divergence(Normal(mean, (log_variance / 2).exp()), Normal(0.0, 1.0)).mean())


def test_kl_equals_a_monte_carlo_estimate() -> None:
    torch.manual_seed(0)
    mean, log_variance = torch.tensor(0.7), torch.tensor(0.9)
    z = mean + (log_variance / 2).exp() * torch.randn(400_000)
    estimate = (Normal(mean, (log_variance / 2).exp()).log_prob(z) - Normal(0.0, 1.0).log_prob(z)).mean()
    exact = kl_to_standard_normal(mean.view(1, 1, 1, 1), log_variance.view(1, 1, 1, 1), torch.ones(1, 1, 1))
    assert exact.item() == pytest.approx(estimate.item(), abs=0.01)


@given(seed=seeds)
def test_kl_is_zero_at_the_standard_normal_and_larger_elsewhere(seed: int) -> None:
    mean, log_variance, mask = code(seed)
    everywhere = torch.ones_like(mask)
    zero = torch.zeros_like(mean)
    assert kl_to_standard_normal(zero, zero, everywhere) == 0
    assert kl_to_standard_normal(mean, zero, everywhere) > 0 and kl_to_standard_normal(zero, log_variance, everywhere) > 0


@given(seed=seeds)
def test_masked_pixels_change_neither_kl_nor_its_gradient(seed: int) -> None:
    mean, log_variance, mask = code(seed)
    outside = 1 - mask[:, None]
    changed = (mean + 5 * outside).requires_grad_()
    value = kl_to_standard_normal(changed, log_variance - 2 * outside, mask)
    torch.testing.assert_close(value, kl_to_standard_normal(mean, log_variance, mask))
    value.backward()
    assert not (changed.grad * outside).any()


def test_kl_over_nothing_is_zero() -> None:
    mean, log_variance, mask = code(0)
    assert kl_to_standard_normal(mean, log_variance, torch.zeros_like(mask)) == 0
