"""What a run folder says about itself, as text. It reads the folder's JSON files and nothing else."""

from pathlib import Path

from signseg.errors import InputError
from signseg.files import read_json
from signseg.report.tables import plain_table


def describe(run: Path) -> str:
    """Method, classes, protocol, scores and versions of a run, finished or not.

    Raises:
        InputError: not a run folder.
    """
    record = read_json(run / "config.json")
    finished = (run / "model.safetensors").exists()
    try:
        config = record["config"]
        kind = config["self_training"]["kind"]
        lines = [
            f"run:           {run.resolve().name} ({'finished' if finished else 'unfinished: continue with --resume'})",
            f"method:        {config['method']}, self-training {kind}, preset {config['preset']}, seed {config['seed']}",
            f"data:          {record['data']['name']} ({record['data']['fingerprint']})",
            f"vectors:       {', '.join(source['file'] + ' ' + source['sha256'][:12] for source in record['vectors'])}",
            f"versions:      signseg {record['signseg']}, torch {record['versions']['torch']}, python {record['versions']['python']}",
            f"commit:        {record['commit'] or 'installed package'}",
            f"command:       {record['command']}",
        ]
        if record.get("changes"):
            told = [f"{kind} {', '.join(names)}" for change in record["changes"] for kind, names in change.items()]
            lines.append(f"changed:       {'; '.join(told)}")
    except (KeyError, TypeError) as error:
        raise InputError(f"{run / 'config.json'} lacks {error}; expected a file written by signseg train.") from error
    if (run / "classes.json").exists():
        entries = read_json(run / "classes.json")["classes"]
        for title, seen in (("seen", True), ("unseen", False)):
            names = [entry["name"] for entry in entries if entry["seen"] == seen]
            lines.append(f"{title + ':':14} {len(names)}: {', '.join(names)}")
    if (run / "results.json").exists():
        rows = read_json(run / "results.json")["rows"]
        card = rows[0]["protocol"]
        lines += [f"protocol:      {', '.join(f'{key} {value}' for key, value in card.items() if key != 'vectors')}", "", plain_table(rows)]
    return "\n".join(lines)
