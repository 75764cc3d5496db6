"""GAN terms against the slow twin, and where their optimum lies."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from reference.segmentation import gan_terms

from signseg.losses.adversarial import ADVERSARIAL

FORMS = {name: form for name, form in ADVERSARIAL.items() if form is not None}
POWERS = {"least-squares": 2, "absolute": 1}
score = st.floats(0, 1, width=32)


def test_every_form_has_a_twin() -> None:
    assert set(FORMS) == set(POWERS) and set(ADVERSARIAL) - set(FORMS) == {"none"}


@pytest.mark.parametrize("name", FORMS)
@given(pairs=st.lists(st.tuples(score, score), min_size=1, max_size=6))
def test_terms_equal_the_slow_twin(name: str, pairs: list[tuple[float, float]]) -> None:
    loss = FORMS[name]
    real, synthetic = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    d, g = gan_terms(real, synthetic, POWERS[name])
    assert loss.discriminator(torch.tensor(real), torch.tensor(synthetic)).item() == pytest.approx(d, abs=1e-5)
    assert loss.generator(torch.tensor(synthetic)).item() == pytest.approx(g, abs=1e-5)


@pytest.mark.parametrize("name", FORMS)
def test_a_perfect_discriminator_costs_nothing_and_a_fooled_one_costs_g_nothing(name: str) -> None:
    loss, ones, zeros = FORMS[name], torch.ones(4), torch.zeros(4)
    assert loss.discriminator(ones, zeros) == 0 and loss.generator(ones) == 0
    assert loss.discriminator(zeros, ones) == 2 and loss.generator(zeros) == 1


def test_least_squares_of_indistinguishable_pixels_has_its_optimum_at_one_half() -> None:
    judged = torch.linspace(0, 1, 101)
    costs = [FORMS["least-squares"].discriminator(score[None], score[None]).item() for score in judged]
    assert judged[costs.index(min(costs))] == 0.5 and min(costs) == pytest.approx(0.5)


def test_absolute_is_one_minus_real_plus_synthetic() -> None:
    """The release's objective is that of a WGAN on sigmoid scores (methods.md 5.1)."""
    real, synthetic = torch.rand(2, 7)
    torch.testing.assert_close(FORMS["absolute"].discriminator(real, synthetic), 1 - real.mean() + synthetic.mean())


@pytest.mark.parametrize("name", FORMS)
def test_discriminator_and_generator_push_synthetic_scores_apart(name: str) -> None:
    pushes = []
    for term in (lambda s: FORMS[name].discriminator(torch.full((3,), 0.9), s), FORMS[name].generator):
        synthetic = torch.full((3,), 0.4, requires_grad=True)
        term(synthetic).backward()
        pushes.append(synthetic.grad)
    assert (pushes[0] > 0).all() and (pushes[1] < 0).all()
