"""dataset.yaml: every key, both ways to list classes, and a sentence for everything that can be wrong."""

from pathlib import Path
from typing import Any

import pytest
from small_folder import CLASSES, description, write_description

from signseg.data.dataset_file import read_dataset_file
from signseg.errors import InputError


def refused(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_dataset_file(path)
    sentence = str(caught.value)
    assert sentence.startswith(str(path)) and sentence.endswith((".", "?")) and "\n" not in sentence
    return sentence.removeprefix(str(path))


def test_a_whole_description(tmp_path: Path) -> None:
    more = {"exclude": ["road"], "unlabelled": ["more/*.jpg"], "names": {"sky": "air", "barn": ["shed", "house"]}}
    found = read_dataset_file(write_description(tmp_path, **more))
    assert found.raw_ids == {name: number for number, name in enumerate(CLASSES)}
    assert (found.unseen, found.validation_unseen, found.excluded) == (("barn",), ("lake",), ("road",))
    assert found.names == {"sky": ("air",), "barn": ("shed", "house")} and found.unlabelled == ("more/*.jpg",)
    assert found.vectors == ("words.vec",) and found.background == "ignore"


def test_classes_with_their_ids(tmp_path: Path) -> None:
    found = read_dataset_file(write_description(tmp_path, classes={7: "barn", 0: "sky", 31: "lake"}))
    assert found.raw_ids == {"barn": 7, "sky": 0, "lake": 31}


@pytest.mark.parametrize(("background", "excluded"), [("ignore", ("background",)), ("class", ())])
def test_background_is_left_out_unless_it_is_a_class(tmp_path: Path, background: str, excluded: tuple[str, ...]) -> None:
    found = read_dataset_file(write_description(tmp_path, classes=["background", *CLASSES], background=background))
    assert found.excluded == excluded


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"clases": CLASSES}, "there is no key 'clases'; did you mean 'classes'?"),
        ({"images": None}, "the key 'images' is missing; add it"),
        ({"name": "a/b"}, "'name' is 'a/b'; expected letters"),
        ({"name": "x" * 65}, "64 at most"),
        ({"classes": [*CLASSES, "sky"]}, "class 'sky' is listed 2 times"),
        ({"classes": []}, "'classes' is []"),
        ({"classes": [*CLASSES, True]}, "'classes.5' is True: input should be a valid string; write it in quotes"),
        ({"classes": [*CLASSES, "a\nb"]}, "expected printable text"),
        ({"classes": {0: "sky", 300: "barn"}}, "less than or equal to 255"),
        ({"classes": {0: "sky", 255: "barn"}}, "class 'barn' has the id 255, which is also 'ignore'"),
        ({"classes": "sky"}, "'classes' is 'sky'"),
        ({"ignore": 256}, "'ignore' is 256"),
        ({"ignore": "void"}, "'ignore' is 'void'"),
        ({"unseen": ["bern"]}, "'bern' under 'unseen' is not among the classes; did you mean 'barn'?"),
        ({"exclude": ["raod"]}, "'raod' under 'exclude' is not among the classes; did you mean 'road'?"),
        ({"names": {"skky": "air"}}, "'skky' under 'names' is not among the classes; did you mean 'sky'?"),
        ({"names": {"sky": []}}, "'names.sky' is []"),
        ({"exclude": ["barn"]}, "class 'barn' is listed under 'unseen' and 'exclude'"),
        ({"validation_unseen": ["barn"]}, "class 'barn' is listed under 'unseen' and 'validation_unseen'"),
        ({"unseen": CLASSES, "validation_unseen": []}, "no class is left to learn from"),
        ({"images": "images/*.png"}, "'images' is 'images/*.png' without {split}"),
        ({"splits": {"train": "a", "test": "a"}, "validation_unseen": []}, "the same folder 'a'"),
        ({"splits": {"train": "a"}}, "'splits' has no 'test'"),
        ({"splits": {"train": "a", "test": "b"}}, "'validation_unseen' needs a split 'val'"),
        ({"splits": {"train": "a", "tset": "b"}}, "input should be 'train', 'val' or 'test'"),
        ({"background": "keep"}, "'background' is 'keep'"),
        ({"background": "class"}, "no class is called 'background'"),
        ({"vectors": []}, "'vectors' is []"),
    ],
    ids=str,
)
def test_what_is_wrong_is_said_in_one_sentence(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    assert said in refused(write_description(tmp_path, **changes))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: [", "is not YAML at line"),
        ("", "holds no keys"),
        ("- a\n- b", "holds no keys"),
        ("name: a\nname: b", "has the key 'name' twice (line 2)"),
        ("classes: {0: a, 0: b}", "has the key '0' twice"),
        ("classes: &a [*a]", "more than 100000 values"),
        ("a0: &a0 [x, x]\n" + "".join(f"a{n + 1}: &a{n + 1} [*a{n}, *a{n}]\n" for n in range(40)), "without YAML aliases"),
        ("name: !!python/object/apply:os.getcwd []", "is not YAML"),
        ("a: " + "[" * 5000, "is not YAML"),
        ("name: '" + "x" * 1_000_001 + "'", "has more than 1000000 bytes"),
    ],
    ids=["open", "empty", "list", "twice", "id-twice", "endless", "grown", "code", "deep", "long"],
)
def test_what_is_no_description(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "dataset.yaml"
    path.write_text(text)
    assert said in refused(path)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    assert "does not exist" in refused(tmp_path / "dataset.yaml")
    (tmp_path / "folder.yaml").mkdir()
    assert "cannot be read" in refused(tmp_path / "folder.yaml")
    (tmp_path / "bytes.yaml").write_bytes(b"name: \xff\xfe")
    assert "is not YAML" in refused(tmp_path / "bytes.yaml")


def test_the_description_of_the_tests_is_right(tmp_path: Path) -> None:
    assert read_dataset_file(write_description(tmp_path)).name == description()["name"]
