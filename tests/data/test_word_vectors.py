"""One source of several alone: its columns, at unit length, named on the card."""

import numpy as np
import pytest

from signseg.data.word_vectors import WordVectors, concatenate_and_normalise
from signseg.errors import InputError

GENERATOR = np.random.default_rng(0)
PARTS = [GENERATOR.normal(size=(4, 3)), GENERATOR.normal(size=(4, 5))]
SOURCES = ({"file": "a fastText.vec", "sha256": "0"}, {"file": "b word2vec.vec", "sha256": "1"})
BOTH = WordVectors(("p", "q", "r", "s"), concatenate_and_normalise(PARTS), SOURCES, (3, 5))


@pytest.mark.parametrize(("word", "position"), [("fasttext", 0), ("word2vec", 1)])
def test_one_source_is_what_it_was_before_the_others_joined(word, position):
    alone = BOTH.of_source(word)
    expected = np.array([row / np.sqrt((row**2).sum()) for row in PARTS[position]])
    np.testing.assert_allclose(alone.matrix, expected, atol=1e-6)
    assert alone.sources == (SOURCES[position],) and alone.names == BOTH.names
    np.testing.assert_allclose(alone.of_source(word).matrix, alone.matrix, atol=1e-6)


def test_all_sources_are_the_table_itself():
    assert BOTH.of_source("all") is BOTH


@pytest.mark.parametrize("word", ["glove", "vec"])
def test_none_or_several_are_refused(word):
    with pytest.raises(InputError, match="of the vector files"):
        BOTH.of_source(word)
