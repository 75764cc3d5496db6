"""From class names to rows of word vector files: spellings tried, several words averaged, files joined. File formats are not known here."""

import difflib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from signseg.data.vector_files import FileVectors, read_vectors, source
from signseg.data.word_vectors import WordVectors, concatenate_and_normalise
from signseg.errors import InputError


def spellings(name: str) -> tuple[str, ...]:
    """How a name may be written in a file, in the order tried: as it is, with _ for spaces, with spaces for _, then the same three in
    lower case, then with the first letter large, then with every word's first letter large."""
    forms = (name, name.replace(" ", "_"), name.replace("_", " "))
    changes = (str, str.lower, lambda form: form[:1].upper() + form[1:], lambda form: form.title())
    return tuple(dict.fromkeys(change(form) for change in changes for form in forms))


def look_up(paths: tuple[Path, ...], entries: Mapping[str, tuple[str, ...]]) -> WordVectors:
    """Vectors of classes, and of the further words that every file was kept whole for.

    Args:
        paths: files whose vectors are joined in this order.
        entries: class -> words whose vectors are averaged.
    Raises:
        InputError: a word is in one of the files under no spelling, or a file is no use.
    """
    wanted = frozenset(form for words in entries.values() for word in words for form in spellings(word))
    files = [read_vectors(path, wanted) for path in paths]
    extra = further_words(files, entries)
    parts = []
    for file in files:
        classes = [np.mean([_row(file, word, name) for word in words], axis=0, dtype=np.float64) for name, words in entries.items()]
        parts.append(np.stack([*classes, *(file.rows[word] for word in extra)]))
    _check_finite(tuple(entries), parts)
    return WordVectors((*entries, *extra), concatenate_and_normalise(parts), tuple(source(path) for path in paths))


def further_words(files: list[FileVectors], entries: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Words of all files that are no class and stand for none, where the files were small enough to be kept whole."""
    if not all(file.whole for file in files):
        return []
    taken = {form for name, words in entries.items() for word in (name, *words) for form in spellings(word)}
    usable = [word for word in files[0].rows if word not in taken and all(word in file.rows for file in files)]
    return [word for word in usable if all(np.isfinite(file.rows[word]).all() and file.rows[word].any() for file in files)]


def _row(file: FileVectors, word: str, name: str) -> np.ndarray:
    for form in spellings(word):
        if form in file.rows:
            return file.rows[form]
    within = [other for other in file.near if word.lower() in other.lower()][:3]
    near = difflib.get_close_matches(word, file.near, n=3, cutoff=0.5) or within
    nearest = "the nearest words are " + ", ".join(f"'{other}'" for other in near) if near else "no word is spelled alike"
    asked = f"'{word}'" if word == name else f"'{word}' (class '{name}')"
    chosen = near[0] if near else "WORD"
    advice = f"write names: {{{name}: {chosen}}} with a word that means it, or list the class under 'exclude'"
    raise InputError(f"No word vector for {asked} in {file.path.name}; {nearest}: {advice}.")


def _check_finite(names: tuple[str, ...], parts: list[np.ndarray]) -> None:
    joined = np.concatenate([part[: len(names)] for part in parts], axis=1)
    for name, row in zip(names, joined, strict=True):
        if not np.isfinite(row).all() or not row.any():
            raise InputError(f"The word vector of class '{name}' is zero or not finite; name another word for it under 'names'.")
