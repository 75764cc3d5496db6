"""Many pictures in a row: progress, finished ones skipped, corrupt ones named at the end."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from signseg.errors import InputError
from signseg.inference.predict import find_images, load, write_prediction
from signseg.training.progress import for_standard_output


def predict_files(run: Path, arguments: Sequence[str], out: Path) -> None:
    """Segment every picture that `arguments` name into `out`; pictures whose JSON is already there are not done again.

    Raises:
        InputError: nothing to do, or some pictures could not be read (after all others are done).
    """
    segmenter, images, reporter = load(run), find_images(arguments), for_standard_output()
    stems = _stems(images)
    faults = []
    for done, image in enumerate(images, start=1):
        stem = stems[image]
        if not (out / f"{stem}.json").exists():
            try:
                shares = write_prediction(segmenter.predict(image), image, segmenter, out, stem)
                reporter.say(f"{image.name}: " + ", ".join(f"{name} {share:.1%}" for name, share in list(shares.items())[:5]))
            except InputError as error:
                if image.exists() and not str(error).startswith("Cannot write"):
                    faults.append(str(error))
                else:
                    raise
        reporter.advance("predict", done, len(images))
    if faults:
        raise InputError(f"{len(faults)} of {len(images)} pictures could not be segmented: {' '.join(faults)}")


def _stems(images: list[Path]) -> dict[Path, str]:
    """An output name for each picture; pictures with the same stem keep their suffix or folder in it."""
    count = Counter(image.stem for image in images)
    names = {image: image.stem if count[image.stem] == 1 else image.name.replace(".", "_") for image in images}
    again = Counter(names.values())
    return {image: name if again[name] == 1 else f"{image.parent.name}_{name}" for image, name in names.items()}
