"""Where views of a picture agree, against slow twins, and what must hold for any teacher."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from reference import views as slow

from signseg.classes import UNANNOTATED
from signseg.stages.self_training import assign_unseen, keep, pseudo_label
from signseg.stages.views import VIEWS, View, agreement, resized, seen_through

seeds = st.integers(0, 10_000)
IS_UNSEEN = torch.arange(5) >= 3
ALL = VIEWS["mirror-scales"]


def local_teacher(images: torch.Tensor) -> torch.Tensor:
    """Scores (b, 5, h, w) at a quarter of the size, from the colour of each cell alone: mirroring the picture mirrors them."""
    colour = torch.nn.functional.avg_pool2d(images, 4)
    mixing = torch.randn(5, 3, generator=torch.Generator().manual_seed(1))
    return torch.einsum("kc,bchw->bkhw", mixing, colour)


def one_sided_teacher(images: torch.Tensor) -> torch.Tensor:
    """As above, but classes depend on the place in the picture: what a mirror shows elsewhere it names otherwise."""
    scores = local_teacher(images)
    scores[:, 3] += torch.linspace(-1, 1, scores.shape[3])
    return scores


def pictures(seed: int) -> torch.Tensor:
    return torch.rand(2, 3, 16, 24, generator=torch.Generator().manual_seed(seed))


@given(seed=seeds, height=st.integers(1, 9), width=st.integers(1, 9))
def test_resizing_equals_the_slow_twin(seed: int, height: int, width: int) -> None:
    maps = torch.rand(1, 1, 4, 5, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    np.testing.assert_allclose(resized(maps, (height, width))[0, 0], slow.bilinear(maps[0, 0].numpy(), height, width), atol=1e-9)


@given(seed=seeds)
def test_agreement_equals_the_slow_twin(seed: int) -> None:
    images = pictures(seed)
    scores = one_sided_teacher(images)
    maps = [scores] + [seen_through(view, one_sided_teacher, images, scores.shape[2:]) for view in ALL]
    expected = [slow.same_choice([view[image].numpy() for view in maps], [3, 4]) for image in range(2)]
    np.testing.assert_array_equal(agreement(one_sided_teacher, images, scores, IS_UNSEEN, ALL), np.stack(expected))


@given(seed=seeds)
def test_more_views_never_agree_on_more(seed: int) -> None:
    images = pictures(seed)
    found = [agreement(one_sided_teacher, images, one_sided_teacher(images), IS_UNSEEN, ALL[:count]) for count in range(len(ALL) + 1)]
    assert found[0].all() and all((more <= fewer).all() for fewer, more in zip(found, found[1:], strict=False))


def test_a_teacher_that_sees_the_mirrored_as_it_sees_the_picture_agrees_with_itself() -> None:
    images = pictures(0)
    scores = local_teacher(images)
    assert agreement(local_teacher, images, scores, IS_UNSEEN, VIEWS["mirror"]).all()
    torch.testing.assert_close(seen_through(View(1.0, True), local_teacher, images, scores.shape[2:]), scores)
    assert not agreement(one_sided_teacher, images, one_sided_teacher(images), IS_UNSEEN, VIEWS["mirror"]).all()


@given(seed=seeds)
def test_seen_classes_take_no_part(seed: int) -> None:
    images = pictures(seed)

    def louder(shown: torch.Tensor) -> torch.Tensor:
        scores = one_sided_teacher(shown)
        scores[:, :3] += 100 * shown.mean()
        return scores

    found = [agreement(teacher, images, teacher(images), IS_UNSEEN, ALL) for teacher in (one_sided_teacher, louder)]
    assert torch.equal(*found)


def test_the_release_s_six_views() -> None:
    assert VIEWS["one"] == () and len(ALL) == 5 and len(set(ALL)) == 5
    sizes: list[tuple[int, ...]] = []

    def note(shown: torch.Tensor) -> torch.Tensor:
        sizes.append(tuple(shown.shape[2:]))
        return local_teacher(shown)

    agreement(note, pictures(0), local_teacher(pictures(0)), IS_UNSEEN, ALL)
    assert sizes == [(16, 24), (24, 36), (24, 36), (28, 42), (28, 42)]


# ---- in a round


@pytest.mark.parametrize("views", ["mirror", "mirror-scales"])
def test_pixels_on_which_views_differ_stay_unannotated(views: str, toy: Callable) -> None:
    t = toy(**{"self_training.top_p": 0, "self_training.views": views})
    with torch.no_grad():  # so that both unseen classes are the best of the two somewhere
        scores = t.network(t.images.batch(torch.arange(8)).images)
        t.network.classifier.scores.bias[4] += (scores[:, 3] - scores[:, 4]).median()
    found = pseudo_label(t.network, t.images, t.materials.is_unseen, t.materials.config.self_training)
    batch = t.images.batch(torch.arange(8))
    with torch.no_grad():
        scores = resized(t.network(batch.images), (16, 16))
        every = assign_unseen(scores, t.images.labels, t.materials.is_unseen, 0)
        agreed = agreement(t.network, batch.images, scores, t.materials.is_unseen, VIEWS[views])
    assert 0 < found.assigned.sum() < every.assigned.sum(), "so that this test sees both kinds"
    assert torch.equal(found.assigned, every.assigned & agreed)
    assert torch.equal(found.labels[found.assigned], every.labels[found.assigned])
    assert (found.labels[every.assigned & ~found.assigned] == UNANNOTATED).all()
    assert torch.equal(found.confidence, every.confidence)


def test_one_view_costs_one_pass_and_keeps_everything(toy: Callable) -> None:
    t = toy(**{"self_training.top_p": 0})
    passes: list[int] = []
    handle = t.network.register_forward_hook(lambda module, inputs, scores: passes.append(len(scores)))
    found = pseudo_label(t.network, t.images, t.materials.is_unseen, t.materials.config.self_training)
    handle.remove()
    assert passes == [8] and torch.equal(found.assigned, t.images.labels == UNANNOTATED)
    everything = keep(found, torch.ones_like(found.assigned))
    assert torch.equal(everything.labels, found.labels) and torch.equal(everything.assigned, found.assigned)
