"""GAN terms on scores in (0, 1): what D minimises and what G minimises.

"least-squares" is LSGAN as its name says and as CaGNet's paper has it; "absolute" is what the SIGN and CaGNet releases compute
under that name; "none" is a generator without an opponent (ZS3Net, CSRL).
"""

from collections.abc import Callable
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

Scores = Float[Tensor, "n"]


@dataclass(frozen=True)
class AdversarialLoss:
    """A distance of scores to their target, used three times."""

    distance: Callable[[Tensor], Tensor]

    def discriminator(self, real: Scores, synthetic: Scores) -> Float[Tensor, ""]:
        """Real towards 1, synthetic towards 0."""
        return self.distance(real - 1).mean() + self.distance(synthetic).mean()

    def generator(self, synthetic: Scores) -> Float[Tensor, ""]:
        """Synthetic towards 1."""
        return self.distance(synthetic - 1).mean()


ADVERSARIAL: dict[str, AdversarialLoss | None] = {
    "least-squares": AdversarialLoss(lambda gap: gap.square()),
    "absolute": AdversarialLoss(lambda gap: gap.abs()),
    "none": None,
}
