"""ST against AST: over the share of seen segments that nobody annotated, and over the settings of step four."""

from signseg.benchmark.suites.values import Cell, Claim, Side, Suite

BY_SHARE = (("self_training.annealing", "share"), ("self_training.temperature", 10.0))  # of tuning runs (lab notebook)


def unannotated_shares(data: str) -> Suite:
    """ST against AST over the share of seen segments that nobody annotated. `data` is the world; its partial forms are added."""
    shares = {0: data, 15: f"{data}-partial-15", 30: f"{data}-partial", 45: f"{data}-partial-45"}
    cells = [Cell("default", name, kind) for name in shares.values() for kind in ("none", "st", "ast")]
    cells += [Cell("share", name, "ast", overrides=BY_SHARE) for name in shares.values()]
    claims = []
    for share, name in shares.items():
        for score in ("miou.harmonic", "ausuc"):
            annealed, plain = Side("default", "ast", name), Side("default", "st", name)
            claims.append(Claim(f"ast > st ({score}) at {share} % unannotated", annealed, plain, score))
        by_share = Side("share", "ast", name)
        claims.append(Claim(f"ast by share >= st - 1 point at {share} % unannotated", by_share, Side("default", "st", name), margin=0.01))
    return Suite(tuple(cells), tuple(claims))


STUDIES = {  # one setting of step four at a time, AST
    **{f"temperature-{value}": {"self_training.temperature": float(value)} for value in (1, 2, 5, 15)},
    "normalised-apart": {"self_training.normalisation": "apart"},
    "rounds-1": {"self_training.rounds": 1},
    "rounds-3": {"self_training.rounds": 3},
    "top-1": {"self_training.top_p": 1},
}


def self_training(data: str) -> Suite:
    """The shares above, and (without claims) one setting of AST at a time where nothing and where 30 % of seen segments are unannotated."""
    shares = unannotated_shares(data)
    studied = [
        Cell(name, world, "ast", overrides=tuple(change.items())) for world in (data, f"{data}-partial") for name, change in STUDIES.items()
    ]
    return Suite((*shares.cells, *studied), shares.claims)
