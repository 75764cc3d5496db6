"""Step b of CSRL: G also keeps the relations between classes, seen and unseen, that their words have."""

import torch
from torch import Tensor

from signseg.losses.relations import listwise, pairwise
from signseg.stages.stage import Update
from signseg.stages.step_b import StepB


class RelationalStepB(StepB):
    """Point-wise matching as in `StepB`; pair- and list-wise relations on the mean generated feature of every class.

    Unseen classes enter by their words alone; no pixel of theirs is read.
    """

    def generator_update(self, real: Tensor, synthetic: Tensor, classes: Tensor) -> Update:
        update, relations = super().generator_update(real, synthetic, classes), self.config.relations
        words, generated = self.network.embedding_map.table, self.prototypes()
        terms = {
            "pair": pairwise(words, generated, relations.temperature),
            "list": listwise(words, generated, relations.temperature, relations.list_length),
        }
        weights = {"pair": relations.pair_weight, "list": relations.list_weight}
        return Update(update.player, update.terms | terms, update.weights | weights)

    def prototypes(self) -> Tensor:
        """(k, c) mean of `matching_pixels` generated features of every class."""
        table, draws = self.network.embedding_map.table, self.config.matching_pixels
        noise = torch.randn(len(table) * draws, self.network.generator.channels)
        return self.network.generator(table.repeat_interleave(draws, dim=0), noise).unflatten(0, (len(table), draws)).mean(1)
