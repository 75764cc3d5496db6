"""C: pixel features to class scores, seen and unseen classes alike. Three forms; a method names the one it has."""

from jaxtyping import Float
from torch import Tensor, nn

from signseg.config import ClassifierConfig


class Classifier(nn.Module):
    """Features -> logits, one hidden layer applied to each pixel (release: 1024 units, shared with D; here C has its own).

    The release has one more output than classes that is never a target; it is left out.

    Args:
        channels: c; words: (k, d) unit word vectors, of which this form needs the number only.
    """

    def __init__(self, channels: int, words: Tensor, config: ClassifierConfig) -> None:
        super().__init__()
        self.hidden = nn.Conv2d(channels, config.hidden, 1)
        self.dropout = nn.Dropout(config.dropout)
        self.scores = nn.Conv2d(config.hidden, len(words), 1)

    def forward(self, pixel: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k h w"]:
        return self.scores(self.before_scores(pixel))

    def before_scores(self, pixel: Float[Tensor, "b c h w"]) -> Float[Tensor, "b m h w"]:
        """What `scores`, which has a row for each class, works on."""
        return self.dropout(self.hidden(pixel).relu())


class LinearClassifier(nn.Module):
    """One linear map of each pixel (ZS3Net, CSRL)."""

    def __init__(self, channels: int, words: Tensor, config: ClassifierConfig) -> None:
        super().__init__()
        self.scores = nn.Conv2d(channels, len(words), 1)

    def forward(self, pixel: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k h w"]:
        return self.scores(pixel)

    def before_scores(self, pixel: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """What `scores`, which has a row for each class, works on."""
        return pixel


class WordClassifier(nn.Module):
    """Projection to the space of words, then the product with every class's fixed word vector; no bias, no temperature (SPNet)."""

    words: Tensor

    def __init__(self, channels: int, words: Tensor, config: ClassifierConfig) -> None:
        super().__init__()
        self.projection = nn.Conv2d(channels, words.shape[1], 1)
        self.register_buffer("words", words.clone())

    def forward(self, pixel: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k h w"]:
        return nn.functional.conv2d(self.projection(pixel), self.words[:, :, None, None])


CLASSIFIERS = {"hidden-layer": Classifier, "linear": LinearClassifier, "word-vectors": WordClassifier}
