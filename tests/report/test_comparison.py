"""Published numbers beside ours: their own columns, their own arithmetic, and names that no page can be broken with."""

import fake_runs
import numpy as np
import pytest

from signseg.benchmark.suites import SUITES
from signseg.methods import METHODS
from signseg.report.comparison import OURS, comparisons, markdown
from signseg.report.confusions import crossings, spelled
from signseg.report.page import write_report
from signseg.report.published import DATASETS, NUMBERS, SOURCES


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: f"{number.name}/{number.dataset}")
def test_the_harmonic_mean_fits_or_a_note_says_that_it_does_not(number):
    expected = 2 * number.seen * number.unseen / (number.seen + number.unseen)
    fits = abs(expected - number.harmonic) < 0.11
    assert fits or "harmonic mean of" in number.note
    assert number.sources and set(number.sources) <= set(SOURCES) and number.dataset in DATASETS


def test_every_number_has_one_place():
    assert len({(number.name, number.dataset) for number in NUMBERS}) == len(NUMBERS)
    assert {method for method, _, _ in OURS.values() if method} == set(METHODS) - {"zs3net-gc"}  # for which no published number was found


def rows():
    found = [fake_runs.row("sign", kind, seed, unseen=0.2) for kind in ("none", "ast") for seed in range(3)]
    found += [fake_runs.row("spnet", "none", seed, calibrated=True) for seed in range(3)]
    other = [{"data": "elsewhere"}, {"variant": "x"}, {"test_scale": 1.5}, {"budget": "time"}, {"split": "val"}]
    return found + [fake_runs.row("sign", "none", 9, unseen=0.9, **changes) for changes in other]


def test_ours_and_theirs_never_share_a_column():
    (table,) = comparisons(rows())
    lines = {line[0]: line for line in table.lines}
    assert len({len(line) for line in table.lines}) == 1 and len(table.columns) == len(table.lines[0]) == 14
    assert lines["SIGN"][1:4] == ("75.4", "28.9", "41.7") and lines["SIGN"][7:10] == ("–", "–", "–")
    assert lines["SIGN + AST"][1:4] == ("83.5?", "41.3?", "55.3?") and "memory" in lines["SIGN + AST"][10]
    assert lines["SIGN + ST"][1:] == ("–",) * 13 and lines["CSRL"][1:] == ("–",) * 13
    assert lines["STRICT"][11:] == ("–",) * 3 and lines["SPNet"][11:] == ("–",) * 3
    assert all(text.endswith("(3)") for name in ("SIGN", "SIGN + AST", "SPNet, calibrated") for text in lines[name][11:])
    assert float(lines["SIGN"][12].split()[0]) < 30  # none of the other measurements came in
    assert all("(ours)" in title for title in table.columns[11:]) and not any("(ours)" in title for title in table.columns[:11])
    assert any("evaluation pixel" in note and "world" in note for note in table.notes)


def test_one_line_of_ours_is_no_comparison():
    assert comparisons([fake_runs.row()]) == [] == comparisons([])


def test_encodings_by_size_of_the_pictures():
    variants = [cell.variant for cell in SUITES["positions"]("world").cells]
    scales = SUITES["positions"]("world").cells[0].scales
    (table,) = comparisons([fake_runs.row(variant=variant, test_scale=scale) for variant in variants for scale in scales])
    assert table.caption.startswith("Table 2") and len(table.lines) == 4
    assert table.columns[2::3] == ("world (ours) x0.67 S", "world (ours) x1 S", "world (ours) x1.5 S")
    assert all(line[1] == "–" and "–" not in line[2:] for line in table.lines)


def test_crossings_by_hand():
    matrix = np.array([[50, 40, 10], [0, 5, 5], [30, 0, 70]])  # a, b seen; c unseen
    found = crossings(matrix, ["a", "b", "c"], {"c"}, shown=3)
    assert [(pair["truth"], pair["prediction"], pair["share"]) for pair in found] == [("b", "c", 0.5), ("c", "a", 0.3), ("a", "c", 0.1)]
    assert [spelled(pair) for pair in found[:2]] == ["seen b taken for c: 50 %", "unseen c taken for a: 30 %"]
    assert crossings(np.diag([3, 0, 2]), ["a", "b", "c"], {"c"}) == []


def test_names_are_text_in_both_formats(tmp_path):
    hostile = "<script>alert(1)</script>|x"
    named = [row | {"data": hostile} for row in rows()[:6]]
    (table,) = comparisons(named)
    assert "<script" not in markdown(table) and "\\|x (ours)" in markdown(table)
    pairs = [{"truth": hostile, "prediction": "sand", "share": 0.5, "truth_is_unseen": True}]
    fake_runs.dump(tmp_path / "results.json", {"rows": named, "confusions": [{"name": hostile, "pairs": pairs}], "note": hostile})
    page = write_report(tmp_path).read_text()
    assert "<script" not in page and page.count("&lt;script&gt;alert(1)") > 5 and "taken for sand: 50 %" in page and "28.9" in page


def test_a_run_folder_tells_its_confusions(tmp_path):
    fake_runs.write_run(tmp_path / "run", fake_runs.row())
    names = [*fake_runs.SEEN, *fake_runs.UNSEEN]
    matrix = np.diag(np.full(len(names), 90))
    matrix[names.index("cow"), names.index("dog")] = 10
    np.savez(tmp_path / "run" / "confusion.npz", matrix=matrix, names=np.array(names))
    assert "unseen cow taken for dog: 10 %" in write_report(tmp_path / "run").read_text()
