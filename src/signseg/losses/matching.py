"""Distances between distributions: MMD between real and synthetic pixel features by group, KL of the latent to a standard normal.

Groups are classes (the article) or runs of equal labels in raster order (what the release computes).
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor


@dataclass(frozen=True)
class Groups:
    """Pixel positions by group: (g, n) indices into a list of pixels, (g, n) weights that sum to 1 in each group."""

    index: Int64[Tensor, "g n"]
    weight: Float[Tensor, "g n"]


def class_groups(labels: Int64[Tensor, "p"], pixels: int) -> Groups:
    """For each class present, `pixels` random positions (with replacement; ZS3Net draws 128 the same way).

    Args:
        labels: class ids of labelled pixels only.
    """
    order = labels.argsort(stable=True)
    _, counts = labels[order].unique_consecutive(return_counts=True)
    start = counts.cumsum(0) - counts
    drawn = (torch.rand(len(counts), pixels, dtype=torch.float64) * counts[:, None]).long()
    index = order[start[:, None] + drawn]
    return Groups(index, torch.full(index.shape, 1.0 / pixels))


def raster_run_groups(labels: Int64[Tensor, "p"], pixels: int) -> Groups:
    """A group ends wherever the label changes from one kept pixel to the next (release: losses.py); long runs keep their first `pixels`."""
    _, counts = labels.unique_consecutive(return_counts=True)
    start = counts.cumsum(0) - counts
    kept = counts.clamp(max=pixels)
    offset = torch.arange(int(kept.max()))
    inside = offset < kept[:, None]
    index = torch.where(inside, start[:, None] + offset, start[:, None])
    return Groups(index, inside / kept[:, None])


GROUPS: dict[str, Callable[[Tensor, int], Groups]] = {"class": class_groups, "raster-run": raster_run_groups}


def mmd(
    real: Float[Tensor, "g n c"], synthetic: Float[Tensor, "g n c"], weight: Float[Tensor, "g n"], bandwidths: tuple[float, ...]
) -> Float[Tensor, "g"]:
    """Square root of sum over bandwidths of 1/2 (E k(p,p') + E k(t,t') - 2 E k(p,t)), biased, k = exp(-||x - y||^2 / (2 s)).

    `s` plays the role of a variance and takes the values of `bandwidths` (release: 2, 5, 10, 20, 40, 60; methods.md 5.1).
    """
    both = torch.cat([real, synthetic], dim=1)
    signed = torch.cat([weight, -weight], dim=1)
    square = both.square().sum(2)
    distance = (square[:, :, None] + square[:, None, :] - 2 * both @ both.transpose(1, 2)).clamp(min=0)
    kernel = torch.stack([(-distance / (2 * s)).exp() for s in bandwidths]).sum(0)
    total = 0.5 * torch.einsum("gi,gij,gj->g", signed, kernel, signed)
    positive = total > 1e-12  # the root has no gradient at 0
    return torch.where(positive, torch.where(positive, total, torch.ones_like(total)).sqrt(), torch.zeros_like(total))


def grouped_mmd(
    real: Float[Tensor, "p c"], synthetic: Float[Tensor, "p c"], groups: Groups, bandwidths: tuple[float, ...]
) -> Float[Tensor, ""]:
    """Mean over groups of the MMD between paired pixel lists; each group counts the same, whatever its size."""
    return mmd(real[groups.index], synthetic[groups.index], groups.weight, bandwidths).mean()


def paired_squared_error(
    real: Float[Tensor, "p c"], synthetic: Float[Tensor, "p c"], groups: Groups, bandwidths: tuple[float, ...]
) -> Float[Tensor, ""]:
    """Mean squared distance between the features of the same pixel, each group counting the same (CaGNet's paper, reconstruction loss)."""
    return ((real[groups.index] - synthetic[groups.index]).square().sum(2) * groups.weight).sum(1).mean()


MATCHING: dict[str, Callable[[Tensor, Tensor, Groups, tuple[float, ...]], Tensor]] = {
    "mmd": grouped_mmd,
    "squared-error": paired_squared_error,
}


def kl_to_standard_normal(
    mean: Float[Tensor, "b c h w"], log_variance: Float[Tensor, "b c h w"], mask: Float[Tensor, "b h w"]
) -> Float[Tensor, ""]:
    """-1/2 mean(1 + log v - mu^2 - v) over masked pixels and channels (methods.md 4.2); 0 for an empty mask."""
    divergence = -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).mean(1)
    total = mask.sum()
    return (divergence * mask).sum() / torch.where(total > 0, total, torch.ones_like(total))
