"""Steps a, b, c and self-training: who moves and who does not, what is computed once, and odd batches."""

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
import torch

from signseg.classes import UNANNOTATED
from signseg.methods import METHODS
from signseg.stages.stage import Update, only_training
from signseg.stages.step_a import at_resolution, latent_kl

STEPS = ["step_a", "step_b", "step_c", "self_training"]
BOXES = ["encoder", "spatial", "embedding_map", "generator", "discriminator", "classifier"]
MOVING = {
    "step_a": {"encoder", "spatial", "classifier"},
    "step_b": {"generator", "discriminator"},
    "step_c": {"classifier"},
    "self_training": {"encoder", "spatial", "classifier"},
}


def snapshot(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Weights and buffers, batch statistics included."""
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def same(before: dict[str, torch.Tensor], after: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize("step", STEPS)
def test_what_a_step_does_not_train_stays_bit_identical(step: str, toy: Callable) -> None:
    t = toy(**{f"{step}.weight_decay": 0.1})
    before = {box: snapshot(getattr(t.network, box)) for box in BOXES}
    t.run(t.build(step))
    moved = {box for box in BOXES if not same(before[box], snapshot(getattr(t.network, box)))}
    assert moved == MOVING[step]


@pytest.mark.parametrize("step", STEPS)
def test_every_parameter_of_a_player_moves(step: str, toy: Callable) -> None:
    t = toy()
    stage = t.build(step)
    names = {id(parameter): name for name, parameter in t.network.named_parameters()}
    learning = [(names[id(parameter)], parameter, parameter.detach().clone()) for group in stage.players().values() for parameter in group]
    t.run(stage, 6)
    assert not [name for name, parameter, before in learning if torch.equal(parameter, before)]


@pytest.mark.parametrize("method", METHODS)
def test_every_parameter_has_at_most_one_player_in_a_step_and_one_somewhere(method: str, toy: Callable) -> None:
    t = toy(**METHODS[method].settings)
    stages = [build(t.materials) for build in METHODS[method].steps.values()] + [t.build("self_training")]
    somewhere: set[int] = set()
    for stage in stages:
        owned = [id(parameter) for group in stage.players().values() for parameter in group]
        assert len(owned) == len(set(owned)), stage.name
        somewhere |= set(owned)
    lacking = {id(parameter) for box in METHODS[method].without for parameter in getattr(t.network, box).parameters()}
    assert not lacking & somewhere
    assert somewhere | lacking == {id(parameter) for parameter in t.network.parameters()}


@pytest.mark.parametrize("step", STEPS)
def test_only_players_ask_for_gradients_and_only_while_training(step: str, toy: Callable) -> None:
    t = toy()
    stage = t.build(step)
    learning = {id(parameter) for group in stage.players().values() for parameter in group}
    with pytest.raises(RuntimeError), only_training(t.network, stage):
        assert {id(p) for p in t.network.parameters() if p.requires_grad} == learning
        assert {name for name in BOXES if getattr(t.network, name).training} >= MOVING[step]
        raise RuntimeError
    assert all(parameter.requires_grad for parameter in t.network.parameters())
    assert not any(module.training for module in t.network.modules())


def test_a_frozen_norm_keeps_its_statistics_in_step_a(toy: Callable) -> None:
    t = toy(**{"encoder.frozen_norm": True})
    before = {name: buffer.clone() for name, buffer in t.network.encoder.named_buffers()}
    t.run(t.build("step_a"))
    assert same(before, dict(t.network.encoder.named_buffers()))


def test_an_update_is_the_weighted_sum_of_its_terms() -> None:
    terms = {"one": torch.tensor(2.0), "two": torch.tensor(5.0)}
    assert Update("player", terms, {"one": 1.0, "two": 0.1}).total() == 2.5


# ---- step a


@pytest.mark.parametrize("step", ["step_a", "self_training"])
def test_half_the_digits_train_weights_of_full_length(step: str, toy: Callable) -> None:
    t = toy(precision="bfloat16")
    history = t.run(t.build(step), 30)
    assert history[-1]["segmenter/cross_entropy"] < history[0]["segmenter/cross_entropy"]
    assert {parameter.dtype for parameter in t.network.parameters()} == {torch.float32}
    t32 = toy()
    (update,) = t32.build(step).updates(torch.arange(4))
    assert {term.dtype for term in update.terms.values()} == {torch.float32}


def test_step_a_learns_seen_classes_and_never_asks_for_an_unseen_one(toy: Callable) -> None:
    t = toy()
    history = t.run(t.build("step_a"), 40)
    assert history[-1]["segmenter/cross_entropy"] < 0.5 * history[0]["segmenter/cross_entropy"]
    bias = t.network.classifier.scores.bias
    assert bias[3:].max() < bias[:3].min(), "what is never a target loses"


@pytest.mark.parametrize(("divisor", "size"), [(1, (16, 16)), (2, (8, 8)), (4, (4, 4)), (16, (4, 4))])
def test_scores_and_labels_meet_at_the_resolution_asked_for(divisor: int, size: tuple[int, int]) -> None:
    scores, labels = at_resolution(torch.randn(2, 3, 4, 4), torch.randint(0, 3, (2, 16, 16)), divisor)
    assert scores.shape == (2, 3, *size) and labels.shape == (2, *size)


def test_the_kl_counts_labelled_cells_only(toy: Callable) -> None:
    t = toy()
    code = t.network.code(t.images.batch(torch.arange(4)).images)
    labels = torch.full((4, 16, 16), UNANNOTATED)
    assert latent_kl(code, labels) == 0
    labels[:, :4, :4] = 1
    first = code.mean[:, :, 0, 0], code.log_variance[:, :, 0, 0]
    torch.testing.assert_close(latent_kl(code, labels), -0.5 * (1 + first[1] - first[0] ** 2 - first[1].exp()).mean())


# ---- frozen features


def count_pictures(network: torch.nn.Module) -> Counter:
    """How often each picture goes through E, and each map through SIM."""
    seen: Counter = Counter()

    def note(module: torch.nn.Module, inputs: tuple) -> None:
        seen.update((type(module).__name__, picture.numpy().tobytes()) for picture in inputs[0].detach())

    network.encoder.register_forward_pre_hook(note)
    network.spatial.register_forward_pre_hook(note)
    return seen


def test_steps_b_and_c_run_encoder_and_sim_once_on_each_image(toy: Callable) -> None:
    t = toy()
    seen = count_pictures(t.network)
    b, c = t.build("step_b"), t.build("step_c")
    t.run(b, 8)
    t.run(c, 8)
    assert len(seen) == 2 * len(t.images) and set(seen.values()) == {1}


def test_frozen_features_are_those_of_the_network_and_the_latent_is_drawn_anew(toy: Callable) -> None:
    t = toy()
    index = torch.tensor([5, 0, 3])
    code, fresh = t.materials.frozen.code(index), t.network.code(t.images.batch(index).images)
    for name in ("base", "mean", "log_variance"):
        torch.testing.assert_close(getattr(code, name), getattr(fresh, name), rtol=2e-3, atol=2e-3)
    latents = [t.network.spatial.features(t.materials.frozen.code(index), sample=True).latent for _ in range(2)]
    assert not torch.allclose(*latents)
    expected = at_resolution(torch.zeros(3, 1, 4, 4), t.images.batch(index).labels, 16)[1]
    assert torch.equal(t.materials.frozen.labels(index), expected)


# ---- step b


@pytest.mark.parametrize("groups", ["class", "raster-run"])
@pytest.mark.parametrize("adversarial", ["least-squares", "absolute"])
def test_step_b_brings_synthetic_features_closer(adversarial: str, groups: str, toy: Callable) -> None:
    t = toy(**{"step_b.adversarial": adversarial, "step_b.matching_groups": groups, "step_b.learning_rate": 5e-3})
    history = t.run(t.build("step_b"), 40)
    mmd = [losses["generator/mmd"] for losses in history]
    assert np.mean(mmd[-5:]) < 0.7 * np.mean(mmd[:5])


@pytest.mark.parametrize("iterations", [0, 30])
def test_moving_the_latent_moves_the_synthetic_feature(iterations: int, toy: Callable) -> None:
    t = toy(**{"step_b.learning_rate": 5e-3})
    t.run(t.build("step_b"), iterations)
    latent = t.network.spatial.features(t.materials.frozen.code(torch.arange(4)), sample=False).latent
    words = torch.randint(0, 5, latent[:, 0].shape)
    moved = t.network.synthesise(words, latent + 1).pixel - t.network.synthesise(words, latent).pixel
    assert moved.abs().mean() > 0.01


def test_the_discriminator_moves_before_the_generator_and_each_alone(toy: Callable) -> None:
    t = toy()
    stage = t.build("step_b")
    with only_training(t.network, stage):
        updates = stage.updates(torch.arange(4))
        first = next(updates)
        first.total().backward()
        assert first.player == "discriminator" and all(p.grad is None for p in t.network.generator.parameters())
        second = next(updates)
        second.total().backward()
        assert second.player == "generator" and all(p.grad is not None for p in t.network.generator.parameters())


# ---- step c


def test_words_are_placed_class_balanced_whatever_the_real_labels_are(toy: Callable) -> None:
    t = toy(**{"step_c.unseen_rate": 9.0})
    torch.manual_seed(0)
    placed = t.build("step_c").place_words(torch.zeros(20, 100, 100, dtype=torch.int64))
    share = torch.bincount(placed.flatten(), minlength=5) / placed.numel()
    np.testing.assert_allclose(share, np.array([1, 1, 1, 10, 10]) / 23, rtol=0.05)


@pytest.mark.parametrize(("seen", "unseen", "rate", "mass"), [(15, 5, 9, 0.769), (29, 4, 14, 0.674), (167, 15, 59, 0.843)])
def test_the_release_s_share_of_unseen_words(seen: int, unseen: int, rate: float, mass: float, toy: Callable) -> None:
    stage = toy(seen=seen, unseen=unseen, values=[0, 1], **{"step_c.unseen_rate": rate}).build("step_c")
    assert (stage.class_weights[seen:].sum() / stage.class_weights.sum()).item() == pytest.approx(mass, abs=1e-3)


def latents_given_to_g(t, iterations: int = 1) -> torch.Tensor:
    """What G receives in step c as its latent, (n, c)."""
    given = []
    handle = t.network.generator.register_forward_pre_hook(lambda module, inputs: given.append(inputs[1].detach()))
    t.run(t.build("step_c"), iterations, index=torch.arange(8))
    handle.remove()
    return torch.cat(given)


def test_step_c_feeds_g_the_spatial_latents_of_the_batch(toy: Callable) -> None:
    t = toy()
    with torch.no_grad():  # far from any standard normal, and with hardly any noise
        t.network.spatial.mean.weight.mul_(50)
        t.network.spatial.log_variance[0].weight.zero_()
    code = t.materials.frozen.code(torch.arange(8))
    noise = latents_given_to_g(t) - code.mean.permute(0, 2, 3, 1).flatten(0, 2)
    assert code.mean.std() > 5
    assert abs(noise.std().item() - 1) < 0.05 and abs(noise.mean().item()) < 0.05


def test_noise_is_the_named_alternative_and_knows_no_image(toy: Callable) -> None:
    t = toy(**{"step_c.latent": "noise"})
    with torch.no_grad():
        t.network.spatial.mean.weight.mul_(50)
    given = latents_given_to_g(t, 10)
    assert abs(given.std().item() - 1) < 0.02 and abs(given.mean().item()) < 0.02
    torch.manual_seed(0)
    assert not torch.equal(*given.chunk(2)[:2])


def test_step_c_teaches_c_the_synthetic_features_of_unseen_classes(toy: Callable) -> None:
    t = toy(**{"step_c.learning_rate": 2e-2})
    t.run(t.build("step_a"), 30)
    t.run(t.build("step_b"), 10)
    latent = t.network.spatial.features(t.materials.frozen.code(torch.arange(8)), sample=False).latent
    synthetic = t.network.synthesise(torch.randint(3, 5, latent[:, 0].shape), latent).pixel

    def probability_of_unseen() -> float:
        return t.network.classifier(synthetic).softmax(1)[:, 3:].sum(1).mean().item()

    before = probability_of_unseen()
    t.run(t.build("step_c"), 100)
    assert before < 0.4 and probability_of_unseen() > before + 0.2


# ---- odd data


@pytest.mark.parametrize("step", STEPS)
def test_a_batch_without_any_label_is_survived(step: str, toy: Callable) -> None:
    t = toy()
    t.images.labels[:4] = UNANNOTATED
    history = t.run(t.build(step), 2, index=torch.arange(4))
    assert all(np.isfinite(value) for losses in history for value in losses.values())
    assert all(torch.isfinite(tensor).all() for tensor in t.network.state_dict().values())
    if step == "step_a":
        assert history[0] == {"segmenter/cross_entropy": 0, "segmenter/kl": 0}
    if step == "step_b":
        assert history == [{}, {}], "nothing to imitate, nobody moves"
    if step == "step_c":
        assert history[0]["classifier/real"] == 0 < history[0]["classifier/synthetic"]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(
    "odd",
    [{"seen": 1, "unseen": 1}, {"seen": 1, "unseen": 3, "values": [0]}, {"values": [0, 1]}],
    ids=["one of each", "one seen", "all labelled"],
)
def test_few_classes_and_no_unseen_pixel_are_survived(odd: dict, step: str, toy: Callable) -> None:
    t = toy(**odd)
    history = t.run(t.build(step), 2)
    assert all(np.isfinite(value) for losses in history for value in losses.values())
    assert all(torch.isfinite(tensor).all() for tensor in t.network.state_dict().values())
