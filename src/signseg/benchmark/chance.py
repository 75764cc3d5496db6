"""The row that every method must beat: each test pixel gets one of the classes at random, all equally likely. Nothing is trained."""

import torch
from torch import Tensor

from signseg.config import RunConfig
from signseg.data.dataset import class_split
from signseg.data.registry import open_dataset
from signseg.evaluation.evaluate import evaluate
from signseg.results import DEFAULTS, Row
from signseg.training.loop import seed_of
from signseg.training.score import STEPS, measured_row, protocol_card


def chance_row(config: RunConfig) -> Row:
    """A row of results.json of the method "chance": normal scores drawn from the seed, so that the largest is any class alike."""
    data = open_dataset(config.data, seed=config.seed)
    classes = class_split(data)
    pictures = data.split(DEFAULTS["split"])
    generator = torch.Generator().manual_seed(seed_of(config.seed, "chance"))

    def scores(images: Tensor) -> Tensor:
        return torch.randn(len(images), len(classes.names), *images.shape[2:], generator=generator)

    evaluation = evaluate(scores, pictures, classes)
    card = protocol_card(config, data, evaluation, DEFAULTS["evaluation"], pictures[0].image.shape[:2])
    common = {name: DEFAULTS[name] for name in ("variant", "partition", "split", "test_scale", "budget")}
    common |= {"data": data.name, "partition": getattr(data, "partition", DEFAULTS["partition"]), "run": "chance", "commit": ""}
    empty = {"seconds": dict.fromkeys((*STEPS, "evaluate"), 0.0), "peak_memory_mb": 0.0}
    row = measured_row(config, evaluation, common | empty, card)
    return row | {"method": "chance", "protocol": card | {"vectors": [], "label_policy": "nothing is trained"}}
