"""Integer counts that add: everything the scores and the seen-unseen curve need, gathered one image at a time.

It turns score maps and labels into counts. It knows no files, no resolutions and no formula of a score (see `scores.py`, `curve.py`).
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from signseg.classes import IGNORE
from signseg.errors import InputError

# Biases, in units of the scores, that are added to the scores of unseen classes. Steps of 1/4 hold exactly in a float, 0 included.
BIASES = (-math.inf, *(step / 4 for step in range(-48, 49)), math.inf)
_EDGES = torch.tensor([-bias for bias in reversed(BIASES[1:-1])], dtype=torch.float64)  # ascending; bin j holds edge[j-1] < gap <= edge[j]


@dataclass(frozen=True)
class Counts:
    """Pixels by score gap, true class and predicted class; the confusion matrix at every bias of `BIASES` follows exactly.

    The gap of a pixel is its best unseen score minus its best seen score. With a bias b the unseen class wins where gap + b > 0; at a tie
    the seen class wins, as argmax does at b = 0, where seen classes come first. So a pixel needs two entries only: its best seen class and
    its best unseen class, both in the bin of its gap. They never share a column, hence one table.

    table: (98, k, k) int64 = bin of the gap, truth, prediction. 0.7 MB at k = 30, 26 MB at k = 182, however many images are added.
    seen: number of seen classes; they have the training ids 0 .. seen - 1.
    """

    table: Int64[Tensor, "bins k k"]
    seen: int

    @classmethod
    def empty(cls, seen: int, unseen: int) -> "Counts":
        """Counts of no image for so many classes."""
        return cls(torch.zeros(len(_EDGES) + 1, seen + unseen, seen + unseen, dtype=torch.int64), seen)

    @property
    def is_unseen(self) -> Bool[Tensor, " k"]:
        """True at unseen training ids."""
        return torch.arange(self.table.shape[-1]) >= self.seen

    def __add__(self, other: "Counts") -> "Counts":
        """Counts of both sets of images."""
        if self.table.shape != other.table.shape or self.seen != other.seen:
            raise ValueError(f"Counts over {self.table.shape[-1]} and {other.table.shape[-1]} classes, or other seen classes, do not add.")
        return Counts(self.table + other.table, self.seen)

    def add(self, scores: Float[Tensor, "k H W"], labels: Int64[Tensor, "H W"]) -> None:
        """Count one image, in place. Pixels labelled IGNORE are left out.

        Args:
            scores: any finite scores, higher is likelier; a bias is added to them as they are, so logits rather than probabilities.
            labels: training ids or IGNORE.
        Raises:
            ValueError: other numbers of classes or pixels than expected, or a label that is no training id.
        """
        k = self.table.shape[-1]
        if scores.shape != (k, *labels.shape):
            raise ValueError(f"Scores have shape {tuple(scores.shape)}; expected {(k, *labels.shape)} for these labels and classes.")
        valid = labels != IGNORE
        truth = labels[valid]
        if truth.numel() == 0:
            return
        if truth.min() < 0 or truth.max() >= k:
            raise ValueError(f"Labels go from {truth.min()} to {truth.max()}; expected 0 to {k - 1} or {IGNORE}.")
        seen_score, seen_class = _best(scores[: self.seen])
        if k == self.seen:
            self._count(torch.zeros_like(truth), truth, seen_class[valid])
            return
        unseen_score, unseen_class = _best(scores[self.seen :])
        gaps = unseen_score[valid].double() - seen_score[valid].double()
        bins = torch.bucketize(gaps, _EDGES.to(gaps.device))
        self._count(bins, truth, seen_class[valid])
        self._count(bins, truth, unseen_class[valid] + self.seen)

    def _count(self, bins: Int64[Tensor, " n"], truth: Int64[Tensor, " n"], prediction: Int64[Tensor, " n"]) -> None:
        """Add one to the table at each pixel. Scattering touches n cells, where a bincount would touch 98 k^2 of them for every image."""
        k = self.table.shape[-1]
        cells = ((bins * k + truth) * k + prediction).to(self.table.device)
        self.table.view(-1).scatter_add_(0, cells, torch.ones_like(cells))

    def matrix(self, bias: float = 0.0) -> Int64[Tensor, "k k"]:
        """Confusion matrix (truth, prediction) with `bias` added to the unseen scores.

        Raises:
            InputError: the bias is not one of `BIASES`, for which alone the counts are exact.
        """
        if bias not in BIASES:
            nearest = min(BIASES, key=lambda allowed: abs(allowed - bias))
            raise InputError(f"Bias {bias} is not on the grid of the counts (steps of 0.25 from -12 to 12); use {nearest}.")
        if self.seen == self.table.shape[-1]:
            return self.table.sum(dim=0)
        first = len(BIASES) - 1 - BIASES.index(bias)  # first bin in which the unseen class wins
        seen_wins = self.table[:first, :, : self.seen].sum(dim=0)
        unseen_wins = self.table[first:, :, self.seen :].sum(dim=0)
        return torch.cat([seen_wins, unseen_wins], dim=1)

    def matrices(self) -> Int64[Tensor, "biases k k"]:
        """The confusion matrix at every bias of `BIASES`, in that order. Needs about twice the memory of the table on top."""
        below = torch.cat([torch.zeros_like(self.table[:1]), self.table.cumsum(dim=0)])  # counts in the first 0, 1, ... bins
        below = below.flip(0)  # the lowest bias first: there the seen class wins in every bin
        if self.seen == self.table.shape[-1]:
            return below[:1].expand_as(below)
        return torch.cat([below[:, :, : self.seen], (below[:1] - below)[:, :, self.seen :]], dim=2)


def _best(scores: Float[Tensor, "k H W"]) -> tuple[Float[Tensor, "H W"], Int64[Tensor, "H W"]]:
    """Largest score of each pixel and its class, the lowest class at a tie. 2-4 times as fast as `max(dim=0)` on CPU."""
    best = scores[0].clone()
    winner = torch.zeros_like(best, dtype=torch.int64)
    for candidate in range(1, len(scores)):
        winner.masked_fill_(scores[candidate] > best, candidate)
        torch.maximum(best, scores[candidate], out=best)
    return best, winner
