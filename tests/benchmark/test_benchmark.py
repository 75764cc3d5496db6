"""A benchmark adds what is missing, shares steps a to c, and keeps its hands off everything else. Tiny runs on small worlds."""

import json

import pytest
import safetensors.torch
import torch
from small_signseg import shrink_worlds

from signseg.benchmark import benchmark as module
from signseg.benchmark import tables
from signseg.benchmark.benchmark import Benchmark, parse_seeds, run_benchmark
from signseg.benchmark.suites import SUITES, Cell, Claim, Side, Suite
from signseg.cli import main
from signseg.data import registry
from signseg.data.world import World
from signseg.errors import InputError
from signseg.training.progress import Silent


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(registry, "DATASETS", dict(registry.DATASETS))
    shrink_worlds()
    monkeypatch.setattr(tables, "write_report", lambda folder: folder)


@pytest.fixture
def trained(monkeypatch) -> list[str]:
    """What was trained, in order."""
    calls = []
    train, train_from = module.train, module.train_from

    def steps_a_to_c(config, out, **named):
        calls.extend([] if out.exists() else ["abc"])
        return train(config, out, **named)

    def step_four(*arguments, **named):
        calls.append("four")
        return train_from(*arguments, **named)

    monkeypatch.setattr(module, "train", steps_a_to_c)
    monkeypatch.setattr(module, "train_from", step_four)
    return calls


CELLS = (
    Cell("default", "world", step_a_row=True),
    Cell("default", "world", "st"),
    Cell("cold", "world", "ast", overrides=(("self_training.temperature", 1.0),)),
)


def make(tmp_path, cells=CELLS, seeds=(0,), **overrides) -> Benchmark:
    return Benchmark("test", Suite(cells), seeds, tmp_path, "tiny", overrides, Silent())


def test_cells_that_differ_in_step_four_share_the_others(tmp_path, trained, monkeypatch):
    monkeypatch.setitem(SUITES, "systems", lambda data: Suite(CELLS))
    arguments = {"preset_name": "tiny", "overrides": {}, "reporter": Silent()}
    (tmp_path / "runs" / "mine").mkdir(parents=True)
    run_benchmark("systems", "world", (0,), tmp_path, **arguments)
    assert trained == ["abc", "four", "four"]
    results = json.loads((tmp_path / "results.json").read_text())
    assert [(row["variant"], row["self_training"]) for row in results["rows"]] == [
        ("default", "none"),
        ("step_a", "none"),
        ("default", "st"),
        ("cold", "ast"),
    ]
    assert all("commit" in row and row["seconds"]["step_a"] > 0 for row in results["rows"])
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["mine"]  # nothing but its own runs is removed
    trained.clear()
    run_benchmark("systems", "world", (0,), tmp_path, **arguments)
    assert trained == []
    stored = sorted((tmp_path / "store").iterdir())
    stored[0].unlink()
    run_benchmark("systems", "world", (0,), tmp_path, **arguments)
    assert trained in (["abc"], ["abc", "four"]) and sorted((tmp_path / "store").iterdir()) == stored


def test_verdicts_tell_how_much_depends_on_the_test_images(tmp_path, monkeypatch):
    sides = Side("default", "st"), Side("default")
    claims = Claim("st > none", *sides), Claim("area", *sides, score="ausuc"), Claim("gone", sides[0], Side("step_a"))
    monkeypatch.setitem(SUITES, "systems", lambda data: Suite(CELLS[:2], claims))
    run_benchmark("systems", "world", (0,), tmp_path, preset_name="tiny", overrides={}, reporter=Silent())
    first, area, gone = json.loads((tmp_path / "results.json").read_text())["verdicts"]
    assert first["bootstrap"][0] <= first["difference"] <= first["bootstrap"][1] and first["verdict"] == "undecided"
    assert area["bootstrap"] is None is gone["bootstrap"]  # of rows after step a, counts by image are not kept
    assert f"[{100 * first['bootstrap'][0]:+.1f}, {100 * first['bootstrap'][1]:+.1f}]" in (tmp_path / "tables.md").read_text()
    assert len(list((tmp_path / "store").glob("*.npz"))) == 2


def test_keys_differ_where_the_configuration_does(tmp_path):
    cell = CELLS[0]
    variants = [
        make(tmp_path),
        make(tmp_path, **{"step_a.iterations": 5}),
        make(tmp_path, **{"spatial.encoding": "none"}),
        make(tmp_path, **{"self_training.rounds": 1}),
    ]
    names = [benchmark.stored(cell, 0).name for benchmark in variants] + [variants[0].stored(cell, 1).name]
    names += [variants[0].stored(other, 0).name for other in (*CELLS[1:], Cell("default", "world"), Cell("default", "world-partial"))]
    names += [variants[0].stored(Cell("default", "world", step_a_row=True, scales=(1.0, 1.5)), 0).name]
    assert len(set(names)) == len(names)
    assert make(tmp_path).stored(cell, 0) == variants[0].stored(cell, 0)


def test_finished_rows_of_sign_keep_their_names(tmp_path, monkeypatch):
    """Names under which the rows of docs/benchmark/store were kept before a cell had a method (version 0.1.0, world version 1)."""
    monkeypatch.setattr(module, "__version__", "0.1.0")
    monkeypatch.setitem(registry.DATASETS, "world", lambda seed: World(seed=seed))
    benchmark = Benchmark("targets", SUITES["targets"]("world"), (0,), tmp_path, "quick", {}, Silent())
    found = [benchmark.stored(cell, 0).stem for cell in benchmark.suite.cells[:5]]
    assert found == [
        "world-default-none-0-5f47221c85",
        "world-default-st-0-0d969910c9",
        "world-default-ast-0-78a78bd903",
        "world-top-1-st-0-9fed1b5270",
        "world-upper-bound-none-0-db4176f2eb",
    ]


def test_cells_of_two_methods_share_step_a_where_it_is_the_same(tmp_path, monkeypatch):
    """ZS3Net and CSRL differ in step b; taking step a over gives the rows that training it again gives."""
    cells = (Cell("default", "world", method="zs3net"), Cell("default", "world", method="csrl"), Cell("default", "world", method="spnet"))
    taken = []
    original = module.train

    def train(config, out, *, step_a, **named):
        taken.append(step_a and step_a.name)
        return original(config, out, step_a=step_a, **named)

    monkeypatch.setattr(module, "train", train)
    shared, alone = make(tmp_path / "shared", cells), make(tmp_path / "alone", cells[1:2])
    for cell in cells:
        shared.run_cell(cell, 0)
    alone.run_cell(cells[1], 0)
    assert taken == [None, shared.folders(shared.config(cells[0], 0))[0].name, None, None]
    (one,), (other,) = (benchmark.rows()[-2:-1] or benchmark.rows() for benchmark in (shared, alone))
    assert one["method"] == other["method"] == "csrl" and one["miou"] == other["miou"] and one["iou_per_class"] == other["iou_per_class"]
    weights = [safetensors.torch.load_file(b.folders(b.config(cells[1], 0))[0] / "model.safetensors") for b in (shared, alone)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[1])
    zs3net, csrl = (json.loads(shared.stored(cell, 0).read_text())["rows"][0]["seconds"] for cell in cells[:2])
    assert zs3net["step_a"] == csrl["step_a"] > 0


def test_rows_of_other_settings_do_not_count(tmp_path, monkeypatch):
    """A default that changed makes its rows stale; a setting that did not exist when they were trained does not."""
    benchmark, cell = make(tmp_path), CELLS[0]
    benchmark.run_cell(cell, 0)
    assert benchmark.finished(cell, 0) and len(benchmark.rows()) == 2
    path = benchmark.stored(cell, 0)
    record = json.loads(path.read_text())
    del record["config"]["spatial"]["encoding"]
    path.write_text(json.dumps(record))
    assert benchmark.finished(cell, 0)
    record["config"]["spatial"]["body"] = "attention"
    path.write_text(json.dumps(record))
    assert not benchmark.finished(cell, 0) and benchmark.rows() == []


def test_seeds_are_completed_one_after_another(tmp_path):
    assert [seed for _, seed in make(tmp_path, seeds=(4, 2)).missing()] == [4, 4, 4, 2, 2, 2]


def test_a_variant_is_no_path(tmp_path):
    assert make(tmp_path).stored(Cell("../../etc", "world"), 0).parent == tmp_path / "store"


@pytest.mark.parametrize("suite", SUITES)
def test_cells_of_a_suite_have_valid_and_different_configurations(tmp_path, suite):
    benchmark = make(tmp_path, SUITES[suite]("world").cells)
    kept = [benchmark.stored(cell, 0) for cell in benchmark.suite.cells]
    assert len(set(kept)) == len(kept)


def test_seeds():
    assert parse_seeds("3") == (0, 1, 2) and parse_seeds("100-102") == (100, 101, 102) and parse_seeds("7-7") == (7,)
    for text in ("0", "-1", "x", "5-3", "1-", "", "1e9", "0-99999999"):
        with pytest.raises(InputError, match="give a number from 1 to"):
            parse_seeds(text)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--suite", "system"], "no suite 'system'; did you mean 'systems'?"),
        (["--suite", "systems", "--data", "wold"], "no data set 'wold'; did you mean 'world'?"),
        (["--suite", "systems", "--seeds", "0"], "--seeds is '0'"),
        (["--suite", "systems", "--preset", "x"], "no preset 'x'"),
        (["--suite", "systems", "--set", "x=1"], "no setting 'x'"),
    ],
)
def test_the_command_refuses(tmp_path, capsys, options, said):
    assert main(["benchmark", "--data", "world", "--out", str(tmp_path / "out"), *options]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_tables_alone_train_nothing(tmp_path, trained, monkeypatch):
    monkeypatch.setitem(SUITES, "systems", lambda data: Suite(CELLS))
    run_benchmark("systems", "world", (0,), tmp_path, preset_name="tiny", overrides={}, reporter=Silent(), tables_only=True)
    assert trained == [] and "3 runs pending" in (tmp_path / "tables.md").read_text()


def test_a_smoke_run_is_small_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setitem(SUITES, "systems", lambda data: Suite((Cell("default", data), Cell("default", f"{data}-partial", "st"))))
    run_benchmark("systems", "world", (5, 6, 7), tmp_path, preset_name="quick", overrides={}, reporter=Silent(), smoke=True)
    results = json.loads((tmp_path / "results.json").read_text())
    assert [(row["data"], row["seed"]) for row in results["rows"]] == [("world-smoke", 5), ("world-smoke-partial", 5)]
    assert "its numbers mean nothing" in results["note"] and results["note"] in (tmp_path / "tables.md").read_text()
    assert all(row["seconds"]["step_a"] < 20 for row in results["rows"])
