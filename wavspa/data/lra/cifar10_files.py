"""The pictures of CIFAR-10: the places where users have them, and their readers."""

import io
import itertools
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from PIL import Image

from wavspa.data.image_datamodule import file_of, open_picture
from wavspa.data.sources.archives import open_tar
from wavspa.data.sources.locate import FilesNotFound, below, find_folder, find_splits
from wavspa.data.sources.safe_pickle import load_arrays
from wavspa.data.sources.tables import open_table
from wavspa.errors import UserError

CLASSES = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)
SIDE = 32
# The weights of TensorFlow, by which the benchmark makes them grey.
LUMA = np.array([0.2989, 0.5870, 0.1140], np.float32)

BATCHES = {"train": [f"data_batch_{k}" for k in range(1, 6)], "test": ["test_batch"]}
BATCH_PLACES = ("cifar-10-batches-py", "*/cifar-10-batches-py", "*cifar*", "")
ARCHIVES = ("cifar-10-python.tar*", "*/cifar-10-python.tar*")
PARQUET = {split: f"{split}-*.parquet" for split in BATCHES}
PARQUET_PLACES = below(
    ("cifar10", "uoft-cs/cifar10", "*cifar10*", "*cifar10*/snapshots/*", ""), "plain_text", ""
)
COLUMNS = ("img", "label")
CHUNK = 500
OFFICIAL = "PNG"


class PictureSplit(NamedTuple):
    """A split: ``tokens`` [n, 1024] uint8, grey levels row by row, and ``labels`` [n] int64."""

    tokens: np.ndarray
    labels: np.ndarray


class Found(NamedTuple):
    """All pictures, where they were, and the formats of those that were not stored pixel by pixel."""

    splits: dict[str, PictureSplit]
    place: Path
    formats: set[str]


def find_pictures(root: Path, threads: int) -> Found:
    """Train and test: of the python batches, of their archive, or of the hub's parquet files.

    Args:
        root: The data root.
        threads: Number of threads that decode pictures.

    Raises:
        UserError: They are not found, or a file cannot be read.
    """
    names = [name for split in BATCHES.values() for name in split]
    if folder := find_folder(root, BATCH_PLACES, names):
        return _read_batches(folder)
    for pattern in ARCHIVES:
        for archive in sorted(root.glob(pattern)):
            return _read_batches(archive)
    files = find_splits(root, PARQUET_PLACES, PARQUET)
    # Other data sets of the hub have files of the same names.
    if files and "img" in open_table(files["train"][0]).columns():
        formats: set[str] = set()
        splits = {split: _read_parquet(paths, threads, formats) for split, paths in files.items()}
        return Found(splits, files["train"][0].parent, formats)
    raise FilesNotFound(
        "CIFAR-10",
        root,
        [
            "cifar-10-batches-py/data_batch_1",
            "cifar-10-python.tar.gz",
            "cifar10/train-*.parquet",
        ],
        "get cifar-10-python.tar.gz from https://www.cs.toronto.edu/~kriz/cifar.html and put it "
        "there, packed or unpacked, or the hub's uoft-cs/cifar10 to cifar10/",
    )


def grey(pictures: np.ndarray) -> np.ndarray:
    """Grey levels [...] uint8 of colours [..., 3] uint8, as TensorFlow's ``rgb_to_grayscale``."""
    scaled = pictures.astype(np.float32) * np.float32(1 / 255)
    return (scaled @ LUMA * np.float32(255.5)).astype(np.uint8)


def grey_of(picture: Image.Image) -> np.ndarray:
    """Grey levels [height, width] uint8 of a picture."""
    return grey(np.array(picture.convert("RGB")))


def _read_batches(place: Path) -> Found:
    """The python batches of a folder or an archive."""
    splits = {}
    for split, names in BATCHES.items():
        parts = [_read_batch(place, name) for name in names]
        splits[split] = PictureSplit(
            *(np.concatenate(column) for column in zip(*parts, strict=True))
        )
    return Found(splits, place, set())


def _read_batch(place: Path, name: str) -> PictureSplit:
    path = place / name
    with _opened(place, name) as file:
        content = load_arrays(file, str(path))
    planes, labels = _value(content, b"data", path), _value(content, b"labels", path)
    if not (
        isinstance(planes, np.ndarray)
        and isinstance(labels, list)
        and planes.dtype == np.uint8
        and planes.shape == (len(labels), 3 * SIDE**2)
    ):
        raise UserError(
            f"{path} does not hold {3 * SIDE**2} bytes for each of its {len(labels)} labels"
        )
    for label in labels:
        _check_label(label, str(path))
    colours = planes.reshape(len(labels), 3, SIDE**2).swapaxes(1, 2)
    return PictureSplit(grey(colours), np.array(labels, np.int64))


def _value(content: Any, key: bytes, path: Path) -> Any:
    if not isinstance(content, dict) or key not in content:
        raise UserError(f"{path} is not a batch of CIFAR-10's python version: it has no {key!r}")
    return content[key]


@contextmanager
def _opened(place: Path, name: str) -> Iterator[BinaryIO]:
    """A file of a folder or a member of an archive."""
    try:
        if place.is_dir():
            with (place / name).open("rb") as file:
                yield file
            return
        with open_tar(place) as tar:
            members = [member for member in tar if member.name.rpartition("/")[2] == name]
            content = tar.extractfile(members[0]) if members else None
            if content is None:
                raise UserError(f"{place} does not hold {name}")
            yield io.BytesIO(content.read())
    except OSError as error:
        raise UserError(f"{place / name} cannot be read ({error.strerror})") from error


def _read_parquet(paths: Sequence[Path], threads: int, formats: set[str]) -> PictureSplit:
    tokens: list[np.ndarray] = []
    labels: list[int] = []
    with ThreadPoolExecutor(threads) as pool:
        for path in paths:
            table = open_table(path)
            rows = table.read(COLUMNS)
            while chunk := list(itertools.islice(rows, CHUNK)):
                pictures, values = zip(*(row.values for row in chunk), strict=True)
                places = [table.at(row.place) for row in chunk]
                decoded = list(pool.map(_decode, pictures, places))
                formats.update(form for form, _ in decoded)
                tokens.extend(levels for _, levels in decoded)
                for label, place in zip(values, places, strict=True):
                    _check_label(label, place)
                labels.extend(values)
    if not labels:
        raise UserError(f"{paths[0]} holds no pictures")
    return PictureSplit(np.stack(tokens), np.array(labels, np.int64))


def _decode(picture: object, place: str) -> tuple[str, np.ndarray]:
    """Format and grey levels [1024] of a picture as the hub holds it."""
    opened = open_picture(*file_of(picture, place), SIDE)
    return str(opened.format), grey_of(opened).reshape(-1)


def _check_label(label: Any, place: str) -> None:
    if label not in range(len(CLASSES)):
        raise UserError(f"{place}: the label {label!r} is not one of 0..{len(CLASSES) - 1}")
