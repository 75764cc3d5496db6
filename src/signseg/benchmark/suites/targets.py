"""What docs/results.md shows: SIGN with and without self-training, its positions, and ST against AST, under one correction."""

from signseg.benchmark.suites.positions import positions
from signseg.benchmark.suites.self_training import unannotated_shares
from signseg.benchmark.suites.values import UPPER, Cell, Claim, Side, Suite


def sign_alone(data: str) -> Suite:
    """SIGN before self-training, with ST and with AST, beside the supervised upper bound at equal step-a budget."""
    default = [Cell("default", data, kind, step_a_row=kind == "none") for kind in ("none", "st", "ast")]
    default.append(Cell("top-1", data, "st", overrides=(("self_training.top_p", 1),)))  # CaGNet's choice of pixels
    upper = Side("upper-bound", data=data)
    return Suite(
        (*default, Cell("upper-bound", data, overrides=UPPER)),
        (
            Claim("sign H >= 0.60 x upper bound", Side("default", data=data), upper, factor=0.60),
            Claim("sign+st H >= 0.75 x upper bound", Side("default", "st", data), upper, factor=0.75),
            Claim("sign+ast H >= 0.75 x upper bound", Side("default", "ast", data), upper, factor=0.75),
            Claim("sign+st > sign", Side("default", "st", data), Side("default", data=data)),
            Claim("sign+ast > sign", Side("default", "ast", data), Side("default", data=data)),
            Claim("sign+ast >= sign+st", Side("default", "ast", data), Side("default", "st", data)),
        ),
    )


def targets(data: str) -> Suite:
    """The three as one table, with one correction over all claims. Cells and claims stay as they are, since finished rows go by them."""
    suites = (sign_alone(data), positions(data), unannotated_shares(data))
    cells = dict.fromkeys(cell for suite in suites for cell in suite.cells)
    return Suite(tuple(cells), tuple(claim for suite in suites for claim in suite.claims))
