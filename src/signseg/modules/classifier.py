"""C: pixel features to class scores, seen and unseen classes alike."""

from jaxtyping import Float
from torch import Tensor, nn

from signseg.config import ClassifierConfig


class Classifier(nn.Module):
    """Features -> logits, one hidden layer applied to each pixel (release: 1024 units, shared with D; here C has its own).

    The release has one more output than classes that is never a target; it is left out.
    """

    def __init__(self, channels: int, classes: int, config: ClassifierConfig) -> None:
        super().__init__()
        self.hidden = nn.Conv2d(channels, config.hidden, 1)
        self.dropout = nn.Dropout(config.dropout)
        self.scores = nn.Conv2d(config.hidden, classes, 1)

    def forward(self, pixel: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k h w"]:
        return self.scores(self.dropout(self.hidden(pixel).relu()))
