"""Pair- and list-wise relations against slow twins, where they are smallest, and what must not change them."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from reference import relations as slow
from torch.nn import functional

from signseg.losses.relations import feature_similarity, listwise, pairwise, word_similarity

seeds, temperatures, lengths = st.integers(0, 10_000), st.floats(0.05, 2), st.integers(1, 7)


def draw(seed: int, classes: int, channels: int = 5) -> tuple[torch.Tensor, torch.Tensor]:
    """Unit words (k, 4) and features in (0, 1) (k, c)."""
    generator = torch.Generator().manual_seed(seed)
    words = functional.normalize(torch.randn(classes, 4, generator=generator, dtype=torch.float64), dim=1)
    return words, torch.rand(classes, channels, generator=generator, dtype=torch.float64)


def balanced(seed: int, pairs: int) -> torch.Tensor:
    """Unit vectors whose mean is 0, so that features equal to them have exactly their similarities. (2 pairs, 4)."""
    half = draw(seed, pairs)[0]
    return torch.cat([half, -half])


@given(seed=seeds, classes=st.integers(2, 6), temperature=temperatures, length=lengths)
def test_both_equal_their_slow_twins(seed: int, classes: int, temperature: float, length: int) -> None:
    words, generated = draw(seed, classes)
    arrays = words.numpy(), generated.numpy()
    assert pairwise(words, generated, temperature).item() == pytest.approx(slow.pairwise(*arrays, temperature), rel=1e-5, abs=1e-9)
    expected = slow.listwise(*arrays, temperature, length)
    assert listwise(words, generated, temperature, length).item() == pytest.approx(expected, rel=1e-5, abs=1e-9)


@given(seed=seeds, pairs=st.integers(2, 3), temperature=temperatures, size=st.floats(0.1, 10))
def test_pairwise_is_zero_where_features_are_as_similar_as_words_and_positive_elsewhere(
    seed: int, pairs: int, temperature: float, size: float
) -> None:
    words = balanced(seed, pairs)
    generated = 0.5 + size * words
    torch.testing.assert_close(feature_similarity(generated), word_similarity(words))
    assert pairwise(words, generated, temperature).item() == pytest.approx(0, abs=1e-9)
    assert pairwise(words, draw(seed + 1, 2 * pairs)[1], temperature) > 0


@given(seed=seeds, pairs=st.integers(2, 3), temperature=temperatures, length=lengths)
def test_listwise_is_smallest_where_the_order_agrees(seed: int, pairs: int, temperature: float, length: int) -> None:
    """Whatever order the words ask for, features in the order of their own similarities are the cheapest."""
    own = balanced(seed, pairs)
    other = balanced(seed + 1, pairs)
    features = 0.5 + 0.1 * own
    assert listwise(own, features, temperature, length) <= listwise(other, features, temperature, length) + 1e-9


def test_listwise_reads_the_order_of_words_and_pairwise_their_distances() -> None:
    angles = torch.tensor([0.0, 0.4, 1.0, 2.1], dtype=torch.float64)
    words, stretched = (torch.stack([a.cos(), a.sin()], dim=1) for a in (angles, 1.1 * angles))
    generated = draw(0, 4)[1]
    assert listwise(words, generated, 0.1, 3) == listwise(stretched, generated, 0.1, 3)
    assert pairwise(words, generated, 0.1) != pairwise(stretched, generated, 0.1)


def test_only_the_nearest_classes_are_listed() -> None:
    words, generated = draw(0, 6)
    costs = [listwise(words, generated, 0.1, length).item() for length in (1, 2, 3, 4, 5, 9)]
    assert costs == sorted(costs) and costs[-2] == costs[-1], "the last place is certain, and there is none after it"


@given(seed=seeds, classes=st.integers(2, 6), temperature=temperatures, length=lengths)
def test_the_numbering_of_classes_and_what_all_features_share_change_nothing(
    seed: int, classes: int, temperature: float, length: int
) -> None:
    words, generated = draw(seed, classes)
    order = torch.randperm(classes, generator=torch.Generator().manual_seed(seed))
    for changed in ((words[order], generated[order]), (words, 3 * generated + 7)):
        torch.testing.assert_close(pairwise(*changed, temperature), pairwise(words, generated, temperature))
        torch.testing.assert_close(listwise(*changed, temperature, length), listwise(words, generated, temperature, length))


@pytest.mark.parametrize("classes", [1, 2, 5])
@pytest.mark.parametrize("features", ["drawn", "all alike"])
def test_the_gradient_is_finite(classes: int, features: str) -> None:
    words, generated = (part.float() for part in draw(0, classes))
    generated = (generated if features == "drawn" else torch.full_like(generated, 0.5)).requires_grad_()
    total = pairwise(words, generated, 0.01) + listwise(words, generated, 0.01, 5)
    total.backward()
    assert torch.isfinite(total) and torch.isfinite(generated.grad).all()


@pytest.mark.parametrize("loss", [pairwise, lambda *arguments: listwise(*arguments, 3)], ids=["pairwise", "listwise"])
def test_descending_brings_relations_closer(loss) -> None:
    words, generated = draw(0, 5)
    generated.requires_grad_()
    before = loss(words, generated, 0.5)
    before.backward()
    assert loss(words, generated - 0.01 * generated.grad, 0.5) < before
