"""What the first seed of each line makes of test pictures, kept beside the store, so that the report can show it when the runs are gone.

Shown are the first pictures of the test split, and failures by a rule: of the pictures with enough unseen pixels, those where the lines
together get the smallest share of them right.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from signseg.data.dataset import Dataset
from signseg.files import write_atomically
from signseg.inference.predict import load
from signseg.report.gallery import Shown, write_gallery

MOST = 200  # test pictures that are kept
FIRST, FAILURES = 4, 4  # of them shown
ENOUGH = 0.05  # share of a picture that is of unseen classes


def keep_predictions(path: Path, run: Path, caption: str, data: Dataset) -> None:
    """Write (H, W) uint8 raw ids of the first test pictures, compressed, with the caption of their line."""
    segmenter = load(run)
    pictures = data.split("test")[:MOST]
    masks = {str(number): segmenter.split.raw_labels(segmenter.predict(picture.image).classes) for number, picture in enumerate(pictures)}
    write_atomically(path, lambda handle: np.savez_compressed(handle, allow_pickle=False, caption=json.dumps(caption), **masks))


def write_pictures(out: Path, kept: Mapping[str, Path], data: Dataset) -> None:
    """Write out/pictures from the kept predictions.

    Args:
        kept: name of a column (a file name without suffix) -> its file, in the order of the page.
    """
    columns, predictions = {}, {}
    for name, path in kept.items():
        with np.load(path, allow_pickle=False) as file:
            columns[name] = json.loads(str(file["caption"]))
            predictions[name] = {key: file[key] for key in file.files if key != "caption"}
    pictures = data.split("test")[:MOST]
    unseen = [data.raw_ids[name] for name in data.unseen]

    def right(number: int) -> float:
        """Mean share of the unseen pixels that is right; 1 where there are too few."""
        truth = pictures[number].mask
        asked = np.isin(truth, unseen)
        shares = [(masks[str(number)] == truth)[asked].mean() for masks in predictions.values()] if asked.mean() >= ENOUGH else [1.0]
        return float(np.mean(shares))

    first = list(range(len(pictures)))[:FIRST]
    shares = {number: right(number) for number in range(len(pictures)) if number not in first}
    worst = sorted((number for number in shares if shares[number] < 1), key=lambda number: shares[number])[:FAILURES]
    captions = {number: pictures[number].name for number in first}
    captions |= {number: f"{pictures[number].name}: a failure, {100 * shares[number]:.0f} % of the unseen pixels right" for number in worst}
    shown = [
        Shown(caption, pictures[number].image, pictures[number].mask, {name: masks[str(number)] for name, masks in predictions.items()})
        for number, caption in captions.items()
    ]
    write_gallery(out, shown, columns, data.palette)
