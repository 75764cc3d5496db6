"""The built-in world: same seed, same bytes; attributes that unseen classes share with seen ones; partial masks that nest;
text and pictures that tell the same story; a cache that survives damage. Nothing here trains a segmentation model."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signseg.classes import IGNORE, UNANNOTATED
from signseg.data.dataset import Dataset, class_split
from signseg.data.world import STANDARD_PARTIAL, World
from signseg.data.world.catalogue import CLASSES, COLOURS, EXTRA, NOTHING, PARTITIONS, RAW_IDS, UNSEEN, VALIDATION_UNSEEN, Kind
from signseg.data.world.scene import annotation_luck, draw_scene
from signseg.data.world.sentences import NAMES, SYNONYMS, as_word_vectors, train_vectors, write_sentences
from signseg.errors import InputError


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def world(cache: Path) -> World:
    return World(cache=cache, test_images=40)


def small(cache: Path, **options) -> World:
    return World(**{"cache": cache, "train_images": 60, "val_images": 6, "test_images": 6} | options)


def images(world: World, split: str, scale: float = 1.0) -> np.ndarray:
    return np.stack([picture.image for picture in world.split(split, scale=scale)])


def masks(world: World, split: str, scale: float = 1.0) -> np.ndarray:
    return np.stack([picture.mask for picture in world.split(split, scale=scale)])


# ---- who is who


def test_it_is_a_data_set(world: World) -> None:
    as_protocol: Dataset = world
    split = class_split(as_protocol)
    assert (len(split.seen), len(split.unseen)) == (24, 6)
    assert NOTHING not in world.raw_ids.values() and world.ignore == IGNORE
    assert set(world.unseen) | set(world.validation_unseen) <= set(world.raw_ids)
    assert len({world.palette[raw_id] for raw_id in world.raw_ids.values()}) == len(CLASSES)


def test_no_two_classes_are_the_same_and_things_differ_in_colour_or_texture() -> None:
    assert len({kind.attributes for kind in CLASSES + EXTRA}) == len(CLASSES) + len(EXTRA)
    things = [kind for kind in CLASSES if not kind.is_stuff]
    assert len({(kind.colour, kind.texture) for kind in things}) == len(things) == 18


@pytest.mark.parametrize("hidden", [UNSEEN, VALIDATION_UNSEEN], ids=["unseen", "validation"])
def test_every_attribute_of_a_hidden_class_occurs_in_several_classes_that_remain_seen_even_in_tuning(hidden: tuple[str, ...]) -> None:
    remaining = [kind for kind in CLASSES if kind.name not in UNSEEN + VALIDATION_UNSEEN]
    for kind in (CLASSES[RAW_IDS[name]] for name in hidden):
        for value in kind.attributes:
            assert sum(value in other.attributes for other in remaining) >= 2, (kind.name, value)


@pytest.mark.parametrize("partition", PARTITIONS)
def test_other_partitions_hide_other_classes_and_change_no_picture(cache: Path, world: World, partition: str) -> None:
    other = World(cache=cache, partition=partition, test_images=40)
    hidden = [kind for kind in CLASSES if kind.name in other.unseen]
    assert len(hidden) == 6 and len({kind.colour for kind in hidden if kind.is_stuff}) == sum(kind.is_stuff for kind in hidden) == 3
    assert sum(set(other.unseen) & set(unseen) != set() for unseen in (UNSEEN, *PARTITIONS.values())) == 1
    assert class_split(other).unseen == other.unseen and other.name == f"world-{partition}" and other.fingerprint != world.fingerprint
    assert np.array_equal(images(other, "test"), images(world, "test"))
    partial = small(cache, partition=partition, partial=0.9)
    dropped = [(a.mask != b.mask, b.mask) for a, b in zip(partial.split("train"), partial.true_split("train"), strict=True)]
    lost = {int(number) for changed, truth in dropped for number in np.unique(truth[changed])}
    assert len(lost) > 10 and not lost & {RAW_IDS[name] for name in other.unseen}
    with pytest.raises(InputError, match="no validation_unseen"):
        class_split(other, tuning=True)


def test_every_hidden_stuff_class_has_a_seen_twin_that_differs_by_place_only() -> None:
    for kind in (CLASSES[RAW_IDS[name]] for name in UNSEEN + VALIDATION_UNSEEN):
        twins = [k for k in CLASSES if kind.is_stuff and k.is_stuff and k.colour == kind.colour and k.place != kind.place]
        assert len(twins) == int(kind.is_stuff)
        assert not {k.name for k in twins} & set(UNSEEN + VALIDATION_UNSEEN)


@pytest.mark.parametrize(
    ("options", "says"),
    [({"seed": -1}, "seed"), ({"partial": 1.0}, "share"), ({"partial": -0.1}, "share"), ({"val_images": 0}, "val split")],
)
def test_impossible_worlds_are_refused(options: dict, says: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=says):
        World(cache=tmp_path, **options)


def test_unknown_splits_and_scales_are_refused(world: World) -> None:
    with pytest.raises(InputError, match="did you mean 'test'"):
        world.split("tests")
    with pytest.raises(InputError, match="scale"):
        world.split("val", scale=0.1)


def test_names_and_fingerprints_tell_worlds_apart(cache: Path) -> None:
    shares = {share: World(cache=cache, partial=share) for share in (0.0, 0.15, STANDARD_PARTIAL, 0.45)}
    assert [world.name for world in shares.values()] == ["world", "world-partial-15", "world-partial", "world-partial-45"]
    others = [World(cache=cache, seed=1), World(cache=cache, train_images=5), World(cache=cache, test_images=5)]
    assert len({world.fingerprint for world in [*shares.values(), *others]}) == 7
    assert World(cache=cache).fingerprint == shares[0.0].fingerprint


# ---- pictures


def test_the_same_seed_gives_the_same_bytes_from_an_empty_cache(tmp_path: Path) -> None:
    first, second = small(tmp_path / "a", train_images=4), small(tmp_path / "b", train_images=4)
    for split in ("train", "val", "test"):
        assert images(first, split).tobytes() == images(second, split).tobytes()
        assert masks(first, split).tobytes() == masks(second, split).tobytes()


def test_a_seed_changes_training_pictures_only(tmp_path: Path) -> None:
    first, second = small(tmp_path / "a", seed=0, train_images=4), small(tmp_path / "b", seed=1, train_images=4)
    assert all((a != b).any() for a, b in zip(images(first, "train"), images(second, "train"), strict=True))
    assert images(first, "val").tobytes() == images(second, "val").tobytes()
    assert masks(first, "test").tobytes() == masks(second, "test").tobytes()


def test_no_picture_is_in_two_splits_or_twice_in_one(world: World) -> None:
    everything = [picture.mask.tobytes() for split in ("train", "val", "test") for picture in world.split(split)]
    assert len(set(everything)) == len(everything)


def test_fewer_pictures_are_the_first_ones_of_more(cache: Path, world: World) -> None:
    assert images(small(cache), "train").tobytes() == images(world, "train")[:60].tobytes()


def test_every_class_is_drawn_often_enough_and_a_sixth_is_void(world: World) -> None:
    train = masks(world, "train")
    for name, raw_id in world.raw_ids.items():
        assert (train == raw_id).any((1, 2)).sum() >= 40, name
    assert 0.12 < (train == NOTHING).mean() < 0.2
    assert set(np.unique(train)) == set(world.raw_ids.values()) | {NOTHING}
    assert set(range(30)) <= set(np.unique(masks(world, "val")))


@pytest.mark.parametrize(("scale", "side"), [(2 / 3, 64), (1.0, 96), (1.5, 144)])
def test_scales_change_the_size_of_pictures_and_not_that_of_things(world: World, scale: float, side: int) -> None:
    picture = small(world._folder.parent).split("test", scale=scale)[0]
    assert picture.image.shape == (side, side, 3) and picture.mask.shape == (side, side)
    assert picture.image.dtype == picture.mask.dtype == np.uint8
    areas = [thing_area(index, side) for index in range(25)]
    assert 250 < np.mean(areas) < 600  # of radius 11 to 15, partly covered or cut off


def thing_area(index: int, side: int) -> float:
    """Mean visible pixels of the things of one picture."""
    scene = draw_scene((9, 0, 0, index), side)
    counts = np.bincount(scene.segments.ravel(), minlength=len(scene.classes))
    things = [count for count, raw_id in zip(counts, scene.classes, strict=True) if 12 <= raw_id < 30 and count]
    return float(np.mean(things)) if things else 400.0


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([64, 96, 144]))
def test_segments_have_one_class_each_and_twins_never_meet(index: int, side: int) -> None:
    scene = draw_scene((1, 0, 0, index), side)
    mask = scene.classes[scene.segments]
    assert (scene.segments > 0).all()  # the picture is full
    stuff = [CLASSES[raw_id] for raw_id in np.unique(mask) if raw_id < 12]
    assert len({kind.colour for kind in stuff}) == len(stuff)
    rows = {kind.name: np.nonzero(mask == RAW_IDS[kind.name])[0].min() for kind in stuff}
    above = [rows[kind.name] for kind in stuff if kind.place == "up"]
    below = [rows[kind.name] for kind in stuff if kind.place == "down"]
    assert not above or not below or min(above) < min(below)


def test_labels_agree_with_colours(world: World) -> None:
    """The mean pixel of every class is nearest, up to brightness, to the colour that the catalogue gives it."""
    pixels, labels = images(world, "train").astype(float), masks(world, "train")
    names = list(COLOURS)
    palette = np.array([COLOURS[name] for name in names], dtype=float)
    for kind in CLASSES:
        mean = pixels[labels == RAW_IDS[kind.name]].mean(0)
        assert names[nearest_direction(mean, palette)] == kind.colour, kind.name


def nearest_direction(colour: np.ndarray, palette: np.ndarray) -> int:
    return int(np.argmax(palette @ colour / np.linalg.norm(palette, axis=1)))


def test_the_edge_of_a_label_is_the_edge_of_the_drawing() -> None:
    """Moving the labels by two pixels in any direction makes the pixels within a segment less alike."""
    for index in range(5):
        scene = draw_scene((9, 0, 0, index), 96)
        here = spread(scene.image, scene.segments)
        for shift in [(0, 2), (0, -2), (2, 0), (-2, 0)]:
            assert spread(scene.image, np.roll(scene.segments, shift, (0, 1))) > here


def spread(image: np.ndarray, segments: np.ndarray) -> float:
    """Mean squared difference of pixels from the mean of their segment, edges of the picture left out."""
    colours, numbers = image[4:-4, 4:-4].reshape(-1, 3).astype(float), segments[4:-4, 4:-4].ravel()
    counts = np.maximum(np.bincount(numbers, minlength=50), 1)
    means = np.stack([np.bincount(numbers, colours[:, channel], minlength=50) / counts for channel in range(3)], axis=1)
    return float(((colours - means[numbers]) ** 2).mean())


# ---- partial annotation


def test_partial_worlds_show_the_same_pictures_and_lose_labels_in_training_only(cache: Path, world: World) -> None:
    partial = World(cache=cache, test_images=40, partial=STANDARD_PARTIAL)
    assert images(partial, "train").tobytes() == images(world, "train").tobytes()
    for split in ("val", "test"):
        assert masks(partial, split).tobytes() == masks(world, split).tobytes()
    assert np.stack([p.mask for p in partial.true_split("train")]).tobytes() == masks(world, "train").tobytes()
    assert (masks(partial, "train") != masks(world, "train")).any()


def test_larger_shares_drop_what_smaller_ones_drop_and_about_the_share_asked_for(cache: Path, world: World) -> None:
    complete, seen = masks(world, "train"), np.array([RAW_IDS[name] for name in class_split(world).seen])
    labelled = np.isin(complete, seen)
    dropped_before = np.zeros_like(labelled)
    for share in (0.15, 0.30, 0.45):
        left = masks(World(cache=cache, partial=share), "train")
        dropped = left != complete
        assert (left[dropped] == NOTHING).all()
        assert not (dropped & ~labelled).any()  # unseen and void pixels stay as they are
        assert not (dropped_before & ~dropped).any()
        assert abs(dropped.sum() / labelled.sum() - share) < 0.03
        dropped_before = dropped


@given(st.integers(0, 10**6))
def test_the_choice_of_segments_is_a_stream_of_its_own(index: int) -> None:
    luck = annotation_luck((1, 0, 0, index))
    assert (luck == annotation_luck((1, 0, 0, index))).all() and ((luck >= 0) & (luck < 1)).all()
    assert (luck != np.random.default_rng((1, 0, 0, index)).random(len(luck))).any()


def test_dropped_segments_are_unannotated_in_training_and_unlabelled_nowhere_else(cache: Path) -> None:
    world = small(cache, partial=0.45)
    split = class_split(world)
    raw, complete = world.split("train")[0].mask, world.true_split("train")[0].mask
    training = split.training_labels(raw)
    assert (training[raw != complete] == UNANNOTATED).all()
    assert training[raw == complete].min() < UNANNOTATED and IGNORE not in training


# ---- words


def test_every_word_has_one_role() -> None:
    roles = [word for words in SYNONYMS.values() for word in words]
    assert len(set(roles)) == len(roles) and len(set(NAMES)) == len(NAMES)
    assert not set(NAMES) & set(roles)
    assert all(name.isalpha() and name.islower() for name in NAMES)
    assert set(SYNONYMS) == {value for kind in CLASSES + EXTRA for value in kind.attributes}


def test_sentences_say_of_every_name_what_the_catalogue_says_and_nothing_else() -> None:
    role_of = {word: value for value, words in SYNONYMS.items() for word in words}
    said: dict[str, set[str]] = {name: set() for name in NAMES}
    sentences = write_sentences(3)
    relations = 0
    for sentence in sentences:
        subjects = [word for word in sentence if word in said]
        relations += len(subjects) == 2
        if len(subjects) == 1:
            said[subjects[0]] |= {role_of[word] for word in sentence if word in role_of}
    assert said == {kind.name: set(kind.attributes) for kind in CLASSES + EXTRA}
    assert 0.12 < relations / len(sentences) < 0.18


def test_vectors_are_unit_length_and_cover_classes_and_further_names(world: World) -> None:
    table = world.vectors()
    assert table.matrix.shape == (len(NAMES), 128) and table.matrix.dtype == np.float32
    assert np.allclose(np.linalg.norm(table.matrix, axis=1), 1, atol=1e-5)
    assert len(world.extra_names) >= 20 and not set(world.extra_names) & set(world.raw_ids)
    assert table.rows(tuple(world.raw_ids)).shape[0] == 30 and table.rows(world.extra_names).shape[0] == len(world.extra_names)
    assert len(table.sources) == 2 and table.sources[0]["sha256"] != table.sources[1]["sha256"]
    assert "seed 0 fasttext" in table.sources[0]["file"]


def attribute_agreement(matrix: np.ndarray) -> float:
    """Correlation, over pairs of classes, of the likeness of two vectors with the number of attributes in common."""
    classes = CLASSES[:30]
    shared = np.array([[in_common(a, b) for b in classes] for a in classes])
    pairs = np.triu_indices(len(classes), 1)
    return float(np.corrcoef((matrix[:30] @ matrix[:30].T)[pairs], shared[pairs])[0, 1])


def in_common(first: Kind, second: Kind) -> int:
    return sum(a == b for a, b in zip(first.attributes, second.attributes, strict=True))


def test_classes_with_attributes_in_common_lie_close_and_not_so_if_names_are_shuffled(world: World) -> None:
    assert attribute_agreement(world.vectors().matrix) > 0.75
    sentences = write_sentences(0)[:6000]
    rng = np.random.default_rng(1)
    shuffled = [[str(rng.choice(NAMES)) if word in NAMES else word for word in sentence] for sentence in sentences]
    assert attribute_agreement(as_word_vectors(train_vectors(shuffled, 0), 0).matrix) < 0.3


def test_each_hidden_stuff_class_is_nearest_to_its_twin(world: World) -> None:
    vectors = world.vectors().rows(tuple(world.raw_ids))
    likeness = vectors @ vectors.T - 2 * np.eye(30)
    for name in UNSEEN + VALIDATION_UNSEEN:
        kind, nearest = CLASSES[RAW_IDS[name]], CLASSES[int(likeness[RAW_IDS[name]].argmax())]
        assert in_common(kind, nearest) == 3 if kind.is_stuff else in_common(kind, nearest) >= 2, (name, nearest.name)


def test_vectors_are_the_same_in_every_process_and_differ_between_seeds(world: World, cache: Path, tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from signseg.data.world import World;"
        "print(World(cache=Path(sys.argv[1])).vectors().sources[0]['sha256'])"
    )
    environment = os.environ | {"PYTHONHASHSEED": "77"}
    elsewhere = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, env=environment, check=True)
    assert elsewhere.stdout.strip() == world.vectors().sources[0]["sha256"]
    other = World(seed=1, cache=cache).vectors()
    assert other.sources[0]["sha256"] != world.vectors().sources[0]["sha256"]


# ---- cache


def test_a_second_world_reads_what_the_first_one_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = small(tmp_path)
    before = images(first, "val").tobytes(), masks(first, "val").tobytes()
    monkeypatch.setattr("signseg.data.world.dataset.draw_scene", None)  # drawing again would fail
    second = small(tmp_path, seed=5)  # val pictures are common to all seeds
    assert (images(second, "val").tobytes(), masks(second, "val").tobytes()) == before


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "text", "other"])
def test_a_damaged_cache_is_drawn_again(tmp_path: Path, damage: str) -> None:
    before = images(small(tmp_path), "val").tobytes()
    (path,) = tmp_path.rglob("val-*.npz")
    content = bytearray(path.read_bytes())
    if damage == "flip":
        content[len(content) // 2] ^= 0xFF
    damaged = {"cut": content[:-2000], "empty": b"", "text": b"not a zip file", "flip": content}
    if damage == "other":
        with path.open("wb") as handle:
            np.savez(handle, images=np.zeros(3))
    else:
        path.write_bytes(bytes(damaged[damage]))
    bad = path.read_bytes()
    assert images(small(tmp_path), "val").tobytes() == before
    assert path.read_bytes() != bad  # and stored again


def test_an_unwritable_cache_costs_time_only(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("a file where a folder should be")
    assert len(small(blocked).split("val")) == 6


def test_the_cache_folder_can_be_chosen_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNSEG_CACHE", str(tmp_path / "here"))
    World(val_images=2).split("val")
    assert list((tmp_path / "here").rglob("val-*.npz"))
