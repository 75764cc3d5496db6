"""Another list of classes for a trained model: add by name, remove, rename. No image and no label is read; what the run kept is enough.

Adding makes rows for the new classes in M and C and repeats step c on the run's memory of real features in place of the training images,
for the new rows alone (`stages/add_class.py`): from remembered features, and from synthetic ones of all classes on remembered latents. The
scores of known classes stay what they were, bit for bit, so that one class may lose pixels to a new one and never to another.
"""

import difflib
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from signseg.classes import LARGEST_ID, ClassSplit
from signseg.config import RunConfig
from signseg.data.folder import made_colours
from signseg.data.lookup import look_up, spellings
from signseg.data.word_vectors import WordVectors
from signseg.errors import InputError
from signseg.inference.class_list import with_words, without_class
from signseg.inference.predict import Segmenter, load
from signseg.inference.save import refuse_taken, save
from signseg.network import Network
from signseg.stages.add_class import AddClass
from signseg.stages.memory import Memory
from signseg.stages.stage import only_training
from signseg.training.keepsake import Keepsake
from signseg.training.loop import seed_of
from signseg.training.optim import Player
from signseg.training.progress import Reporter

Tell = Callable[[str], None]
Progress = Callable[[int, int], None]  # iterations done, in all

TOO_NEAR = 0.85  # cosine between words; "aeroplane" and "airplane" have 0.87, the nearest two classes of the built-in world 0.84
CELLS = 4096  # of the memory in a batch; step c has 4608 on the built-in world
SETTINGS = {"learning_rate": 1e-2, "weight_decay": 0.0}  # of step c that differ here: few weights, and what is fixed must not decay
STAGE = "add_class"


def add_classes(
    segmenter: Segmenter,
    names: Sequence[str],
    vectors: Sequence[Path] = (),
    tell: Tell = lambda text: None,
    progress: Progress = lambda done, total: None,
) -> Segmenter:
    """A segmenter that knows `names` as further unseen classes.

    Args:
        vectors: files to take the new words from, joined in this order; by default those that the run kept.
        tell: is given a sentence about each name that means nearly the same as a known class.
    Raises:
        InputError: a name that is there already or has no vector, or a model that has nothing to make features from.
    """
    kept, config = segmenter.kept(), segmenter.trained()
    if not names:
        raise InputError("No class was named; give at least one name to add.")
    for position, name in enumerate(names):
        if not name.strip():
            raise InputError("A class has no name; give each class a word.")
        if name in segmenter.split.names or name in names[:position]:
            raise InputError(f"'{name}' is a class already; the classes are: {', '.join(segmenter.split.names)}.")
    kept, words = with_vectors(kept, names, vectors, segmenter.network.embedding_map.table.shape[1], tell)
    network = segmenter.network
    for name, word in zip(names, words, strict=True):
        warn_if_near(name, word, segmenter.split.names, network.embedding_map.table.numpy(), tell)
    split, palette = longer_split(segmenter, kept, names)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(config.seed, STAGE, split.names))
        network = with_words(network, config, words)
        ROWS[config.classifier.kind](network, kept.memory, split, config, len(names), progress)
    changes = (*segmenter.changes, {"added": list(names)})
    return replace(segmenter, network=network, split=split, palette=palette, keepsake=kept, changes=changes)


def with_vectors(kept: Keepsake, names: Sequence[str], paths: Sequence[Path], size: int, tell: Tell) -> tuple[Keepsake, np.ndarray]:
    """What is kept with the words of `names`, and these words (m, d).

    Raises:
        InputError: a name without a vector, or files whose vectors are not as long as the model's.
    """
    table = kept.vectors
    if paths:
        found = look_up(tuple(paths), {name: (name,) for name in names})
        if found.matrix.shape[1] != size:
            trained_with = " and ".join(source["file"] for source in table.sources)
            raise InputError(f"The vectors have {found.matrix.shape[1]} numbers, the model's {size}; give all the files of {trained_with}.")
        if [source["sha256"] for source in found.sources] != [source["sha256"] for source in table.sources]:
            tell("The files are not those of the training; words of another space would put the new classes anywhere.")
        fresh = [name for name in names if name not in table.names]
        rows = np.concatenate([table.matrix, found.rows(tuple(fresh))])
        return replace(kept, vectors=WordVectors((*table.names, *fresh), rows, table.sources)), found.rows(tuple(names))
    words = [word_of(table, name) for name in names]
    return kept, np.stack(words)


def word_of(table: WordVectors, name: str) -> np.ndarray:
    """The word (d,) of a name under its first spelling that has one.

    Raises:
        InputError: none has.
    """
    for form in spellings(name):
        if form in table.names:
            return table.rows((form,))[0]
    near = difflib.get_close_matches(name, table.names, n=3, cutoff=0.5) or table.names[:3]
    listed = ", ".join(f"'{other}'" for other in near)
    raise InputError(f"No word vector for '{name}' is kept with the run; the nearest spellings are {listed}: choose one or give --vectors.")


def warn_if_near(name: str, word: np.ndarray, known: tuple[str, ...], table: np.ndarray, tell: Tell) -> None:
    """Say so if a known class has nearly the same word."""
    cosine = table @ word
    nearest = int(cosine.argmax())
    if cosine[nearest] >= TOO_NEAR:
        tell(f"'{name}' is very near '{known[nearest]}' (cosine {cosine[nearest]:.2f}); the two will share their pixels.")


def longer_split(segmenter: Segmenter, kept: Keepsake, names: Sequence[str]) -> tuple[ClassSplit, dict[int, tuple[int, int, int]]]:
    """The class list with `names` at its end, and the palette with their colours.

    A class of the run's data set gets its id and colour there; others get the lowest free id and the made colour farthest from all others.
    """
    split, palette = segmenter.split, dict(segmenter.palette)
    raw_ids = dict(split.raw_ids)
    for name in names:
        taken = set(kept.raw_ids.values()) | set(raw_ids.values()) | set(kept.palette) | {split.ignore}
        free = [raw for raw in range(LARGEST_ID) if raw not in taken]
        if name in kept.raw_ids and kept.raw_ids[name] not in raw_ids.values():
            raw = kept.raw_ids[name]
        elif free:
            raw = free[0]
        else:
            raise InputError(f"No id is left for '{name}' in 8-bit masks; remove a class first.")
        raw_ids[name] = raw
        palette[raw] = kept.palette.get(raw) or farthest_colour(palette)
    return ClassSplit(raw_ids, split.seen, (*split.unseen, *names), split.ignore), palette


def farthest_colour(palette: dict[int, tuple[int, int, int]]) -> tuple[int, int, int]:
    """Of 64 made colours the one whose nearest neighbour in the palette is farthest away."""
    others = np.array(list(palette.values()), dtype=np.int64).reshape(-1, 3)
    made = made_colours(64)
    room = [np.abs(others - np.array(colour)).sum(1).min(initial=10**6) for colour in made]
    return made[int(np.argmax(room))]


def learn_rows(network: Network, memory: Memory | None, split: ClassSplit, config: RunConfig, new: int, progress: Progress) -> None:
    """Step c over again for the last `new` rows of C.

    Raises:
        InputError: the run kept no memory, since it has no generator to make features of single pixels with.
    """
    if memory is None:
        raise InputError(f"This run ('{config.method}') has no memory and no generator for it to learn a class from; train one that has.")
    chosen = config.step_c.model_copy(update=SETTINGS)
    stage = AddClass(network, memory, torch.from_numpy(split.is_unseen), chosen, new=new)
    players = {name: Player(name, parameters, chosen) for name, parameters in stage.players().items()}
    with only_training(network, stage):
        for iteration in range(chosen.iterations):
            for update in stage.updates(memory.draw(CELLS)):
                players[update.player].step(update, stage=STAGE, iteration=iteration)
            progress(iteration + 1, chosen.iterations)
    stage.write_back()


def words_are_enough(network: Network, memory: Memory | None, split: ClassSplit, config: RunConfig, new: int, progress: Progress) -> None:
    """SPNet's classifier is the table of words: a new row is all it needs."""


ROWS = {"hidden-layer": learn_rows, "linear": learn_rows, "word-vectors": words_are_enough}


def remove_class(segmenter: Segmenter, name: str) -> Segmenter:
    """A segmenter without the class; its pixels go to what had the next best score. Nothing is trained.

    Raises:
        InputError: there is no such class, or no seen class would be left.
    """
    position = known(segmenter, name)
    split, kept = segmenter.split, segmenter.kept()
    left = {other: raw for other, raw in split.raw_ids.items() if other != name}
    seen, unseen = (tuple(other for other in names if other != name) for names in (split.seen, split.unseen))
    return replace(
        segmenter,
        split=ClassSplit(left, seen, unseen, split.ignore),
        network=without_class(segmenter.network, segmenter.trained(), position),
        keepsake=replace(kept, memory=kept.memory and kept.memory.without(position)),
        changes=(*segmenter.changes, {"removed": [name]}),
    )


def rename_class(segmenter: Segmenter, old: str, new: str) -> Segmenter:
    """A segmenter that calls the class `old` by another name; word, id and colour stay.

    Raises:
        InputError: there is no class `old`, or `new` is taken or empty.
    """
    known(segmenter, old)
    if not new.strip() or new in segmenter.split.names:
        raise InputError(f"'{old}' cannot be renamed to '{new}', which is {'a class already' if new.strip() else 'empty'}; choose another.")
    split = segmenter.split
    raw_ids = {new if name == old else name: raw for name, raw in split.raw_ids.items()}
    seen, unseen = (tuple(new if name == old else name for name in names) for names in (split.seen, split.unseen))
    changes = (*segmenter.changes, {"renamed": [old, new]})
    return replace(segmenter, split=ClassSplit(raw_ids, seen, unseen, split.ignore), changes=changes)


def known(segmenter: Segmenter, name: str) -> int:
    """Training id of a class.

    Raises:
        InputError: there is no such class.
    """
    names = segmenter.split.names
    if name not in names:
        raise InputError(f"There is no class '{name}'; the classes are: {', '.join(names)}.")
    return names.index(name)


def change_classes(
    run: Path,
    out: Path,
    *,
    add: Sequence[str] = (),
    remove: Sequence[str] = (),
    rename: Sequence[tuple[str, str]] = (),
    vectors: Sequence[Path] = (),
    reporter: Reporter,
) -> None:
    """The command: load, remove, rename, then add, and save as the run `out`.

    Raises:
        InputError: nothing to change, bad names, or a folder that cannot be used.
    """
    started = time.monotonic()
    if not (add or remove or rename):
        raise InputError("Nothing to change was named; give names of classes to add, --remove NAME or --rename OLD=NEW.")
    refuse_taken(out)
    segmenter = load(run)
    for name in remove:
        segmenter = remove_class(segmenter, name)
    for old, new in rename:
        segmenter = rename_class(segmenter, old, new)
    if add:
        segmenter = add_classes(segmenter, add, vectors, reporter.say, lambda done, total: reporter.advance(STAGE, done, total))
    seconds = time.monotonic() - started
    save(segmenter, out, seconds={STAGE: round(seconds, 2)})
    reporter.say(f"{len(segmenter.split.names)} classes in {out} after {seconds:.0f} s: {', '.join(segmenter.split.names)}")
