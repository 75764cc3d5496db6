"""The bootstrap over test images against its slow twin, and what an interval must do."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from reference.bootstrap import resampled_score

from signseg.benchmark.bootstrap import bootstrap_interval, resampled, weights
from signseg.evaluation.image_counts import ImageCounts, read_image_counts, sparse, write_image_counts

NAMES, SEEN = ("a", "b", "c", "d", "e"), 3


def draw(seed: int, images: int = 6, right: float = 0.5) -> list[np.ndarray]:
    """Matrices of images in which some classes are absent; `right` is the share of pixels on the diagonal."""
    generator = np.random.default_rng(seed)
    found = []
    for _ in range(images):
        pixels = generator.integers(0, 40, (5, 1)) * (generator.random((5, 1)) < 0.6)
        wrong = np.floor((1 - right) * pixels * generator.dirichlet(np.ones(5), 5)).astype(int)
        found.append(wrong + np.diag((right * pixels[:, 0]).astype(int)))
    return found


def counts(matrices: list[np.ndarray]) -> ImageCounts:
    return ImageCounts.of([sparse(torch.from_numpy(matrix)) for matrix in matrices], NAMES, SEEN)


@given(st.integers(0, 10_000), st.sampled_from(["seen", "unseen", "harmonic"]))
def test_every_resample_equals_the_slow_twin(seed, group):
    matrices = draw(seed)
    times = weights(6, resamples=12, seed=seed)
    found = resampled(counts(matrices), times, f"miou.{group}")
    for number, value in enumerate(found):
        drawn = [image for image in range(6) for _ in range(int(times[number, image]))]
        expected = resampled_score(matrices, drawn, SEEN, group)
        assert len(drawn) == 6 and (np.isnan(value) if expected is None else value == pytest.approx(expected))


def test_weights_are_draws_with_replacement():
    times = weights(50, resamples=2000)
    assert (times.sum(axis=1) == 50).all() and times.mean(axis=0) == pytest.approx(np.ones(50), abs=0.15)
    assert (times == 0).mean() == pytest.approx((1 - 1 / 50) ** 50, abs=0.01)
    assert np.array_equal(times, weights(50, resamples=2000)) and not np.array_equal(times, weights(50, resamples=2000, seed=1))


def test_the_same_line_twice_differs_by_nothing_and_pairing_narrows_the_interval():
    one, better = counts(draw(0, images=80, right=0.4)), counts(draw(0, images=80, right=0.5))
    assert bootstrap_interval([(one, one)] * 3, "miou.harmonic") == (0.0, 0.0)
    low, high = bootstrap_interval([(better, one)], "miou.harmonic")
    times = weights(80)
    alone = resampled(better, times, "miou.harmonic") - resampled(one, weights(80, seed=1), "miou.harmonic")
    assert 0 < low < high and high - low < np.quantile(alone, 0.975) - np.quantile(alone, 0.025)
    shifted = bootstrap_interval([(better, one)], "miou.harmonic", factor=0.0, margin=0.5)
    assert shifted == pytest.approx(tuple(0.5 + np.quantile(resampled(better, times, "miou.harmonic"), [0.025, 0.975])))


def test_what_cannot_be_resampled_has_no_interval():
    one, other = counts(draw(0)), counts(draw(0, images=7))
    assert bootstrap_interval([], "miou.harmonic") is None
    assert bootstrap_interval([(one, one)], "ausuc") is None
    assert bootstrap_interval([(one, other)], "miou.harmonic") is None


def test_counts_survive_the_file_and_add_up(tmp_path):
    matrices = [*draw(3), np.zeros((5, 5), dtype=int)]
    write_image_counts(tmp_path / "x.npz", counts(matrices))
    found = read_image_counts(tmp_path / "x.npz")
    assert np.array_equal(found.matrix(), sum(matrices)) and (found.images, found.seen, found.names) == (7, SEEN, NAMES)
    assert np.array_equal(found.hits(), [np.diag(matrix) for matrix in matrices])
    assert np.array_equal(found.unions(), [matrix.sum(0) + matrix.sum(1) - np.diag(matrix) for matrix in matrices])
