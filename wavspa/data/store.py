"""Prepared data on disk: memory-mapped Arrow and a card, whole or not there at all.

``<data root>/prepared/<name>-<hash of every choice that shaped it>/`` holds ``<split>.arrow`` for
each split (columns ``tokens``, a list of uint8, uint16 or int32, and ``label`` int64) and
``card.json``.
"""

import hashlib
import json
import logging
import os
import shlex
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from datasets import Dataset
from datasets.arrow_writer import ArrowWriter
from filelock import FileLock, Timeout
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from wavspa.errors import UserError

log = logging.getLogger(__name__)

Splits = Mapping[str, Dataset]
Facts = Mapping[str, Any]

QUANTILES = {
    "min": 0.0,
    "p5": 0.05,
    "p25": 0.25,
    "median": 0.5,
    "p75": 0.75,
    "p95": 0.95,
    "max": 1.0,
}


class Source(NamedTuple):
    """One split as it is made: tables with the columns ``tokens`` and ``label``, in order."""

    tables: Iterable[pa.Table]
    examples: int | None
    """how many rows to expect, if that is known (for the progress bar)"""


def token_table(tokens: Sequence[np.ndarray], labels: Sequence[int] | np.ndarray) -> pa.Table:
    """A table of ragged rows: ``tokens`` are arrays [N] of one dtype, ``labels`` integers."""
    offsets = np.cumsum([0, *map(len, tokens)], dtype=np.int32)
    rows = pa.ListArray.from_arrays(pa.array(offsets), pa.array(np.concatenate(tokens)))
    return pa.table({"tokens": rows, "label": pa.array(labels, pa.int64())})


def prepared_folder(data_root: Path, name: str, choices: Mapping[str, Any]) -> Path:
    """Where the data that these choices give lie, or will lie."""
    digest = hashlib.sha256(json.dumps(choices, sort_keys=True).encode()).hexdigest()
    return data_root / "prepared" / f"{name}-{digest[:12]}"


def prepare(
    folder: Path,
    build: Callable[[], Mapping[str, Source]],
    facts: Callable[[Splits], Facts],
) -> None:
    """Makes ``folder`` unless it is there; of several processes one works and the others wait.

    Everything is written beside the folder and renamed at the end, so a kill leaves nothing that
    could be taken for data; what it does leave is removed by the next call.

    Args:
        folder: as :func:`prepared_folder` names it.
        build: the splits, consumed in their order.
        facts: further entries of the card, from the splits as written.

    Raises:
        UserError: a split without examples, or a data root that cannot be written.
    """
    if folder.is_dir():
        return
    _make_root(folder.parent.parent)
    lock = FileLock(folder.with_name(f".{folder.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        log.info("waiting for another process that prepares %s", folder)
        lock.acquire()
    try:
        if not folder.is_dir():
            _make_folder(folder, build, facts)
    finally:
        lock.release()


def open_splits(folder: Path) -> dict[str, Dataset]:
    """The splits of prepared data, memory-mapped."""
    return {path.stem: Dataset.from_file(str(path)) for path in sorted(folder.glob("*.arrow"))}


def read_card(folder: Path) -> dict[str, Any]:
    """The card of prepared data."""
    return json.loads((folder / "card.json").read_text(encoding="utf-8"))


def _make_root(data_root: Path) -> None:
    try:
        data_root.mkdir(exist_ok=True)
        (data_root / "prepared").mkdir(exist_ok=True)
    except OSError as error:
        raise UserError(
            f"data_root={data_root} cannot be used ({error.strerror}): name a folder that "
            "exists, or a new one in a folder that does, by data_root=… or the variable WAVSPA_DATA"
        ) from error


def _make_folder(
    folder: Path,
    build: Callable[[], Mapping[str, Source]],
    facts: Callable[[Splits], Facts],
) -> None:
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        summaries = {
            split: _write_split(partial / f"{split}.arrow", source)
            for split, source in build().items()
        }
        card = {
            "splits": summaries,
            **facts(open_splits(partial)),
            "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        }
        text = json.dumps(card, indent=2, ensure_ascii=False) + "\n"
        (partial / "card.json").write_text(text, encoding="utf-8")
        os.replace(partial, folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _write_split(path: Path, source: Source) -> dict[str, Any]:
    """Writes one split; returns its part of the card."""
    console = Console(stderr=True)
    columns = (TextColumn("preparing {task.description}"), BarColumn(), MofNCompleteColumn())
    labels: Counter[int] = Counter()
    lengths = []
    largest_token = 0
    with (
        ArrowWriter(path=str(path)) as writer,
        Progress(
            *columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal
        ) as progress,
    ):
        task = progress.add_task(path.stem, total=source.examples)
        for table in source.tables:
            writer.write_table(table)
            progress.advance(task, table.num_rows)
            labels.update(table["label"].to_pylist())
            lengths.append(pc.list_value_length(table["tokens"]).to_numpy())
            largest_token = max(largest_token, pc.max(pc.list_flatten(table["tokens"])).as_py())
        if not labels:
            raise UserError(f"the split {path.stem} of {path.parent.name} is empty")
        writer.finalize()
    with path.open("rb") as file:
        checksum = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "examples": labels.total(),
        "labels": {str(label): labels[label] for label in sorted(labels)},
        "length": _quantiles(np.concatenate(lengths)),
        "largest_token": largest_token,
        "sha256": checksum,
    }


def _quantiles(lengths: np.ndarray) -> dict[str, float]:
    at = {name: float(np.quantile(lengths, q)) for name, q in QUANTILES.items()}
    return {**at, "mean": round(float(lengths.mean()), 2)}
