"""E in all its forms: feature sizes, published parameter counts, and statistics that stay where they are told to."""

import pytest
import torch
from torch import nn

from signseg.config import EncoderConfig, GeneratorConfig, SpatialConfig
from signseg.modules.encoder import Encoder
from signseg.modules.generator import Generator
from signseg.modules.spatial import SpatialInformationModule

RESNET_101 = EncoderConfig(
    stem="resnet",
    stem_width=64,
    block="bottleneck",
    depths=(3, 4, 23, 3),
    widths=(64, 128, 256, 512),
    strides=(1, 2, 1, 1),
    dilations=(1, 1, 2, 4),
    aspp_dilations=(6, 12, 18, 24),
    features=600,
)
NARROW_18 = EncoderConfig(
    stem="resnet", stem_width=4, depths=(2, 2, 2, 2), widths=(4, 8, 8, 8), strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4), features=8
)
COMPACT = EncoderConfig(stem_width=6, depths=(1, 1), widths=(8, 8), features=12)


def parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_resnet_101_has_the_release_s_parameters() -> None:
    with torch.device("meta"):
        encoder = Encoder(RESNET_101)
    assert parameters(encoder.aspp) == 44_239_200
    assert parameters(encoder) - parameters(encoder.aspp) == 42_500_160


@pytest.mark.parametrize(("body", "count"), [("attention", 1_022_080), ("attention-inner-skips", 1_022_080)])
def test_attention_bodies_have_the_release_s_parameters(body: str, count: int) -> None:
    with torch.device("meta"):
        module = SpatialInformationModule(600, SpatialConfig(body=body, body_channels=128, context_channels=256))
    assert parameters(module.body) == count
    assert parameters(module) - count == 9_523_584  # the contextual module


def test_context_body_has_the_release_s_parameters() -> None:
    with torch.device("meta"):
        module = SpatialInformationModule(600, SpatialConfig(body="context", body_channels=256, context_channels=256))
    assert parameters(module.body) == 4_425_984


def test_generator_has_the_release_s_parameters() -> None:
    with torch.device("meta"):
        generator = Generator(600, 600, GeneratorConfig(hidden=(1024, 960, 864, 784, 720), dropout=(0.1, 0.1, 0.3, 0.5, 0.5)))
    assert parameters(generator) == 4_720_088


@pytest.mark.parametrize(("side", "cells"), [(368, 47), (513, 65), (321, 41)])
@pytest.mark.parametrize("block", ["basic", "bottleneck"])
def test_resnets_at_stride_eight_have_the_release_s_feature_sizes(block: str, side: int, cells: int) -> None:
    config = NARROW_18.model_copy(update={"block": block, "depths": (1, 1, 1, 1), "widths": (2, 2, 2, 2)})
    with torch.no_grad():
        assert Encoder(config)(torch.rand(1, 3, side, 40)).shape == (1, 8, cells, 6)


@pytest.mark.parametrize(("height", "width"), [(96, 96), (64, 144), (33, 47)])
def test_the_compact_form_has_stride_four(height: int, width: int) -> None:
    features = Encoder(COMPACT)(torch.rand(2, 3, height, width))
    assert features.shape == (2, 12, -(-height // 4), -(-width // 4))
    assert (features < 0).any(), "features are taken before any activation"


def test_the_pyramid_is_a_sum_of_its_branches() -> None:
    pyramid = Encoder(COMPACT).aspp
    x = torch.rand(1, 8, 7, 9)
    torch.testing.assert_close(pyramid(x), pyramid.branches[0](x) + pyramid.branches[1](x))


@pytest.mark.parametrize("config", [COMPACT, NARROW_18], ids=["compact", "resnet-18"])
def test_every_parameter_gets_a_gradient(config: EncoderConfig) -> None:
    encoder = Encoder(config)
    encoder(torch.rand(2, 3, 40, 40)).square().mean().backward()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in encoder.parameters())


def statistics(module: nn.Module) -> dict[str, torch.Tensor]:
    return {name: buffer.clone() for name, buffer in module.named_buffers() if "running" in name or "num_batches" in name}


@pytest.mark.parametrize("frozen", [True, False])
def test_a_frozen_norm_keeps_its_statistics_in_train_mode(frozen: bool) -> None:
    encoder = Encoder(NARROW_18.model_copy(update={"frozen_norm": frozen}))
    before = statistics(encoder)
    encoder.train()
    encoder(torch.rand(4, 3, 40, 40))
    same = [bool((value == before[name]).all()) for name, value in statistics(encoder).items()]
    assert len(same) > 0 and (all(same) if frozen else not any(same))
    assert encoder.training
