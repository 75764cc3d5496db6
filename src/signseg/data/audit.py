"""The leakage audit: runs before every training and stops it when the label of an unseen class could reach a loss."""

import torch

from signseg.classes import UNANNOTATED, ClassSplit
from signseg.data.training_images import TrainingImages
from signseg.errors import InputError


def audit_training_labels(images: TrainingImages, classes: ClassSplit) -> None:
    """Every training label is a seen class, UNANNOTATED or IGNORE.

    Raises:
        InputError: an unseen or unknown id was found, naming the image.
    """
    allowed = torch.zeros(256, dtype=torch.bool)
    allowed[: len(classes.seen)] = True
    allowed[UNANNOTATED:] = True
    breach = ~allowed[images.labels.long()].flatten(1).all(1)
    if breach.any():
        image = images.names[int(breach.nonzero()[0])]
        raise InputError(f"Leakage audit: training image '{image}' carries a label that is not a seen class; the training was stopped.")


def audit_names(classes: ClassSplit, hidden: tuple[str, ...]) -> None:
    """Classes that a tuning run must not know (the real unseen ones) have neither labels nor names in it.

    Raises:
        InputError: a hidden class is among the run's classes.
    """
    if leaked := sorted(set(classes.names) & set(hidden)):
        found = f"class '{leaked[0]}' must be unknown to a tuning run but is among its classes"
        raise InputError(f"Leakage audit: {found}; the training was stopped.")
