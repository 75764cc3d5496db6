"""SIGN with one thing removed or replaced at a time, before self-training; everything else is at its default."""

from signseg.benchmark.suites.values import Cell, Claim, Side, Suite

REMOVED = {  # claimed to lose by it
    "no-encoding": {"spatial.encoding": "none"},
    "no-positional-body": {"spatial.body": "identity"},
    "latent-noise": {"step_c.latent": "noise"},
    "no-kl": {"step_a.kl_weight": 0.0},
    "no-adversarial": {"step_b.adversarial": "none"},
    "no-mmd": {"step_b.matching_weight": 0.0},
    "no-oversampling": {"step_c.unseen_rate": 0.0},
    "word2vec-only": {"vectors": "word2vec"},
    "fasttext-only": {"vectors": "fasttext"},
}
REPLACED = {  # article and release differ, or there is no expectation
    "attention-body": {"spatial.body": "attention"},
    "kl-0.1": {"step_a.kl_weight": 0.1},  # an empty latent
    "zero-padding": {"padding": "zeros"},
    "adversarial-absolute": {"step_b.adversarial": "absolute"},
    "matching-raster-run": {"step_b.matching_groups": "raster-run"},
    "images-dropped": {"label_policy": "dropped"},
}


def ablation(data: str) -> Suite:
    """The cells; those that differ in steps b and c alone share the default's step a."""
    cells = [Cell("default", data), *(Cell(name, data, overrides=tuple(change.items())) for name, change in (REMOVED | REPLACED).items())]
    claims = [Claim(f"sign > {name} (H)", Side("default", data=data), Side(name, data=data)) for name in REMOVED]
    return Suite(tuple(cells), tuple(claims))
