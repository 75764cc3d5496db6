"""G: a word vector and a latent code in, a synthetic pixel feature in (0, 1) out. One MLP, applied to each pixel alone.

Given a graph of what lies beside what, every linear layer mixes neighbours first and so becomes a graph convolution (ZS3Net).
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from signseg.config import GeneratorConfig


class Generator(nn.Module):
    """[word | latent] -> feature. LeakyReLU 0.2 and dropout after each hidden layer, sigmoid at the end (release).

    Args:
        word_size: d; channels: c, of latent and feature alike.
    """

    def __init__(self, word_size: int, channels: int, config: GeneratorConfig) -> None:
        super().__init__()
        self.channels = channels
        layers: list[nn.Module] = []
        width = word_size + channels
        for hidden, dropout in zip(config.hidden, config.dropout, strict=True):
            layers += [nn.Linear(width, hidden), nn.LeakyReLU(0.2), nn.Dropout(dropout)]
            width = hidden
        self.layers = nn.Sequential(*layers, nn.Linear(width, channels), nn.Sigmoid())

    def forward(
        self, words: Float[Tensor, "n d"], latent: Float[Tensor, "n c"], adjacency: Float[Tensor, "n n"] | None = None
    ) -> Float[Tensor, "n c"]:
        x = torch.cat([words, latent], dim=1)
        if adjacency is None:
            return self.layers(x)
        for layer in self.layers:
            x = layer(adjacency @ x if isinstance(layer, nn.Linear) else x)
        return x
