"""What the built-in world says in words: sentences about every class and some further names, and word vectors trained on them.
It draws nothing; that text and pictures tell the same story comes from both reading `catalogue.py`.

In plain words: these sentences state attributes outright ("the zebra is white and striped"). That is easier than natural
text, where most of what a thing looks like goes without saying. Scores on this world therefore say that a method can carry
over what the words tell, not how much real word vectors would tell it. Some noise is real: names differ in how often they
are mentioned together, and fastText also reads their spelling ("lemon" is near "melon").
"""

import hashlib
import zlib
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from signseg.data.word_vectors import WordVectors, concatenate_and_normalise
from signseg.data.world.catalogue import CLASSES, EXTRA, WORLD_VERSION, Kind

T = TypeVar("T")

SENTENCES = 12_000
DIMENSIONS = 64  # of each of the two vectors
_RELATIONAL = 0.15  # share of sentences that tell where two things are
_TEXT = 10  # a random stream apart from those of the pictures

SYNONYMS: dict[str, tuple[str, ...]] = {
    "red": ("red", "crimson", "scarlet"),
    "blue": ("blue", "azure", "cobalt"),
    "green": ("green", "verdant", "olive"),
    "purple": ("purple", "violet", "mauve"),
    "white": ("white", "ivory", "chalky"),
    "yellow": ("yellow", "golden", "amber"),
    "plain": ("plain", "smooth", "uniform"),
    "striped": ("striped", "banded", "streaked"),
    "dotted": ("dotted", "spotted", "speckled"),
    "checked": ("checked", "chequered", "tiled"),
    "up": ("high", "aloft", "overhead"),
    "down": ("low", "grounded", "underfoot"),
    "field": ("wide", "endless", "spreading"),
    "boxy": ("boxy", "angular", "square"),
    "round": ("round", "curved", "bulging"),
}
TEMPLATES: tuple[str, ...] = (
    "the {name} is {colour} and {texture}",
    "a {texture} {colour} {name} seen {place}",
    "every {name} looks {form} and {colour}",
    "the {form} {name} stays {place}",
    "we saw a {form} {texture} {name} {place}",
    "a {name} is {place} and its surface is {texture}",
    "the {colour} {form} {name} has a {texture} surface",
    "{place} there was a {name} which was {form} {colour} and {texture}",
    "some {name} of {colour} colour",
)
RELATIONS: tuple[tuple[str, str, str], ...] = (  # place of the first, words, place of the second
    ("up", "is above", "down"),
    ("up", "hangs over", "down"),
    ("down", "is below", "up"),
    ("down", "lies under", "up"),
    ("up", "is beside", "up"),
    ("down", "is beside", "down"),
)


@dataclass(frozen=True)
class TrainedVectors:
    """Two tables with one row for each name of `NAMES`: (names, DIMENSIONS) float32 each, not normalised."""

    fasttext: np.ndarray
    word2vec: np.ndarray


NAMES: tuple[str, ...] = tuple(kind.name for kind in CLASSES + EXTRA)


def write_sentences(seed: int) -> list[list[str]]:
    """The text of a seed: SENTENCES lists of lower-case words."""
    rng = np.random.default_rng((WORLD_VERSION, _TEXT, seed))
    kinds = CLASSES + EXTRA
    return [_relation(rng, kinds) if rng.random() < _RELATIONAL else _description(rng, kinds) for _ in range(SENTENCES)]


def train_vectors(sentences: list[list[str]], seed: int) -> TrainedVectors:
    """Skip-gram word2vec and fastText (gensim), one thread, so that the same text and seed give the same vectors."""
    from gensim.models import FastText, Word2Vec

    shape: dict[str, Any] = dict(vector_size=DIMENSIONS, window=5, sg=1, min_count=1, epochs=8)
    settings: dict[str, Any] = shape | dict(workers=1, seed=seed + 1, hashfxn=_stable_hash)
    word2vec = Word2Vec(sentences, **settings).wv
    fasttext = FastText(sentences, bucket=20_000, **settings).wv
    return TrainedVectors(*(np.stack([table[name] for name in NAMES]).astype(np.float32) for table in (fasttext, word2vec)))


def as_word_vectors(trained: TrainedVectors, seed: int) -> WordVectors:
    """[fastText | word2vec] with rows of unit length, and what they were made from."""
    sources = tuple(
        {
            "file": f"world-v{WORLD_VERSION} seed {seed} {model} (gensim {DIMENSIONS}-d)",
            "sha256": hashlib.sha256(np.ascontiguousarray(table).tobytes()).hexdigest(),
        }
        for model, table in (("fasttext", trained.fasttext), ("word2vec", trained.word2vec))
    )
    parts = [trained.fasttext, trained.word2vec]
    return WordVectors(NAMES, concatenate_and_normalise(parts), sources, tuple(part.shape[1] for part in parts))


def _stable_hash(word: str) -> int:
    """Python's own hash of a string differs from process to process."""
    return zlib.crc32(word.encode())


def _pick(rng: np.random.Generator, options: tuple[T, ...]) -> T:
    return options[int(rng.integers(len(options)))]


def _description(rng: np.random.Generator, kinds: tuple[Kind, ...]) -> list[str]:
    kind = _pick(rng, kinds)
    words = {role: _pick(rng, SYNONYMS[getattr(kind, role)]) for role in ("colour", "texture", "place", "form")}
    return _pick(rng, TEMPLATES).format(name=kind.name, **words).split()


def _relation(rng: np.random.Generator, kinds: tuple[Kind, ...]) -> list[str]:
    first_place, words, second_place = _pick(rng, RELATIONS)
    first, second = (_pick(rng, tuple(kind for kind in kinds if kind.place == place)) for place in (first_place, second_place))
    return f"the {first.name} {words} the {second.name}".split()
