"""Label ids: what training may see, what scoring sees, and the way back to the ids of the mask files."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from signseg.classes import IGNORE, MAX_CLASSES, UNANNOTATED, ClassSplit
from signseg.errors import InputError

RAW_IDS = {"sky": 3, "road": 0, "tree": 7, "car": 9, "pole": 11}
SPLIT = ClassSplit(RAW_IDS, seen=("sky", "road"), unseen=("tree", "car"))


@st.composite
def splits(draw) -> ClassSplit:
    """Any split: scattered raw ids, any void id, classes seen, unseen or left out."""
    ids = draw(st.lists(st.integers(0, 255), min_size=2, max_size=24, unique=True))
    ignore, *ids = ids
    roles = draw(st.lists(st.sampled_from(["seen", "unseen", "left out"]), min_size=len(ids), max_size=len(ids)))
    roles[draw(st.integers(0, len(ids) - 1))] = "seen"
    raw_ids = {f"class {raw}": raw for raw in ids}
    chosen = dict(zip(raw_ids, roles, strict=True))
    order = draw(st.permutations(list(raw_ids)))
    return ClassSplit(
        raw_ids, tuple(n for n in order if chosen[n] == "seen"), tuple(n for n in order if chosen[n] == "unseen"), ignore=ignore
    )


masks = arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=12))


def slow_labels(split: ClassSplit, raw: np.ndarray, kept: tuple[str, ...], other: int) -> np.ndarray:
    """The slow twin: one pixel at a time, from the words of the design."""
    result = np.empty_like(raw)
    for place, value in np.ndenumerate(raw):
        names = [name for name in kept if split.raw_ids[name] == value]
        result[place] = IGNORE if value == split.ignore else kept.index(names[0]) if names else other
    return result


@given(splits(), masks)
def test_tables_agree_with_their_slow_twin(split, raw):
    np.testing.assert_array_equal(split.training_labels(raw), slow_labels(split, raw, split.seen, UNANNOTATED))
    np.testing.assert_array_equal(split.evaluation_labels(raw), slow_labels(split, raw, split.seen + split.unseen, IGNORE))


@given(splits(), masks)
def test_training_never_sees_an_unseen_id(split, raw):
    labels = split.training_labels(raw)
    assert labels.dtype == np.uint8 and labels.shape == raw.shape
    assert set(labels.ravel()) <= {*range(len(split.seen)), UNANNOTATED, IGNORE}


@given(splits(), masks, st.data())
def test_what_lies_on_an_unseen_pixel_cannot_reach_training(split, raw, data):
    """Unseen, left-out and unknown ids may be exchanged for one another anywhere; the training labels stay the same."""
    annotated = [split.raw_ids[name] for name in split.seen] + [split.ignore]
    hidden = ~np.isin(raw, annotated)
    other_ids = [value for value in range(256) if value not in annotated]
    altered = raw.copy()
    altered[hidden] = data.draw(arrays(np.uint8, int(hidden.sum()), elements=st.sampled_from(other_ids)))
    np.testing.assert_array_equal(split.training_labels(altered), split.training_labels(raw))


@given(splits(), masks)
def test_scoring_agrees_with_training_on_seen_pixels_only(split, raw):
    training, evaluation = split.training_labels(raw), split.evaluation_labels(raw)
    seen = np.isin(raw, [split.raw_ids[name] for name in split.seen])
    np.testing.assert_array_equal(training[seen], evaluation[seen])
    assert (training[~seen] >= UNANNOTATED).all()
    assert (UNANNOTATED != evaluation).all()


@given(splits(), masks)
def test_raw_labels_is_the_way_back(split, raw):
    named = np.isin(raw, [split.raw_ids[name] for name in split.names])
    there_and_back = split.raw_labels(split.evaluation_labels(raw))
    np.testing.assert_array_equal(there_and_back[named], raw[named])
    assert (there_and_back[~named] == split.ignore).all()


@given(splits())
def test_training_ids_put_seen_classes_first(split):
    everything = np.arange(len(split.names), dtype=np.uint8)
    assert split.names == split.seen + split.unseen
    assert [name for name, unseen in zip(split.names, split.is_unseen, strict=True) if unseen] == list(split.unseen)
    np.testing.assert_array_equal(split.raw_labels(everything), [split.raw_ids[name] for name in split.names])
    np.testing.assert_array_equal(split.evaluation_labels(split.raw_labels(everything)), everything)


@given(splits(), masks)
def test_the_upper_bound_trains_on_every_scored_label(split, raw):
    upper = split.without_unseen()
    assert upper.unseen == () and upper.names == split.names and not upper.is_unseen.any()
    np.testing.assert_array_equal(upper.evaluation_labels(raw), split.evaluation_labels(raw))
    scored = split.evaluation_labels(raw) != IGNORE
    np.testing.assert_array_equal(upper.training_labels(raw)[scored], split.evaluation_labels(raw)[scored])


def test_one_mask_by_hand():
    raw = np.array([[3, 0, 7, 9], [11, 200, 254, 255]], dtype=np.uint8)
    U, I = UNANNOTATED, IGNORE  # noqa: E741 - a picture of the mask
    np.testing.assert_array_equal(SPLIT.training_labels(raw), [[0, 1, U, U], [U, U, U, I]])
    np.testing.assert_array_equal(SPLIT.evaluation_labels(raw), [[0, 1, 2, 3], [I, I, I, I]])


def test_the_two_values_without_a_label_are_no_class():
    assert MAX_CLASSES <= UNANNOTATED < IGNORE == 255


def test_the_largest_split_fits():
    raw_ids = {f"class {number}": number for number in range(MAX_CLASSES)}
    names = tuple(raw_ids)
    split = ClassSplit(raw_ids, names[:-1], names[-1:])
    raw = np.arange(MAX_CLASSES, dtype=np.uint8)
    np.testing.assert_array_equal(split.evaluation_labels(raw), raw)
    assert split.training_labels(raw)[-1] == UNANNOTATED
    with pytest.raises(InputError, match=f"{MAX_CLASSES + 1} classes were given; at most {MAX_CLASSES}"):
        ClassSplit({**raw_ids, "one more": MAX_CLASSES}, names, ())


@pytest.mark.parametrize(
    ("seen", "unseen", "sentence"),
    [
        ((), ("tree",), "No seen class is left"),
        (("sky", "tree"), ("tree",), "Class 'tree' is both seen and unseen"),
        (("sky", "house"), ("tree",), "Class 'house' is listed as seen or unseen but has no id; the data set has: sky, road, tree"),
        (("sky",), ("house",), "Class 'house' is listed"),
    ],
)
def test_contradictions_are_bad_input(seen, unseen, sentence):
    with pytest.raises(InputError, match=re.escape(sentence)):
        ClassSplit(RAW_IDS, seen, unseen)


@pytest.mark.parametrize(
    ("raw_ids", "ignore", "said"),
    [
        ({"sky": 3, "road": 3}, 255, "Classes 'sky' and 'road' both have the id 3"),
        ({"sky": 3, "road": 0}, 0, "Class 'road' has the id 0, which means 'ignore'"),
        ({"sky": 256, "road": 0}, 255, "Class 'sky' has the id 256; ids in 8-bit masks go from 0 to 255"),
        ({"sky": -1, "road": 0}, 255, "Class 'sky' has the id -1"),
        ({"sky": 3, "road": 0}, 256, "The id of ignored pixels is 256"),
        ({"sky": 3, "road": 0}, -1, "The id of ignored pixels is -1"),
    ],
)
def test_ids_that_cannot_be_told_apart_are_refused(raw_ids, ignore, said):
    with pytest.raises(InputError, match=said):
        ClassSplit(raw_ids, ("sky",), ("road",), ignore)
