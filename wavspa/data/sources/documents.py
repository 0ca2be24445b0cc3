"""Texts without labels, read one after the other: plain text, folders of it, and columns of tables."""

import glob
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from wavspa.checks import shown
from wavspa.data.sources.tables import open_table
from wavspa.data.sources.text_files import UTF_8, opened, plain_suffix
from wavspa.errors import UserError

TEXT = "txt"
KINDS = (TEXT, "csv", "tsv", "json", "jsonl", "parquet")
DOCUMENTS = ("line", "file")
_MAGIC = "*?["


def files_of(option: str, path: Path) -> list[Path]:
    """The files that a path means: itself, those below a folder, or those that a pattern matches.

    Args:
        option: What messages call the path.
        path: The path; of a folder, its texts and tables in the order of their names.

    Raises:
        UserError: There are none.
    """
    if path.is_dir():
        found = [file for file in sorted(path.rglob("*")) if file.is_file()]
        found = [file for file in found if plain_suffix(file) in KINDS]
    elif any(sign in str(path) for sign in _MAGIC) and not path.exists():
        found = [Path(name) for name in sorted(glob.glob(str(path), recursive=True))]
        found = [file for file in found if file.is_file()]
    else:
        return [path]
    if not found:
        raise UserError(f"{option}={path} holds no files of the kinds {', '.join(KINDS)}")
    return found


def read_documents(
    path: Path, per: str, column: str, table_options: Mapping[str, Any]
) -> Iterator[str]:
    """The documents of a file; those that are blank are left out.

    Args:
        path: The file.
        per: What a document is in plain text: ``line`` or ``file``. A file is read at once.
        column: Where a table has its texts.
        table_options: How :func:`wavspa.data.sources.tables.open_table` reads the file.

    Raises:
        UserError: It cannot be read, or a row of a table is not a text.
    """
    if plain_suffix(path) == TEXT:
        yield from _plain(path, per, table_options.get("encoding", UTF_8))
        return
    table = open_table(path, **table_options)
    for place, (text,) in table.read([column], blank=[column]):
        if text is not None and not isinstance(text, str):
            raise UserError(
                f"{table.at(place)}: the column {column!r} holds {shown(text)}, which is not text"
            )
        if text and not text.isspace():
            yield text


def _plain(path: Path, per: str, encoding: str) -> Iterator[str]:
    if not path.is_file():
        raise UserError(f"there is no file {os.fspath(path)}")
    with opened(path, "\n", encoding) as file:
        texts = [file.read()] if per == "file" else (line.rstrip("\r\n") for line in file)
        for text in texts:
            if text and not text.isspace():
                yield text
