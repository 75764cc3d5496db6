"""Annealed weights and their temperature against slow twins, and what must hold for any confidence and temperature."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from reference import self_training as slow

from signseg.classes import IGNORE, UNANNOTATED
from signseg.config import SelfTrainingConfig
from signseg.stages.annealing import PEAKS, TEMPERATURES, PseudoLabels, annealed_weights, share_of_seen

seeds, temperatures = st.integers(0, 10_000), st.floats(0, 50)


def confidences(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Confidence (0 where nothing was assigned) and where something was; the last image has nothing."""
    generator = torch.Generator().manual_seed(seed)
    confidence, chance = torch.rand(2, 3, 4, 5, generator=generator)
    assigned = chance < 0.6
    assigned[-1] = False
    return torch.where(assigned, confidence, 0.0), assigned


@given(seed=seeds, temperature=temperatures)
def test_weights_equal_the_slow_twin(seed: int, temperature: float) -> None:
    confidence, assigned = confidences(seed)
    expected = slow.annealed_weights(confidence.numpy(), assigned.numpy(), temperature)
    np.testing.assert_allclose(annealed_weights(confidence, assigned, temperature), expected, rtol=1e-4, atol=1e-7)


@given(seed=seeds, temperature=temperatures)
def test_the_largest_weight_of_an_image_is_one_and_pixels_without_a_label_have_none(seed: int, temperature: float) -> None:
    confidence, assigned = confidences(seed)
    weights = annealed_weights(confidence, assigned, temperature)
    for image in range(len(weights)):
        assert weights[image].max() == float(assigned[image].any())
    assert ((weights[assigned] > 0) & (weights[assigned] <= 1)).all() and not weights[~assigned].any()


@given(seed=seeds)
def test_temperature_zero_is_st(seed: int) -> None:
    confidence, assigned = confidences(seed)
    assert torch.equal(annealed_weights(confidence, assigned, 0.0), assigned.float())


@given(seed=seeds, temperature=st.floats(0.1, 50))
def test_weights_grow_with_confidence(seed: int, temperature: float) -> None:
    confidence, assigned = confidences(seed)
    for image in range(2):
        order = confidence[image][assigned[image]].argsort()
        assert (annealed_weights(confidence, assigned, temperature)[image][assigned[image]][order].diff() >= 0).all()


@given(seed=seeds, temperature=temperatures, factor=st.floats(1.01, 5))
def test_a_sharper_temperature_never_raises_a_weight(seed: int, temperature: float, factor: float) -> None:
    confidence, assigned = confidences(seed)
    assert (annealed_weights(confidence, assigned, factor * temperature) <= annealed_weights(confidence, assigned, temperature)).all()


@given(seed=seeds)
def test_with_a_peak_for_each_class_the_best_pixel_of_every_class_weighs_one(seed: int) -> None:
    confidence, assigned = confidences(seed)
    classes = torch.randint(3, 6, assigned.shape, generator=torch.Generator().manual_seed(seed)).to(torch.uint8)
    labels = torch.where(assigned, classes, torch.tensor(0, dtype=torch.uint8))
    pseudo = PseudoLabels(labels, confidence, assigned)
    weights = PEAKS["class"](pseudo, 4.0)
    assert torch.equal(weights > 0, assigned) and (weights >= PEAKS["image"](pseudo, 4.0)).all()
    for image in range(len(labels)):
        for position in labels[image][assigned[image]].unique():
            mine = assigned[image] & (labels[image] == position)
            assert weights[image][mine].max() == 1
            expected = slow.annealed_weights(confidence[image][None].numpy(), mine[None].numpy(), 4.0)[0]
            np.testing.assert_allclose(torch.where(mine, weights[image], 0.0), expected, rtol=1e-4, atol=1e-7)


@given(seed=seeds)
def test_images_are_weighed_each_for_itself(seed: int) -> None:
    confidence, assigned = confidences(seed)
    alone = torch.cat([annealed_weights(confidence[i : i + 1], assigned[i : i + 1], 4.0) for i in range(3)])
    assert torch.equal(annealed_weights(confidence, assigned, 4.0), alone)


# ---- the temperature that follows the share of seen classes among the pseudo-labelled pixels


def mixture(annotated: torch.Tensor, assigned: torch.Tensor) -> PseudoLabels:
    """One image, one row: annotated pixels of class 0, then pseudo-labelled pixels of class 3, then a border that counts for nothing."""
    labels = torch.tensor([0] * len(annotated) + [3] * len(assigned) + [IGNORE, UNANNOTATED], dtype=torch.uint8)
    confidence = torch.cat([annotated, assigned, torch.tensor([0.0, 0.0])])
    is_assigned = labels == 3
    return PseudoLabels(labels[None, None], confidence[None, None], is_assigned[None, None])


@given(seed=seeds, seen=st.integers(0, 30), unseen=st.integers(1, 30))
def test_the_estimated_share_is_never_below_the_true_one(seed: int, seen: int, unseen: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    annotated, of_unseen = torch.rand(20, generator=generator) ** 3, torch.rand(unseen, generator=generator)
    pseudo = mixture(annotated, torch.cat([annotated.repeat(seen), of_unseen]))
    estimate = share_of_seen(pseudo)
    assert 20 * seen / (20 * seen + unseen) - 1e-6 <= estimate <= 1
    assert estimate == pytest.approx(slow.share_of_seen(annotated.tolist(), annotated.tolist() * seen + of_unseen.tolist()))


def test_the_share_is_zero_where_the_two_kinds_do_not_overlap() -> None:
    assert share_of_seen(mixture(torch.linspace(0, 0.4, 50), torch.linspace(0.6, 1, 10))) == pytest.approx(0)
    nothing = torch.zeros(0)
    assert share_of_seen(mixture(nothing, torch.rand(5))) == share_of_seen(mixture(torch.rand(5), nothing)) == 0


def test_where_no_seen_class_is_unannotated_the_share_rule_is_st() -> None:
    config = SelfTrainingConfig.model_validate({"kind": "ast", "learning_rate": 1e-3, "annealing": "share", "temperature": 8})
    apart = mixture(torch.linspace(0, 0.4, 50), torch.linspace(0.6, 1, 10))
    assert TEMPERATURES["ast"](apart, config) == TEMPERATURES["st"](apart, config) == 0
    mixed = mixture(torch.linspace(0, 1, 50), torch.linspace(0, 1, 50))
    assert TEMPERATURES["ast"](mixed, config) == pytest.approx(8) and TEMPERATURES["st"](mixed, config) == 0
    fixed = config.model_copy(update={"annealing": "fixed"})
    assert TEMPERATURES["ast"](apart, fixed) == 8
