"""What the steps of SPNet, ZS3Net and CSRL leave out or add: who moves, and what is never read."""

from collections.abc import Callable

import pytest
import torch

from signseg.classes import UNANNOTATED
from signseg.methods import METHODS

SEEN = 3
EVERYONE = torch.arange(8)


def rival(toy: Callable, method: str, **overrides):
    """A toy with the settings of a method, in which the whole configuration is the method's."""
    return toy(**METHODS[method].settings | overrides)


def moved(t, method: str, step: str, iterations: int = 3) -> set[str]:
    """Boxes whose weights a step of the method changes."""
    before = {name: tensor.clone() for name, tensor in t.network.state_dict().items()}
    t.run(t.build(step, method), iterations, index=EVERYONE)
    return {name.split(".")[0] for name, tensor in t.network.state_dict().items() if not torch.equal(tensor, before[name])}


# ---- a generator without an opponent


@pytest.mark.parametrize("method", ["zs3net", "csrl"])
def test_without_an_opponent_d_is_no_player_and_stays_as_it_is(method: str, toy: Callable) -> None:
    t = rival(toy, method, **{"step_b.weight_decay": 0.1})
    stage = t.build("step_b", method)
    assert set(stage.players()) == {"generator"} and stage.training_modules() == [t.network.generator]
    assert {update.player for update in stage.updates(EVERYONE)} == {"generator"}
    assert moved(t, method, "step_b") == {"generator"}


@pytest.mark.parametrize("method", ["zs3net", "csrl"])
def test_the_latent_is_noise_that_no_image_shapes(method: str, toy: Callable) -> None:
    t = rival(toy, method)
    drawn = t.network.spatial.features(t.materials.frozen.code(EVERYONE.repeat(40)), sample=True)
    assert abs(drawn.latent.mean()) < 0.02 and abs(drawn.latent.std() - 1) < 0.02
    again = t.network.spatial.features(t.materials.frozen.code(EVERYONE.repeat(40)), sample=True)
    assert torch.equal(drawn.pixel, again.pixel) and not torch.equal(drawn.latent, again.latent)


def test_matching_alone_brings_synthetic_features_closer(toy: Callable) -> None:
    t = rival(toy, "zs3net", **{"step_b.learning_rate": 5e-3, "generator.dropout": (0.1,)})
    mmd = [losses["generator/mmd"] for losses in t.run(t.build("step_b", "zs3net"), 60)]
    assert sum(mmd[-5:]) < 0.8 * sum(mmd[:5])


# ---- step a on seen outputs alone


def test_spnet_learns_the_same_whatever_the_unseen_words_are(toy: Callable) -> None:
    trained = []
    for change in (0.0, 1.0):
        t = rival(toy, "spnet")
        words = t.network.classifier.words
        words[SEEN:] = torch.nn.functional.normalize(words[SEEN:] + change, dim=1)
        assert moved(t, "spnet", "step_a") >= {"encoder", "classifier"}
        trained.append(dict(t.network.named_parameters()))
    assert all(torch.equal(trained[0][name], trained[1][name]) for name in trained[0])


def test_with_all_outputs_unseen_words_do_count(toy: Callable) -> None:
    """So the test above can fail."""
    losses = []
    for outputs in ("seen", "all"):
        t = rival(toy, "spnet", **{"step_a.outputs": outputs})
        losses.append(t.run(t.build("step_a", "spnet"), 1, index=EVERYONE)[0]["segmenter/cross_entropy"])
    assert losses[0] < losses[1], "fewer classes to tell apart"


def test_spnet_scores_are_products_with_words_and_words_do_not_learn(toy: Callable) -> None:
    t = rival(toy, "spnet")
    words = t.network.classifier.words.clone()
    t.run(t.build("step_a", "spnet"), 3)
    assert torch.equal(t.network.classifier.words, words) and torch.equal(words, t.network.embedding_map.table)
    pixel = torch.rand(1, 16, 2, 2)
    projected = t.network.classifier.projection(pixel)
    torch.testing.assert_close(t.network.classifier(pixel), torch.einsum("kd,bdhw->bkhw", words, projected))


# ---- relations between classes


def test_relations_train_g_alone_and_read_no_cell_without_a_label(toy: Callable) -> None:
    trained = []
    for change in (0.0, 100.0):
        t = rival(toy, "csrl")
        t.materials.frozen.code(EVERYONE)
        hidden = (t.materials.frozen.grid >= UNANNOTATED)[:, None, None]
        assert hidden.any()
        t.materials.frozen.maps += change * hidden
        assert moved(t, "csrl", "step_b") == {"generator"}
        trained.append(dict(t.network.generator.named_parameters()))
    assert all(torch.equal(trained[0][name], trained[1][name]) for name in trained[0])


def test_unseen_words_enter_the_relations_and_not_the_matching(toy: Callable) -> None:
    found = []
    for change in (0.0, 1.0):
        t = rival(toy, "csrl")
        t.network.embedding_map.table[SEEN:] += change
        torch.manual_seed(0)
        (update,) = t.build("step_b", "csrl").updates(EVERYONE)
        found.append({name: term.item() for name, term in update.terms.items()})
    assert set(found[0]) == {"mmd", "pair", "list"}
    assert found[0]["mmd"] == found[1]["mmd"] and found[0]["pair"] != found[1]["pair"]


def test_without_weight_relations_change_nothing_but_the_noise(toy: Callable) -> None:
    t = rival(toy, "csrl", **{"step_b.relations.pair_weight": 0, "step_b.relations.list_weight": 0})
    torch.manual_seed(0)
    (update,) = t.build("step_b", "csrl").updates(EVERYONE)
    assert update.total() == update.weights["mmd"] * update.terms["mmd"]


def test_prototypes_are_means_of_what_g_makes_of_each_class(toy: Callable) -> None:
    t = rival(toy, "csrl", **{"step_b.matching_pixels": 4000})
    prototypes = t.build("step_b", "csrl").prototypes()
    for position, word in enumerate(t.network.embedding_map.table):
        alone = t.network.generator(word.repeat(4000, 1), torch.randn(4000, 16)).mean(0)
        torch.testing.assert_close(prototypes[position], alone, atol=0.03, rtol=0)
