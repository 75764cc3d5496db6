"""signseg: semantic segmentation of classes that have a name but no labels (SIGN with annealed self-training)."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from signseg.inference.predict import Segmenter

__version__ = "0.1.0"


def load(run: Path | str) -> "Segmenter":
    """Load a finished run folder for inference; see `signseg.inference.predict.load`."""
    from signseg.inference.predict import load as load_run

    return load_run(run)
