"""Many pictures in a row: progress, finished ones skipped, corrupt ones named at the end."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from signseg.data.picture_files import as_rgb
from signseg.errors import InputError
from signseg.files import read_json
from signseg.inference.predict import find_images, load, write_prediction
from signseg.training.folder import RunFolder
from signseg.training.progress import for_standard_output


def predict_files(run: Path, arguments: Sequence[str], out: Path) -> None:
    """Segment every picture that `arguments` name into `out`; what this model has already made of the same picture is kept.

    Raises:
        InputError: nothing to do, a place that cannot be written, or (after all others are done) pictures that cannot be read.
    """
    segmenter, images, reporter = load(run), find_images(arguments), for_standard_output()
    model, stems = _digest(RunFolder(run).model), _stems(images)
    faults = []
    for done, image in enumerate(images, start=1):
        try:
            pixels, origin = as_rgb(image), {"image": image.name, "image_sha256": _digest(image), "model_sha256": model}
        except InputError as error:
            faults.append(str(error))
        else:
            if not _done(out, stems[image], origin):
                shares = write_prediction(segmenter.predict(pixels), pixels, segmenter, out, stems[image], origin)
                reporter.say(f"{image.name}: " + ", ".join(f"{name} {share:.1%}" for name, share in list(shares.items())[:5]))
        reporter.advance("predict", done, len(images))
    if faults:
        raise InputError(f"{len(faults)} of {len(images)} pictures could not be segmented: {' '.join(faults)}")


def _done(out: Path, stem: str, origin: dict[str, str]) -> bool:
    """Whether `out` holds the whole prediction of the same picture by the same model."""
    try:
        record = read_json(out / f"{stem}.json")
    except InputError:
        return False
    pictures = [out / f"{stem}.png", out / f"{stem}_overlay.png"]
    return isinstance(record, dict) and origin.items() <= record.items() and all(path.exists() for path in pictures)


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
        count = Counter([*names.values(), *(f"{name}_overlay" for name in names.values())])
        names = {image: name if count[name] == 1 else longer(image) for image, name in names.items()}
    return names


def _with_digest(image: Path) -> str:
    return f"{image.name.replace('.', '_')}_{hashlib.sha256(str(image.resolve()).encode()).hexdigest()[:8]}"
