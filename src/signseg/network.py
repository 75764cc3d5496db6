"""The figure of the paper: six boxes and the arrows between them. No loss, no label policy, no training step lives here.

    images -> E -> h -> SIM (+ positional encoding) -> pixel feature x -> C -> class scores
                         |                               |
                         +-> spatial latent z --+        +-> D <- synthetic feature
                                                v                      ^
                     class id -> M -> word ->  G ----------------------+--> C
"""

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from signseg.classes import UNANNOTATED
from signseg.config import RunConfig
from signseg.modules.classifier import CLASSIFIERS
from signseg.modules.discriminator import Discriminator
from signseg.modules.embedding_map import EmbeddingMap
from signseg.modules.encoder import Encoder, initialise
from signseg.modules.generator import Generator
from signseg.modules.spatial import SPATIAL, SelfAttention
from signseg.structures import Features, Part, SpatialCode, Synthesis, TrainingPass


class Network(nn.Module):
    """E, SIM, M, G, D and C.

    Args:
        config: sizes of the boxes.
        words: (k, d) unit word vectors in the order of training ids (seen first).
    """

    def __init__(self, config: RunConfig, words: np.ndarray) -> None:
        super().__init__()
        channels, word_size = config.encoder.features, words.shape[1]
        self.encoder = Encoder(config.encoder)
        self.spatial = SPATIAL[config.spatial.module](channels, config.spatial)
        self.embedding_map = EmbeddingMap(words)
        self.generator = Generator(word_size, channels, config.generator)
        self.discriminator = Discriminator(channels, config.discriminator)
        self.classifier = CLASSIFIERS[config.classifier.kind](channels, self.embedding_map.table, config.classifier)
        self.apply(initialise)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                module.padding_mode = config.padding
            elif isinstance(module, SelfAttention):
                nn.init.zeros_(module.out.weight)  # begins as identity: unscaled scores saturate at Kaiming weights (lab notebook)

    def trained_scores(self, images: Float[Tensor, "b 3 H W"], precision: torch.dtype) -> TrainingPass:
        """Images -> code and class scores with a drawn latent, computed in `precision` and returned in float32 (for training only)."""
        with torch.autocast(images.device.type, dtype=precision, enabled=precision != torch.float32):
            code = self.code(images)
            scores = self.classifier(self.spatial.features(code, sample=True).pixel)
        return TrainingPass(SpatialCode(code.base.float(), code.mean.float(), code.log_variance.float()), scores.float())

    def code(self, images: Float[Tensor, "b 3 H W"], part: Part | None = None) -> SpatialCode:
        """Images (or the same tile of each) -> E -> SIM, before the latent is drawn: all that is deterministic about an image."""
        return self.spatial(self.encoder(images), part)

    def features(self, images: Float[Tensor, "b 3 H W"], *, sample: bool = False) -> Features:
        """Images -> pixel features and spatial latents."""
        return self.spatial.features(self.code(images), sample=sample)

    def forward(self, images: Float[Tensor, "b 3 H W"]) -> Float[Tensor, "b k h w"]:
        """Images in [0, 1] -> class scores on the feature grid. This is all of inference: no label, no word, no noise."""
        return self.classifier(self.features(images).pixel)

    def tile_scores(self, tiles: Float[Tensor, "b 3 H W"], part: Part) -> Float[Tensor, "b k h w"]:
        """`forward` for a tile of larger images: SIM is told where in the whole picture it lies."""
        return self.classifier(self.spatial.features(self.code(tiles, part), sample=False).pixel)

    def synthesise(self, labels: Int64[Tensor, "b h w"], latent: Float[Tensor, "b c h w"]) -> Synthesis:
        """Words of `labels` placed on the latents -> G -> synthetic features of the same layout.

        Pixels without a class (IGNORE, UNANNOTATED) get the first class's word; every loss leaves them out.
        """
        placed = torch.where(labels < UNANNOTATED, labels, 0)
        pixels = self.generator(self.embedding_map(placed.flatten()), latent.permute(0, 2, 3, 1).flatten(0, 2))
        return Synthesis(pixels.unflatten(0, labels.shape).permute(0, 3, 1, 2), labels)

    def segmenter(self) -> list[nn.Parameter]:
        """Parameters of E, SIM and C, which learn together."""
        return [*self.encoder.trained_parameters(), *self.spatial.parameters(), *self.classifier.parameters()]
