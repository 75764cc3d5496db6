"""The schedule, the optimisers and the check for finite losses."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from signseg.config import StepAConfig
from signseg.stages.stage import Update
from signseg.training.optim import OPTIMISERS, NonFiniteLoss, Player, poly


@given(iterations=st.integers(1, 5000), share=st.floats(0, 0.999))
def test_poly_equals_its_formula(iterations: int, share: float) -> None:
    iteration = int(share * iterations)
    warm_up = (iteration + 1) / (0.02 * iterations)
    expected = math.exp(0.9 * math.log(1 - iteration / iterations)) * (warm_up if warm_up < 1 and iterations > 50 else 1)
    assert poly(iteration, iterations) == pytest.approx(expected)


def test_poly_rises_for_two_percent_then_falls_and_never_reaches_zero() -> None:
    factors = [poly(iteration, 1000) for iteration in range(1000)]
    assert factors.index(max(factors)) == 19
    assert all(early < late for early, late in zip(factors[:19], factors[1:20], strict=True))
    assert all(early > late for early, late in zip(factors[19:-1], factors[20:], strict=True))
    assert 0 < factors[-1] < 0.003 and poly(0, 1) == 1


def player(**options) -> Player:
    config = StepAConfig(**{"iterations": 100, "learning_rate": 0.01, "weight_decay": 0.0} | options)
    return Player("segmenter", [nn.Parameter(torch.tensor([3.0, -2.0]))], config)


def squares(p: Player) -> Update:
    return Update("segmenter", {"square": p.parameters[0].square().sum(), "half": p.parameters[0].sum()}, {"square": 1.0, "half": 0.0})


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_a_player_descends_and_forgets_old_gradients(optimiser: str) -> None:
    p = player(optimiser=optimiser)
    costs = []
    for iteration in range(30):
        costs.append(squares(p).total().item())
        before = p.parameters[0].detach().clone()
        p.step(squares(p), stage="step_a", iteration=iteration)
        torch.testing.assert_close(p.parameters[0].grad, 2 * before)
    assert costs[-1] < 0.9 * costs[0]


def test_plain_sgd_moves_by_rate_times_schedule_times_gradient() -> None:
    p = player(optimiser="sgd")
    p.step(squares(p), stage="step_a", iteration=40)
    torch.testing.assert_close(p.parameters[0].detach(), torch.tensor([3.0, -2.0]) * (1 - 2 * 0.01 * poly(40, 100)))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_the_first_loss_that_is_not_finite_stops_with_step_iteration_and_term(value: float) -> None:
    p = player()
    terms = {"kl": p.parameters[0].sum(), "cross_entropy": p.parameters[0].sum() * value}
    update = Update("segmenter", terms, dict.fromkeys(terms, 1.0))
    with pytest.raises(NonFiniteLoss, match="'cross_entropy' of segmenter.*step_b, iteration 17"):
        p.step(update, stage="step_b", iteration=17)
    assert p.parameters[0].tolist() == [3.0, -2.0]


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_a_restored_player_goes_on_as_if_nothing_had_happened(optimiser: str) -> None:
    whole, first, second = (player(optimiser=optimiser) for _ in range(3))
    for iteration in range(10):
        whole.step(squares(whole), stage="step_a", iteration=iteration)
    for iteration in range(5):
        first.step(squares(first), stage="step_a", iteration=iteration)
    second.optimiser.load_state_dict(first.state())
    with torch.no_grad():
        second.parameters[0].copy_(first.parameters[0])
    for iteration in range(5, 10):
        second.step(squares(second), stage="step_a", iteration=iteration)
    assert torch.equal(whole.parameters[0], second.parameters[0])
