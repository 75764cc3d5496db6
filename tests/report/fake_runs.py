"""Draws run folders with plausible contents for the tests of the report. It trains nothing and checks nothing."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

SEEN = ("sky", "grass", "water", "road", "house", "tree", "bus", "dog", "sheep", "boat", "lamp", "fence")
UNSEEN = ("cow", "sofa", "train")
IGNORE = 255


def palette() -> dict[int, list[int]]:
    generator = np.random.default_rng(5)
    return {position + 1: generator.integers(20, 235, 3).tolist() for position in range(len(SEEN) + len(UNSEEN))}


def row(method="sign", self_training="none", seed=0, run="sign", unseen=0.2, **changes) -> dict:
    generator = np.random.default_rng(abs(hash((len(method), len(self_training), seed))) % 2**32)
    seen = 0.62 + generator.normal() * 0.01
    unseen = unseen + generator.normal() * 0.01
    harmonic = 2 * seen * unseen / (seen + unseen)
    scores = {"seen": seen, "unseen": unseen, "harmonic": harmonic, "all": (4 * seen + unseen) / 5}
    iou = {name: float(generator.uniform(0.35, 0.95)) for name in SEEN} | {name: float(generator.uniform(0, 2 * unseen)) for name in UNSEEN}
    iou["lamp"] = None
    card = {
        **{"evaluation": "pixel", "background": "ignored", "label_policy": "masked", "transductive": self_training != "none"},
        **{"uses_unseen_labels": False, "vectors": [{"file": "fasttext-class-names-300d.vec", "sha256": "ab" * 32}], "pretraining": "none"},
        **{"classes": {"seen": len(SEEN), "unseen": len(UNSEEN)}, "image_size": [96, 96]},
    }
    identity = {
        **{"method": method, "self_training": self_training, "variant": "default", "data": "world", "partition": "default", "seed": seed},
        **{"split": "test", "test_scale": 1.0, "calibrated": False, "budget": "iterations", "run": run},
    }
    measured = {"miou": scores, "pixel_accuracy": scores, "mean_accuracy": scores, "ausuc": 0.7 * harmonic, "iou_per_class": iou}
    return identity | measured | {"seconds": {"step_a": 61.0}, "peak_memory_mb": 812.0, "protocol": card} | changes


def write_run(folder: Path, result: dict, *, names: dict[str, str] | None = None) -> None:
    """A finished run folder with every file that the report knows."""
    folder.mkdir(parents=True)
    (folder / "figures").mkdir()
    renamed = names or {}
    colours = palette()
    classes = [
        {"id": position + 1, "name": renamed.get(name, name), "seen": name in SEEN, "colour": colours[position + 1]}
        for position, name in enumerate(SEEN + UNSEEN)
    ]
    result["iou_per_class"] = {renamed.get(name, name): value for name, value in result["iou_per_class"].items()}
    dump(folder / "classes.json", {"ignore": IGNORE, "classes": classes})
    dump(folder / "results.json", {"rows": [result]})
    config = {"method": result["method"], "seed": result["seed"], "step_a": {"iterations": 1200, "learning_rate": 0.002}}
    versions = {"python": "3.11.2", "torch": "2.13.0"}
    dump(folder / "config.json", {"config": config, "versions": versions, "commit": "0123abcd", "command": "signseg demo --out runs/demo"})
    dump(folder / "curve.json", curve(result["miou"]["seen"], result["miou"]["unseen"]))
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in metrics(result["self_training"])) + '{"step": "st')
    if result["self_training"] != "none":
        dump(folder / "pseudo_labels.json", pseudo_labels(renamed))
        np.savez(folder / "figures" / "pseudo_labels.npz", **pseudo_maps())
    grid = {name: encoding(int(name.split()[1].split("x")[0])) for name in ("relative 12x12", "relative 24x24")}
    np.savez(folder / "figures" / "encodings.npz", **grid)


def write_demo(folder: Path, *, names: dict[str, str] | None = None) -> None:
    """A folder as `signseg demo` leaves it."""
    runs = [
        ("sign", "none", "sign", 0.17),
        ("sign", "st", "sign-st", 0.24),
        ("sign", "ast", "sign-ast", 0.29),
        ("spnet", "none", "spnet", 0.08),
    ]
    rows = []
    for method, kind, name, unseen in runs:
        rows.append(row(method, kind, 0, name, unseen))
        write_run(folder / name, rows[-1], names=names)
    bound = row("sign", "none", 0, "sign-bound", 0.6, variant="upper-bound")
    bound["protocol"] = bound["protocol"] | {"uses_unseen_labels": True}
    verdicts = [{"claim": "ast > st", "verdict": "holds", "difference": 0.031, "interval": [0.012, 0.05], "n": 5}]
    dump(folder / "results.json", {"rows": [*rows, bound], "summary": [], "verdicts": verdicts})
    write_pictures(folder / "pictures", ["sign", "sign-st", "sign-ast", "spnet"])


def pseudo_maps() -> dict[str, np.ndarray]:
    """Two training images, their pseudo-labels at half the size, and weights."""
    generator = np.random.default_rng(2)
    labels = generator.choice([13, 14, IGNORE], (2, 48, 48)).astype(np.uint8)
    weights = np.where(labels == IGNORE, 0, generator.random(labels.shape)).astype(np.float16)
    return {"images": generator.integers(0, 256, (2, 96, 96, 3), dtype=np.uint8), "labels": labels, "weights": weights}


def write_pictures(folder: Path, runs: list[str]) -> None:
    generator = np.random.default_rng(1)
    colours = palette()
    table = np.full((256, 3), 128, dtype=np.uint8)
    for position, colour in colours.items():
        table[position] = colour
    for number in range(3):
        rows, columns = np.mgrid[:96, :96]
        truth = np.where(rows < 40 + 8 * np.sin(columns / 15 + number), 1, 2).astype(np.uint8)
        truth[(rows - 55) ** 2 + (columns - 30 - 10 * number) ** 2 < 300] = 13 + number
        truth[50:70, 70:90] = 5
        truth[:3] = IGNORE
        image = np.clip(table[truth] + generator.normal(0, 14, (96, 96, 3)), 0, 255).astype(np.uint8)
        place = folder / str(number)
        place.mkdir(parents=True)
        Image.fromarray(image).save(place / "image.png")
        for position, name in enumerate(["truth", *runs]):
            ids = truth.copy()
            if position:
                ids[(rows + columns * (position + 1)) % (3 + 4 * position) == 0] = 7
            mask = Image.fromarray(ids)
            mask.putpalette(table.tobytes())
            mask.save(place / f"{name}.png")
    listed = {"columns": [{"name": name, "caption": name.replace("-", " + ")} for name in runs]}
    dump(folder / "index.json", listed | {"pictures": [{"folder": str(number), "caption": f"test {number}"} for number in range(3)]})


def curve(seen: float, unseen: float) -> dict:
    points = []
    for step in range(99):
        share = step / 98
        bias = None if step in (0, 98) else (step - 49) / 4
        points.append({"bias": bias, "seen": seen * (1 - share**3), "unseen": 1.4 * unseen * share**0.5, "harmonic": unseen})
    return {"points": points, "ausuc": seen * unseen}


def metrics(kind: str) -> list[dict]:
    generator = np.random.default_rng(2)
    lines = []
    for step, names in (
        ("step_a", ("cross_entropy", "kl")),
        ("step_b", ("generator", "discriminator", "matching")),
        ("step_c", ("cross_entropy",)),
    ):
        for iteration in range(10, 610, 10):
            losses = {name: float((3 + n) * np.exp(-iteration / 200) + 0.2 + abs(generator.normal()) * 0.1) for n, name in enumerate(names)}
            lines.append({"step": step, "iteration": iteration, "seconds": iteration / 20, "losses": losses})
    return lines


def pseudo_labels(renamed: dict[str, str]) -> dict:
    classes = {renamed.get(name, name): {"pixels": 12_345, "precision": 0.61} for name in UNSEEN}
    classes[renamed.get("sofa", "sofa")] = {"pixels": 0, "precision": None}
    rounds = [{"round": n, "share": 0.2, "precision": 0.5 + n / 20, "effective_weight": 0.7, "per_class": classes} for n in (1, 2)]
    confidence = np.linspace(0.2, 0.99, 60)
    curves = [{"temperature": t, "weight": np.exp(t * (confidence - 0.99)).tolist()} for t in (0.0, 1.0, 3.0, 10.0, 30.0)]
    return {"rounds": rounds, "weights": {"confidence": confidence.tolist(), "curves": curves}}


def encoding(size: int) -> np.ndarray:
    axis = np.linspace(-1, 1, size)
    waves = [np.sin(2.0**n * axis) for n in range(4)]
    rows = [np.repeat(wave[:, None], size, axis=1) for wave in waves]
    return np.stack(rows + [wave.T for wave in rows]).astype(np.float32)


def dump(path: Path, value) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, allow_nan=False))
