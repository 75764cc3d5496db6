"""Label maps on coarser grids against the slow twin, mirrored batches, and pictures as tensors."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from reference import labels as slow

from signseg.classes import IGNORE, UNANNOTATED
from signseg.data.transforms import flip, grid_labels, shrink_labels, to_tensor

sides = st.integers(1, 13)


def patches(seed: int, height: int, width: int) -> torch.Tensor:
    """Label maps with regions and some single pixels of every kind of label. (2, height, width) uint8."""
    generator = torch.Generator().manual_seed(seed)
    kinds = torch.tensor([0, 1, 7, IGNORE, UNANNOTATED, UNANNOTATED, UNANNOTATED])
    coarse = torch.randint(0, len(kinds), (2, -(-height // 4), -(-width // 4)), generator=generator)
    map_ = coarse.repeat_interleave(4, 1).repeat_interleave(4, 2)[:, :height, :width]
    single = torch.rand(2, height, width, generator=generator) < 0.05
    return kinds[torch.where(single, 0, map_)].to(torch.uint8)


@given(seed=st.integers(0, 10_000), height=sides, width=sides, data=st.data())
def test_shrinking_equals_the_slow_twin(seed: int, height: int, width: int, data: st.DataObject) -> None:
    h, w = data.draw(st.integers(1, height)), data.draw(st.integers(1, width))
    labels = patches(seed, height, width)
    small = shrink_labels(labels, h, w)
    assert small.dtype == torch.uint8
    for image in range(2):
        np.testing.assert_array_equal(small[image], slow.shrink_labels(labels[image].numpy(), h, w))
    assert torch.equal(grid_labels(labels.long(), h, w), small.long())


@given(seed=st.integers(0, 10_000), h=st.integers(1, 6), w=st.integers(1, 6))
def test_shrinking_never_invents_a_label(seed: int, h: int, w: int) -> None:
    labels = patches(seed, 24, 20)
    for image, small in zip(labels, shrink_labels(labels, h, w), strict=True):
        assert set(small.unique().tolist()) <= set(image.unique().tolist()) | {IGNORE}


def test_only_cells_without_any_annotated_pixel_stay_unannotated() -> None:
    labels = torch.full((1, 8, 8), UNANNOTATED, dtype=torch.uint8)
    labels[0, 0, 0] = 3
    labels[0, 7, 0] = IGNORE
    labels[0, 4:, 4:] = 5
    expected = [[IGNORE, UNANNOTATED], [IGNORE, 5]]
    assert shrink_labels(labels, 2, 2)[0].tolist() == expected


def test_the_same_size_changes_nothing() -> None:
    labels = patches(0, 9, 7)
    assert torch.equal(shrink_labels(labels, 9, 7), labels)


@pytest.mark.parametrize("shape", [(3, 4, 5), (3, 2, 4, 5)], ids=str)
def test_flip_mirrors_columns_of_the_chosen_images_only(shape: tuple[int, ...]) -> None:
    maps = torch.rand(shape)
    flipped = flip(maps, torch.tensor([True, False, True]))
    np.testing.assert_array_equal(flipped[0], maps[0].numpy()[..., ::-1])
    assert torch.equal(flipped[1], maps[1])
    assert torch.equal(flip(flipped, torch.tensor([True, False, True])), maps)


@given(seed=st.integers(0, 1000))
def test_labels_of_a_mirrored_picture_are_the_mirrored_labels(seed: int) -> None:
    labels, every = patches(seed, 12, 12), torch.ones(2, dtype=torch.bool)
    # An odd number of pixels in a cell has a middle one, so that mirroring and shrinking may change places.
    assert torch.equal(shrink_labels(flip(labels, every), 4, 4), flip(shrink_labels(labels, 4, 4), every))


def test_pictures_become_channels_first_numbers_from_0_to_1() -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (2, 3, 4, 3), dtype=np.uint8)
    tensor = to_tensor(pictures)
    assert tensor.shape == (2, 3, 3, 4) and tensor.dtype == torch.float32
    assert tensor[1, 2, 0, 3].item() == pytest.approx(pictures[1, 0, 3, 2] / 255)
