"""The pictures of a benchmark: kept of the first seed, shown when the runs are gone, failures by a rule."""

import json
from types import SimpleNamespace

import numpy as np
from PIL import Image
from small_signseg import shrink_worlds

from signseg.benchmark import gallery
from signseg.benchmark.benchmark import Benchmark
from signseg.benchmark.suites import Cell, Suite
from signseg.benchmark.tables import write_tables
from signseg.data import registry
from signseg.data.dataset import Picture
from signseg.training.progress import Silent

SEEN, UNSEEN, VOID = 1, 2, 255


def test_failures_are_the_pictures_whose_unseen_pixels_are_right_least_often(tmp_path, monkeypatch):
    monkeypatch.setattr(gallery, "FIRST", 1)
    monkeypatch.setattr(gallery, "FAILURES", 2)
    random = np.random.default_rng(0)
    truths = [random.choice([SEEN, UNSEEN, VOID], (10, 10)).astype(np.uint8) for _ in range(6)]
    truths[3] = np.full((10, 10), SEEN, np.uint8)
    truths[3][0, 0] = UNSEEN  # one pixel is too few to call a failure
    chances = {name: random.random(6) for name in "ab"}
    lines = {name: [(random.random((10, 10)) < one).astype(np.uint8) + 1 for one in odds] for name, odds in chances.items()}
    for name, masks in lines.items():
        arrays = {str(number): mask for number, mask in enumerate(masks)}
        np.savez_compressed(tmp_path / f"{name}.npz", caption=json.dumps(name.upper()), **arrays)
    pictures = [Picture(f"test-{number}", np.zeros((10, 10, 3), np.uint8), truth) for number, truth in enumerate(truths)]
    palette = {SEEN: (1, 2, 3), UNSEEN: (9, 9, 9)}
    data = SimpleNamespace(split=lambda name: pictures, raw_ids={"s": SEEN, "u": UNSEEN}, unseen=("u",), palette=palette)

    gallery.write_pictures(tmp_path, {name: tmp_path / f"{name}.npz" for name in lines}, data)

    def share_right(number: int) -> float:
        shares = []
        for masks in lines.values():
            hits = asked = 0
            for truth, mask in zip(truths[number].flat, masks[number].flat, strict=True):
                asked += truth == UNSEEN
                hits += truth == UNSEEN and mask == UNSEEN
            shares.append(hits / asked)
        return sum(shares) / len(shares)

    expected = sorted([1, 2, 4, 5], key=share_right)[:2]
    index = json.loads((tmp_path / "pictures" / "index.json").read_text())
    assert index["columns"] == [{"name": "a", "caption": "A"}, {"name": "b", "caption": "B"}]
    assert [entry["caption"].split(":")[0] for entry in index["pictures"]] == ["test-0", *(f"test-{number}" for number in expected)]
    assert f"{100 * share_right(expected[0]):.0f} % of the unseen pixels right" in index["pictures"][1]["caption"]
    shown = np.asarray(Image.open(tmp_path / "pictures" / "1" / "b.png"))
    np.testing.assert_array_equal(shown, lines["b"][expected[0]])


def test_pictures_of_the_first_seed_outlive_the_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "DATASETS", dict(registry.DATASETS))
    shrink_worlds()
    cells = (Cell("default", "world"), Cell("default", "world", method="spnet"), Cell("default", "world-partial"))
    benchmark = Benchmark("test", Suite(cells), (3, 4), tmp_path, "tiny", {}, Silent())
    for cell, seed in benchmark.missing():
        benchmark.run_cell(cell, seed)
    benchmark.remove_runs()
    assert len(list((tmp_path / "predictions").iterdir())) == 2  # one data set, one seed
    write_tables(benchmark, page=True, smoke=False)
    index = json.loads((tmp_path / "pictures" / "index.json").read_text())
    assert [column["caption"] for column in index["columns"]] == ["SIGN", "SPNet"]
    page = (tmp_path / "report.html").read_text()
    assert "SPNet" in page and page.count("data:image/png;base64,") >= 2 * len(index["pictures"])


def test_nothing_is_drawn_before_a_run_is_finished(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "DATASETS", dict(registry.DATASETS))
    shrink_worlds()
    benchmark = Benchmark("test", Suite((Cell("default", "world"),)), (0,), tmp_path, "tiny", {}, Silent())
    assert not any(path.exists() for _, path in benchmark.predictions().values())
    monkeypatch.setattr("signseg.benchmark.tables.write_report", lambda folder: folder)
    write_tables(benchmark, page=True, smoke=False)
    assert not (tmp_path / "pictures").exists()
