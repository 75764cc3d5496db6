"""D: tells real pixel features from synthetic ones, one pixel at a time."""

from jaxtyping import Float
from torch import Tensor, nn

from signseg.config import DiscriminatorConfig


class Discriminator(nn.Module):
    """Feature -> score in (0, 1), 1 for real (release: sigmoid output for every GAN loss)."""

    def __init__(self, channels: int, config: DiscriminatorConfig) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(channels, config.hidden), nn.ReLU(), nn.Dropout(config.dropout), nn.Linear(config.hidden, 1), nn.Sigmoid()
        )

    def forward(self, pixels: Float[Tensor, "n c"]) -> Float[Tensor, "n"]:
        return self.layers(pixels).squeeze(1)
