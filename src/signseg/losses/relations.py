"""Relations between classes in word space, to be found again among their generated features (CSRL).

No code of CSRL was released and its formulas were not readable to us: these are ours, after the description in its abstract
(methods.md 4.8), and results with them are "CSRL-style". Similarity is the cosine; generated features lie in (0, 1) and share a large
common part, so their mean over classes is taken off first.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional


def word_similarity(words: Float[Tensor, "k d"]) -> Float[Tensor, "k k"]:
    """Cosines; the words have unit length already."""
    return words @ words.T


def feature_similarity(generated: Float[Tensor, "k c"]) -> Float[Tensor, "k k"]:
    """Cosines between class means around their common mean."""
    direction = functional.normalize(generated - generated.mean(0), dim=1)
    return direction @ direction.T


def pairwise(words: Float[Tensor, "k d"], generated: Float[Tensor, "k c"], temperature: float) -> Float[Tensor, ""]:
    """Mean over classes i of KL(softmax_j(cos(a_i, a_j) / t) || softmax_j(cos(v_i, v_j) / t)), j other than i."""
    target, found = (others(similarity / temperature) for similarity in (word_similarity(words), feature_similarity(generated)))
    return functional.kl_div(found.log_softmax(1), target.log_softmax(1), reduction="batchmean", log_target=True)


def listwise(words: Float[Tensor, "k d"], generated: Float[Tensor, "k c"], temperature: float, length: int) -> Float[Tensor, ""]:
    """Mean over classes of -log Plackett-Luce likelihood, under the features, of the words' order of the `length` nearest classes."""
    target, found = others(word_similarity(words)), others(feature_similarity(generated) / temperature)
    ordered = found.gather(1, target.argsort(dim=1, descending=True))
    remaining = ordered.flip(1).logcumsumexp(1).flip(1)  # log of what is still to be ranked
    return (remaining - ordered)[:, :length].sum(1).mean()


def others(similarity: Float[Tensor, "k k"]) -> Float[Tensor, "k k-1"]:
    """Every row without its own class."""
    k = len(similarity)
    return similarity[~torch.eye(k, dtype=torch.bool)].view(k, k - 1)
