"""E: a DeepLab-v2 encoder of any width, from the compact form of the built-in world to ResNet-101.

It knows nothing of classes or words: images in [0, 1] go in, a map of pre-activation features comes out.
Parameter names of the residual stages are torchvision's, so that published ImageNet weights can be loaded.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from signseg.config import EncoderConfig


def convolution(inputs: int, outputs: int, size: int, *, stride: int = 1, dilation: int = 1) -> nn.Conv2d:
    """A convolution without bias that keeps the feature size (up to its stride)."""
    return nn.Conv2d(inputs, outputs, size, stride, padding=dilation * (size // 2), dilation=dilation, bias=False)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut (ResNet-18 and the compact encoder)."""

    expansion = 1

    def __init__(self, inputs: int, width: int, stride: int, dilation: int) -> None:
        super().__init__()
        self.conv1 = convolution(inputs, width, 3, stride=stride, dilation=dilation)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = convolution(width, width, 3, dilation=dilation)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = shortcut(inputs, width, stride)

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn1(self.conv1(x)).relu()
        return (self.bn2(self.conv2(y)) + self.downsample(x)).relu()


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1 and a shortcut (ResNet-50/101). The stride is on the first 1x1 (SIGN's release); torchvision's is on the 3x3."""

    expansion = 4

    def __init__(self, inputs: int, width: int, stride: int, dilation: int) -> None:
        super().__init__()
        self.conv1 = convolution(inputs, width, 1, stride=stride)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = convolution(width, width, 3, dilation=dilation)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = convolution(width, width * self.expansion, 1)
        self.bn3 = nn.BatchNorm2d(width * self.expansion)
        self.downsample = shortcut(inputs, width * self.expansion, stride)

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn1(self.conv1(x)).relu()
        y = self.bn2(self.conv2(y)).relu()
        return (self.bn3(self.conv3(y)) + self.downsample(x)).relu()


def shortcut(inputs: int, outputs: int, stride: int) -> nn.Module:
    """Identity where the shape stays, else a 1x1 projection."""
    if inputs == outputs and stride == 1:
        return nn.Identity()
    return nn.Sequential(convolution(inputs, outputs, 1, stride=stride), nn.BatchNorm2d(outputs))


class AtrousPyramid(nn.Module):
    """The sum of parallel dilated 3x3 convolutions (ASPP of DeepLab-v2; release: dilations 6, 12, 18, 24, weights N(0, 0.01), bias 0)."""

    def __init__(self, inputs: int, outputs: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.branches = nn.ModuleList(nn.Conv2d(inputs, outputs, 3, padding=rate, dilation=rate) for rate in dilations)

    def forward(self, x: Float[Tensor, "b w h v"]) -> Float[Tensor, "b c h v"]:
        return torch.stack([branch(x) for branch in self.branches]).sum(0)


def compact_stem(width: int) -> nn.Sequential:
    """Two stride-2 3x3 convolutions: output stride 4 with a small receptive field (world.md: a large one leaks position)."""
    halves = [(convolution(inputs, width, 3, stride=2), nn.BatchNorm2d(width), nn.ReLU()) for inputs in (3, width)]
    return nn.Sequential(*halves[0], *halves[1])


def resnet_stem(width: int) -> nn.Sequential:
    """7x7 stride 2 and a ceil-mode max-pool: output stride 4 (ResNet, DeepLab-v2)."""
    return nn.Sequential(convolution(3, width, 7, stride=2), nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(3, 2, 1, ceil_mode=True))


STEMS = {"compact": compact_stem, "resnet": resnet_stem}
BLOCKS = {"basic": BasicBlock, "bottleneck": Bottleneck}


class Encoder(nn.Module):
    """Images (b 3 H W) in [0, 1] -> features (b c h w), before any activation.

    Args:
        config: widths, depths, strides and dilations of the stages, dilations of the pyramid, feature channels.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.frozen_norm = config.frozen_norm
        self.stride = 4 * math.prod(config.strides)  # of the feature grid, in pixels
        # Mean and deviation of ImageNet: harmless for drawn pictures, needed for pretrained weights.
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))
        self.stem = STEMS[config.stem](config.stem_width)
        block, channels = BLOCKS[config.block], config.stem_width
        stages = []
        for depth, width, stride, dilation in zip(config.depths, config.widths, config.strides, config.dilations, strict=True):
            blocks = []
            for position in range(depth):
                blocks.append(block(channels, width, stride if position == 0 else 1, dilation))
                channels = width * block.expansion
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.ModuleList(stages)
        self.aspp = AtrousPyramid(channels, config.features, config.aspp_dilations)

    def forward(self, images: Float[Tensor, "b 3 H W"]) -> Float[Tensor, "b c h w"]:
        x = self.stem((images - self.mean) / self.std)
        for stage in self.stages:
            x = stage(x)
        return self.aspp(x)

    def trained_parameters(self) -> list[nn.Parameter]:
        """All parameters, or all but those of batch norm where that is frozen (release: they are in no optimiser group)."""
        norms = [module for module in self.modules() if isinstance(module, nn.BatchNorm2d)] if self.frozen_norm else []
        frozen = {id(parameter) for norm in norms for parameter in norm.parameters()}
        return [parameter for parameter in self.parameters() if id(parameter) not in frozen]

    def train(self, mode: bool = True) -> "Encoder":
        """As nn.Module, but a frozen batch norm keeps its statistics."""
        super().train(mode)
        if self.frozen_norm:
            for module in self.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.eval()
        return self


def initialise(module: nn.Module) -> None:
    """Kaiming-normal weights with zero bias, everywhere (release: `Trainer.from_scratch`, every convolution of every box)."""
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)
