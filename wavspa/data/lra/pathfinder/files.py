"""Pathfinder's own folders: ``imgs/<k>/sample_<i>.png`` and a line for each in ``metadata/<k>.npy``.

The metadata are text in spite of their name: folder, file, i, label, continuity, segments of a target and
of a distractor, length, thickness and margin of a segment, number of contrasts.
"""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from PIL import Image

from wavspa.data.lra.pathfinder.generator import Pathfinder
from wavspa.data.lra.pathfinder.stamps import PathfinderRule
from wavspa.data.preparation.store import token_table
from wavspa.data.sources.locate import LRA_PLACES, below
from wavspa.errors import UserError

FOLDERS = {
    "easy": "curv_baseline",
    "intermediate": "curv_contour_length_9",
    "hard": "curv_contour_length_14",
}
# The one picture that is empty in the Long Range Arena's archive.
EMPTY = "pathfinder32/curv_baseline/imgs/0/sample_172.png"
CHUNK = 512
FILES_PER_FOLDER = 1000


class Picture(NamedTuple):
    """A picture on disk and its label."""

    path: Path
    label: int


def places(pixels: int) -> list[str]:
    """The places below the data root that may hold the folders of the three difficulties."""
    return below(LRA_PLACES, f"pathfinder{pixels}", f"pathfinder/pathfinder{pixels}", "")


def needed(difficulty: str) -> list[str]:
    """What such a place holds."""
    return [f"{FOLDERS[difficulty]}/imgs", f"{FOLDERS[difficulty]}/metadata/*.npy"]


def list_pictures(folder: Path) -> list[Picture]:
    """The pictures that the metadata of a difficulty's folder name, in their order.

    The picture that is empty in the benchmark's own archive is left out.

    Raises:
        UserError: A line that is not one of such metadata.
    """
    pictures = []
    for path in sorted(folder.glob("metadata/*.npy"), key=lambda path: (len(path.name), path.name)):
        for number, line in enumerate(_text(path).splitlines(), start=1):
            fields = line.split()
            if len(fields) < 4 or fields[3] not in ("0", "1"):
                raise UserError(
                    f"{path}, line {number}: {line[:80]!r} does not give the folder, the name, the "
                    "number and the label (0 or 1) of a picture"
                )
            pictures.append(Picture(folder / fields[0] / fields[1], int(fields[3])))
    return [picture for picture in pictures if not _known_to_be_empty(picture.path)]


def read_tables(
    pictures: Sequence[Picture], tokens_of: Callable[[Path, str], np.ndarray], threads: int
) -> Iterator[pa.Table]:
    """Tables of tokens and labels.

    Args:
        pictures: Those to read.
        tokens_of: The tokens [N] of a file, which messages name by the second argument.
        threads: Number of threads.
    """
    with ThreadPoolExecutor(threads) as pool:
        for start in range(0, len(pictures), CHUNK):
            chunk = pictures[start : start + CHUNK]
            tokens = list(
                pool.map(lambda picture: tokens_of(picture.path, str(picture.path)), chunk)
            )
            yield token_table(tokens, [picture.label for picture in chunk])


def write_pictures(
    folder: Path,
    generator: Pathfinder,
    examples: int,
    threads: int = 1,
    files_per_folder: int = FILES_PER_FOLDER,
) -> None:
    """Write generated pictures in the benchmark's own format, all or nothing.

    Args:
        folder: Folder of one difficulty, such as ``pathfinder32/curv_contour_length_14``; must not exist.
        generator: Generator of the pictures.
        examples: How many.
        threads: Number of threads.
        files_per_folder: The number of files in a folder.

    Raises:
        UserError: The folder already exists.
    """
    if folder.exists():
        raise UserError(f"{folder} already exists: name a new folder")
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    (partial / "metadata").mkdir(parents=True)

    def write(k: int) -> None:
        first = k * files_per_folder
        (partial / "imgs" / str(k)).mkdir(parents=True)
        drawn = generator.draw(first, min(files_per_folder, examples - first))
        lines = []
        for i, (pixels, label, margin) in enumerate(zip(*drawn, strict=True)):
            name = f"sample_{i}.png"
            Image.fromarray(pixels).save(partial / "imgs" / str(k) / name)
            lines.append(f"imgs/{k} {name} {i} {label} {_metadata(generator.rule, margin)}\n")
        (partial / "metadata" / f"{k}.npy").write_text("".join(lines), encoding="utf-8")

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(write, range(-(-examples // files_per_folder))))
    os.replace(partial, folder)


def _metadata(rule: PathfinderRule, margin: int) -> str:
    return (
        f"{rule.continuity} {rule.contour_length} {rule.distractor_length} {rule.paddle_length} "
        f"{rule.thickness} {margin} 1"
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not text: {error}") from error


def _known_to_be_empty(path: Path) -> bool:
    return path.as_posix().endswith(EMPTY) and path.exists() and not path.stat().st_size
