"""The paper's Table 1 as a suite: every method under every kind of self-training, and the orderings that the paper leads one to expect."""

from signseg.benchmark.suites.values import UPPER, Cell, Claim, Side, Suite

METHODS = ("sign", "cagnet", "csrl", "zs3net", "spnet")
RIVALS = METHODS[1:]
KINDS = ("none", "st", "ast")


def systems(data: str) -> Suite:
    """Cells of all methods, and the supervised upper bound at equal step-a budget; nothing but method and self-training differs."""
    cells = [Cell("default", data, "none", step_a_row=True)]  # step a sees no unseen class: the seen-only line
    cells += [Cell("default", data, kind, method=method) for method in METHODS for kind in KINDS if (method, kind) != ("sign", "none")]
    return Suite((*cells, Cell("upper-bound", data, overrides=UPPER)), (*before_self_training(data), *with_self_training(data)))


def before_self_training(data: str) -> list[Claim]:
    """SIGN above every rival, on H and on the area under the curve (which no bias can move)."""
    return [
        Claim(f"sign > {rival} ({score})", line("sign", "none", data), line(rival, "none", data), score)
        for score in ("miou.harmonic", "ausuc")
        for rival in RIVALS
    ]


def with_self_training(data: str) -> list[Claim]:
    """AST above ST, ST above nothing for every method, and SIGN with AST above every rival with ST."""
    claims = [Claim("sign+ast > sign+st", line("sign", "ast", data), line("sign", "st", data))]
    claims += [Claim(f"{method}+st > {method}", line(method, "st", data), line(method, "none", data)) for method in METHODS]
    return claims + [Claim(f"sign+ast > {rival}+st", line("sign", "ast", data), line(rival, "st", data)) for rival in RIVALS]


def line(method: str, kind: str, data: str) -> Side:
    """A line of the table."""
    return Side("default", kind, data, method=method)
