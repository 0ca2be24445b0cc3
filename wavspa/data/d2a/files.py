"""The files of D2A's leaderboard where users have them, and the text of a row."""

import ast
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from wavspa.data.sources.locate import FilesNotFound, below, find_splits
from wavspa.errors import UserError

FOLDERS = ("DAX_D2ALBData", "d2a_leaderboard_data", "")
PLACES = below(FOLDERS, "", "d2a", "D2A") + below(("d2a", "D2A"), *FOLDERS[:2])
HUB_PLACES = ("d2a", "D2A", "claudios/D2A", "datasets--claudios--D2A/snapshots/*")
SPLITS = ("train", "dev")

# What makes up the text, in this order; a longer text keeps its head.
COLUMNS = {
    "function": ("code",),
    "trace": ("trace",),
    "code": ("bug_function", "functions"),
    "code_trace": ("trace", "bug_function", "functions"),
}
SEPARATOR = "\n\n"


class Group(NamedTuple):
    """What near-copies of a row have in common: the parentheses of ``pattern`` in ``column``."""

    name: str
    column: str
    pattern: re.Pattern[str]


# The same code comes again from another commit, and of a function before and after its fix.
_FILE = Group("file of bug_url", "bug_url", re.compile(r"//[^/]+/(.+)/blob/[^/]+/(.+?)/?#"))
GROUPS = {
    "function": Group("name of the function", "code", re.compile(r"(\w+)\s*\(")),
    "trace": Group("file in the first line of the trace", "trace", re.compile(r"\s*(.+?):\d+")),
    "code": _FILE,
    "code_trace": _FILE,
}


def find_files(root: Path, kind: str) -> dict[str, list[Path]]:
    """The files of ``train`` and ``dev``, official csv or parquet of the hub.

    Args:
        root: The data root.
        kind: A key of :data:`COLUMNS`.

    Raises:
        UserError: They are not found.
    """
    # The samples in the leaderboard's repository have the other order in their name.
    for name in (kind, "trace_code") if kind == "code_trace" else (kind,):
        csv = {split: f"d2a_lbv1_{name}_{split}.csv" for split in SPLITS}
        if files := find_splits(root, below(PLACES, name, ""), csv):
            return files
    parquet = {split: f"{split}-*.parquet" for split in SPLITS}
    if files := find_splits(root, below(HUB_PLACES, kind), parquet):
        return files
    holds = [f"{kind}/d2a_lbv1_{kind}_{split}.csv" for split in SPLITS]
    raise FilesNotFound(
        "D2A",
        root,
        [*holds, *(f"{kind}/{pattern}" for pattern in parquet.values())],
        "put the leaderboard's data (https://developer.ibm.com/exchanges/data/all/d2a) or the "
        "hub's claudios/D2A into d2a/ there",
    )


def text_of(columns: Sequence[str], values: Sequence[object], where: str) -> str:
    """The parts of a row, with an empty line between them; a repeated part is kept once.

    Args:
        columns: Names of the parts.
        values: The parts, of which some may be blank; ``functions`` is a list of texts, or the text
            of a list in Python.
        where: How a message names the row.

    Raises:
        UserError: ``functions`` is not a list of texts, or all parts are blank.
    """
    parts: list[str] = []
    for column, value in zip(columns, values, strict=True):
        if value:
            parts += _functions(value, where) if column == "functions" else [str(value)]
    if not any(parts):
        raise UserError(f"{where}: no text in {', '.join(columns)}")
    return SEPARATOR.join(dict.fromkeys(filter(None, parts)))


def group_of(kind: str, value: str) -> tuple[str, ...]:
    """What near-copies of a row have in common.

    Args:
        kind: A key of :data:`GROUPS`.
        value: Value of the column that the group is read from.
    """
    found = GROUPS[kind].pattern.search(value)
    return found.groups() if found else (value,)


def _functions(value: object, where: str) -> list[str]:
    if isinstance(value, str):
        try:
            value = ast.literal_eval(value)
        except (ValueError, SyntaxError, RecursionError, MemoryError) as error:
            raise UserError(
                f"{where}: the column 'functions' is not a Python list ({error})"
            ) from error
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise UserError(f"{where}: the column 'functions' is not a list of texts")
    return value
