"""The common part of CodeXGLUE's data sets: the places and files in which users have them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from wavspa.data.sources.downloads import HubFiles
from wavspa.data.sources.locate import FilesNotFound, below, find_splits
from wavspa.data.text_datamodule import TextRow

LICENCE = "C-UDA 1.0 (Computational Use of Data Agreement)"

# Of each split: the file that the benchmark's own scripts make, and those of the hub.
JSONL = {"train": "train.jsonl", "val": "valid.jsonl", "test": "test.jsonl"}
PARQUET = {"train": "train-*.parquet", "val": "validation-*.parquet", "test": "test-*.parquet"}

Reader = Callable[[str], Iterable[TextRow]]
"""``split -> its rows``."""


class Layout(NamedTuple):
    """Files in which users have a data set."""

    patterns: Mapping[str, str]
    """By split or another part of it: the name of the file, or a pattern of several."""
    reader: Callable[[Mapping[str, Sequence[Path]]], Reader]
    """Reads the files that were found, by the keys of ``patterns``."""
    also_in: Sequence[str] = ()
    """More folders below the data root that may hold them than :func:`places` has."""


def reader_of(
    what: str, root: Path, where: tuple[str, str, str], layouts: Sequence[Layout]
) -> Reader:
    """The reader of the first layout whose files exist.

    Args:
        what: The data set's name.
        root: The data root.
        where: The arguments of :func:`places`.
        layouts: Tried in order.

    Raises:
        FilesNotFound: None of them exists.
    """
    for layout in layouts:
        if files := find_splits(root, [*layout.also_in, *places(*where)], layout.patterns):
            return layout.reader(files)
    holds = [pattern for layout in layouts for pattern in layout.patterns.values()]
    raise FilesNotFound(what, root, holds, remedy(*where))


def places(name: str, task: str, hub: str) -> list[str]:
    """Folders below the data root that may hold a data set.

    Args:
        name: What it is called here.
        task: The folder of the task in a checkout of CodeXGLUE, below Code-Code unless it has a slash.
        hub: The name of the data set on the hub.
    """
    checkout = f"{_below_checkout(task)}/dataset"
    folders = [
        f"codexglue/{name}",
        name,
        checkout,
        f"CodeXGLUE/{checkout}",
        f"{task}/dataset",
        hub,
        f"google/{hub}",
        f"datasets--google--{hub}/snapshots/*",
    ]
    return below(folders, "", "data")


def hub_files(name: str, task: str, hub: str) -> HubFiles:
    """What to download; the arguments are those of :func:`places`."""
    return HubFiles(f"google/{hub}", ("*.parquet",), f"codexglue/{name}")


def remedy(name: str, task: str, hub: str) -> str:
    """What to do when a data set is not found; the arguments are those of :func:`places`."""
    return (
        f"put them into codexglue/{name}: follow {_below_checkout(task)} of "
        "https://github.com/microsoft/CodeXGLUE, or take the parquet files of the hub's data "
        f"set google/{hub}"
    )


def _below_checkout(task: str) -> str:
    return task if "/" in task else f"Code-Code/{task}"
