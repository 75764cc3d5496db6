"""How many pixels got a pseudo-label, how many of those are right where the truth is known, and what they weigh. Never read by training."""

from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from signseg.classes import UNANNOTATED, ClassSplit
from signseg.data.dataset import Dataset
from signseg.data.training_images import TrainingImages
from signseg.data.transforms import from_tensor, shrink_labels
from signseg.files import write_atomically
from signseg.stages.annealing import PseudoLabels, annealed_weights
from signseg.stages.self_training import SelfTrainingRound

SHOWN_TEMPERATURES = (0.0, 1.0, 3.0, 10.0, 30.0)
SHOWN_IMAGES = 4


@runtime_checkable
class KnowsTruth(Protocol):
    """A data set that can show complete masks of its training pictures (the built-in world)."""

    def true_split(self, name: str) -> Any: ...


def round_report(
    number: int, pseudo: PseudoLabels, stage: SelfTrainingRound, data: Dataset, classes: ClassSplit, images: TrainingImages
) -> dict[str, Any]:
    """One entry of pseudo_labels.json: shares are of all pixels; precision is None where no truth is known."""
    assigned = pseudo.assigned
    truth = _truth(data, classes, images, pseudo.labels.shape[1:])
    right = None if truth is None else (truth == pseudo.labels) & assigned
    total = int(assigned.sum())
    per_class = {}
    for position in np.flatnonzero(classes.is_unseen).tolist():
        mine = assigned & (pseudo.labels == position)
        pixels = int(mine.sum())
        precision = None if right is None or pixels == 0 else int((right & mine).sum()) / pixels
        per_class[classes.names[position]] = {"pixels": pixels, "precision": precision}
    return {
        "round": number,
        "temperature": stage.temperature,
        "share": total / assigned.numel(),
        "candidates": int((shrink_labels(images.labels, *pseudo.labels.shape[1:]) == UNANNOTATED).sum()) / assigned.numel(),
        "precision": None if right is None or total == 0 else int(right.sum()) / total,
        "effective_weight": float(stage.weights[assigned].mean()) if total else None,
        "per_class": per_class,
    }


def weight_curves(pseudo: PseudoLabels, points: int = 101) -> dict[str, Any]:
    """Weight against confidence for several temperatures, at the confidences of this round (the article's Figure 5)."""
    confidence = pseudo.confidence[pseudo.assigned]
    if not len(confidence):
        return {"confidence": [], "curves": []}
    grid = torch.linspace(float(confidence.min()), float(confidence.max()), points)
    everywhere = torch.ones(1, 1, points, dtype=torch.bool)
    weights = {t: annealed_weights(grid[None, None], everywhere, t).flatten().tolist() for t in SHOWN_TEMPERATURES}
    return {"confidence": grid.tolist(), "curves": [{"temperature": t, "weight": weight} for t, weight in weights.items()]}


def write_weight_maps(path: Path, pseudo: PseudoLabels, weights: Tensor, images: TrainingImages, classes: ClassSplit) -> None:
    """Pictures of the first training images that got pseudo-labels, for the report.

    Writes images (m, H, W, 3) uint8, labels (m, h, w) uint8 raw ids with the ignored id where there is no pseudo-label, and
    weights (m, h, w) float16.
    """
    chosen = pseudo.assigned.flatten(1).any(1).nonzero()[:SHOWN_IMAGES, 0]
    assigned = pseudo.assigned[chosen].numpy()
    labels = np.where(assigned, classes.raw_labels(pseudo.labels[chosen].numpy()), classes.ignore).astype(np.uint8)
    shown = np.stack([from_tensor(image) for image in images.batch(chosen).images]) if len(chosen) else np.zeros((0, 1, 1, 3), np.uint8)
    maps = {"images": shown, "labels": labels, "weights": weights[chosen].numpy().astype(np.float16)}
    write_atomically(path, lambda handle: np.savez_compressed(handle, allow_pickle=False, **maps))


def _truth(data: Dataset, classes: ClassSplit, images: TrainingImages, size: tuple[int, ...]) -> Tensor | None:
    """(n, h, w) true training ids, for measuring only."""
    if not isinstance(data, KnowsTruth):
        return None
    pictures = data.true_split("train")
    masks = torch.stack([images.fitted(classes.evaluation_labels(pictures[position].mask)) for position in images.positions])
    return shrink_labels(masks, *size)
