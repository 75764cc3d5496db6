"""Settings of each rival, searched with one budget by tuning runs: eight candidates on tuning seed 0, the best two again on seed 1.

SPNet, which has step a alone, gets four candidates in the same time.

A candidate is scored on the validation images with the validation-unseen classes in the unseen role; the real unseen classes are left out
of such runs entirely. The winner has the highest mean H of both seeds. Candidates that differ after step a share it.

    python benchmarks/settings_search.py METHOD --out DIR [--threads N]
"""

import argparse
import itertools
import json
from pathlib import Path
from typing import Any

import torch

from signseg.config import with_overrides
from signseg.data.registry import open_dataset
from signseg.training.score import score_run
from signseg.training.settings import preset
from signseg.training.shared_step_a import find_step_a
from signseg.training.train import train

RATES = {"step_b.learning_rate": (1e-3, 5e-3), "step_c.learning_rate": (1e-3, 1e-2)}
RELATIONS = {"step_b.relations": ({"pair_weight": 1.0, "list_weight": 0.1}, {"pair_weight": 0.1, "list_weight": 0.01})}
SPACES: dict[str, dict[str, tuple[Any, ...]]] = {
    "cagnet": RATES | {"step_b.matching_weight": (1.0, 10.0)},
    "csrl": RATES | RELATIONS,
    "zs3net": RATES | {"step_c.unseen_rate": (10.0, 50.0)},
    "zs3net-gc": RATES | {"step_c.unseen_rate": (10.0, 50.0)},
    "spnet": {"step_a.learning_rate": (2e-3, 5e-3, 1e-2, 2e-2)},  # a step a each: as many minutes as eight times steps b and c
}
SECOND = 2  # candidates that are tried on a second seed


def candidates(method: str) -> list[dict[str, Any]]:
    """Every combination of the space of a method."""
    space = SPACES[method]
    return [dict(zip(space, values, strict=True)) for values in itertools.product(*space.values())]


def trial(method: str, candidate: dict[str, Any], seed: int, out: Path) -> dict[str, Any]:
    """One tuning run and its scores; a finished one is scored again and not trained again."""
    config = with_overrides(preset("quick", method), {"data": "world", "seed": seed, "tuning": True} | candidate)
    name = f"{method}-{seed}-{'-'.join(str(value) for value in candidate.values())}"
    run = out / "".join(letter if letter.isalnum() or letter in ".-" else "_" for letter in name)
    fingerprint = open_dataset(config.data, seed=seed).fingerprint
    step_a = find_step_a(config, fingerprint, out, besides=run)
    train(config, run, resume=(run / "config.json").exists(), step_a=step_a)
    row = score_run(run)[0]
    return {"method": method, "seed": seed, "settings": candidate, "miou": row["miou"], "ausuc": row["ausuc"]}


def mean_harmonic(trials: list[dict[str, Any]]) -> float:
    """Mean H of a candidate's seeds."""
    return sum(found["miou"]["harmonic"] or 0.0 for found in trials) / len(trials)


def main() -> None:
    """Search, print a line a trial and the winner, and leave everything in OUT/METHOD.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("method", choices=sorted(SPACES))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    trials: list[dict[str, Any]] = []

    def run(candidate: dict[str, Any], seed: int) -> dict[str, Any]:
        found = trial(options.method, candidate, seed, options.out)
        trials.append(found)
        print(json.dumps(found), flush=True)
        return found

    first = sorted((run(candidate, 0) for candidate in candidates(options.method)), key=lambda found: -mean_harmonic([found]))
    pairs = [[found, run(found["settings"], 1)] for found in first[:SECOND]]
    best = max(pairs, key=mean_harmonic)
    record = {"method": options.method, "space": SPACES[options.method], "trials": trials, "chosen": best[0]["settings"]}
    (options.out / f"{options.method}.json").write_text(json.dumps(record, indent=1) + "\n")
    print("chosen:", best[0]["settings"])


if __name__ == "__main__":
    main()
