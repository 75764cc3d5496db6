"""The encodings against their slow twins and the published numbers, and what must hold at any resolution."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from reference import positional as slow

from signseg.config import SpatialConfig
from signseg.modules.positional import ENCODINGS, absolute, absolute_interpolated, none, relative

sizes = {"height": st.integers(1, 9), "width": st.integers(1, 9)}


def test_relative_gives_the_numbers_of_the_release() -> None:
    encoding = relative(600, 5, 9, SpatialConfig())
    expected = [0, 0.8640, 0.8700, 0.0122, -0.8578, -0.8760, -0.0243, 0.8515, 0.8818]
    np.testing.assert_allclose(encoding[0], np.tile(expected, (5, 1)), atol=1e-4)
    assert (encoding[:300] == encoding[:300, :1]).all(), "the first half depends on the column only"
    assert (encoding[300:] == encoding[300:, :, :1]).all(), "the second half depends on the row only"
    assert not (encoding[300] == encoding[300, :1]).all()


@given(**sizes, quarter=st.integers(1, 6), length=st.sampled_from([64.0, 512.0]))
def test_relative_equals_the_slow_twin(height: int, width: int, quarter: int, length: float) -> None:
    fast = relative(4 * quarter, height, width, SpatialConfig(standard_length=length))
    np.testing.assert_allclose(fast, slow.relative(4 * quarter, height, width, length), atol=2e-4)


@given(**sizes, quarter=st.integers(1, 6))
def test_absolute_equals_the_slow_twin(height: int, width: int, quarter: int) -> None:
    np.testing.assert_allclose(absolute(4 * quarter, height, width, SpatialConfig()), slow.absolute(4 * quarter, height, width), atol=1e-5)


@given(**sizes, rows=st.integers(2, 7), columns=st.integers(2, 7))
def test_absolute_interpolated_equals_the_slow_twin(height: int, width: int, rows: int, columns: int) -> None:
    fast = absolute_interpolated(8, height, width, SpatialConfig(training_grid=(rows, columns)))
    np.testing.assert_allclose(fast, slow.absolute_interpolated(8, height, width, (rows, columns)), atol=1e-5)


@given(height=st.integers(2, 8), width=st.integers(2, 8), factor=st.integers(2, 4))
def test_the_same_relative_position_has_the_same_code_at_any_resolution(height: int, width: int, factor: int) -> None:
    coarse = relative(16, height, width, SpatialConfig())
    fine = relative(16, factor * (height - 1) + 1, factor * (width - 1) + 1, SpatialConfig())
    np.testing.assert_allclose(fine[:, ::factor, ::factor], coarse, atol=3e-4)


def test_the_same_cell_has_the_same_absolute_code_at_any_resolution_and_another_relative_one() -> None:
    config = SpatialConfig()
    assert (absolute(16, 9, 7, config)[:, :4, :5] == absolute(16, 4, 5, config)).all()
    assert not torch.allclose(relative(16, 9, 7, config)[:, :4, :5], relative(16, 4, 5, config), atol=0.1)


def test_absolute_interpolated_is_absolute_at_the_training_grid_and_keeps_the_corners() -> None:
    config = SpatialConfig(training_grid=(6, 5))
    trained = absolute(16, 6, 5, config)
    np.testing.assert_allclose(absolute_interpolated(16, 6, 5, config), trained, atol=1e-6)
    larger = absolute_interpolated(16, 11, 13, config)
    np.testing.assert_allclose(larger[:, [0, 0, -1, -1], [0, -1, 0, -1]], trained[:, [0, 0, -1, -1], [0, -1, 0, -1]], atol=1e-6)


def test_no_encoding_is_zeros() -> None:
    assert not none(8, 3, 4, SpatialConfig()).any()


@pytest.mark.parametrize("name", [name for name in ENCODINGS if name != "none"])
def test_no_two_cells_share_a_code(name: str) -> None:
    codes = ENCODINGS[name](16, 12, 10, SpatialConfig(training_grid=(9, 9))).flatten(1).T
    assert torch.pdist(codes).min() > 1e-3
