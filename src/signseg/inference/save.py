"""A segmenter as a run folder of its own, for every command that reads one."""

import sys
from pathlib import Path

from signseg.config import with_overrides
from signseg.errors import InputError
from signseg.files import folder_lock, remove_parts, write_json
from signseg.inference.predict import Segmenter
from signseg.results import DEFAULTS
from signseg.training.folder import RunFolder, load_config, save_model, seconds_of
from signseg.training.keepsake import save_keepsake

EDITED = "edited-classes"  # variant of its rows in results.json


def refuse_taken(out: Path) -> None:
    """Raises InputError if `out` holds a run."""
    folder = RunFolder(Path(out))
    if folder.config.exists() or folder.model.exists():
        raise InputError(f"{folder.path} already holds a run; choose another --out.")


def save(segmenter: Segmenter, out: Path, *, command: str = "", seconds: dict[str, float] | None = None) -> Path:
    """Write the segmenter into the new folder `out`, with what it takes to add further classes. Scores and losses stay where they were.

    Args:
        seconds: times to keep beside those of the training.
    Raises:
        InputError: `out` holds a run already, or the run it comes from is gone or damaged.
    """
    folder, origin = RunFolder(Path(out)), RunFolder(segmenter.source())
    config, record = load_config(origin)
    if segmenter.changes and config.variant == DEFAULTS["variant"]:
        config = with_overrides(config, {"variant": EDITED})
    with folder_lock(folder.path):
        refuse_taken(folder.path)
        remove_parts(folder.path)
        if segmenter.image_size != config.image_size:
            config = with_overrides(config, {"image_size": segmenter.image_size})
        history = {"changes": list(segmenter.changes), "origin": record.get("origin", origin.path.resolve().name)}
        told = {"command": command or " ".join(["signseg", *sys.argv[1:]])}
        write_json(folder.config, record | {"config": config.model_dump(mode="json")} | told | (history if segmenter.changes else {}))
        write_json(folder.seconds, seconds_of(origin) | (seconds or {}))
        save_keepsake(folder, segmenter.kept())
        save_model(folder, segmenter.network, segmenter.split, segmenter.palette)
    return folder.path
