"""Who gets a pseudo-label, against a slow twin, and how a round uses labels and pseudo-labels. Weights are tested in test_annealing.py."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from reference import self_training as slow

from signseg.classes import IGNORE, UNANNOTATED
from signseg.losses.segmentation import weighted_mean
from signseg.stages.annealing import PseudoLabels
from signseg.stages.self_training import NORMALISATIONS, SelfTrainingRound, assign_unseen, keep, most_confident, pseudo_label

seeds = st.integers(0, 10_000)

# ---- who gets a pseudo-label

SEEN, UNSEEN = 3, 2
IS_UNSEEN = torch.arange(SEEN + UNSEEN) >= SEEN


def scored(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    kinds = torch.tensor([0, 2, IGNORE, UNANNOTATED, UNANNOTATED], dtype=torch.uint8)
    labels = kinds[torch.randint(0, 5, (2, 4, 5), generator=generator)]
    return 2 * torch.randn(2, SEEN + UNSEEN, 4, 5, generator=generator), labels


@given(seed=seeds, top_p=st.integers(0, SEEN + UNSEEN))
def test_assignment_equals_the_slow_twin(seed: int, top_p: int) -> None:
    scores, labels = scored(seed)
    pseudo = assign_unseen(scores, labels, IS_UNSEEN, top_p)
    expected = slow.assign_unseen(scores.numpy(), labels.numpy(), SEEN, top_p)
    assert {tuple(place) for place in pseudo.assigned.nonzero().tolist()} == set(expected)
    for place, (label, confidence) in expected.items():
        assert pseudo.labels[place] == label and pseudo.confidence[place].item() == pytest.approx(confidence, rel=1e-4)


@given(seed=seeds, top_p=st.integers(0, SEEN + UNSEEN))
def test_labels_and_borders_stay_as_they_are(seed: int, top_p: int) -> None:
    scores, labels = scored(seed)
    pseudo = assign_unseen(scores, labels, IS_UNSEEN, top_p)
    assert torch.equal(pseudo.labels[~pseudo.assigned], labels[~pseudo.assigned])
    assert (labels[pseudo.assigned] == UNANNOTATED).all() and IS_UNSEEN[pseudo.labels[pseudo.assigned].long()].all()
    assert torch.allclose(pseudo.confidence, scores.softmax(1)[:, SEEN:].amax(1))


@given(seed=seeds)
def test_top_p_counts_from_the_overall_best_to_every_pixel(seed: int) -> None:
    scores, labels = scored(seed)
    free = labels == UNANNOTATED
    assigned = [assign_unseen(scores, labels, IS_UNSEEN, top_p).assigned for top_p in (1, 2, 3, 4, 0)]
    assert torch.equal(assigned[0], free & (scores.argmax(1) >= SEEN))
    assert all((fewer <= more).all() for fewer, more in zip(assigned, assigned[1:], strict=False))
    assert torch.equal(assigned[-1], free)


def test_the_class_table_may_be_in_any_order() -> None:
    scores = torch.tensor([0.0, 3.0, 1.0, 2.0]).view(1, 4, 1, 1)
    pseudo = assign_unseen(scores, torch.full((1, 1, 1), UNANNOTATED, dtype=torch.uint8), torch.tensor([True, False, True, False]), 0)
    assert pseudo.labels.item() == 2
    assert pseudo.confidence.item() == pytest.approx(scores.softmax(1)[0, 2].item())


# ---- which of them stay


@given(seed=seeds, share=st.one_of(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), st.floats(0, 1)), step=st.sampled_from([0.0, 0.1]))
def test_the_share_that_stays_equals_the_slow_twin(seed: int, share: float, step: float) -> None:
    pseudo = assign_unseen(*scored(seed), IS_UNSEEN, 0)
    confidence = (pseudo.confidence / step).round() * step if step else pseudo.confidence  # with many equals, too
    pseudo = PseudoLabels(pseudo.labels, confidence, pseudo.assigned)
    expected = slow.most_confident(confidence.numpy(), pseudo.assigned.numpy(), share)
    assert {tuple(place) for place in most_confident(pseudo, share).nonzero().tolist()} == expected


@given(seed=seeds, share=st.floats(0, 1))
def test_each_image_keeps_its_own_best(seed: int, share: float) -> None:
    pseudo = assign_unseen(*scored(seed), IS_UNSEEN, 0)
    kept = most_confident(pseudo, share)
    for image in range(2):
        mine, dropped = pseudo.confidence[image][kept[image]], pseudo.confidence[image][pseudo.assigned[image] & ~kept[image]]
        assert len(mine) == 0 or len(dropped) == 0 or mine.min() >= dropped.max()
        assert 0 <= len(mine) - share * int(pseudo.assigned[image].sum()) < 1 + 1e-9
        alone = PseudoLabels(*(part[image : image + 1] for part in (pseudo.labels, pseudo.confidence, pseudo.assigned)))
        assert torch.equal(most_confident(alone, share)[0], kept[image])


@given(seed=seeds, share=st.floats(0, 1))
def test_what_does_not_stay_is_unannotated_again_and_nothing_else_changes(seed: int, share: float) -> None:
    scores, labels = scored(seed)
    pseudo = assign_unseen(scores, labels, IS_UNSEEN, 0)
    kept = most_confident(pseudo, share)
    fewer = keep(pseudo, kept)
    assert torch.equal(fewer.assigned, kept) and torch.equal(fewer.labels[kept], pseudo.labels[kept])
    assert torch.equal(fewer.labels[~kept], labels[~kept]) and torch.equal(fewer.confidence, pseudo.confidence)
    assert fewer.labels.dtype == torch.uint8


def test_a_round_keeps_the_share_it_is_told(toy: Callable) -> None:
    found = {}
    for share in (1.0, 0.25, 0.0):
        t = toy(**{"self_training.top_p": 0, "self_training.top_share": share})
        found[share] = pseudo_label(t.network, t.images, t.materials.is_unseen, t.materials.config.self_training).assigned
        t.run(SelfTrainingRound(t.network, t.images, t.build("self_training").pseudo, t.materials.config.self_training, number=1), 2)
        assert all(torch.isfinite(tensor).all() for tensor in t.network.state_dict().values())
    every, quarter = (found[share].flatten(1).sum(1) for share in (1.0, 0.25))
    assert torch.equal(quarter, (every / 4).ceil().long()) and not found[0.0].any()


# ---- normalisation


@given(seed=seeds)
def test_together_is_one_mean_and_apart_is_two(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    loss, chance, weights = torch.rand(3, 2, 4, 5, generator=generator)
    labelled, pseudo = (chance < 0.4).float(), torch.where(chance > 0.7, weights, 0.0)
    terms = NORMALISATIONS["together"](loss, labelled, pseudo, 0.5)
    assert set(terms) == {"cross_entropy"}
    torch.testing.assert_close(terms["cross_entropy"], weighted_mean(loss, labelled + 0.5 * pseudo))
    terms = NORMALISATIONS["apart"](loss, labelled, pseudo, 0.5)
    torch.testing.assert_close(terms["labelled"], loss[chance < 0.4].mean())
    torch.testing.assert_close(terms["pseudo"], 0.5 * weighted_mean(loss, pseudo))
    scaled = NORMALISATIONS["apart"](loss, labelled, 0.01 * pseudo, 0.5)
    torch.testing.assert_close(scaled["pseudo"], terms["pseudo"])  # small weights keep their share


# ---- a round


def test_the_whole_split_is_labelled_as_image_by_image(toy: Callable) -> None:
    t = toy(**{"self_training.top_p": 0})
    config = t.materials.config.self_training
    pseudo = pseudo_label(t.network, t.images, t.materials.is_unseen, config)
    assert torch.equal(pseudo.assigned, t.images.labels == UNANNOTATED)
    labelled = ~pseudo.assigned
    assert torch.equal(pseudo.labels[labelled], t.images.labels[labelled])


@pytest.mark.parametrize("kind", ["st", "ast"])
@pytest.mark.parametrize("normalisation", NORMALISATIONS)
def test_a_round_teaches_the_pseudo_labels(kind: str, normalisation: str, toy: Callable) -> None:
    t = toy(**{"self_training.kind": kind, "self_training.normalisation": normalisation, "self_training.learning_rate": 5e-3})
    assigned = t.images.labels == UNANNOTATED
    labels = torch.where(assigned, 4, t.images.labels.long()).to(torch.uint8)
    pseudo = PseudoLabels(labels, 0.8 * assigned, assigned)
    t.run(SelfTrainingRound(t.network, t.images, pseudo, t.materials.config.self_training, number=1), 40)
    scores = at_image_size(t.network(t.images.batch(torch.arange(8)).images))
    assert (scores.argmax(1)[assigned] == 4).float().mean() > 0.7


def at_image_size(scores: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.interpolate(scores, size=(16, 16), mode="bilinear")


def test_st_weighs_everything_alike_and_ast_does_not(toy: Callable) -> None:
    stages = {}
    for kind in ("st", "ast"):
        settings = {"self_training.kind": kind, "self_training.top_p": 0, "self_training.temperature": 20.0}
        stages[kind] = toy(**settings).build("self_training")
    assigned = stages["st"].pseudo.assigned
    assert (stages["st"].weights[assigned] == 1).all()
    assert stages["ast"].weights[assigned].min() < 0.9 and stages["ast"].weights[assigned].max() == 1


def test_a_weight_of_zero_teaches_nothing(toy: Callable) -> None:
    """Pseudo-labels that weigh nothing give the same weights as no pseudo-labels."""
    trained = []
    for weight, top_p in ((0.0, 0), (1.0, 0)):
        t = toy(**{"self_training.pseudo_weight": weight, "self_training.top_p": top_p})
        pseudo = pseudo_label(t.network, t.images, t.materials.is_unseen, t.materials.config.self_training)
        if weight:
            nothing = torch.zeros_like(pseudo.assigned)
            pseudo = PseudoLabels(t.images.labels, torch.zeros_like(pseudo.confidence), nothing)
        t.run(SelfTrainingRound(t.network, t.images, pseudo, t.materials.config.self_training, number=1), 3)
        trained.append(t.network.state_dict())
    for name, tensor in trained[0].items():
        torch.testing.assert_close(tensor, trained[1][name])


def test_labels_and_weights_are_mirrored_with_their_image(toy: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    """With every image mirrored, a teacher's column stays under its pixels."""
    t = toy(**{"self_training.top_p": 0, "self_training.temperature": 20.0})
    stage = t.build("self_training")
    seen: dict[str, torch.Tensor] = {}

    def note_labels(scores: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        seen["labels"] = labels
        return scores.sum(1)

    monkeypatch.setattr(torch, "rand", lambda count: torch.zeros(count))
    monkeypatch.setattr("signseg.stages.self_training.pixel_cross_entropy", note_labels)
    stage.combine = lambda loss, labelled, pseudo, weight: seen.update(weights=pseudo) or {"cross_entropy": loss.sum()}
    handle = t.network.encoder.register_forward_pre_hook(lambda module, inputs: seen.update(images=inputs[0]))
    next(iter(stage.updates(torch.arange(4))))
    handle.remove()
    assert torch.equal(seen["images"].flip(-1), t.images.batch(torch.arange(4)).images)
    assert torch.equal(seen["labels"].flip(-1), stage.pseudo.labels[:4].long())
    assert torch.equal(seen["weights"].flip(-1), stage.weights[:4])
