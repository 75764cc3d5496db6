"""Step four: a fixed copy of the model labels the unannotated pixels, and E, SIM and C learn from labels and pseudo-labels (ST, AST).

ST gives every pseudo-label weight 1; AST weighs it by an annealed softmax of the confidence in the class that was assigned.
"""

from collections.abc import Callable, Iterator

import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor, nn

from signseg.classes import UNANNOTATED
from signseg.config import SelfTrainingConfig
from signseg.data.training_images import TrainingImages
from signseg.data.transforms import flip
from signseg.losses.segmentation import pixel_cross_entropy, weighted_mean
from signseg.network import Network
from signseg.stages.annealing import PEAKS, TEMPERATURES, PseudoLabels
from signseg.stages.stage import Update
from signseg.stages.step_a import at_resolution, latent_kl
from signseg.stages.views import VIEWS, agreement


def assign_unseen(
    scores: Float[Tensor, "n k H W"], labels: UInt8[Tensor, "n H W"], is_unseen: Bool[Tensor, "k"], top_p: int
) -> PseudoLabels:
    """Give unannotated pixels their best unseen class, if that is among the `top_p` best of all classes (0: always).

    `top_p` 1 is CaGNet's rule, 0 the intention of SIGN's release. The confidence is that of the assigned class over all classes
    (the release reads another channel: methods.md 6.4).
    """
    probability = scores.softmax(1)
    confidence, best = probability[:, is_unseen].max(1)
    assigned = labels == UNANNOTATED
    if top_p:
        better = (probability > confidence[:, None]).sum(1)
        assigned = assigned & (better < top_p)
    completed = torch.where(assigned, is_unseen.nonzero()[:, 0][best], labels.long()).to(torch.uint8)
    return PseudoLabels(completed, confidence, assigned)


def keep(pseudo: PseudoLabels, kept: Bool[Tensor, "n H W"]) -> PseudoLabels:
    """Pseudo-labels where `kept`; elsewhere pixels are unannotated again."""
    dropped = pseudo.assigned & ~kept
    labels = torch.where(dropped, torch.full_like(pseudo.labels, UNANNOTATED), pseudo.labels)
    return PseudoLabels(labels, pseudo.confidence, pseudo.assigned & kept)


def most_confident(pseudo: PseudoLabels, share: float) -> Bool[Tensor, "n H W"]:
    """The share of each image's pseudo-labels in which the teacher is most confident; a started pixel counts, of equals the first stay.

    ZS3Net takes the percentage per image, over all unseen classes together (methods.md 6.1).
    """
    confidence = torch.where(pseudo.assigned, pseudo.confidence, -torch.inf).flatten(1)
    place = confidence.argsort(dim=1, descending=True, stable=True).argsort(dim=1).view(pseudo.assigned.shape)
    count = pseudo.assigned.flatten(1).sum(1)[:, None, None]
    return pseudo.assigned & (place.double() / count < share)


@torch.no_grad()
def pseudo_label(teacher: Network, images: TrainingImages, is_unseen: Tensor, config: SelfTrainingConfig) -> PseudoLabels:
    """Label the whole training split with the frozen teacher, at 1/resolution of the image size. No random number is drawn."""
    teacher.eval()
    parts = []
    for index in torch.arange(len(images)).split(16):
        batch = images.batch(index)
        scores, labels = at_resolution(teacher(batch.images), batch.labels, config.resolution)
        pseudo = assign_unseen(scores, labels.to(torch.uint8), is_unseen, config.top_p)
        pseudo = keep(pseudo, agreement(teacher, batch.images, scores, is_unseen, VIEWS[config.views]))
        parts.append(keep(pseudo, most_confident(pseudo, config.top_share)))
    return PseudoLabels(*(torch.cat([getattr(part, field) for part in parts]) for field in ("labels", "confidence", "assigned")))


def together(loss: Tensor, labelled: Tensor, pseudo: Tensor, pseudo_weight: float) -> dict[str, Tensor]:
    """One mean over labelled and pseudo-labelled pixels (release: sum(w CE) / sum(w))."""
    return {"cross_entropy": weighted_mean(loss, labelled + pseudo_weight * pseudo)}


def apart(loss: Tensor, labelled: Tensor, pseudo: Tensor, pseudo_weight: float) -> dict[str, Tensor]:
    """A mean over each kind, so that small weights do not shrink the share of the pseudo-labels.

    Ours, to tell weighting from calibration.
    """
    return {"labelled": weighted_mean(loss, labelled), "pseudo": pseudo_weight * weighted_mean(loss, pseudo)}


NORMALISATIONS: dict[str, Callable[..., dict[str, Tensor]]] = {"together": together, "apart": apart}


class SelfTrainingRound:
    """One round: the segmenter learns from labels and from a teacher's pseudo-labels, which stay fixed for the round.

    Args:
        pseudo: the teacher's labels for the training split; weights follow from their confidence and the temperature.
    """

    def __init__(
        self,
        network: Network,
        images: TrainingImages,
        pseudo: PseudoLabels,
        config: SelfTrainingConfig,
        *,
        number: int,
        precision: torch.dtype = torch.float32,
    ) -> None:
        self.precision = precision
        self.network, self.images, self.pseudo, self.config = network, images, pseudo, config
        self.name = f"self_training_{number}"
        self.temperature = TEMPERATURES[config.kind](pseudo, config)
        self.weights = PEAKS[config.peak](pseudo, self.temperature)
        self.combine = NORMALISATIONS[config.normalisation]

    def players(self) -> dict[str, list[nn.Parameter]]:
        return {"segmenter": self.network.segmenter()}

    def training_modules(self) -> list[nn.Module]:
        return [self.network.encoder, self.network.spatial, self.network.classifier]

    def updates(self, index: Tensor) -> Iterator[Update]:
        mirrored = torch.rand(len(index)) < 0.5
        batch = self.images.batch(index)
        labels, weights = flip(self.pseudo.labels[index].long(), mirrored), flip(self.weights[index], mirrored)
        passed = self.network.trained_scores(flip(batch.images, mirrored), self.precision)
        scores, _ = at_resolution(passed.scores, batch.labels, self.config.resolution)
        loss = pixel_cross_entropy(scores, labels)
        labelled = ((labels < UNANNOTATED) & ~flip(self.pseudo.assigned[index], mirrored)).float()
        terms = self.combine(loss, labelled, weights, self.config.pseudo_weight)
        terms["kl"] = latent_kl(passed.code, flip(batch.labels, mirrored))
        yield Update("segmenter", terms, dict.fromkeys(terms, 1.0) | {"kl": self.config.kl_weight})

