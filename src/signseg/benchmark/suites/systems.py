"""The paper's Table 1 as a suite: every method under every kind of self-training, and the orderings that the paper leads one to expect."""

from dataclasses import replace

from signseg.benchmark.suites.values import UPPER, Cell, Claim, Side, Suite

METHODS = ("sign", "cagnet", "csrl", "zs3net", "spnet")
RIVALS = METHODS[1:]
KINDS = ("none", "st", "ast")


def systems(data: str) -> Suite:
    """Cells of all methods, the supervised upper bound, and chance; nothing but method and self-training differs.

    Three comparisons of the methods: at equal iterations; at equal seconds of step a; and each with the bias of its own tuning run.
    """
    cells = [Cell("default", data, "none", step_a_row=True)]  # step a sees no unseen class: the seen-only line
    others = [(method, kind) for method in METHODS for kind in KINDS if (method, kind) != ("sign", "none")]
    cells += [Cell("default", data, kind, method=method) for method, kind in others]
    cells.append(Cell("upper-bound", data, overrides=UPPER))
    cells += [Cell("default", data, method=method, budget="time") for method in RIVALS]
    cells += [Cell("default", data, kind, method=method, calibrated=True) for method in METHODS for kind in KINDS]
    claims = (*before_self_training(data), *at_equal_time(data), *calibrated(data), *with_self_training(data))
    return Suite(tuple(cells), claims, chance=(data,))


def before_self_training(data: str) -> list[Claim]:
    """SIGN above every rival, on H and on the area under the curve (which no bias can move)."""
    return [
        Claim(f"sign > {rival} ({score})", line("sign", "none", data), line(rival, "none", data), score)
        for score in ("miou.harmonic", "ausuc")
        for rival in RIVALS
    ]


def at_equal_time(data: str) -> list[Claim]:
    """SIGN, which sets the time, above rivals that train step a as long as it does."""
    sign = line("sign", "none", data)
    return [Claim(f"sign > {rival} at equal time", sign, replace(line(rival, "none", data), budget="time")) for rival in RIVALS]


def calibrated(data: str) -> list[Claim]:
    """SIGN above every rival when each has the bias that its own tuning run recommends."""
    sign = replace(line("sign", "none", data), calibrated=True)
    return [Claim(f"sign > {rival}, both calibrated", sign, replace(line(rival, "none", data), calibrated=True)) for rival in RIVALS]


def with_self_training(data: str) -> list[Claim]:
    """AST above ST, ST above nothing for every method, and SIGN with AST above every rival with ST."""
    claims = [Claim("sign+ast > sign+st", line("sign", "ast", data), line("sign", "st", data))]
    claims += [Claim(f"{method}+st > {method}", line(method, "st", data), line(method, "none", data)) for method in METHODS]
    return claims + [Claim(f"sign+ast > {rival}+st", line("sign", "ast", data), line(rival, "st", data)) for rival in RIVALS]


def line(method: str, kind: str, data: str) -> Side:
    """A line of the table."""
    return Side("default", kind, data, method=method)
