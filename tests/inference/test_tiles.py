"""A picture in tiles is the same picture: against one pass over the whole, and what goes wrong without overlap or without a place."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from signseg.config import TINY, with_overrides
from signseg.data.fitting import scores_at
from signseg.inference import tiles, views
from signseg.inference.tiles import OUTER, RAMP, Tile, grid_size, ramp, spans, tiled_scores
from signseg.inference.views import Options, View, pixel_rows, strips
from signseg.modules.positional import ENCODINGS, of_part
from signseg.network import Network
from signseg.structures import Part

ROUNDING = 1e-4  # of scores of a few units
TILE = 2 * OUTER + RAMP + 20  # the smallest useful one, so that a small picture has several


def network(**overrides) -> Network:
    torch.manual_seed(0)
    made = Network(with_overrides(TINY, overrides), np.eye(3, 5, dtype=np.float32))
    with torch.no_grad():
        for parameter in made.classifier.parameters():
            parameter.mul_(5)  # scores that differ
    return made.eval()


def picture(height: int, width: int) -> torch.Tensor:
    """Patches of noise: what a pixel gets depends on its neighbours."""
    random = torch.Generator().manual_seed(1)
    return functional.interpolate(torch.rand(1, 3, height // 7, width // 7, generator=random), size=(height, width), mode="nearest")


@pytest.fixture(scope="module")
def large() -> torch.Tensor:
    return picture(605, 482)


@pytest.mark.parametrize("encoding", ["relative", "absolute", "none"])
def test_a_tiled_prediction_is_the_untiled_one_even_at_the_seams(large, encoding):
    made = network(**{"spatial.encoding": encoding})
    with torch.no_grad():
        expected = made(large)
    assert len(list(tiles.tiles(*expected.shape[2:], TILE))) == 12
    assert (tiled_scores(made, large, TILE) - expected).abs().max() < ROUNDING


def test_it_is_not_where_a_tile_has_an_encoding_of_its_own(large, monkeypatch):
    """So the test above can fail: this is what `Part` is for."""
    made = network()
    with torch.no_grad():
        expected = made(large)
    monkeypatch.setattr(made, "tile_scores", lambda part, place: made(part))
    assert (tiled_scores(made, large, TILE) - expected).abs().max() > 100 * ROUNDING


def test_it_is_not_where_tiles_overlap_too_little(large, monkeypatch):
    made = network()
    with torch.no_grad():
        expected = made(large)
    monkeypatch.setattr(tiles, "OUTER", 2)
    monkeypatch.setattr(tiles, "RAMP", 2)
    assert (tiled_scores(made, large, 60) - expected).abs().max() > 10 * ROUNDING


def test_an_encoder_that_reaches_further_than_the_overlap_differs_near_the_seams_only(large):
    """Dilated like DeepLab's; a stated tolerance: half of the cells, those in the middle of tiles, are the same."""
    made = network(**{"encoder.aspp_dilations": [1, 24]})
    with torch.no_grad():
        difference = (tiled_scores(made, large, TILE) - made(large)).abs().amax(1)[0]
    assert difference.median() < ROUNDING < difference.max()


def test_deeper_strides_and_a_stem_with_pooling_fit_together(large):
    made = network(**{"encoder.stem": "resnet", "encoder.strides": [1, 2]})
    assert made.encoder.stride == 8
    with torch.no_grad():
        expected = made(large)
        tiled = tiled_scores(made, large, tile=expected.shape[2])  # as high as the picture, so that columns alone are cut
    assert tiled.shape == expected.shape
    tiled = tiled_scores(made, picture(1405, 250), TILE)
    with torch.no_grad():
        difference = (tiled - made(picture(1405, 250))).abs()
    assert difference.max() < ROUNDING


@pytest.mark.parametrize("length", [1, 99, 100, 101, 180, 181, 1000])
def test_spans_cover_a_line_with_enough_overlap(length):
    found = spans(length, 100, 20)
    assert found[0][0] == 0 and found[-1][1] == length
    assert all(end - start == min(100, length) for start, end in found)
    assert all(before[1] - after[0] >= 20 and after[0] > before[0] for before, after in zip(found, found[1:], strict=False))


@pytest.mark.parametrize("length", [TILE + 1, 2 * TILE, 1000])
def test_every_cell_has_weight_and_none_near_a_cut(length):
    total = torch.zeros(length)
    for start, end in spans(length, TILE, 2 * OUTER + RAMP):
        weight = ramp(start, end, length)
        assert start == 0 or weight[:OUTER].sum() == 0
        assert end == length or weight[-OUTER:].sum() == 0
        total[start:end] += weight
    assert total.min() > 0.5


def test_the_grid_size_is_that_of_the_features():
    made = network()
    for height, width in ((8, 8), (33, 47), (96, 101)):
        assert grid_size(made.encoder, height, width) == made.encoder(torch.zeros(1, 3, height, width)).shape[2:]
    assert not any(parameter.is_meta for parameter in made.parameters())


@pytest.mark.parametrize("name", ENCODINGS)
@pytest.mark.parametrize("place", [Tile(0, 5, 0, 9), Tile(3, 9, 4, 6), Tile(0, 9, 0, 12)])
def test_the_encoding_of_a_part_is_cut_from_that_of_the_whole(name, place):
    config = TINY.spatial
    whole = ENCODINGS[name](16, 9, 12, config)
    size = place.bottom - place.top, place.right - place.left
    part = of_part(ENCODINGS[name], 16, *size, Part(place.top, place.left, 9, 12), config)
    assert torch.allclose(part, whole[:, place.top : place.bottom, place.left : place.right], atol=1e-6)


def test_rows_of_pixels_are_rows_of_the_whole_enlargement():
    scores, size = torch.randn(1, 3, 7, 9), (30, 41)
    expected = scores_at(scores, size, None)
    for top, bottom in ((0, 30), (0, 1), (5, 11), (29, 30)):
        assert torch.allclose(pixel_rows(scores, size, top, bottom), expected[:, :, top:bottom], atol=1e-6)


def test_strips_are_the_mean_of_views_turned_back(monkeypatch):
    one, other, size = torch.randn(1, 3, 7, 9), torch.randn(1, 3, 5, 6), (30, 41)
    expected = (scores_at(one, size, None) + scores_at(other, size, None).flip(3))[0] / 2
    monkeypatch.setattr(views, "STRIP_VALUES", 3 * 41 * 7)
    found = list(strips([View(one, False), View(other, True)], size))
    assert [top for top, _ in found] == [0, 7, 14, 21, 28]
    assert torch.allclose(torch.cat([rows for _, rows in found], dim=1), expected, atol=1e-6)


def test_a_picture_and_its_mirror_image_agree_under_flips():
    made, image = network(), picture(70, 98)
    options = Options(flips=True, scales=(1.0, 1.5))
    (here,) = [rows for _, rows in strips(views.views(made, image, None, options), (70, 98))]
    (there,) = [rows for _, rows in strips(views.views(made, image.flip(3), None, options), (70, 98))]
    assert torch.allclose(here, there.flip(2), atol=1e-5)
    (plain,) = [rows for _, rows in strips(views.views(made, image, None, Options()), (70, 98))]
    assert not torch.allclose(here, plain, atol=1e-2)
