"""What becomes a training label, which images a label policy keeps, and the audit that stops a breach."""

import numpy as np
import pytest
import torch

from signseg.classes import IGNORE, UNANNOTATED, ClassSplit
from signseg.data.audit import audit_names, audit_training_labels
from signseg.data.dataset import Picture
from signseg.data.training_images import TrainingImages
from signseg.errors import InputError

CLASSES = ClassSplit({"sky": 0, "road": 5, "sheep": 3, "cow": 8, "left out": 9}, seen=("road", "sky"), unseen=("cow", "sheep"))
NOTHING = 77


def picture(name: str, mask: list[list[int]], size: int = 4) -> Picture:
    quarter = np.ones((size // 2, size // 2))
    return Picture(name, np.zeros((size, size, 3), dtype=np.uint8), np.kron(np.array(mask), quarter).astype(np.uint8))


def pictures() -> list[Picture]:
    return [
        picture("seen only", [[0, 5], [5, IGNORE]]),
        picture("a cow", [[0, 5], [8, 0]]),
        picture("gaps", [[0, NOTHING], [9, 5]]),
        picture("sheep only", [[3, 3], [3, 3]]),
    ]


def test_seen_classes_keep_their_label_and_nothing_else_does() -> None:
    images = TrainingImages(pictures(), CLASSES)
    corners = images.labels[:, ::2, ::2].flatten(1).tolist()
    assert corners == [[1, 0, 0, IGNORE], [1, 0, UNANNOTATED, 1], [1, UNANNOTATED, UNANNOTATED, 0], [UNANNOTATED] * 4]


def test_dropped_removes_exactly_the_images_with_unseen_pixels() -> None:
    images = TrainingImages(pictures(), CLASSES, label_policy="dropped")
    assert images.names == ("seen only", "gaps") and images.positions == [0, 2]
    single = pictures()[0]
    single.mask[3, 3] = 8
    assert TrainingImages([single, pictures()[2]], CLASSES, label_policy="dropped").names == ("gaps",)


def test_masked_keeps_every_image() -> None:
    images = TrainingImages(pictures(), CLASSES)
    assert images.positions == [0, 1, 2, 3] and len(images) == 4


def test_a_batch_names_its_images_and_takes_them_in_the_order_asked_for() -> None:
    images = TrainingImages(pictures(), CLASSES)
    batch = images.batch(torch.tensor([2, 0]))
    assert torch.equal(batch.labels, images.labels[[2, 0]].long()) and batch.index.tolist() == [2, 0]
    assert batch.images.shape == (2, 3, 4, 4)


@pytest.mark.parametrize(
    ("chosen", "policy", "says"),
    [([1, 3], "dropped", "No training image is left"), ([3], "masked", "No training pixel")],
)
def test_nothing_to_learn_from_is_an_error(chosen: list[int], policy: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        TrainingImages([pictures()[position] for position in chosen], CLASSES, label_policy=policy)


def test_pictures_of_several_sizes_are_an_error() -> None:
    with pytest.raises(InputError, match="2 different sizes"):
        TrainingImages([*pictures(), picture("large", [[0, 0], [0, 0]], size=8)], CLASSES)


def test_the_audit_passes_honest_labels() -> None:
    audit_training_labels(TrainingImages(pictures(), CLASSES), CLASSES)


@pytest.mark.parametrize("label", [2, 3, 4, 100, 253])
def test_one_pixel_with_another_label_than_a_seen_one_stops_the_training(label: int) -> None:
    images = TrainingImages(pictures(), CLASSES)
    images.labels[2, 3, 1] = label
    with pytest.raises(InputError, match="'gaps'"):
        audit_training_labels(images, CLASSES)


def test_a_hidden_class_among_the_names_stops_the_training() -> None:
    audit_names(CLASSES, ("goat",))
    with pytest.raises(InputError, match="'sheep'"):
        audit_names(CLASSES, ("goat", "sheep"))
