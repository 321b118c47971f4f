"""Measure how well networks read digits that real people wrote, and keep it in results/handwriting/strangers.json.

    python tools/measure_handwriting.py FILE [--recipes NAME …] [--folder FOLDER] [--note TEXT] [--results FILE]

FILE is an .npz with the strokes of N digits, of your own or of a collection, as `numpy.savez_compressed` writes them:

    points       numbers K×2: all points of all strokes, one after the other; x to the right, y downwards, in any unit
    stroke_ends  whole numbers, one for each stroke: how many points there are up to its end; the last is K
    digit_ends   whole numbers N: how many strokes there are up to the digit's end; the last is the number of strokes
    labels       whole numbers N, from 0 to 9: what the digit is
    writers      N: who wrote it, any numbers
    doubtful     N, may be left out: 0, or another number where the strokes do not show the label, being cut wrongly
    style        N, may be left out: 1 a zero with a slash, 2 a one with a flag or a foot, 0 the rest

All else in it, such as the writers' donors, is passed over. Of a digit "1" of one stroke with 3 points, and a "4" of
two strokes with 2 each, stroke_ends is [3, 5, 7] and digit_ends is [1, 3].

Each digit is drawn in the middle of the pad, its longer side 180 units, with a brush of 10, and its coordinates are
rounded to tenths as the pad does. Doubtful digits count in "all" alone. The interval of 95 % comes from drawing whole
writers anew: digits of one hand are alike. Numbers are shares, from 0 to 1; null where there is no such digit.
"""

import argparse
import json
import math
import sys
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cnncourse._files import locked, write_whole
from cnncourse.analysis import calibration_error
from cnncourse.experiments import trained
from cnncourse.handwriting import PAD_SIZE, digit_image

RESULTS = Path(__file__).parent.parent / "results" / "handwriting" / "strangers.json"
NEEDED = ("points", "stroke_ends", "digit_ends", "labels", "writers")
LONGER_SIDE, BRUSH = 180, 10  # units of the pad
DRAWS = 4000  # of whole writers, for the interval
FEWEST = 10  # sound digits of a writer whose own accuracy says something


def read(path: Path) -> tuple[list[list[np.ndarray]], dict[str, np.ndarray]]:
    """Read a file of strokes.

    Returns:
        The digits, each a list of its strokes, points P×2; and what is known of each: "labels", "writers", "doubtful",
        "style".

    Raises:
        OSError: the file can't be read.
        ValueError: it is no such file; says why.
    """
    try:
        with path.open("rb") as content, np.load(content, allow_pickle=False) as file:
            columns = {name: file[name] for name in file.files}
    except (ValueError, EOFError, AttributeError, TypeError, zipfile.BadZipFile) as error:
        raise ValueError(f"it is no .npz file of arrays ({error})") from error
    if missing := [name for name in NEEDED if name not in columns]:
        raise ValueError(f"it lacks {', '.join(missing)}")
    points, stroke_ends, digit_ends = (columns[name] for name in NEEDED[:3])
    if points.ndim != 2 or points.shape[1] != 2 or points.dtype.kind not in "iuf" or not np.isfinite(points).all():
        raise ValueError("points must be finite numbers K×2")
    if not len(points):
        raise ValueError("it has no points")
    check_ends("stroke_ends", stroke_ends, len(points), "points")
    check_ends("digit_ends", digit_ends, len(stroke_ends), "strokes")

    number = len(digit_ends)
    known = {name: columns[name] for name in ("labels", "writers")}
    known |= {name: columns.get(name, np.zeros(number, int)) for name in ("doubtful", "style")}
    for name, column in known.items():
        if column.shape != (number,):
            raise ValueError(f"{name} must be one for each of the {number} digits, not of the shape {column.shape}")
    for name, last in (("labels", 9), ("style", 2)):
        if not np.isin(known[name], range(last + 1)).all():
            raise ValueError(f"{name} must be whole numbers from 0 to {last}")
    strokes = np.split(points, stroke_ends[:-1])
    return [strokes[start:end] for start, end in zip([0, *digit_ends[:-1]], digit_ends, strict=True)], known


def check_ends(name: str, ends: np.ndarray, last: int, what: str) -> None:
    """Raise a ValueError unless these are the ends of parts that have one or more of `what` each, and have all."""
    whole = ends.ndim == 1 and len(ends) and ends.dtype.kind in "iu"
    if not whole or ends[-1] != last or (np.diff(ends.astype(int), prepend=0) < 1).any():
        raise ValueError(f"{name} must be whole numbers that rise from 1 or more to {last}, the number of {what}")


def on_pad(strokes: list[np.ndarray]) -> list[dict[str, Any]]:
    """Return a digit's strokes as a drawing, in the middle of the pad."""
    points = np.concatenate(strokes).astype(float)
    low, high = points.min(axis=0), points.max(axis=0)
    scale = LONGER_SIDE / (np.max(high - low) or 1)  # a dot has no size
    places = [np.round((stroke - (low + high) / 2) * scale + PAD_SIZE / 2, 1) for stroke in strokes]
    return [{"radius": BRUSH, "points": place.tolist()} for place in places]


def measure(name: str, images: Tensor, known: dict[str, np.ndarray], folder: Path | None = None) -> dict[str, Any]:
    """Measure a recipe's network on the images, uint8 N×1×28×28.

    Raises:
        FileNotFoundError: its results or its weights are not kept.
        ValueError: there is no such recipe, or its network reads no digits.
    """
    model = trained(name, folder)
    if model.preprocessing.classes != tuple("0123456789") or model.preprocessing.input_shape[0] != 1:
        raise ValueError(f"{name} does not read digits")
    logits = answers(model, images) / model.temperature
    labels = torch.from_numpy(known["labels"].astype(np.int64))
    right = (logits.argmax(dim=1) == labels).numpy()
    sound, style = known["doubtful"] == 0, known["style"]
    low, high = interval(right[sound], known["writers"][sound])
    return {
        "right": share(right[sound]),
        "interval": [low, high],
        "all": share(right),
        "slashed zero": share(right[sound & (style == 1)]),
        "one with flag or foot": share(right[sound & (style == 2)]),
        "the rest": share(right[sound & (style == 0)]),
        "worst twentieth of writers": worst(right[sound], known["writers"][sound]),
        "calibration_error": calibration_error(logits[sound], labels[sound]) if sound.any() else None,
        "not_sure": share((logits.softmax(dim=1).amax(dim=1) < model.sure).numpy()[sound]),
        "load_digits": scans(model),
    }


def answers(model: nn.Module, images: Tensor) -> Tensor:
    """Return a network's logits, N×10, for images uint8 N×1×28×28."""
    resized = F.interpolate(images, model.preprocessing.size, mode="bilinear", antialias=True)
    with torch.inference_mode():
        return torch.cat([model(model.preprocessing.normalise(batch)) for batch in resized.split(1000)])


def share(values: np.ndarray) -> float | None:
    """Return which share of the values is true; None where there are none."""
    return float(values.mean()) if len(values) else None


def interval(right: np.ndarray, writers: np.ndarray) -> tuple[float | None, float | None]:
    """Return the ends of the accuracy's 95 % interval over writers, by the bootstrap of whole writers."""
    if not len(right):
        return None, None
    counts, good = by_writer(right, writers)
    number = len(counts)
    drawn = np.random.default_rng(0).multinomial(number, np.full(number, 1 / number), DRAWS)  # how often each is drawn
    low, high = np.percentile((drawn @ good) / (drawn @ counts), [2.5, 97.5])
    return float(low), float(high)


def worst(right: np.ndarray, writers: np.ndarray) -> float | None:
    """Return the mean accuracy of the twentieth of the writers that is read worst; None where all wrote too little."""
    counts, good = by_writer(right, writers)
    accuracies = np.sort(good[counts >= FEWEST] / counts[counts >= FEWEST])
    return share(accuracies[: math.ceil(len(accuracies) / 20)])


def by_writer(right: np.ndarray, writers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how many digits each writer wrote, and how many of them were read right."""
    _, places = np.unique(writers, return_inverse=True)
    return np.bincount(places), np.bincount(places, right)


def scans(model: nn.Module) -> float | None:
    """Return the accuracy on scikit-learn's 1,797 scans of 8×8 pixels; None where there is no scikit-learn."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        return None
    digits = load_digits()
    pictures = np.round(digits.images / 16 * 255).astype(np.uint8)
    read_as = answers(model, torch.stack([digit_image(picture) for picture in pictures])).argmax(dim=1).numpy()
    return share(read_as == digits.target)


def add(measurement: dict[str, Any], path: Path) -> None:
    """Put a measurement behind those that the file has."""
    with locked(path.parent / ".runs" / f"{path.stem}.lock"):
        kept = json.loads(path.read_text(encoding="utf8")) if path.exists() else {"measurements": []}
        kept["measurements"].append(measurement)
        write_whole(path, json.dumps(kept, indent=1) + "\n")


def main(arguments: list[str] | None = None) -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="strokes, .npz")
    parser.add_argument(
        "--recipes", nargs="+", default=["digitnet-best"], metavar="NAME", help="digitnet-best, or others"
    )
    parser.add_argument(
        "--folder",
        type=Path,
        help="of other result files and weights than the course's own; its name is added to the networks'",
    )
    parser.add_argument("--note", default="", help="what to remember of this measurement")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="FILE", help="to which it is added")
    options = parser.parse_args(arguments)
    try:
        digits, known = read(options.file)
    except (OSError, ValueError) as error:
        sys.exit(f"{options.file}: {error}")
    images = torch.stack([digit_image(on_pad(strokes)) for strokes in digits])
    try:
        networks = {
            name if options.folder is None else f"{name} ({options.folder.name})": measure(
                name, images, known, options.folder
            )
            for name in options.recipes
        }
    except (OSError, ValueError) as error:
        sys.exit(str(error))
    measurement = {
        "date": date.today().isoformat(),
        "note": options.note,
        "file": options.file.name,
        "digits": len(digits),
        "writers": len(np.unique(known["writers"])),
        "networks": networks,
    }
    print(json.dumps(measurement, indent=1))
    add(measurement, options.results)


if __name__ == "__main__":
    main()
