"""Evaluation of any callable: pictures in, counts over the whole split out, under a named protocol.

The callable gets images and nothing else, so no label can reach a prediction. What method made the scores is not known here.
"""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol as Interface

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional

from signseg.classes import ClassSplit
from signseg.data.dataset import Picture
from signseg.data.fitting import Size, fit_image, scores_at
from signseg.errors import InputError, did_you_mean
from signseg.evaluation.confusion import Counts
from signseg.evaluation.curve import CurvePoint, ausuc, seen_unseen_curve
from signseg.evaluation.image_counts import ImageCounts, sparse
from signseg.evaluation.scores import Scores, score

Predict = Callable[[Float[Tensor, "b 3 H W"]], Float[Tensor, "b k h w"]]


class Protocol(Interface):
    """Where scores and labels meet. `name` is printed on the protocol card."""

    @property
    def name(self) -> str: ...

    def image(self, image: Float[Tensor, "3 H W"]) -> Tensor:
        """The image as the model sees it."""
        ...

    def meet(self, scores: Float[Tensor, "k h w"], labels: Int64[Tensor, "H W"]) -> tuple[Tensor, Tensor]:
        """Scores and labels of one image at the same size."""
        ...


@dataclass(frozen=True)
class AtLabels:
    """Scores are enlarged to the label's own resolution, so small objects and borders count. The default.

    canvas: the size of training (height, width) that images are fitted into; None shows them as they are. Labels are never fitted.
    """

    name: str = "pixel"
    canvas: Size | None = None

    def image(self, image: Float[Tensor, "3 H W"]) -> Tensor:
        """On the canvas, or unchanged."""
        return image if self.canvas is None else fit_image(image, self.canvas)

    def meet(self, scores: Float[Tensor, "k h w"], labels: Int64[Tensor, "H W"]) -> tuple[Tensor, Tensor]:
        """Bilinear (align_corners False) scores at label size; labels unchanged."""
        return scores_at(scores[None], (labels.shape[0], labels.shape[1]), self.canvas)[0], labels


@dataclass(frozen=True)
class AtFeatures:
    """As the releases of SIGN and CaGNet score: a warped square, and labels shrunk to the feature map. For published numbers only."""

    size: int = 513  # side of the square in pixels
    name: str = "feature"

    def image(self, image: Float[Tensor, "3 H W"]) -> Tensor:
        """Warped to the square; the aspect ratio is lost, as in the releases."""
        return functional.interpolate(image[None], size=(self.size, self.size), mode="bilinear", align_corners=False)[0]

    def meet(self, scores: Float[Tensor, "k h w"], labels: Int64[Tensor, "H W"]) -> tuple[Tensor, Tensor]:
        """Scores unchanged; labels nearest to the square, then nearest to the feature map."""
        square = functional.interpolate(labels[None, None].float(), size=(self.size, self.size), mode="nearest")
        return scores, functional.interpolate(square, size=scores.shape[-2:], mode="nearest")[0, 0].long()


PROTOCOLS: dict[str, Protocol] = {protocol.name: protocol for protocol in (AtLabels(), AtFeatures())}


def protocol_for(name: str, image_size: Size | None) -> Protocol:
    """The protocol called `name` for a model trained at `image_size`; "feature" has a size of its own.

    Raises:
        InputError: there is none.
    """
    chosen = _protocol(name)
    return dataclasses.replace(chosen, canvas=image_size) if isinstance(chosen, AtLabels) else chosen


@dataclass(frozen=True)
class Evaluation:
    """The counts of one split, and the scores that follow from them.

    bias: added to unseen scores in `scores()`; None for an uncalibrated evaluation.
    images: matrix at bias 0 of each picture, in the order of the split.
    """

    counts: Counts
    classes: ClassSplit
    bias: float | None = None
    images: list[np.ndarray] = dataclasses.field(default_factory=list)

    def matrix(self) -> Int64[Tensor, "k k"]:
        """The confusion matrix (truth, prediction) that the scores are made from."""
        return self.counts.matrix(self.bias or 0.0)

    def scores(self) -> Scores:
        """The keys miou, pixel_accuracy, mean_accuracy and iou_per_class of a row of results.json."""
        return score(self.matrix(), self.counts.is_unseen, self.classes.names)

    def curve(self) -> list[CurvePoint] | None:
        """Seen and unseen mIoU over the bias; the same whatever `bias` is. None where there is no unseen class."""
        return seen_unseen_curve(self.counts)

    @property
    def ausuc(self) -> float | None:
        """Area under the curve."""
        return ausuc(self.curve())

    def by_image(self) -> ImageCounts:
        """The uncalibrated matrix of each picture."""
        return ImageCounts.of(self.images, self.classes.names, self.counts.seen)

    def calibrated(self, bias: float) -> "Evaluation":
        """The same counts scored with a bias, which must come from a tuning run."""
        return dataclasses.replace(self, bias=bias)


def evaluate(
    predict: Predict,
    pictures: Sequence[Picture],
    classes: ClassSplit,
    *,
    protocol: str | Protocol = "pixel",
    bias: float | None = None,
    batch_size: int = 8,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Count every labelled pixel of a split into one table.

    Args:
        predict: (b, 3, H, W) images with values in [0, 1] -> (b, k, h, w) scores in training ids, at any resolution.
        pictures: the split; read one after another, `batch_size` at most are held at a time.
        classes: the split to score on. For an upper bound this is the original one, not the one that declares every class seen.
        protocol: a key of `PROTOCOLS` or an object like those.
        bias: see `Evaluation`.
        batch_size: neighbours of equal size go through `predict` together, up to so many.
        progress: called with (pictures done, pictures in all) after every batch.
    Raises:
        InputError: unknown protocol, scores that are not finite or have another number of classes, or a mask of another size.
    """
    chosen = _protocol(protocol)
    unseen = len(classes.unseen)
    evaluation = Evaluation(Counts.empty(len(classes.seen), unseen), classes, bias)
    done, before = 0, evaluation.counts.matrix()
    with torch.no_grad():
        for batch in _batches((_prepare(picture, chosen, classes) for picture in pictures), batch_size):
            scores = predict(torch.stack([item.image for item in batch]))
            for item, map_of_scores in zip(batch, scores, strict=True):
                _check(map_of_scores, item.name, len(classes.names))
                evaluation.counts.add(*chosen.meet(map_of_scores.float(), item.labels.to(map_of_scores.device)))
                after = evaluation.counts.matrix()
                evaluation.images.append(sparse(after - before))
                before = after
            done += len(batch)
            if progress:
                progress(done, len(pictures))
    return evaluation


@dataclass(frozen=True)
class _Prepared:
    name: str
    image: Float[Tensor, "3 H W"]
    labels: Int64[Tensor, "..."]  # at the mask's size, which a protocol may make another than the image's


def _prepare(picture: Picture, protocol: Protocol, classes: ClassSplit) -> _Prepared:
    if picture.image.shape[:2] != picture.mask.shape:
        raise InputError(f"'{picture.name}' has an image of {picture.image.shape[:2]} and a mask of {picture.mask.shape}; make them equal.")
    image = torch.from_numpy(np.ascontiguousarray(picture.image)).permute(2, 0, 1).float() / 255
    labels = torch.from_numpy(classes.evaluation_labels(picture.mask)).long()
    return _Prepared(picture.name, protocol.image(image), labels)


def _batches(items: Iterable[_Prepared], batch_size: int) -> Iterator[list[_Prepared]]:
    """Neighbours of equal image size, at most `batch_size` of them."""
    batch: list[_Prepared] = []
    for item in items:
        if batch and (len(batch) == batch_size or item.image.shape != batch[0].image.shape):
            yield batch
            batch = []
        batch.append(item)
    if batch:
        yield batch


def _check(scores: Tensor, name: str, k: int) -> None:
    if len(scores) != k:
        raise InputError(f"The model gives {len(scores)} scores a pixel for '{name}', expected {k}; use the classes it was trained with.")
    if not torch.isfinite(scores).all():
        raise InputError(f"The scores of '{name}' are not all finite; the model has diverged: train it again with a lower learning rate.")


def _protocol(protocol: str | Protocol) -> Protocol:
    if not isinstance(protocol, str):
        return protocol
    if protocol not in PROTOCOLS:
        raise InputError(f"There is no evaluation protocol '{protocol}'; {did_you_mean(protocol, list(PROTOCOLS))}")
    return PROTOCOLS[protocol]
