"""M: the fixed word-embedding map from class ids to word vectors. It has a table and no trainable weight."""

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn


class EmbeddingMap(nn.Module):
    """Training ids -> word vectors.

    Args:
        matrix: (k, d) unit rows in the order of training ids.
    """

    table: Tensor

    def __init__(self, matrix: np.ndarray) -> None:
        super().__init__()
        self.register_buffer("table", torch.as_tensor(matrix, dtype=torch.float32))

    def forward(self, labels: Int64[Tensor, "n"]) -> Float[Tensor, "n d"]:
        return self.table[labels]
