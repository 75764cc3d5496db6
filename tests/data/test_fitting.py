"""Pictures on the canvas of training and scores back at the picture's size."""

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from signseg.classes import IGNORE
from signseg.data.dataset import Picture
from signseg.data.fitting import LONGEST, canvas_for, content_size, fit_image, fit_labels, scores_at

sides = st.integers(8, 60)


class Sized(list[Picture]):
    def __init__(self, *sizes: tuple[int, int]) -> None:
        self._sizes = list(sizes)

    def sizes(self) -> list[tuple[int, int]]:
        return self._sizes


@pytest.mark.parametrize(
    ("sizes", "canvas"),
    [
        ([(96, 96), (96, 96)], (96, 96)),
        ([(LONGEST, 100)], (LONGEST, 100)),
        ([(360, 480)] * 3, (192, 256)),
        ([(480, 360)], (256, 192)),
        ([(375, 500), (500, 375), (375, 500)], (192, 256)),
        ([(40, 56), (56, 40), (30, 30)], (56, 56)),
        ([(8, 4000)], (1, 256)),
    ],
)
def test_the_default_canvas(sizes: list[tuple[int, int]], canvas: tuple[int, int]) -> None:
    assert canvas_for(Sized(*sizes)) == canvas


def test_pictures_made_at_one_size_need_no_canvas() -> None:
    assert canvas_for([Picture("a", np.zeros((9, 9, 3), np.uint8), np.zeros((9, 9), np.uint8))]) is None


@given(height=sides, width=sides, canvas=st.tuples(sides, sides))
def test_what_is_fitted_touches_the_canvas_and_keeps_its_form(height: int, width: int, canvas: tuple[int, int]) -> None:
    h, w = content_size(height, width, canvas)
    scale = min(canvas[0] / height, canvas[1] / width)
    assert 1 <= h <= canvas[0] and 1 <= w <= canvas[1] and (h == canvas[0] or w == canvas[1])
    assert abs(h - height * scale) < 1 and abs(w - width * scale) < 1


@given(height=sides, width=sides, canvas=st.tuples(sides, sides), seed=st.integers(0, 99))
def test_labels_are_those_of_the_picture_and_void_beside_it(height: int, width: int, canvas: tuple[int, int], seed: int) -> None:
    labels = torch.randint(0, 5, (height, width), generator=torch.Generator().manual_seed(seed)).to(torch.uint8)
    fitted = fit_labels(labels, canvas)
    h, w = content_size(height, width, canvas)
    for row in range(canvas[0]):
        for column in range(canvas[1]):
            inside = row < h and column < w
            source = (math.floor(Fraction(2 * row + 1, 2) * height / h), math.floor(Fraction(2 * column + 1, 2) * width / w))
            assert fitted[row, column] == (labels[source] if inside else IGNORE)


@given(height=sides, width=sides)
def test_the_same_size_changes_nothing(height: int, width: int) -> None:
    image = torch.rand(3, height, width)
    assert fit_image(image, (height, width)) is image
    labels = (image[0] * 9).to(torch.uint8)
    assert torch.equal(fit_labels(labels, (height, width)), labels)
    assert torch.equal(scores_at(image[None], (height, width), (height, width)), image[None])


def test_images_shrink_as_pillow_shrinks_them() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    twin = np.asarray(Image.fromarray(pixels).resize((40, 30), Image.Resampling.BILINEAR)).astype(np.float32)
    fitted = 255 * fit_image(torch.from_numpy(pixels).permute(2, 0, 1) / 255, (30, 50))
    assert np.abs(fitted[:, :, :40].permute(1, 2, 0).numpy() - twin).max() < 1.5
    np.testing.assert_allclose(fitted[:, :, 40:].permute(1, 2, 0).reshape(-1, 3).numpy().std(0), 0, atol=1e-2)


@pytest.mark.parametrize("size", [(60, 40), (40, 60), (17, 90), (30, 30)], ids=str)
def test_scores_come_back_to_where_they_belong(size: tuple[int, int]) -> None:
    """A network that repeats its input: what is left of a smooth picture after there and back again is the picture."""
    rows, columns = torch.meshgrid(torch.linspace(0, 1, size[0]), torch.linspace(0, 1, size[1]), indexing="ij")
    image = torch.stack([rows, columns, rows * columns])
    back = scores_at(fit_image(image, (48, 64))[None], size, (48, 64))[0]
    assert back.shape == image.shape and (back - image).abs().max() < 0.08
