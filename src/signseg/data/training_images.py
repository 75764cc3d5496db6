"""The training split as tensors: the only place where masks become training labels, so that the audit has one thing to look at."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from signseg.classes import UNANNOTATED, ClassSplit
from signseg.data.dataset import Picture
from signseg.data.fitting import Size, fit_image, fit_labels
from signseg.data.transforms import from_tensor, to_tensor
from signseg.errors import InputError
from signseg.structures import Batch


class TrainingImages:
    """Images and training labels of one split.

    Args:
        pictures: the training split, all of one size unless `image_size` is given; read one after another.
        classes: who is seen.
        label_policy: "masked" keeps images with unseen pixels and hides those pixels; "dropped" removes such images
            (ZS3Net, SIGN's article).
        image_size: canvas (height, width) that pictures and labels are fitted into; None leaves them as they are.
        progress: called with (pictures done, pictures in all) after each.
    Raises:
        InputError: no picture, pictures of several sizes, or no labelled pixel at all.
    """

    def __init__(
        self,
        pictures: Sequence[Picture],
        classes: ClassSplit,
        *,
        label_policy: str = "masked",
        image_size: Size | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self.positions = LABEL_POLICIES[label_policy](pictures, classes)
        if not self.positions:
            advice = "add images without unseen classes or use 'masked'"
            raise InputError(f"No training image is left under label policy '{label_policy}'; {advice}.")
        self.image_size = image_size
        names, images, labels = [], [], []
        for done, position in enumerate(self.positions, start=1):
            picture = pictures[position]
            names.append(picture.name)
            images.append(picture.image if image_size is None else from_tensor(fit_image(to_tensor(picture.image[None])[0], image_size)))
            labels.append(self.fitted(classes.training_labels(picture.mask)))
            if progress:
                progress(done, len(self.positions))
        if len(sizes := {image.shape for image in images}) > 1:
            raise InputError(f"Training images have {len(sizes)} different sizes; expected one size: give image_size=HEIGHT,WIDTH.")
        self.names = tuple(names)
        self.images = np.stack(images)  # (n, H, W, 3) uint8
        self.labels = torch.stack(labels)  # (n, H, W) uint8
        if not (self.labels < UNANNOTATED).any():
            raise InputError("No training pixel has the label of a seen class; check the class ids in the masks.")

    def __len__(self) -> int:
        return len(self.labels)

    def fitted(self, labels: np.ndarray) -> Tensor:
        """(H, W) uint8 labels of a picture as they lie in `labels`."""
        found = torch.from_numpy(labels)
        return found if self.image_size is None else fit_labels(found, self.image_size)

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
