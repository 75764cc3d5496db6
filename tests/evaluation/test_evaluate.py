"""Evaluation of callables: sizes, batches, protocols, and that nothing but images reaches the prediction."""

import numpy as np
import pytest
import torch
from reference.confusion import confusion_matrix
from torch.nn import functional

from signseg.classes import ClassSplit
from signseg.data.dataset import Picture
from signseg.errors import InputError
from signseg.evaluation.evaluate import AtFeatures, evaluate

CLASSES = ClassSplit({"wall": 10, "sky": 20, "gap": 30, "boat": 40, "tree": 50}, ("wall", "sky", "tree"), ("boat",), ignore=255)


def draw(*sizes: tuple[int, int]) -> list[Picture]:
    """Pictures with random masks over all raw ids, an excluded class and void included."""
    generator = np.random.default_rng(0)
    ids = np.array([10, 20, 30, 40, 50, 255], dtype=np.uint8)
    return [
        Picture(f"picture {n}", generator.integers(0, 256, (*size, 3), dtype=np.uint8), generator.choice(ids, size))
        for n, size in enumerate(sizes)
    ]


def from_colour(images: torch.Tensor) -> torch.Tensor:
    """Scores that depend on each pixel alone."""
    return torch.stack([images[:, 0] * 4, images[:, 1] * 4, images[:, 2] * 4, images.mean(dim=1) * 4.5], dim=1)


def expected(predict, pictures: list[Picture], bias: float) -> np.ndarray:
    """Picture by picture with the slow twin."""
    total = np.zeros((4, 4), dtype=np.int64)
    for picture in pictures:
        image = torch.from_numpy(picture.image).permute(2, 0, 1)[None].float() / 255
        scores = functional.interpolate(predict(image), size=picture.mask.shape, mode="bilinear", align_corners=False)[0]
        total += confusion_matrix(scores.numpy(), CLASSES.evaluation_labels(picture.mask), 3, bias)
    return total


@pytest.mark.parametrize("bias", [None, 1.5, -2.0])
def test_images_of_different_sizes_give_one_matrix_over_the_split(bias):
    pictures = draw((6, 5), (6, 5), (6, 5), (3, 9), (6, 5), (1, 1))
    evaluation = evaluate(from_colour, pictures, CLASSES, bias=bias, batch_size=2)
    np.testing.assert_array_equal(evaluation.matrix().numpy(), expected(from_colour, pictures, bias or 0.0))


def test_scores_at_a_lower_resolution_meet_the_label_at_its_own():
    def coarse(images):
        return functional.avg_pool2d(from_colour(images), 4)

    pictures = draw((16, 12), (8, 20))
    np.testing.assert_array_equal(evaluate(coarse, pictures, CLASSES).matrix().numpy(), expected(coarse, pictures, 0.0))


def test_batch_size_changes_nothing_and_progress_ends_at_all_pictures():
    pictures = draw((5, 5), (5, 5), (4, 5), (5, 5), (5, 5), (5, 5))
    seen: list[tuple[int, int]] = []
    one = evaluate(from_colour, pictures, CLASSES, batch_size=1)
    many = evaluate(from_colour, pictures, CLASSES, batch_size=8, progress=lambda done, total: seen.append((done, total)))
    assert torch.equal(one.counts.table, many.counts.table)
    assert seen == [(2, 6), (3, 6), (6, 6)]


def test_counts_are_kept_picture_by_picture():
    pictures = draw((6, 5), (3, 9), (6, 5), (1, 1))
    found = evaluate(from_colour, pictures, CLASSES, bias=2.0, batch_size=2).by_image()
    for number, picture in enumerate(pictures):
        alone = np.zeros((4, 4), dtype=np.int64)
        here = found.image == number
        alone[found.truth[here], found.prediction[here]] = found.pixels[here]
        np.testing.assert_array_equal(alone, expected(from_colour, [picture], 0.0))
    np.testing.assert_array_equal(found.matrix(), evaluate(from_colour, pictures, CLASSES).matrix().numpy())
    assert (found.images, found.seen, found.names) == (4, 3, ("wall", "sky", "tree", "boat"))


def test_only_images_reach_the_prediction():
    """The same images with other masks give the same calls."""
    calls: list[torch.Tensor] = []

    def spy(images):
        calls.append(images.clone())
        return from_colour(images)

    pictures = draw((5, 5), (4, 5))
    blank = [Picture("other", picture.image, np.zeros_like(picture.mask)) for picture in pictures]
    evaluate(spy, pictures, CLASSES)
    evaluate(spy, blank, CLASSES)
    assert len(calls) == 4
    assert torch.equal(calls[0], calls[2]) and torch.equal(calls[1], calls[3])
    assert 0 <= calls[0].min() and 0.5 < calls[0].max() <= 1


def test_excluded_classes_and_void_are_not_scored():
    pictures = draw((20, 20))
    evaluation = evaluate(from_colour, pictures, CLASSES)
    assert int(evaluation.matrix().sum()) == int(np.isin(pictures[0].mask, [10, 20, 40, 50]).sum())
    assert list(evaluation.scores()["iou_per_class"]) == ["wall", "sky", "tree", "boat"]


def test_feature_protocol_scores_the_shrunken_label_of_a_warped_image():
    sizes = []

    def pooled(images):
        sizes.append(tuple(images.shape))
        return functional.avg_pool2d(from_colour(images), 2)

    pictures = draw((8, 16), (4, 4))
    evaluation = evaluate(pooled, pictures, CLASSES, protocol=AtFeatures(size=8))
    assert sizes == [(2, 3, 8, 8)]
    total = np.zeros((4, 4), dtype=np.int64)
    for picture in pictures:
        height, width = picture.mask.shape
        image = torch.from_numpy(picture.image).permute(2, 0, 1)[None].float() / 255
        scores = pooled(functional.interpolate(image, size=(8, 8), mode="bilinear", align_corners=False))[0].numpy()
        labels = CLASSES.evaluation_labels(picture.mask)
        shrunk = np.array([[labels[(2 * r) * height // 8, (2 * c) * width // 8] for c in range(4)] for r in range(4)])
        total += confusion_matrix(scores, shrunk, 3, 0.0)
    np.testing.assert_array_equal(evaluation.matrix().numpy(), total)


def test_calibration_changes_the_scores_and_not_the_curve():
    evaluation = evaluate(from_colour, draw((12, 12)), CLASSES)
    calibrated = evaluation.calibrated(3.0)
    assert calibrated.curve() == evaluation.curve()
    assert calibrated.ausuc == evaluation.ausuc
    at = {entry["bias"]: entry for entry in evaluation.curve()}
    assert calibrated.scores()["miou"]["unseen"] == at[3.0]["unseen"]
    assert evaluation.scores()["miou"]["harmonic"] == at[0.0]["harmonic"]
    assert calibrated.scores() != evaluation.scores()


def test_upper_bound_is_scored_on_the_original_partition():
    pictures = draw((10, 10))
    original = evaluate(from_colour, pictures, CLASSES).scores()
    everything_seen = evaluate(from_colour, pictures, CLASSES.without_unseen())
    assert everything_seen.curve() is None and everything_seen.ausuc is None
    assert everything_seen.scores()["miou"]["unseen"] is None
    assert everything_seen.scores()["iou_per_class"] == original["iou_per_class"]


def test_half_precision_scores_are_counted_in_float():
    pictures = draw((9, 9))
    half = evaluate(lambda images: from_colour(images).bfloat16(), pictures, CLASSES)
    same = evaluate(lambda images: from_colour(images).bfloat16().float(), pictures, CLASSES)
    assert torch.equal(half.counts.table, same.counts.table)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_scores_that_are_not_finite_name_the_picture(bad):
    def diverged(images):
        scores = from_colour(images)
        scores[-1, 0, 0, 0] = bad
        return scores

    with pytest.raises(InputError, match="'picture 1'"):
        evaluate(diverged, draw((3, 3), (3, 3)), CLASSES)


def test_refuses_other_class_counts_mask_sizes_and_protocols():
    pictures = draw((3, 3))
    with pytest.raises(InputError, match="expected 4"):
        evaluate(lambda images: from_colour(images)[:, :3], pictures, CLASSES)
    with pytest.raises(InputError, match="'odd'"):
        evaluate(from_colour, [Picture("odd", pictures[0].image, np.zeros((2, 3), np.uint8))], CLASSES)
    with pytest.raises(InputError, match="did you mean 'pixel'"):
        evaluate(from_colour, pictures, CLASSES, protocol="pixels")


def test_an_empty_split_has_scores_of_none():
    assert evaluate(from_colour, [], CLASSES).scores()["miou"]["all"] is None
