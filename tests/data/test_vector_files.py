"""Word vector files against gensim's reader and writer, spellings, joined files, and files that are cut off or wrong."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from gensim.models import KeyedVectors
from hypothesis import given
from hypothesis import strategies as st
from small_folder import write_words

from signseg.data import vector_files
from signseg.data.lookup import look_up, spellings
from signseg.data.vector_files import read_vectors, source
from signseg.data.word_vectors import concatenate_and_normalise
from signseg.errors import InputError

WORDS = ["sky", "street_sign", "Paris", "über", "grass", "x"]
ALL = frozenset(WORDS)


def keyed(words: list[str], dimensions: int, seed: int = 0) -> KeyedVectors:
    vectors = KeyedVectors(dimensions)
    vectors.add_vectors(words, np.random.default_rng(seed).normal(size=(len(words), dimensions)).astype(np.float32))
    return vectors


def saved(folder: Path, kind: str, vectors: KeyedVectors) -> Path:
    path = folder / f"words.{kind.split('-')[0]}"
    if kind == "bin":
        vectors.save_word2vec_format(str(path), binary=True)
    elif kind in ("vec", "txt-glove"):
        vectors.save_word2vec_format(str(path), binary=False, write_header=kind == "vec")
    elif kind == "npz":
        np.savez(path, names=np.array(vectors.index_to_key), vectors=vectors.vectors)
    else:
        np.save(path, vectors.vectors)
        path.with_suffix(".names").write_text("\n".join(vectors.index_to_key) + "\n")
    return path


@pytest.mark.parametrize("kind", ["bin", "vec", "txt-glove", "npz", "npy"])
def test_every_format_gives_what_gensim_wrote(tmp_path: Path, kind: str) -> None:
    vectors = keyed(WORDS, 7)
    found = read_vectors(saved(tmp_path, kind, vectors), ALL)
    assert list(found.rows) == WORDS and found.whole
    for word in WORDS:
        np.testing.assert_allclose(found.rows[word], vectors[word], rtol=1e-6)
        assert found.rows[word].dtype == np.float32


@given(
    words=st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Z", "C"]), min_size=1, max_size=20), min_size=1, unique=True),
    dimensions=st.integers(1, 40),
    block=st.integers(1, 400),
)
def test_binary_files_equal_gensims_reader_wherever_blocks_end(tmp_path_factory, words: list[str], dimensions: int, block: int) -> None:
    path = tmp_path_factory.mktemp("bin") / "words.bin"
    keyed(words, dimensions).save_word2vec_format(str(path), binary=True)
    twin = KeyedVectors.load_word2vec_format(str(path), binary=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vector_files, "BLOCK", block)
        patch.setattr(vector_files, "LONGEST_WORD", 128)
        found = read_vectors(path, frozenset(words))
    assert list(found.rows) == twin.index_to_key
    np.testing.assert_array_equal(np.stack(list(found.rows.values())), twin.vectors)


@pytest.mark.parametrize("kind", ["bin", "vec", "txt-glove"])
def test_of_a_large_file_only_wanted_rows_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(vector_files, "KEEP_ALL", 10)
    words = [f"word{number}" for number in range(40)]
    path = saved(tmp_path, kind, keyed(words, 5))
    found = read_vectors(path, frozenset({"word3", "word37", "other"}))
    assert list(found.rows) == ["word3", "word37"] and not found.whole
    assert set(found.near) >= {"word5", "word39"}


def test_memory_does_not_grow_with_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vector_files, "KEEP_ALL", 100)
    path = saved(tmp_path, "bin", keyed([f"w{number}" for number in range(50_000)], 100))  # 20 MB
    tracemalloc.start()
    found = read_vectors(path, frozenset({"w49999"}))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert list(found.rows) == ["w49999"] and peak < 6e6


def test_the_first_of_two_rows_counts(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("sky 1 2\nsky 3 4\n. . . 5 6\n")
    found = read_vectors(tmp_path / "words.txt", frozenset())
    assert found.rows["sky"].tolist() == [1, 2] and found.rows[". . ."].tolist() == [5, 6]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.vec", b"", "does not begin like word vectors"),
        ("a.vec", b"3 2\nsky 1 2\n", "promises 3 rows and holds 1"),
        ("a.vec", b"2 2\nsky 1 2\nsea 1\n", "row 2 has 1 numbers, expected 2"),
        ("a.vec", b"1 2\nsky 1 x\n", "row 1 holds something that is no number"),
        ("a.bin", b"no header", "does not begin with the numbers of rows"),
        ("a.bin", b"2 3\nsky " + bytes(12) + b"sea " + bytes(5), "promises 2 rows and holds 1"),
        ("a.npz", b"PK nothing", "cannot be read"),
        ("a.npy", b"x", "needs a.names beside it"),
        ("a.csv", b"sky,1", "ends in '.csv'"),
    ],
)
def test_files_that_are_no_use(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match="a[.]") as caught:
        read_vectors(tmp_path / name, ALL)
    assert said in str(caught.value) and str(caught.value).endswith(".")


def test_an_array_needs_a_word_for_each_row(tmp_path: Path) -> None:
    path = saved(tmp_path, "npy", keyed(WORDS, 3))
    path.with_suffix(".names").write_text("sky\n")
    with pytest.raises(InputError, match=r"1 words and an array of \(6, 3\)"):
        read_vectors(path, ALL)
    np.save(path, np.array([object()], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="cannot be read"):
        read_vectors(path, ALL)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="check the path under 'vectors'"):
        read_vectors(tmp_path / "none.vec", ALL)


# ---- from classes to rows


def test_spellings_come_in_their_order() -> None:
    assert spellings("Street sign") == ("Street sign", "Street_sign", "street sign", "street_sign", "Street Sign", "Street_Sign")
    assert spellings("x") == ("x", "X")


def test_files_are_joined_in_order_and_words_averaged(tmp_path: Path) -> None:
    first = write_words(tmp_path / "a.vec", ["street_sign", "house", "shed", "moss", "zero"], seed=1)
    second = write_words(tmp_path / "b.vec", ["moss", "Street_Sign", "shed", "house", "fern"], dimensions=5, seed=2)
    found = look_up((tmp_path / "a.vec", tmp_path / "b.vec"), {"sign": ("street sign",), "barn": ("house", "shed")})
    assert found.names == ("sign", "barn", "moss") and found.matrix.shape == (3, 17)
    rows = [
        [first["street_sign"], (first["house"] + first["shed"]) / 2, first["moss"]],
        [second["Street_Sign"], (second["house"] + second["shed"]) / 2, second["moss"]],
    ]
    np.testing.assert_allclose(found.matrix, concatenate_and_normalise([np.stack(part) for part in rows]), atol=1e-6)
    assert [entry["file"] for entry in found.sources] == ["a.vec", "b.vec"]
    assert found.sources[0] == source(tmp_path / "a.vec") and len(found.sources[0]["sha256"]) == 64


def test_a_missing_word_is_named_with_its_neighbours_and_the_way_out(tmp_path: Path) -> None:
    write_words(tmp_path / "a.vec", ["street_sign", "sky-other", "tree"])
    with pytest.raises(InputError) as caught:
        look_up((tmp_path / "a.vec",), {"tree": ("tree",), "sky": ("sky",)})
    said = str(caught.value)
    assert said.startswith("No word vector for 'sky' in a.vec; the nearest words are 'sky-other'")
    assert "names: {sky: sky-other}" in said and "'exclude'" in said
    with pytest.raises(InputError, match=r"'qqq' \(class 'sky'\) in a.vec; no word is spelled alike"):
        look_up((tmp_path / "a.vec",), {"sky": ("qqq",)})


@pytest.mark.parametrize("numbers", ["0 0", "nan 1", "inf 1"])
def test_a_vector_without_direction_is_refused_for_classes_and_left_out_for_others(tmp_path: Path, numbers: str) -> None:
    (tmp_path / "a.vec").write_text(f"2 2\nsky 1 2\nsea {numbers}\n")
    assert look_up((tmp_path / "a.vec",), {"sky": ("sky",)}).names == ("sky",)
    with pytest.raises(InputError, match="class 'sea' is zero or not finite"):
        look_up((tmp_path / "a.vec",), {"sea": ("sea",)})
