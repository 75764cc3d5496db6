"""Many pictures in a row: progress, finished ones skipped, corrupt ones named at the end."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from signseg.data.picture_files import as_rgb
from signseg.errors import InputError
from signseg.files import read_json
from signseg.inference.predict import Segmenter, find_images, load, write_prediction
from signseg.inference.views import Options
from signseg.training.folder import RunFolder
from signseg.training.progress import Reporter, for_standard_output

MAPS = {"novelty": "_novelty.png", "probabilities": "_probabilities.npz"}  # option -> end of the file it adds


def predict_files(run: Path, arguments: Sequence[str], out: Path, options: Options | None = None) -> None:
    """Segment every picture that `arguments` name into `out`; what this model has already made of the same picture is kept.

    Args:
        options: how the pictures are looked at; with others than before a picture is done again.
    Raises:
        InputError: nothing to do, a place that cannot be written, or (after all others are done) pictures that cannot be read.
    """
    options = options or Options()
    segmenter, images, reporter = replace(load(run), options=options), find_images(arguments), for_standard_output()
    common = {"model_sha256": _digest(RunFolder(run).model), "options": asdict(options) | {"scales": list(options.scales)}}
    stems, faults = _stems(images), []
    for done, image in enumerate(images, start=1):
        try:
            _predict_file(segmenter, image, out, stems[image], common, reporter)
        except UnreadablePicture as error:
            faults.append(str(error))
        reporter.advance("predict", done, len(images))
    if faults:
        raise InputError(f"{len(faults)} of {len(images)} pictures could not be segmented: {' '.join(faults)}")


class UnreadablePicture(Exception):
    """One picture is no use; the others may be."""


def _predict_file(segmenter: Segmenter, image: Path, out: Path, stem: str, common: dict[str, Any], reporter: Reporter) -> None:
    try:
        origin = {"image": image.name, "image_sha256": _digest(image)} | common
        if _done(out, stem, origin):
            return
        pixels = as_rgb(image)
        prediction = segmenter.predict(pixels)
    except InputError as error:
        raise UnreadablePicture(str(error)) from error
    shares = write_prediction(prediction, pixels, segmenter, out, stem, origin)
    reporter.say(f"{image.name}: " + ", ".join(f"{name} {share:.1%}" for name, share in list(shares.items())[:5]))


def _done(out: Path, stem: str, origin: dict[str, Any]) -> bool:
    """Whether `out` holds the whole prediction of the same picture by the same model under the same options."""
    try:
        record = read_json(out / f"{stem}.json")
    except InputError:
        return False
    ends = [".png", "_overlay.png"] + [end for option, end in MAPS.items() if origin["options"][option]]
    return isinstance(record, dict) and origin.items() <= record.items() and all((out / f"{stem}{end}").exists() for end in ends)


def _digest(path: Path) -> str:
    try:
        with open(path, "rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); check its permissions.") from error


def _stems(images: list[Path]) -> dict[Path, str]:
    """An output name for each picture: its stem, longer where two would be the same, with a digest where that is not enough."""
    names = {image: image.stem for image in images}
    for longer in (lambda image: image.name.replace(".", "_"), _with_digest):
        count = Counter([*names.values(), *(f"{name}_{end}" for name in names.values() for end in ("overlay", "novelty"))])
        names = {image: name if count[name] == 1 else longer(image) for image, name in names.items()}
    return names


def _with_digest(image: Path) -> str:
    return f"{image.name.replace('.', '_')}_{hashlib.sha256(str(image.resolve()).encode()).hexdigest()[:8]}"
