"""Another list of classes for a trained network: rows of M and C added or taken away. Nothing is trained here and no file is read."""

import numpy as np
import torch

from signseg.config import RunConfig
from signseg.network import Network

PER_CLASS = ("classifier.scores.weight", "classifier.scores.bias", "classifier.words", "embedding_map.table")  # a row for each class


def with_words(network: Network, config: RunConfig, words: np.ndarray) -> Network:
    """A copy whose list goes on with the classes of `words` (m, d). Their rows of C begin as those of a fresh network.

    Draws from the global random state, as every initialisation does.
    """
    longer = Network(config, np.concatenate([network.embedding_map.table.numpy(), words]))
    state, fresh = network.state_dict(), longer.state_dict()
    for name in PER_CLASS:
        if name in state:
            state[name] = torch.cat([state[name], fresh[name][len(state[name]) :]])
    longer.load_state_dict(state)
    return longer.eval()


def without_class(network: Network, config: RunConfig, position: int) -> Network:
    """A copy without the class of training id `position`; all other scores stay what they were."""
    state = network.state_dict()
    for name in PER_CLASS:
        if name in state:
            state[name] = torch.cat([state[name][:position], state[name][position + 1 :]])
    with torch.random.fork_rng(devices=[]):
        shorter = Network(config, state["embedding_map.table"].numpy())
    shorter.load_state_dict(state)
    return shorter.eval()
