"""Cross-entropy over labelled pixels, with a weight for each pixel. It decides neither labels nor weights."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional


def pixel_cross_entropy(scores: Float[Tensor, "b k h w"], labels: Int64[Tensor, "b h w"]) -> Float[Tensor, "b h w"]:
    """-log softmax of the labelled class at every pixel; 0 where the label is no class (IGNORE, UNANNOTATED)."""
    return functional.cross_entropy(scores, torch.where(labels < scores.shape[1], labels, -100), reduction="none", ignore_index=-100)


def weighted_mean(values: Float[Tensor, "*n"], weights: Float[Tensor, "*n"]) -> Float[Tensor, ""]:
    """sum(w v) / sum(w), and 0 where all weights are 0 (release: losses.py adds 1e-6 to the denominator instead)."""
    total = weights.sum()
    return (values * weights).sum() / torch.where(total > 0, total, torch.ones_like(total))


def cross_entropy(scores: Float[Tensor, "b k h w"], labels: Int64[Tensor, "b h w"]) -> Float[Tensor, ""]:
    """Mean cross-entropy over pixels that have a class; 0 for a batch without any."""
    return weighted_mean(pixel_cross_entropy(scores, labels), (labels < scores.shape[1]).to(scores.dtype))
