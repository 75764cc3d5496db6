"""SIM, the spatial information module: features and a positional encoding in, classifier features and a Gaussian latent out.

Bodies mix the encoding into the features; the context branch behind them is the same for all of them (CaGNet's contextual module).
Convolutions have no bias and no norm, as in the release (its batch norm is commented out).
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from signseg.config import SpatialConfig
from signseg.modules.positional import ENCODINGS, of_part
from signseg.structures import Features, Part, SpatialCode


def conv_relu(inputs: int, outputs: int, size: int = 1, dilation: int = 1) -> nn.Sequential:
    """Convolution and ReLU, same feature size."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, size, padding=dilation * (size // 2), dilation=dilation, bias=False), nn.ReLU())


class MultiScaleContext(nn.Module):
    """Three dilated convolutions in a row (1, 2, 5), weighed per pixel by a selector, pooled by a 1x1 (CaGNet, contextual module).

    The selector is sigmoid(ReLU(.)) and so lies in [0.5, 1), as in the release.
    """

    def __init__(self, inputs: int, width: int, outputs: int) -> None:
        super().__init__()
        self.scales = nn.ModuleList([conv_relu(inputs, width, 3, 1), conv_relu(width, width, 3, 2), conv_relu(width, width, 3, 5)])
        self.selector = conv_relu(3 * width, 3, 3)
        self.pool = conv_relu(3 * width, outputs)

    def forward(self, x: Float[Tensor, "b m h w"]) -> Float[Tensor, "b c h w"]:
        scales = []
        for scale in self.scales:
            x = scale(x)
            scales.append(x)
        selected = self.selector(torch.cat(scales, dim=1)).sigmoid()
        return self.pool(torch.cat([scale * selected[:, i : i + 1] for i, scale in enumerate(scales)], dim=1))


class SelfAttention(nn.Module):
    """Self-attention over all positions of a map with a residual; scores are not scaled by the square root of the width (release: `SA`)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query = nn.Conv2d(width, width, 1)
        self.key = nn.Conv2d(width, width, 1)
        self.value = nn.Conv2d(width, width, 1)
        self.out = nn.Conv2d(width, width, 1)

    def forward(self, x: Float[Tensor, "b m h w"]) -> Float[Tensor, "b m h w"]:
        # One head; without the head axis torch takes a slower path.
        query, key, value = (layer(x).flatten(2).transpose(1, 2)[:, None] for layer in (self.query, self.key, self.value))
        mixed = nn.functional.scaled_dot_product_attention(query, key, value, scale=1.0)
        return x + self.out(mixed[:, 0].transpose(1, 2).unflatten(2, x.shape[2:]))


class AttentionBody(nn.Module):
    """Two self-attentions on a narrow map, added to the entry (release: network_type 5)."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.entry = conv_relu(2 * channels, channels)
        self.narrow = conv_relu(channels, width)
        self.attention1 = SelfAttention(width)
        self.between = conv_relu(width, width)
        self.attention2 = SelfAttention(width)
        self.widen = conv_relu(width, channels)

    def forward(self, h: Float[Tensor, "b c h w"], encoded: Float[Tensor, "b e h w"]) -> Float[Tensor, "b c h w"]:
        entry = self.entry(encoded)
        return self.widen(self.attention2(self.between(self.attention1(self.narrow(entry))))) + entry


class AttentionInnerSkipsBody(AttentionBody):
    """The same layers with a skip around the attentions and none at the end (release: network_type 7)."""

    def forward(self, h: Float[Tensor, "b c h w"], encoded: Float[Tensor, "b e h w"]) -> Float[Tensor, "b c h w"]:
        narrow = self.narrow(self.entry(encoded))
        return self.widen(self.attention2(self.between(self.attention1(narrow))) + narrow)


class ContextBody(nn.Module):
    """Multi-scale context of features and encoding, added to the features (release: network_type 1, its default)."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.context = MultiScaleContext(2 * channels, width, channels)

    def forward(self, h: Float[Tensor, "b c h w"], encoded: Float[Tensor, "b e h w"]) -> Float[Tensor, "b c h w"]:
        return h + self.context(encoded)


class IdentityBody(nn.Module):
    """Features as they come, without any encoding: what is left is CaGNet's contextual module."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()

    def forward(self, h: Float[Tensor, "b c h w"], encoded: Float[Tensor, "b e h w"]) -> Float[Tensor, "b c h w"]:
        return h


BODIES = {"attention": AttentionBody, "attention-inner-skips": AttentionInnerSkipsBody, "context": ContextBody, "identity": IdentityBody}


class SpatialInformationModule(nn.Module):
    """Features of E -> the spatial code; `features` then draws the latent and gates with it.

    Args:
        channels: feature channels c, a multiple of 4.
        config: encoding, body and widths.
    """

    def __init__(self, channels: int, config: SpatialConfig) -> None:
        super().__init__()
        self.config = config
        self.encode = ENCODINGS[config.encoding]
        self.body = BODIES[config.body](channels, config.body_channels)
        self.context = MultiScaleContext(channels, config.context_channels, channels)
        self.mean = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.log_variance = conv_relu(channels, channels, 3)  # ReLU: the variance is never below 1 (release)

    def forward(self, h: Float[Tensor, "b c h w"], part: Part | None = None) -> SpatialCode:
        """`part`: h is a tile, and its pixels are where they are in the whole picture, not where they are in the tile."""
        size = h.shape[1], h.shape[2], h.shape[3]
        encoding = (self.encode(*size, self.config) if part is None else of_part(self.encode, *size, part, self.config)).to(h)
        encoded = torch.cat([h.sigmoid(), encoding.expand_as(h)], dim=1)
        base = self.body(h, encoded)
        context = self.context(base.sigmoid())
        return SpatialCode(base, self.mean(context), self.log_variance(context))

    def features(self, code: SpatialCode, *, sample: bool) -> Features:
        """x = sigmoid(h0 + h0 * sigmoid(z)) and z, the latent drawn in training and its mean at test time (release)."""
        latent = draw(code, sample=sample)
        return Features((code.base + code.base * latent.sigmoid()).sigmoid(), latent)


class NoSpatialModule(nn.Module):
    """What ZS3Net, CSRL and SPNet have instead: x = sigmoid(h), and a latent that is plain N(0, 1) noise and never touches x."""

    def __init__(self, channels: int, config: SpatialConfig) -> None:
        super().__init__()

    def forward(self, h: Float[Tensor, "b c h w"], part: Part | None = None) -> SpatialCode:
        return SpatialCode(h, torch.zeros_like(h), torch.zeros_like(h))

    def features(self, code: SpatialCode, *, sample: bool) -> Features:
        """x = sigmoid(h), and noise (0 unless `sample`)."""
        return Features(code.base.sigmoid(), draw(code, sample=sample))


SPATIAL = {"sim": SpatialInformationModule, "none": NoSpatialModule}


def draw(code: SpatialCode, *, sample: bool) -> Float[Tensor, "b c h w"]:
    """The latent: a reparametrised normal, or its mean unless `sample`."""
    return code.mean + (code.log_variance / 2).exp() * torch.randn_like(code.mean) if sample else code.mean
