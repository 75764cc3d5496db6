"""SIM with every body and encoding, M, G, D and C: sizes, ranges, and a latent that does something."""

import numpy as np
import pytest
import torch

from signseg.classes import IGNORE, UNANNOTATED
from signseg.config import TINY, ClassifierConfig, DiscriminatorConfig, GeneratorConfig, SpatialConfig, with_overrides
from signseg.modules.classifier import CLASSIFIERS, WordClassifier
from signseg.modules.discriminator import Discriminator
from signseg.modules.embedding_map import EmbeddingMap
from signseg.modules.generator import Generator
from signseg.modules.positional import ENCODINGS
from signseg.modules.spatial import BODIES, NoSpatialModule, SelfAttention, SpatialInformationModule
from signseg.network import Network
from signseg.structures import SpatialCode


def sim(**options) -> SpatialInformationModule:
    torch.manual_seed(0)
    return SpatialInformationModule(8, SpatialConfig(**{"body_channels": 6, "context_channels": 5, "training_grid": (5, 5)} | options))


@pytest.mark.parametrize("size", [(5, 5), (1, 9), (7, 1), (1, 1), (3, 11)], ids=str)
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("body", BODIES)
def test_any_feature_size(body: str, encoding: str, size: tuple[int, int]) -> None:
    module = sim(body=body, encoding=encoding)
    code = module(torch.randn(2, 8, *size))
    drawn = module.features(code, sample=True)
    for tensor in (code.base, code.mean, code.log_variance, drawn.pixel, drawn.latent):
        assert tensor.shape == (2, 8, *size) and torch.isfinite(tensor).all()
    assert (code.log_variance >= 0).all(), "the variance is never below 1"
    assert ((drawn.pixel > 0) & (drawn.pixel < 1)).all()


@pytest.mark.parametrize("encoding", [name for name in ENCODINGS if name != "none"])
@pytest.mark.parametrize("body", [name for name in BODIES if name != "identity"])
def test_position_reaches_the_code_and_only_with_an_encoding(body: str, encoding: str) -> None:
    h = torch.randn(1, 8, 1, 1).expand(1, 8, 21, 21)
    # The convolutions' own padding tells position near the rim; the middle cell and its neighbour are out of its reach.
    kept = [sim(body=body, encoding=name)(h).base[0, :, 10, 10:12] for name in (encoding, "none")]
    assert (kept[0][:, 0] - kept[0][:, 1]).abs().max() > 1e-4
    assert (kept[1][:, 0] - kept[1][:, 1]).abs().max() < 1e-5


def test_the_latent_is_its_mean_at_test_time_and_a_normal_in_training() -> None:
    module = sim()
    code = module(torch.randn(4, 8, 16, 16))
    assert torch.equal(module.features(code, sample=False).latent, code.mean)
    torch.manual_seed(0)
    wide = SpatialCode(code.base, code.mean, torch.full_like(code.mean, 3.0))
    noise = torch.stack([module.features(wide, sample=True).latent for _ in range(20)]) - code.mean
    assert abs(noise.mean()) < 0.05 and abs(noise.std() - np.exp(1.5)) < 0.05


def test_the_gate_is_the_paper_s() -> None:
    module = sim()
    code = module(torch.randn(1, 8, 3, 4))
    base, z = code.base.detach().numpy(), code.mean.detach().numpy()
    gated = base + base / (1 + np.exp(-z))
    np.testing.assert_allclose(module.features(code, sample=False).pixel.detach(), 1 / (1 + np.exp(-gated)), rtol=1e-5)


def test_gradients_flow_through_the_drawn_latent_into_mean_and_variance() -> None:
    module = sim()
    module.features(module(torch.randn(2, 8, 6, 6)), sample=True).latent.square().mean().backward()
    assert module.mean.weight.grad.abs().sum() > 0 and module.log_variance[0].weight.grad.abs().sum() > 0


def test_self_attention_is_unscaled_and_looks_everywhere() -> None:
    torch.manual_seed(1)
    layer, x = SelfAttention(4), torch.randn(1, 4, 2, 3)
    query, key, value = (conv(x)[0].flatten(1).T.detach().numpy() for conv in (layer.query, layer.key, layer.value))
    mixed = np.zeros((6, 4))
    for i in range(6):
        scores = np.array([float(query[i] @ key[j]) for j in range(6)])
        weights = np.exp(scores) / np.exp(scores).sum()
        mixed[i] = sum(weights[j] * value[j] for j in range(6))
    out = layer.out.weight[:, :, 0, 0].detach().numpy() @ mixed.T + layer.out.bias.detach().numpy()[:, None]
    np.testing.assert_allclose(layer(x)[0].flatten(1).detach(), x[0].flatten(1).numpy() + out, atol=1e-5)


# ---- the other boxes


def test_words_are_a_fixed_table() -> None:
    table = np.eye(3, 5, dtype=np.float32)
    module = EmbeddingMap(table)
    assert not list(module.parameters())
    np.testing.assert_array_equal(module(torch.tensor([2, 0, 2])), table[[2, 0, 2]])


def test_the_generator_answers_to_word_and_latent_and_drops_only_in_training() -> None:
    generator = Generator(5, 8, GeneratorConfig(hidden=(16,), dropout=(0.5,)))
    words, latent = torch.randn(10, 5), torch.randn(10, 8)
    generator.eval()
    fixed = generator(words, latent)
    assert ((fixed > 0) & (fixed < 1)).all()
    assert torch.equal(fixed, generator(words, latent))
    assert not torch.allclose(fixed, generator(words, latent + 1), atol=1e-3)
    assert not torch.allclose(fixed, generator(words.flip(0), latent), atol=1e-3)
    generator.train()
    assert not torch.equal(generator(words, latent), generator(words, latent))


def test_the_discriminator_judges_each_pixel_alone() -> None:
    discriminator = Discriminator(8, DiscriminatorConfig(hidden=16)).eval()
    pixels = torch.rand(12, 8)
    judged = discriminator(pixels)
    assert judged.shape == (12,) and ((judged > 0) & (judged < 1)).all()
    torch.testing.assert_close(discriminator(pixels.flip(0)), judged.flip(0))


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_the_classifier_has_one_score_a_class_and_judges_each_pixel_alone(kind: str) -> None:
    classifier = CLASSIFIERS[kind](8, torch.rand(5, 6), ClassifierConfig(hidden=16)).eval()
    pixel = torch.rand(2, 8, 3, 4)
    scores = classifier(pixel)
    assert scores.shape == (2, 5, 3, 4)
    torch.testing.assert_close(classifier(pixel[:, :, 1:2, 2:3]), scores[:, :, 1:2, 2:3])


def test_spnet_scores_a_pixel_by_the_product_of_its_projection_with_each_word() -> None:
    words, pixel = torch.rand(5, 6), torch.rand(1, 8, 2, 3)
    classifier = WordClassifier(8, words, ClassifierConfig())
    projected = classifier.projection(pixel)[0, :, 1, 2].tolist()
    expected = [sum(a * b for a, b in zip(word, projected, strict=True)) for word in words.tolist()]
    np.testing.assert_allclose(classifier(pixel)[0, :, 1, 2].detach(), expected, rtol=1e-4)
    assert {name for name, _ in classifier.named_parameters()} == {"projection.weight", "projection.bias"}, "words are never trained"


def test_without_a_spatial_module_the_latent_is_noise_that_never_touches_the_feature() -> None:
    module = NoSpatialModule(8, SpatialConfig())
    h = torch.randn(4, 8, 9, 9)
    code = module(h)
    drawn, again = (module.features(code, sample=True) for _ in range(2))
    assert torch.equal(drawn.pixel, h.sigmoid()) and torch.equal(drawn.pixel, again.pixel)
    assert not torch.equal(drawn.latent, again.latent) and abs(drawn.latent.std() - 1) < 0.05 and abs(drawn.latent.mean()) < 0.05
    assert not module.features(code, sample=False).latent.any()


# ---- the figure


def network(**overrides) -> Network:
    torch.manual_seed(0)
    words = np.random.default_rng(0).normal(size=(5, 6))
    return Network(with_overrides(TINY, overrides), words / np.linalg.norm(words, axis=1, keepdims=True)).eval()


@pytest.mark.parametrize("size", [(32, 32), (37, 50), (4, 64)], ids=str)
def test_inference_needs_images_only_and_repeats_itself(size: tuple[int, int]) -> None:
    images = torch.rand(2, 3, *size)
    model = network()
    with torch.no_grad():
        scores = model(images)
        assert scores.shape == (2, 5, -(-size[0] // 4), -(-size[1] // 4))
        assert torch.equal(scores, model(images))


def test_synthesis_places_the_word_of_each_label_on_the_latent_below_it() -> None:
    model = network()
    labels = torch.randint(0, 5, (2, 3, 4))
    latent = torch.randn(2, 16, 3, 4)
    synthesis = model.synthesise(labels, latent)
    assert torch.equal(synthesis.labels, labels)
    for image, row, column in [(0, 0, 0), (1, 2, 3), (0, 1, 3), (1, 0, 2)]:
        word = model.embedding_map.table[labels[image, row, column]][None]
        alone = model.generator(word, latent[image, :, row, column][None])[0]
        torch.testing.assert_close(synthesis.pixel[image, :, row, column], alone)


def test_synthesis_accepts_pixels_without_a_class() -> None:
    labels = torch.tensor([[[0, UNANNOTATED, IGNORE]]])
    synthesis = network().synthesise(labels, torch.randn(1, 16, 1, 3))
    assert torch.isfinite(synthesis.pixel).all() and torch.equal(synthesis.labels, labels)


def test_the_boxes_share_no_parameter() -> None:
    model = network()
    boxes = [model.encoder, model.spatial, model.embedding_map, model.generator, model.discriminator, model.classifier]
    owned = [id(parameter) for box in boxes for parameter in box.parameters()]
    assert len(owned) == len(set(owned)) == len(list(model.parameters()))
