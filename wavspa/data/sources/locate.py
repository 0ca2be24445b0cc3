"""The search for a data set's files: the layouts that downloads leave, in order."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from wavspa.data.sources.text_files import OPENERS
from wavspa.errors import UserError

# How the hub numbers the parts of a split.
_PART = re.compile(r"-(\d{5})-of-(\d{5})\b")

# The archive of the Long Range Arena as its users unpack it.
LRA_PLACES = (
    "",
    "lra_release",
    "lra_release/lra_release",
    "lra_release */lra_release",
    "lra_release/lra_release/lra_release",
)


def below(places: Iterable[str], *folders: str) -> list[str]:
    """Each of ``folders`` in each of ``places``, all of one place before the next.

    ``below(LRA_PLACES, "tsv_data", "aan")`` are the places of the pairs of Retrieval.
    """
    return [f"{place}/{folder}".strip("/") for place in places for folder in folders]


def find_folder(root: Path, places: Iterable[str], holds: Sequence[str]) -> Path | None:
    """The first folder that holds everything it should.

    Args:
        root: The data root.
        places: Folders below it, or patterns of such ("" is the root itself).
        holds: Files or folders, or patterns of such, each of which has to be there.

    Returns:
        The folder, or None.
    """
    for place in places:
        for folder in sorted(root.glob(place)) if place else [root]:
            if all(any(folder.glob(pattern)) for pattern in holds):
                return folder
    return None


def find_splits(
    root: Path, places: Iterable[str], patterns: Mapping[str, str]
) -> dict[str, list[Path]] | None:
    """The files of every split in the first folder that has some of each.

    Args:
        root: The data root.
        places: Folders below it, or patterns of such ("" is the root itself).
        patterns: By split, the name of its file or a pattern of several. A file may also be
            compressed; one that is not comes first.

    Returns:
        By split, its files in the order of their names; or None.

    Raises:
        UserError: A split is in numbered parts, some of which are missing.
    """
    for place in places:
        for folder in sorted(root.glob(place)) if place else [root]:
            found = {split: _files(folder, pattern) for split, pattern in patterns.items()}
            if all(found.values()):
                for files in found.values():
                    _check_parts(files)
                return found
    return None


def _files(folder: Path, pattern: str) -> list[Path]:
    for ending in ("", *OPENERS):
        if found := sorted(folder.glob(pattern + ending)):
            return found
    return []


def _check_parts(files: Sequence[Path]) -> None:
    """Refuse files of which others are missing: an interrupted download would silently be fewer data."""
    parts = [(int(m[1]), int(m[2])) for m in map(_PART.search, (file.name for file in files)) if m]
    wanted = {(number, total) for _, total in parts for number in range(total)}
    if missing := sorted(wanted - set(parts)):
        number, total = missing[0]
        raise UserError(
            f"{files[0].parent} lacks the part {number:05}-of-{total:05} of the files such as "
            f"{files[0].name}: download it, or remove the others"
        )


class FilesNotFound(UserError):
    """The files of a data set are not found below the data root.

    Args:
        what: The data set's name.
        root: The data root that was searched.
        holds: The files that were looked for.
        remedy: What the user can do.
    """

    def __init__(self, what: str, root: Path, holds: Sequence[str], remedy: str) -> None:
        listed = ", ".join(holds)
        super().__init__(f"{what}: no folder under {root.absolute()} holds {listed}; {remedy}")
