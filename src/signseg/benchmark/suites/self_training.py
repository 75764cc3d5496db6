"""ST against AST: over the share of seen segments that nobody annotated, and over the settings of step four."""

from signseg.benchmark.suites.values import Cell, Claim, Side, Suite


def unannotated_shares(data: str) -> Suite:
    """ST against AST over the share of seen segments that nobody annotated. `data` is the world; its partial forms are added."""
    shares = {0: data, 15: f"{data}-partial-15", 30: f"{data}-partial", 45: f"{data}-partial-45"}
    cells = [Cell("default", name, kind) for name in shares.values() for kind in ("none", "st", "ast")]
    claims = []
    for share, name in shares.items():
        for score in ("miou.harmonic", "ausuc"):
            annealed, plain = Side("default", "ast", name), Side("default", "st", name)
            claims.append(Claim(f"ast > st ({score}) at {share} % unannotated", annealed, plain, score))
    return Suite(tuple(cells), tuple(claims))
