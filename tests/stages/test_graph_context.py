"""Segments and their graph against slow twins, G on a graph, and what steps b and c make of both."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from reference import segments as slow

from signseg.classes import IGNORE, UNANNOTATED
from signseg.config import GeneratorConfig
from signseg.methods import METHODS
from signseg.modules.generator import Generator
from signseg.stages.segments import NOWHERE, find_segments

seeds, sides = st.integers(0, 10_000), st.integers(1, 9)
EVERYONE = torch.arange(8)
SETTINGS = METHODS["zs3net-gc"].settings


def maps(seed: int, height: int, width: int) -> torch.Tensor:
    """Label maps of a few classes with regions of many shapes, borders and holes. (2, height, width)."""
    generator = torch.Generator().manual_seed(seed)
    kinds = torch.tensor([0, 0, 1, 2, UNANNOTATED, IGNORE])
    return kinds[torch.randint(0, int(torch.randint(1, 7, (), generator=generator)), (2, height, width), generator=generator)]


# ---- segments


@given(seed=seeds, height=sides, width=sides)
def test_segments_and_their_graph_equal_the_slow_twins(seed: int, height: int, width: int) -> None:
    labels = maps(seed, height, width)
    found, expected = find_segments(labels), slow.segments(labels.numpy())
    np.testing.assert_array_equal(found.number, expected)
    np.testing.assert_allclose(found.adjacency, slow.adjacency(expected), atol=1e-6)


@given(seed=seeds, height=sides, width=sides)
def test_a_segment_has_one_class_and_no_region_without_a_class_has_one(seed: int, height: int, width: int) -> None:
    labels = maps(seed, height, width)
    found = find_segments(labels)
    inside = labels < UNANNOTATED
    assert torch.equal(found.number != NOWHERE, inside)
    assert torch.equal(found.labels[found.number[inside]], labels[inside])
    assert torch.equal(found.number.flatten()[found.first], torch.arange(len(found.labels)))


def test_a_snake_is_one_segment() -> None:
    """The longest way that a number must travel."""
    snake = torch.ones(1, 15, 15, dtype=torch.int64)
    snake[0, 1::4, :-1] = snake[0, 3::4, 1:] = 0
    found = find_segments(snake)
    assert (found.labels == 1).sum() == 1
    np.testing.assert_array_equal(found.number, slow.segments(snake.numpy()))


@given(seed=seeds)
def test_images_do_not_touch_one_another(seed: int) -> None:
    labels = maps(seed, 5, 6)
    both, alone = find_segments(labels), [find_segments(labels[i : i + 1]) for i in range(2)]
    assert torch.equal(both.adjacency, torch.block_diag(*(part.adjacency for part in alone)) if len(both.labels) else both.adjacency)
    assert torch.equal(both.labels, torch.cat([part.labels for part in alone]))


def test_regions_behind_a_border_or_a_hole_are_no_neighbours() -> None:
    for gap, neighbours in ((IGNORE, 0), (UNANNOTATED, 0), (2, 2)):
        found = find_segments(torch.tensor([[[0, 0, gap, 1]]]))
        assert (found.adjacency > 0).sum() - len(found.labels) == 2 * neighbours, gap


def test_segments_that_all_touch_one_another_stay_apart() -> None:
    """With the weight 1 for a segment itself, both rows would be the same, and so both features, whatever the words."""
    adjacency = find_segments(torch.tensor([[[0, 1]]])).adjacency
    torch.testing.assert_close(adjacency, torch.tensor([[2.0, 1.0], [1.0, 2.0]]) / 3)


def test_a_segment_alone_keeps_its_own_value_and_mixing_never_amplifies() -> None:
    torch.testing.assert_close(find_segments(torch.zeros(1, 3, 3, dtype=torch.int64)).adjacency, torch.ones(1, 1))
    for seed in range(20):
        adjacency = find_segments(maps(seed, 6, 7)).adjacency
        assert torch.equal(adjacency, adjacency.T) and len(adjacency)
        assert torch.linalg.eigvalsh(adjacency).abs().max() <= 1 + 1e-5


# ---- G on a graph


def generator(seed: int) -> tuple[Generator, torch.Tensor, torch.Tensor]:
    torch.manual_seed(seed)
    return Generator(3, 4, GeneratorConfig(hidden=(5,), dropout=(0.5,))).eval(), torch.randn(6, 3), torch.randn(6, 4)


@given(seed=seeds)
def test_g_on_a_graph_equals_the_slow_twin(seed: int) -> None:
    g, words, latent = generator(seed)
    graph = find_segments(maps(seed, 4, 4)).adjacency[:6, :6]
    words, latent = words[: len(graph)], latent[: len(graph)]
    layers = [(layer.weight.detach().numpy(), layer.bias.detach().numpy()) for layer in g.layers if isinstance(layer, torch.nn.Linear)]
    expected = slow.graph_generator(torch.cat([words, latent], dim=1).numpy(), graph.numpy(), layers)
    np.testing.assert_allclose(g(words, latent, graph).detach(), expected.reshape(-1, 4), atol=1e-5)


def test_without_neighbours_a_graph_changes_nothing_and_with_them_it_does() -> None:
    g, words, latent = generator(0)
    torch.testing.assert_close(g(words, latent, torch.eye(6)), g(words, latent))
    joined = torch.eye(6)
    joined[0, 1] = joined[1, 0] = 0.5
    moved = (g(words, latent, joined) - g(words, latent)).abs().amax(1)
    assert (moved[:2] > 1e-3).all() and (moved[2:] < 1e-6).all()


@given(seed=seeds)
def test_the_numbering_of_segments_does_not_matter(seed: int) -> None:
    g, words, latent = generator(seed)
    graph = torch.rand(6, 6)
    order = torch.randperm(6)
    torch.testing.assert_close(g(words[order], latent[order], graph[order][:, order]), g(words, latent, graph)[order])


# ---- steps b and c


def test_step_b_trains_g_alone_and_reads_no_cell_without_a_label(toy: Callable) -> None:
    trained = []
    for change in (0.0, 100.0):
        t = toy(**SETTINGS)
        t.materials.frozen.code(EVERYONE)
        hidden = (t.materials.frozen.grid >= UNANNOTATED)[:, None, None]
        assert hidden.any()
        t.materials.frozen.maps += change * hidden
        before = {name: tensor.clone() for name, tensor in t.network.state_dict().items()}
        t.run(t.build("step_b", "zs3net-gc"), 3, index=EVERYONE)
        after = t.network.state_dict()
        assert {name.split(".")[0] for name in after if not torch.equal(before[name], after[name])} == {"generator"}
        trained.append(after)
    assert all(torch.equal(trained[0][name], trained[1][name]) for name in trained[0])


def test_all_cells_of_a_segment_get_one_feature(toy: Callable) -> None:
    t = toy(**SETTINGS)
    t.materials.frozen.code(EVERYONE)
    labels = t.materials.frozen.labels(EVERYONE)
    number = find_segments(labels).number[labels < UNANNOTATED]
    made = t.build("step_b", "zs3net-gc").synthesise(labels, torch.randn(8, 16, *labels.shape[1:]))
    assert made.shape == (len(number), 16) and len(made.unique(dim=0)) == len(number.unique())
    for segment in number.unique():
        assert len(made[number == segment].unique(dim=0)) == 1


def test_matching_segments_brings_synthetic_features_closer(toy: Callable) -> None:
    t = toy(**SETTINGS | {"step_b.learning_rate": 5e-3, "generator.dropout": (0.1,)})
    mmd = [losses["generator/mmd"] for losses in t.run(t.build("step_b", "zs3net-gc"), 60, index=EVERYONE)]
    assert sum(mmd[-5:]) < 0.9 * sum(mmd[:5])


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_step_c_swaps_a_share_of_the_segments_and_gives_unseen_classes_more_often(share: float, toy: Callable) -> None:
    t = toy(**SETTINGS | {"step_c.swapped_segments": share, "step_c.unseen_rate": 9.0})
    labels = torch.randint(0, 3, (8, 50, 50))
    torch.manual_seed(0)
    classes = t.build("step_c", "zs3net-gc").place_words(labels)
    assert (classes != labels).float().mean().item() == pytest.approx(share * (1 - 1 / 23), abs=0.02)
    unseen = (classes >= 3).float().mean().item()
    assert unseen == pytest.approx(share * 20 / 23, abs=0.02)


def test_synthetic_layouts_are_those_of_real_segments(toy: Callable) -> None:
    t = toy(**SETTINGS | {"step_c.swapped_segments": 0.5})
    drawn = t.network.spatial.features(t.materials.frozen.code(EVERYONE), sample=True)
    labels = t.materials.frozen.labels(EVERYONE)
    made = t.build("step_c", "zs3net-gc").synthesise(labels, drawn)
    inside, segments = labels < UNANNOTATED, find_segments(labels)
    assert torch.equal(made.labels[~inside], labels[~inside]) and not made.pixel.permute(0, 2, 3, 1)[~inside].any()
    assert (made.labels[inside] < 5).all() and (made.labels != labels).any() and (made.labels[inside] == labels[inside]).any()
    for segment in range(len(segments.labels)):
        mine = segments.number == segment
        assert len(made.labels[mine].unique()) == 1 and len(made.pixel.permute(0, 2, 3, 1)[mine].unique(dim=0)) == 1


@pytest.mark.parametrize("step", ["step_b", "step_c"])
@pytest.mark.parametrize("hidden", [0, 4, 8], ids=["all labelled", "half", "no label at all"])
def test_odd_batches_are_survived(hidden: int, step: str, toy: Callable) -> None:
    t = toy(values=[0, 1], **SETTINGS)
    t.images.labels[:hidden] = UNANNOTATED
    history = t.run(t.build(step, "zs3net-gc"), 2, index=EVERYONE)
    assert all(np.isfinite(value) for losses in history for value in losses.values())
    assert all(torch.isfinite(tensor).all() for tensor in t.network.state_dict().values())
