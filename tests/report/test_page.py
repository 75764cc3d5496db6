"""The page from full, minimal and hostile folders: what it shows, what it must never contain."""

import base64
import io
import json
import re
from html.parser import HTMLParser

import fake_runs
import numpy as np
import pytest
from PIL import Image

from signseg.errors import InputError
from signseg.report import figures
from signseg.report.folder import read_contents, read_run
from signseg.report.page import pseudo_strips, run_labels, write_report
from signseg.report.pictures import RIGHT, VOID, WRONG, error_map

HOSTILE = {"cow": "<script>alert(1)</script>", "sky": 'a"b&c', "dog": "$x$ \\frac", "bus": "_bus"}


def decoded(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1])))


class Elements(HTMLParser):
    """Tags, references and ids of a page."""

    def __init__(self, html: str):
        super().__init__()
        self.tags, self.references, self.ids, self.text = [], [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        for name, value in attributes:
            if name in ("src", "href", "xlink:href", "action", "srcset", "data"):
                self.references.append(value)
            if name == "id":
                self.ids.append(value)

    def handle_data(self, data):
        self.text.append(data)


def report(folder) -> str:
    return write_report(folder).read_text()


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("reports") / "demo"
    fake_runs.write_demo(folder, names=HOSTILE)
    return report(folder)


def test_a_full_folder_shows_every_section(demo):
    text = " ".join(Elements(demo).text)
    for expected in (
        "SIGN + AST",
        "upper-bound",
        "SPNet",
        "AUSUC",
        "ast > st",
        "holds",
        "% wrong",
        "T = 30",
        "Pseudo-labels of the last round and their weights, SIGN + AST",
        "relative 24x24",
        "label policy",
    ):
        assert expected in text
    for expected in ("0123abcd", "2.13.0", "signseg demo --out runs/demo", "12,345"):
        assert expected in text
    assert 'class="note"' not in demo
    assert demo.count('class="reference"') == 1


def test_the_page_asks_no_server_and_runs_nothing(demo):
    found = Elements(demo)
    assert found.references and all(reference.startswith(("#", "data:image/png;base64,")) for reference in found.references)
    assert not {"script", "link", "iframe", "object", "embed", "base"} & set(found.tags)
    without_namespaces = re.sub(r'xmlns(:\w+)?="http://www\.w3\.org/[^"]*"', "", demo)
    assert not re.search(r"https?://|@import|url\((?!#)", without_namespaces)


def test_names_are_text_everywhere(demo):
    found = Elements(demo)
    assert "<script" not in demo
    text = "".join(found.text)
    assert all(name in text for name in HOSTILE.values())


def test_ids_are_unique_and_every_local_reference_has_one(demo):
    found = Elements(demo)
    assert {reference[1:] for reference in found.references if reference.startswith("#")} <= set(found.ids)
    assert {"f" + name for name in re.findall(r"url\(#f([^)]+)\)", demo)} <= set(found.ids)
    assert len(found.ids) == len(set(found.ids))


def test_one_run_folder(tmp_path):
    fake_runs.write_run(tmp_path / "run", fake_runs.row("sign", "ast", 0, "run", 0.3))
    html = report(tmp_path / "run")
    assert "No pictures" in html and "No curve" not in html and "No self-training" not in html


def test_pseudo_labels_are_drawn_with_their_weights(tmp_path):
    run = tmp_path / "run"
    fake_runs.write_run(run, fake_runs.row("sign", "ast", 0, "run", 0.3))
    maps, (first, _) = fake_runs.pseudo_maps(), pseudo_strips(read_run(run))
    image, labels, weights = (decoded(tile.above) for tile in first.tiles)
    np.testing.assert_array_equal(np.asarray(image), maps["images"][0])
    np.testing.assert_array_equal(np.asarray(labels), maps["labels"][0])
    np.testing.assert_array_equal(np.asarray(weights), np.round(255 * maps["weights"][0].astype(np.float32)))
    np.savez(run / "figures" / "pseudo_labels.npz", **maps | {"weights": maps["weights"][:1]})
    with pytest.raises(InputError, match="as many images as label and weight maps"):
        report(run)


def test_a_minimal_run_says_what_is_missing(tmp_path):
    fake_runs.dump(tmp_path / "results.json", {"rows": [fake_runs.row()]})
    html = report(tmp_path)
    for expected in ("No pictures", "No curve", "No self-training", "No training log", "No encodings", "No configuration"):
        assert expected in html


def test_an_interrupted_run_has_a_page_without_scores(tmp_path):
    fake_runs.dump(tmp_path / "config.json", {"config": {"method": "sign"}})
    line = {"step": "step_a", "iteration": 1, "losses": {"cross_entropy": float("nan"), "kl": 2}}
    (tmp_path / "metrics.jsonl").write_text(json.dumps(line) + "\n")
    assert "No scores yet" in report(tmp_path)


def test_scores_of_none_are_shown_as_a_dash(tmp_path):
    nothing = {"seen": 0.5, "unseen": None, "harmonic": None, "all": 0.5}
    fake_runs.dump(tmp_path / "results.json", {"rows": [fake_runs.row(miou=nothing, ausuc=None)]})
    assert report(tmp_path).count(">–</td>") == 3


def test_seeds_are_averaged(tmp_path):
    fake_runs.dump(tmp_path / "results.json", {"rows": [fake_runs.row(seed=seed, run=f"s{seed}") for seed in range(3)]})
    assert "(3)</td>" in report(tmp_path)


def test_runs_of_a_benchmark_are_told_apart(tmp_path):
    rows = [fake_runs.row(seed=seed, run=name) for seed, name in ((0, "a1"), (1, "b2"), (1, "c3"))]
    for result in rows:
        fake_runs.write_run(tmp_path / "runs" / result["run"], result)
    fake_runs.dump(tmp_path / "results.json", {"rows": rows})
    labels = run_labels(read_contents(tmp_path))
    assert labels == {"a1": "SIGN, seed 0", "b2": "SIGN, seed 1 (b2)", "c3": "SIGN, seed 1 (c3)"}
    assert "SIGN, seed 1 (c3)" in report(tmp_path)


def test_the_same_folder_gives_the_same_page(tmp_path):
    fake_runs.write_run(tmp_path / "run", fake_runs.row())
    assert report(tmp_path / "run") == report(tmp_path / "run")


def test_folders_without_a_run_and_damaged_files_are_refused(tmp_path):
    with pytest.raises(InputError, match="train into it first"):
        write_report(tmp_path)
    with pytest.raises(InputError, match="is not a folder"):
        write_report(tmp_path / "nowhere")
    (tmp_path / "results.json").write_text("{")
    with pytest.raises(InputError, match="cannot be read as JSON"):
        write_report(tmp_path)
    assert not (tmp_path / "report.html").exists()


def test_error_map_by_hand():
    truth = np.array([[1, 2, 255], [9, 2, 1]], dtype=np.uint8)  # 9 is a class that is not scored
    prediction = np.array([[1, 1, 1], [1, 2, 2]], dtype=np.uint8)
    picture, share = error_map(prediction, truth, {1, 2})
    assert picture.tolist() == [[list(RIGHT), list(WRONG), list(VOID)], [list(VOID), list(RIGHT), list(WRONG)]]
    assert share == 0.5
    assert error_map(prediction, np.full_like(truth, 255), {1, 2})[1] is None
    with pytest.raises(InputError, match="does not fit"):
        error_map(prediction[:1], truth, {1, 2})


def test_bars_colour_seen_and_unseen_classes_differently():
    iou = {"a": 0.5, "b": 0.25, "c": None}
    svg = figures.per_class_bars(iou, {"b"}, title="a < b")
    assert svg.count(f"fill: {figures.SEEN}") == 2 and svg.count(f"fill: {figures.UNSEEN}") == 1
    assert "absent" in svg and ">50<" in svg and ">25<" in svg


def test_channels_of_an_encoding_span_one_colour_scale():
    constant, ramp = np.zeros((1, 3, 4)), np.arange(24.0).reshape(2, 3, 4)
    assert len(figures.channel_pictures(constant)) == 1
    low, high = figures.channel_pictures(ramp)
    assert low != high
    assert len(figures.channel_pictures(np.zeros((40, 2, 2)), channels=6)) == 6


def test_masks_in_colour_are_refused(tmp_path):
    fake_runs.write_demo(tmp_path / "demo")
    from PIL import Image

    Image.new("RGB", (96, 96)).save(tmp_path / "demo" / "pictures" / "0" / "sign.png")
    with pytest.raises(InputError, match="index PNG"):
        write_report(tmp_path / "demo")
