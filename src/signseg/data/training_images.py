"""The training split as tensors: the only place where masks become training labels, so that the audit has one thing to look at."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from signseg.classes import UNANNOTATED, ClassSplit
from signseg.data.dataset import Picture
from signseg.data.transforms import to_tensor
from signseg.errors import InputError
from signseg.structures import Batch


class TrainingImages:
    """Images and training labels of one split.

    Args:
        pictures: the training split, all of one size.
        classes: who is seen.
        label_policy: "masked" keeps images with unseen pixels and hides those pixels; "dropped" removes such images
            (ZS3Net, SIGN's article).
    Raises:
        InputError: no picture, pictures of several sizes, or no labelled pixel at all.
    """

    def __init__(self, pictures: Sequence[Picture], classes: ClassSplit, *, label_policy: str = "masked") -> None:
        self.positions = LABEL_POLICIES[label_policy](pictures, classes)
        if not self.positions:
            advice = "add images without unseen classes or use 'masked'"
            raise InputError(f"No training image is left under label policy '{label_policy}'; {advice}.")
        pictures = [pictures[position] for position in self.positions]
        sizes = {picture.image.shape for picture in pictures}
        if len(sizes) > 1:
            raise InputError(f"Training images have {len(sizes)} different sizes; expected one size: resize or crop them first.")
        self.names = tuple(picture.name for picture in pictures)
        self.images = np.stack([picture.image for picture in pictures])  # (n, H, W, 3) uint8
        self.labels = torch.from_numpy(np.stack([classes.training_labels(picture.mask) for picture in pictures]))  # (n, H, W) uint8
        if not (self.labels < UNANNOTATED).any():
            raise InputError("No training pixel has the label of a seen class; check the class ids in the masks.")

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, index: Tensor) -> Batch:
        """The images `index` (b,) without augmentation."""
        return Batch(to_tensor(self.images[index.numpy()]), self.labels[index].long(), index)


def keep_all(pictures: Sequence[Picture], classes: ClassSplit) -> list[int]:
    """Policy "masked": every image stays, unseen pixels lose their label (SPNet, CaGNet, SIGN's release)."""
    return list(range(len(pictures)))


def drop_images_with_unseen(pictures: Sequence[Picture], classes: ClassSplit) -> list[int]:
    """Policy "dropped": an image with any unseen pixel is removed. It looks at unseen labels to do so, which the protocol card names."""
    unseen = [classes.raw_ids[name] for name in classes.unseen]
    return [position for position, picture in enumerate(pictures) if not np.isin(picture.mask, unseen).any()]


LABEL_POLICIES = {"masked": keep_all, "dropped": drop_images_with_unseen}
