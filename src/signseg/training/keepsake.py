"""What a run keeps so that classes can be added to it later without its data: a memory of real features, words of names that are no class
yet, and the ids and colours that its data set has for them. Adding is not done here."""

from dataclasses import dataclass

import safetensors
import safetensors.torch
import torch

from signseg.classes import ClassSplit
from signseg.config import RunConfig
from signseg.data.dataset import Dataset
from signseg.data.training_images import TrainingImages
from signseg.data.word_vectors import WordVectors
from signseg.errors import InputError
from signseg.files import read_json, write_atomically, write_json
from signseg.methods import METHODS
from signseg.methods.sign import SIGN
from signseg.network import Network
from signseg.stages.memory import Memory, remember
from signseg.stages.self_training import pseudo_label
from signseg.training.folder import RunFolder
from signseg.training.loop import seed_of

MOST_NAMES = 20_000  # whose words are kept, classes first


@dataclass(frozen=True)
class Keepsake:
    """memory: None for methods without a generator of single pixels; vectors: of the data set's classes and further names;
    raw_ids, palette: of the data set, also for classes that the model does not know."""

    memory: Memory | None
    vectors: WordVectors
    raw_ids: dict[str, int]
    palette: dict[int, tuple[int, int, int]]


def keepsake_of(network: Network, images: TrainingImages, classes: ClassSplit, data: Dataset, config: RunConfig) -> Keepsake:
    """Made when training ends. A tuning run keeps no name of the real unseen classes."""
    hidden = set(data.unseen) if config.tuning else set()
    vectors = data.vectors().of_source(config.vectors)
    names = tuple(name for name in vectors.names if name not in hidden)[:MOST_NAMES]
    return Keepsake(
        _memory(network, images, classes, config),
        WordVectors(names, vectors.rows(names), vectors.sources),
        {name: raw for name, raw in data.raw_ids.items() if name not in hidden},
        {raw: colour for raw, colour in data.palette.items() if raw not in {data.raw_ids[name] for name in hidden}},
    )


def _memory(network: Network, images: TrainingImages, classes: ClassSplit, config: RunConfig) -> Memory | None:
    """After self-training, unannotated pixels that the model now gives an unseen class are remembered as that class: what C has learned of
    it from real pixels guards its border. Single pixels are remembered, so a generator that needs their neighbours has no use for them."""
    if config.upper_bound or METHODS[config.method].steps.get("step_c") is not SIGN.steps["step_c"]:
        return None
    labels = images.labels
    if config.self_training.kind != "none" and classes.unseen:
        best_of_all = config.self_training.model_copy(update={"top_p": 1})
        labels = pseudo_label(network, images, torch.from_numpy(classes.is_unseen), best_of_all).labels
    generator = torch.Generator().manual_seed(seed_of(config.seed, "memory"))
    return remember(network, images, labels, len(classes.names), generator)


def save_keepsake(folder: RunFolder, keepsake: Keepsake) -> None:
    """Write memory.safetensors (if there is a memory), vectors.safetensors and names.json."""
    if keepsake.memory is not None:
        parts = {name: getattr(keepsake.memory, name).contiguous() for name in PARTS}
        data = safetensors.torch.save(parts)
        write_atomically(folder.memory, lambda handle: handle.write(data))
    rows = safetensors.torch.save({"vectors": torch.from_numpy(keepsake.vectors.matrix).contiguous()})
    write_atomically(folder.vectors, lambda handle: handle.write(rows))
    palette = {str(raw): list(colour) for raw, colour in keepsake.palette.items()}
    listed = {"names": list(keepsake.vectors.names), "sources": list(keepsake.vectors.sources)}
    write_json(folder.names, listed | {"ids": keepsake.raw_ids, "palette": palette})


PARTS = ("base", "mean", "log_variance", "classes", "counts")


def load_keepsake(folder: RunFolder) -> Keepsake:
    """What a finished run kept.

    Raises:
        InputError: the run was trained before runs kept anything, or a file is damaged.
    """
    if not folder.names.exists():
        raise InputError(f"{folder.path} keeps no word vectors to add classes from (names.json is missing); train it again.")
    record = read_json(folder.names)
    try:
        matrix = safetensors.torch.load_file(folder.vectors)["vectors"].float().numpy()
        vectors = WordVectors(tuple(record["names"]), matrix, tuple(record["sources"]))
        if len(vectors.names) != len(matrix):
            raise ValueError(f"{len(vectors.names)} names for {len(matrix)} vectors")
        memory = None
        if folder.memory.exists():
            parts = safetensors.torch.load_file(folder.memory)
            memory = Memory(*(parts[name] for name in PARTS))
            if len({len(parts[name]) for name in PARTS[:-1]}) != 1:
                raise ValueError("the parts of the memory differ in length")
        palette = {int(raw): (int(red), int(green), int(blue)) for raw, (red, green, blue) in record["palette"].items()}
        return Keepsake(memory, vectors, {str(name): int(raw) for name, raw in record["ids"].items()}, palette)
    except (OSError, safetensors.SafetensorError, KeyError, TypeError, ValueError, AttributeError) as error:
        found = f"{folder.names.name}, {folder.vectors.name} or {folder.memory.name}"
        raise InputError(f"{found} in {folder.path} is damaged ({error}); restore it or train again.") from error
