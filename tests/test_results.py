"""What identifies a row, and how rows replace one another."""

from signseg.results import IDENTITY, is_default, merge_rows, row_key


def row(harmonic=0.5, evaluation="pixel", **changes):
    identity = {"method": "sign", "self_training": "ast", "variant": "default", "data": "world", "partition": "default", "seed": 0}
    rest = {"split": "test", "test_scale": 1.0, "calibrated": False, "budget": "iterations", "protocol": {"evaluation": evaluation}}
    return identity | rest | {"miou": {"harmonic": harmonic}} | changes


def test_the_evaluation_protocol_separates_rows():
    rows = merge_rows([row(0.1, "feature"), row(0.2)], [row(0.3, "feature")])
    assert [(entry["protocol"]["evaluation"], entry["miou"]["harmonic"]) for entry in rows] == [("pixel", 0.2), ("feature", 0.3)]
    assert is_default(row()) and not is_default(row(evaluation="feature"))


def test_what_is_missing_is_the_default():
    bare = {"method": "sign", "self_training": "ast", "data": "world", "seed": 0}
    assert row_key(bare) == row_key(row()) and len(row_key(bare)) == len(IDENTITY)
    assert row_key(bare | {"evaluation": "feature"}) == row_key(row(evaluation="feature"))  # an entry of a summary


def test_other_scores_make_no_other_row():
    assert merge_rows([row(0.1)], [row(0.9, run="elsewhere")]) == [row(0.9, run="elsewhere")]
