"""Prepared data on disk: memory-mapped Arrow and a card, complete or absent.

``<data root>/prepared/<name>-<hash of every choice that shaped it>/`` holds ``<split>.arrow`` for
each split and ``card.json``. A split has the column ``label``, int64 or a list of such or of float64, and
one or more columns of tokens, lists of uint8, uint16 or int32; or of series, lists of float32. Where words
have labels, ``places`` are those of their first tokens, lists of int32.

Where rows share their sequences, those are kept once: in ``pool.arrow``, whose one column is
``tokens``. The other columns of the splits are then row numbers, int32.
"""

import hashlib
import json
import shlex
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from datasets import Dataset
from datasets.arrow_writer import ArrowWriter
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from wavspa.atomic import atomic_write_dir
from wavspa.errors import UserError, first_line
from wavspa.locks import lock
from wavspa.reporting import report

Splits = Mapping[str, Dataset]
Facts = Mapping[str, Any]

POOL = "pool"
PLACES = "places"

# In the rows that are written at once, whose places Arrow counts in 32 bits.
MOST_VALUES = 2**31 - 1

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
    """One split as it is built: tables of rows, in order."""

    tables: Iterable[pa.Table]
    examples: int | None
    """how many rows to expect, if that is known (for the progress bar)"""
    width: int = 1
    """how many values make one step of a sequence"""


def token_table(tokens: Sequence[np.ndarray], labels: Sequence[int] | np.ndarray) -> pa.Table:
    """A table of ragged rows: ``tokens`` are arrays [N] of one dtype, ``labels`` integers."""
    return pa.table({"tokens": ragged(tokens), "label": pa.array(labels, pa.int64())})


def ragged(rows: Sequence[np.ndarray]) -> pa.ListArray:
    """A column of at least one array of one dtype, [N] for any N.

    Raises:
        UserError: They are longer together than places of 32 bits reach.
    """
    offsets = np.cumsum([0, *map(len, rows)], dtype=np.int64)
    if offsets[-1] > MOST_VALUES:
        raise UserError(
            f"{len(rows)} rows in a row have {offsets[-1]:,} tokens together, and data hold {MOST_VALUES:,} "
            "at a time: divide long texts, or keep their heads by dataset.stored_length"
        )
    offsets = offsets.astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(np.concatenate(rows)))


def token_columns(names: Iterable[str]) -> list[str]:
    """The columns that hold tokens: all but the label and the places of words."""
    return [name for name in names if name not in ("label", PLACES)]


def prepared_folder(data_root: Path, name: str, cache_key: Mapping[str, Any]) -> Path:
    """Where the data of this key are stored, or will be."""
    digest = hashlib.sha256(json.dumps(cache_key, sort_keys=True).encode()).hexdigest()
    return data_root / "prepared" / f"{name}-{digest[:12]}"


def prepare(
    folder: Path,
    build: Callable[[], Mapping[str, Source]],
    facts: Callable[[Splits], Facts],
    files: Callable[[], Mapping[str, str]] = dict,
) -> None:
    """Make ``folder`` unless it exists; of several processes one works and the others wait.

    Everything is written next to the folder and renamed at the end, so a kill leaves nothing that
    could be taken for data; what it does leave is removed by the next call.

    Args:
        folder: As :func:`prepared_folder` names it.
        build: The splits, consumed in their order; before them the pool, if there is one.
        facts: Further entries of the card, from the splits as written.
        files: Text files to keep in the folder by their name; asked for when the splits are written.

    Raises:
        UserError: A split without examples, a data root that cannot be written, or a full disk.
    """
    if folder.is_dir():
        return
    _make_root(folder.parent.parent)
    waiting = partial(report, f"waiting for another process that is preparing {folder}")
    with lock(folder.with_name(f".{folder.name}.lock"), folder, on_wait=waiting):
        if not folder.is_dir():
            _make_folder(folder, build, facts, files)


def open_splits(folder: Path) -> dict[str, Dataset]:
    """The splits of prepared data, memory-mapped.

    Raises:
        UserError: A file is damaged.
    """
    return {path.stem: _open(path) for path in sorted(folder.glob("*.arrow")) if path.stem != POOL}


def open_pool(folder: Path) -> Dataset | None:
    """The sequences that the rows of prepared data share, memory-mapped, if they do.

    Raises:
        UserError: The file is damaged.
    """
    path = folder / f"{POOL}.arrow"
    return _open(path) if path.exists() else None


def verify(folder: Path) -> None:
    """Hold prepared data to the checksums of their card.

    Raises:
        UserError: A file is not what was prepared.
    """
    card = read_card(folder)
    # Older cards have no pool.
    tables = {**card["splits"], **({POOL: card[POOL]} if POOL in card else {})}
    checksums = {f"{name}.arrow": summary["sha256"] for name, summary in tables.items()}
    for name, checksum in {**checksums, **card.get("files", {})}.items():
        if _checksum(folder / name) != checksum:
            raise _damaged(folder / name, "not the checksum on its card")


def lengths(column: pa.ChunkedArray, pool: Dataset | None = None) -> np.ndarray:
    """[rows] int: the tokens of each row of a column of tokens, or of numbers of rows of ``pool``."""
    if pool is None:
        counts: np.ndarray = pc.list_value_length(column).to_numpy()
        return counts
    of_pool = lengths(pool.data.column("tokens"))
    chosen: np.ndarray = of_pool[column.to_numpy()]
    return chosen


def read_card(folder: Path) -> dict[str, Any]:
    """The card of prepared data."""
    card: dict[str, Any] = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    return card


def _open(path: Path) -> Dataset:
    try:
        return Dataset.from_file(str(path))
    except (pa.ArrowException, OSError) as error:
        raise _damaged(path, first_line(error)) from error


def _damaged(path: Path, how: str) -> UserError:
    return UserError(
        f"{path} is damaged ({how}): remove {path.parent}, and the next start prepares it again"
    )


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
    files: Callable[[], Mapping[str, str]],
) -> None:
    try:
        with atomic_write_dir(folder, only_writer=True) as unfinished:
            summaries = {
                split: _write_split(unfinished / f"{split}.arrow", source, folder.name)
                for split, source in build().items()
            }
            pool = summaries.pop(POOL, None)
            card = {
                "splits": summaries,
                **({POOL: {key: pool[key] for key in ("content", "sha256")}} if pool else {}),
                **facts(open_splits(unfinished)),
                "command": shlex.join([_command(), *sys.argv[1:]]),
            }
            kept = files()
            for name, content in kept.items():
                (unfinished / name).write_text(content, encoding="utf-8")
            if kept:
                card["files"] = {name: _checksum(unfinished / name) for name in kept}
            text = json.dumps(card, indent=2, ensure_ascii=False) + "\n"
            (unfinished / "card.json").write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"{folder} cannot be written ({error.strerror or error})") from error


def _command() -> str:
    """The name of this process's command, also of one that started itself again as a module."""
    name = Path(sys.argv[0])
    return f"wavspa-{name.stem}" if name.parent.name == "commands" else name.name


def _write_split(path: Path, source: Source, name: str) -> dict[str, Any]:
    """Write one split of the data ``name``; return its part of the card."""
    console = Console(stderr=True)
    columns = (TextColumn("preparing {task.description}"), BarColumn(), MofNCompleteColumn())
    pool = open_pool(path.parent) if path.stem != POOL else None
    labels: Counter[int] = Counter()
    content: dict[str, Any] = {}
    counted = []
    examples = largest_token = 0
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
            examples += table.num_rows
            _take_in(content, table)
            if path.stem != POOL and not _is_of_floats(table["label"]):
                labels.update(_flat(table["label"]).to_pylist())
            for name in token_columns(table.column_names):
                counted.append(lengths(table[name], pool) // source.width)
                if _is_of_floats(table[name]):
                    continue
                tokens = table[name] if pool is None else pool.data.column("tokens")
                largest_token = max(largest_token, pc.max(_flat(tokens)).as_py() or 0)
        if not examples:
            raise UserError(f"the split {path.stem} of {name} is empty")
        writer.finalize()
    return {
        "examples": examples,
        "labels": {str(label): labels[label] for label in sorted(labels)},
        "length": _quantiles(np.concatenate(counted)),
        "largest_token": largest_token,
        "content": _joined_digest(content),
        "sha256": _checksum(path),
    }


def _take_in(content: dict[str, Any], table: pa.Table) -> None:
    """Hash the values of a table, and the lengths of its lists, into one hash a column."""
    for name in table.column_names:
        column = table[name]
        parts = {name: _flat(column)}
        if pa.types.is_list(column.type):
            parts[f"{name} lengths"] = pc.list_value_length(column)
        for key, values in parts.items():
            content.setdefault(key, hashlib.sha256()).update(values.to_numpy().tobytes())


def _joined_digest(content: Mapping[str, Any]) -> str:
    """The digest of rows, the same for any version of Arrow and any portions they are written in."""
    whole = "".join(f"{key} {content[key].hexdigest()}\n" for key in sorted(content))
    return hashlib.sha256(whole.encode()).hexdigest()


def _is_of_floats(column: pa.ChunkedArray) -> bool:
    return bool(pa.types.is_floating(_flat(column).type))


def _flat(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.list_flatten(column) if pa.types.is_list(column.type) else column


def _quantiles(lengths: np.ndarray) -> dict[str, float]:
    at = {name: float(np.quantile(lengths, q)) for name, q in QUANTILES.items()}
    return {**at, "mean": round(float(lengths.mean()), 2)}
