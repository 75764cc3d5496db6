"""Rows, identity, means over seeds and Markdown, against numbers worked by hand."""

import pytest

from signseg.report.tables import cell, identity_columns, label, markdown_table, merge_rows, percent, plain_table, row_key, summarise


def row(seed=0, harmonic=0.5, **changes):
    identity = {
        **{"method": "sign", "self_training": "ast", "variant": "default", "data": "world", "partition": "default", "seed": seed},
        **{"split": "test", "test_scale": 1.0, "calibrated": False, "budget": "iterations"},
    }
    return identity | {"miou": {"seen": 0.6, "unseen": 0.4, "harmonic": harmonic, "all": 0.5}, "ausuc": 0.3} | changes


def test_every_identity_key_separates_rows_and_nothing_else_does():
    assert row_key(row()) == row_key(row(harmonic=0.1, run="elsewhere", seconds={}))
    changes = {
        **{"method": "spnet", "self_training": "st", "variant": "no-sim", "data": "voc", "partition": "2", "seed": 1},
        **{"split": "val", "test_scale": 2.0, "calibrated": True, "budget": "seconds"},
    }
    assert len({row_key(row(**{name: value})) for name, value in changes.items()} | {row_key(row())}) == 11


def test_mean_and_sample_deviation_over_seeds():
    found = summarise([row(0, 0.4), row(1, 0.5), row(2, 0.6), row(0, 0.9, method="spnet")])
    assert [(entry["method"], entry["n"]) for entry in found] == [("sign", 3), ("spnet", 1)]
    assert found[0]["harmonic"] == pytest.approx({"mean": 0.5, "std": 0.1, "n": 3})  # ddof 1; 0.0816 with ddof 0
    assert found[1]["harmonic"] == {"mean": 0.9, "std": None, "n": 1}
    assert "seed" not in found[0]


def test_missing_measures_stay_out_of_means():
    found = summarise([row(0, None, ausuc=None), row(1, 0.5, ausuc=None)])[0]
    assert found["harmonic"] == {"mean": 0.5, "std": None, "n": 1}
    assert found["ausuc"] == {"mean": None, "std": None, "n": 0}
    assert cell(found, "ausuc") == "– (0)"


def test_merging_replaces_repeated_rows_and_puts_default_rows_first():
    merged = merge_rows([row(0, 0.1, calibrated=True), row(0, 0.1)], [row(0, 0.9), row(1, 0.2)])
    assert [(entry["seed"], entry["calibrated"], entry["miou"]["harmonic"]) for entry in merged] == [
        (0, False, 0.9),
        (1, False, 0.2),
        (0, True, 0.1),
    ]


def test_repeated_rows_count_once_in_a_mean():
    assert summarise([row(0, 0.1), row(0, 0.4), row(1, 0.6)])[0]["harmonic"]["mean"] == pytest.approx(0.5)


def test_markdown_of_rows_and_of_a_summary():
    assert markdown_table([row()]).splitlines() == [
        "| Method | Self-training | Seen | Unseen | Harmonic | AUSUC |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
        "| SIGN | AST | 60.0 | 40.0 | 50.0 | 30.0 |",
    ]
    assert markdown_table(summarise([row(0, 0.4), row(1, 0.6)])).splitlines()[2] == (
        "| SIGN | AST | 60.0 ± 0.0 (2) | 40.0 ± 0.0 (2) | 50.0 ± 14.1 (2) | 30.0 ± 0.0 (2) |"
    )


def test_settings_off_their_default_get_a_column_and_pipes_are_escaped():
    assert identity_columns([row(), row(seed=1)]) == ["method", "self_training", "seed"]
    assert identity_columns([row(variant="a|b")]) == ["method", "self_training", "variant"]
    assert "a\\|b" in markdown_table([row(variant="a|b")])


def test_plain_table_is_aligned():
    lines = plain_table([row(), row(harmonic=0.071, method="cagnet")]).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert lines[2].split() == ["CaGNet", "AST", "60.0", "40.0", "7.1", "30.0"]


def test_percent_and_label():
    assert [percent(value) for value in (0.0, 0.12345, 1.0, None, float("nan"))] == ["0.0", "12.3", "100.0", "–", "–"]
    assert label(row(self_training="none")) == "SIGN"
    assert label(row(calibrated=True, test_scale=2.0, variant="no-sim")) == "SIGN + AST, no-sim, scale 2, calibrated"
