"""Another list of classes for a trained model: what changes, what must not, what it may read, and how it refuses."""

import json
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import signseg
from signseg import cli
from signseg.classes import UNANNOTATED
from signseg.config import TINY, with_overrides
from signseg.data import registry
from signseg.data.dataset import class_split
from signseg.data.training_images import TrainingImages
from signseg.data.transforms import shrink_labels
from signseg.data.world import World
from signseg.data.world.catalogue import RAW_IDS, UNSEEN, VALIDATION_UNSEEN
from signseg.errors import InputError
from signseg.inference.add_class import TOO_NEAR, farthest_colour
from signseg.inference.class_list import with_words
from signseg.inference.predict import Segmenter
from signseg.methods import METHODS
from signseg.network import Network
from signseg.stages import memory
from signseg.stages.add_class import AddClass, draw_weights
from signseg.stages.memory import MOST_BYTES, cells_per_class, remember
from signseg.stages.stage import only_training
from signseg.training.folder import RunFolder, load_classes
from signseg.training.keepsake import load_keepsake
from signseg.training.optim import Player
from signseg.training.score import score_run
from signseg.training.train import train, train_from

SMALL = {"train_images": 16, "val_images": 4, "test_images": 6}
ABLE = [method for method in METHODS if method != "zs3net-gc"]  # its generator needs neighbours, which a memory of pixels has not
PICTURE = np.random.default_rng(0).integers(0, 256, (40, 56, 3), dtype=np.uint8)


def small_world(seed: int) -> World:
    return World(seed=seed, partial=0.3, **SMALL)


@pytest.fixture(autouse=True)
def worlds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.DATASETS, "small-world", small_world)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A finished tiny run with these settings, trained once."""
    made: dict[str, Path] = {}

    def run(method: str = "sign", **overrides: Any) -> Path:
        key = json.dumps([method, overrides])
        if key not in made:
            settings: dict[str, Any] = {"data": "small-world", "method": method, "unseen_names": False}
            with pytest.MonkeyPatch.context() as patch:
                patch.setitem(registry.DATASETS, "small-world", small_world)
                config = with_overrides(TINY, METHODS[method].settings | settings | overrides)
                made[key] = train(config, tmp_path_factory.mktemp("run") / "base")
        return made[key]

    return run


@pytest.fixture
def base(trained: Callable[..., Path]) -> Segmenter:
    return signseg.load(trained())


# ---- adding


def test_an_added_class_is_at_the_end_with_its_word_its_id_and_its_colour(base: Segmenter):
    more = base.add_class("bee", "lemon")
    data = small_world(0)
    assert more.split.names == (*base.split.names, "bee", "lemon") and more.split.unseen == ("bee", "lemon")
    np.testing.assert_array_equal(more.network.embedding_map.table[-2:].numpy(), data.vectors().rows(("bee", "lemon")))
    assert more.split.raw_ids["bee"] == RAW_IDS["bee"] and more.palette[RAW_IDS["bee"]] == data.palette[RAW_IDS["bee"]]
    assert more.split.raw_ids["lemon"] not in RAW_IDS.values() and more.split.raw_ids["lemon"] != data.ignore
    assert len(set(more.palette.values())) == len(more.palette)
    assert more.predict(PICTURE).classes.max() < len(more.split.names)
    assert base.split.unseen == () and len(base.network.embedding_map.table) == 24, "the segmenter it came from is as it was"


@pytest.mark.parametrize("method", ABLE)
def test_every_method_takes_a_class_and_moves_nothing_but_c_and_m(method: str, trained: Callable[..., Path]):
    base = signseg.load(trained(method))
    more = base.add_class("bee")
    before, after = base.network.state_dict(), more.network.state_dict()
    same = {name for name in before if before[name].shape == after[name].shape and torch.equal(before[name], after[name])}
    moved = {name.split(".")[0] for name in before.keys() - same}
    assert moved == {"classifier", "embedding_map"}
    assert torch.equal(after["embedding_map.table"][:-1], before["embedding_map.table"])


def test_the_same_addition_gives_the_same_model_and_leaves_the_random_state_alone(base: Segmenter):
    torch.manual_seed(5)
    state = torch.get_rng_state()
    one = base.add_class("bee")
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(6)
    other, third = base.add_class("bee"), base.add_class("zebra")
    names = [name for name in one.network.state_dict() if name.startswith("classifier")]
    assert all(torch.equal(one.network.state_dict()[name], other.network.state_dict()[name]) for name in names)
    assert any(not torch.equal(one.network.state_dict()[name], third.network.state_dict()[name]) for name in names)


def test_neither_a_data_set_nor_a_training_image_is_read(trained: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Leakage: with the data set gone, and with every other file of the run gone, the same bits come out."""
    expected = signseg.load(trained()).add_class("bee")
    run = tmp_path / "run"
    run.mkdir()
    for name in ("config.json", "classes.json", "model.safetensors", "memory.safetensors", "vectors.safetensors", "names.json"):
        shutil.copy(trained() / name, run / name)
    monkeypatch.setattr(registry, "DATASETS", {})
    monkeypatch.setattr(World, "split", lambda *arguments, **options: pytest.fail("pictures were asked for"))
    monkeypatch.setattr(World, "vectors", lambda *arguments: pytest.fail("vectors were asked for"))
    monkeypatch.setenv("SIGNSEG_CACHE", str(tmp_path / "empty"))
    more = signseg.load(run).add_class("bee")
    found = more.network.state_dict()
    assert all(torch.equal(value, found[name]) for name, value in expected.network.state_dict().items())
    assert not (tmp_path / "empty").exists()


def test_the_memory_has_no_unseen_label_even_where_masks_have_them(trained: Callable[..., Path]):
    memory = load_keepsake(RunFolder(trained())).memory
    assert memory is not None and memory.classes.max() < 24 and (memory.counts > 0).any()


@pytest.mark.parametrize("method", ABLE)
def test_scores_of_known_classes_stay_what_they_were(method: str, trained: Callable[..., Path]):
    base = signseg.load(trained(method))
    image = torch.rand(2, 3, 40, 56)
    one = base.add_class("bee")
    more = one.add_class("lemon", "zebra")
    with torch.no_grad():
        before, between, after = (segmenter.network(image) for segmenter in (base, one, more))
    assert torch.equal(before, between[:, :-1]) and torch.equal(between, after[:, :-2])
    back = more.remove_class("zebra").remove_class("lemon")
    assert all(torch.equal(value, back.network.state_dict()[name]) for name, value in one.network.state_dict().items())


@pytest.mark.parametrize(("seen", "older", "new"), [(20, 0, 1), (20, 3, 1), (5, 2, 4)])
def test_each_new_class_is_drawn_a_third_as_often_as_all_known_ones(seen: int, older: int, new: int):
    weights = draw_weights(torch.arange(seen + older + new) >= seen, new)
    known = weights[: seen + older].sum()
    assert torch.allclose(weights[seen + older :], known / 3)
    assert older == 0 or torch.allclose(weights[:seen].sum(), weights[seen : seen + older].sum())


def test_new_rows_learn(base: Segmenter):
    """The loss on one batch falls while they learn from others, and nothing but they moves."""
    memory, config = base.kept().memory, base.trained().step_c.model_copy(update={"iterations": 120, "learning_rate": 1e-2})
    assert memory is not None
    torch.manual_seed(0)
    network = with_words(base.network, base.trained(), small_world(0).vectors().rows(("bee",)))
    stage = AddClass(network, memory, torch.arange(25) == 24, config, new=1)
    player = Player("classifier", stage.players()["classifier"], config)

    def loss() -> float:
        torch.manual_seed(1)
        (update,) = stage.updates(memory.draw(2000))
        return update.total().item()

    with only_training(network, stage):
        before, frozen = loss(), network.classifier.scores.weight.clone()
        for iteration in range(120):
            torch.manual_seed(2 + iteration)
            for update in stage.updates(memory.draw(500)):
                player.step(update, stage="add_class", iteration=iteration)
        assert loss() < 0.95 * before and torch.equal(frozen, network.classifier.scores.weight)
    stage.write_back()
    assert torch.equal(frozen[:-1], network.classifier.scores.weight[:-1])
    assert torch.equal(stage.weight, network.classifier.scores.weight[-1:])


# ---- the memory


def test_remembered_cells_are_balanced_real_and_the_same_for_a_seed():
    data = small_world(0)
    split = class_split(data)
    images = TrainingImages(data.split("train"), split)
    network = Network(TINY, data.vectors().rows(split.names)).eval()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(memory, "CELLS_PER_CLASS", 40)
        one, again, other = (
            remember(network, images, images.labels, len(split.names), torch.Generator().manual_seed(seed)) for seed in (0, 0, 1)
        )
    assert torch.equal(one.base, again.base) and not torch.equal(one.base, other.base)
    with torch.no_grad():
        code = network.code(images.batch(torch.arange(len(images))).images)
    grid = shrink_labels(images.labels, *code.base.shape[2:])
    counts = torch.bincount(grid[grid < UNANNOTATED].long(), minlength=len(split.names))
    assert torch.equal(one.counts, counts)
    assert torch.equal(torch.bincount(one.classes.long(), minlength=len(split.names)), counts.clamp(max=40))
    cells = code.mean.permute(0, 2, 3, 1)
    for number in range(0, len(one.classes), 37):  # every remembered code is that of a cell with its label
        same = (cells[grid == one.classes[number]] - one.mean[number].float()).abs().amax(1)
        assert same.min() < 1e-3
    drawn = torch.bincount(one.classes[one.draw(20_000)].long(), minlength=len(split.names)) / 20_000
    assert (drawn - counts / counts.sum()).abs().max() < 0.02


@pytest.mark.parametrize(("classes", "channels"), [(24, 64), (171, 600), (250, 2048)])
def test_the_memory_is_at_most_32_megabytes_whatever_the_model(classes: int, channels: int):
    cells = cells_per_class(classes, channels)
    assert cells >= 1 and classes * cells * (3 * channels * 2 + 1) + 8 * classes < 32_000_000
    assert classes * (cells + 1) * 3 * channels * 2 > MOST_BYTES or cells == 1024


def test_methods_without_a_generator_remember_nothing(trained: Callable[..., Path]):
    assert not (trained("spnet") / "memory.safetensors").exists() and (trained("spnet") / "vectors.safetensors").exists()
    for run in (trained(upper_bound=True, unseen_names=True), trained("zs3net-gc")):
        assert not (run / "memory.safetensors").exists()
        with pytest.raises(InputError, match="has no memory and no generator for it"):
            signseg.load(run).add_class("lemon")


def test_after_self_training_unseen_classes_are_remembered_by_the_models_own_labels(trained: Callable[..., Path]):
    run = trained(unseen_names=True, **{"self_training.kind": "st"})
    memory = load_keepsake(RunFolder(run)).memory
    assert memory is not None and memory.counts[24:].sum() > 0
    assert signseg.load(run).add_class("lemon").split.unseen == (*UNSEEN, "lemon")


def test_a_tuning_run_keeps_no_name_of_the_real_unseen_classes(trained: Callable[..., Path]):
    kept = load_keepsake(RunFolder(trained(tuning=True)))
    assert not set(kept.vectors.names) & set(UNSEEN) and not set(kept.raw_ids) & set(UNSEEN)
    assert set(VALIDATION_UNSEEN) <= set(kept.vectors.names)
    with pytest.raises(InputError, match="No word vector for 'zebra'"):
        signseg.load(trained(tuning=True)).add_class("zebra")


# ---- removing and renaming


def test_removing_a_class_leaves_all_other_scores_alone(base: Segmenter):
    less = base.remove_class("dusk")
    position = base.split.names.index("dusk")
    image = torch.rand(1, 3, 40, 56)
    with torch.no_grad():
        before, after = base.network(image), less.network(image)
    assert torch.allclose(torch.cat([before[:, :position], before[:, position + 1 :]], dim=1), after, atol=1e-6)
    memory, old = less.kept().memory, base.kept().memory
    assert memory is not None and old is not None
    assert len(memory.classes) == int((old.classes != position).sum()) and memory.classes.max() == 22
    assert "dusk" not in less.add_class("bee").split.names


def test_what_was_removed_can_be_added_again(base: Segmenter):
    again = base.remove_class("dusk").add_class("dusk")
    assert again.split.unseen == ("dusk",) and again.split.raw_ids["dusk"] == RAW_IDS["dusk"]


def test_renaming_changes_a_name_and_nothing_else(base: Segmenter):
    other = base.rename_class("sky", "heaven")
    assert other.split.names == ("heaven", *base.split.names[1:]) and other.split.raw_ids["heaven"] == RAW_IDS["sky"]
    np.testing.assert_array_equal(other.predict(PICTURE).classes, base.predict(PICTURE).classes)


# ---- guards


def test_what_is_refused_is_refused_in_one_sentence(base: Segmenter, trained: Callable[..., Path], tmp_path: Path):
    for call, sentence in {
        (lambda: base.add_class("sky"), "'sky' is a class already"),
        (lambda: base.add_class("bee", "bee"), "'bee' is a class already"),
        (lambda: base.add_class(" "), "A class has no name"),
        (lambda: base.add_class(), "No class was named"),
        (lambda: base.add_class("zebar"), "No word vector for 'zebar' is kept with the run; the nearest spellings are 'zebra'"),
        (lambda: base.remove_class("bee"), "There is no class 'bee'"),
        (lambda: base.rename_class("bee", "wasp"), "There is no class 'bee'"),
        (lambda: base.rename_class("sky", "lawn"), "which is a class already"),
        (lambda: base.rename_class("sky", ""), "which is empty"),
    }:
        with pytest.raises(InputError, match=sentence) as caught:
            call()
        assert str(caught.value).rstrip(".").count(". ") == 0
    (tmp_path / "old").mkdir()
    for name in ("config.json", "classes.json", "model.safetensors"):
        shutil.copy(trained() / name, tmp_path / "old" / name)
    with pytest.raises(InputError, match="keeps no word vectors to add classes from"):
        signseg.load(tmp_path / "old").add_class("bee")


def test_a_damaged_keepsake_is_named(trained: Callable[..., Path], tmp_path: Path):
    for number, name in enumerate(("memory.safetensors", "vectors.safetensors", "names.json")):
        run = shutil.copytree(trained(), tmp_path / str(number))
        (run / name).write_bytes((run / name).read_bytes()[:-9])
        with pytest.raises(InputError, match=name):
            signseg.load(run).add_class("bee")


def test_a_class_too_near_another_is_said_but_done(base: Segmenter, tmp_path: Path):
    word = base.network.embedding_map.table[0].numpy()
    side = np.random.default_rng(0).normal(size=len(word)).astype(np.float32)
    side -= side @ word * word
    for name, cosine in (("same", TOO_NEAR + 0.01), ("other", TOO_NEAR - 0.01)):
        row = cosine * word + np.sqrt(1 - cosine**2) * side / np.linalg.norm(side)
        np.savez(tmp_path / f"{name}.npz", names=[name], vectors=row[None])
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        more = base.add_class("same", vectors=[tmp_path / "same.npz"])
    assert more.split.unseen == ("same",)
    assert any("'same' is very near 'sky' (cosine 0.86)" in str(warning.message) for warning in said)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        base.add_class("other", vectors=[tmp_path / "other.npz"])
    assert not any("very near" in str(warning.message) for warning in said)
    assert any("not those of the training" in str(warning.message) for warning in said)


def test_vectors_of_another_length_are_refused(base: Segmenter, tmp_path: Path):
    np.savez(tmp_path / "short.npz", names=["bee"], vectors=np.ones((1, 7)))
    with pytest.raises(InputError, match=r"have 7 numbers, the model's 128; give all the files of world"):
        base.add_class("bee", vectors=[tmp_path / "short.npz"])


def test_made_colours_are_far_from_those_there_are():
    palette: dict[int, tuple[int, int, int]] = {0: (10, 20, 200), 1: (90, 90, 90)}
    for raw in range(2, 30):
        palette[raw] = farthest_colour(palette)
    assert len(set(palette.values())) == 30


# ---- the command and the run folder


def add(*arguments: object) -> int:
    return cli.main(["add-class", *map(str, arguments)])


def test_the_command_leaves_a_run_that_every_command_reads(
    trained: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    out = tmp_path / "more"
    assert add(trained(), "bee", "lemon", "--remove", "dusk", "--rename", "sky=heaven", "--out", out) == 0
    split, palette = load_classes(RunFolder(out))
    assert split.unseen == ("bee", "lemon") and split.names[0] == "heaven" and "dusk" not in split.names
    assert set(palette) >= set(split.raw_ids.values())
    record = json.loads((out / "config.json").read_text())
    assert record["changes"] == [{"removed": ["dusk"]}, {"renamed": ["sky", "heaven"]}, {"added": ["bee", "lemon"]}]
    assert record["config"]["variant"] == "edited-classes" and "add_class" in json.loads((out / "seconds.json").read_text())
    assert not (out / "state.pt").exists() and not (out / "results.json").exists()

    twice = tmp_path / "twice"
    assert add(out, "zebra", "--out", twice) == 0
    assert signseg.load(twice).split.unseen == ("bee", "lemon", "zebra")
    capsys.readouterr()
    assert cli.main(["info", str(twice)]) == 0
    assert "changed:       removed dusk; renamed sky, heaven; added bee, lemon; added zebra" in capsys.readouterr().out

    assert cli.main(["evaluate", str(twice)]) == 0
    printed = capsys.readouterr().out
    assert "'lemon' of the run: not a class of" in printed and "takes no part in these scores" in printed
    assert "'dusk'" in printed and "pixels with these labels are not scored" in printed
    (row,) = json.loads((twice / "results.json").read_text())["rows"]
    assert row["variant"] == "edited-classes" and set(row["iou_per_class"]) == set(signseg.load(twice).split.names) - {"lemon"}
    assert "heaven" in row["iou_per_class"] and row["protocol"]["classes"] == {"seen": 23, "unseen": 2}


def test_scores_of_the_known_classes_are_those_of_the_model_without_the_unknown_one(trained: Callable[..., Path], tmp_path: Path):
    base = signseg.load(trained())
    more = base.add_class("bee").add_class("lemon").save(tmp_path / "more")
    less = signseg.load(more).remove_class("lemon").save(tmp_path / "less")
    assert score_run(more)[0]["miou"] == score_run(less)[0]["miou"]


def test_self_training_does_not_start_from_changed_classes(trained: Callable[..., Path], tmp_path: Path):
    out = signseg.load(trained()).rename_class("sky", "heaven").save(tmp_path / "other")
    with pytest.raises(InputError, match="were changed after its training"):
        train_from(out, with_overrides(signseg.load(out).trained(), {"self_training.kind": "st"}), tmp_path / "st")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "Nothing to change was named"),
        (("zebar",), "nearest spellings are 'zebra'"),
        (("--rename", "sky"), "write --rename OLD=NEW"),
        (("bee", "--vectors", "nowhere.vec"), "nowhere.vec cannot be read"),
    ],
)
def test_bad_commands_leave_no_folder(
    arguments: tuple[str, ...], sentence: str, trained: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert add(trained(), *arguments, "--out", tmp_path / "out") == 2
    assert sentence in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_a_run_is_not_overwritten(trained: Callable[..., Path], capsys: pytest.CaptureFixture[str]):
    before = (trained() / "model.safetensors").read_bytes()
    assert add(trained(), "bee", "--out", trained()) == 2
    assert "already holds a run" in capsys.readouterr().err and (trained() / "model.safetensors").read_bytes() == before
