"""metrics.csv: one row per logged step, one named column per metric."""

import csv
import io
from pathlib import Path

from wavspa.errors import UserError

FIXED_COLUMNS = ("step", "epoch", "seconds")


def read_metrics(path: Path) -> list[dict[str, float]]:
    """Read a metrics.csv.

    Args:
        path: The file.

    Returns:
        One dict per row with the metrics in that row; a torn last row is left out.

    Raises:
        UserError: The file is not a metrics.csv, or is damaged.
    """
    _, rows = read_rows(path)
    try:
        return [{name: float(text) for name, text in row.items() if text} for row in rows]
    except ValueError as error:
        raise UserError(f"{path} is damaged: {error}") from error


def read_rows(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    """The columns of a metrics.csv and its rows as text; a torn last row is left out.

    Raises:
        UserError: The file is not a metrics.csv, or is damaged.
    """
    try:
        text = path.read_text(encoding="utf-8")
        reader = csv.DictReader(io.StringIO(text[: text.rfind("\n") + 1]))
        columns, rows = list(reader.fieldnames or []), list(reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path} is damaged: {error}") from error
    if columns[: len(FIXED_COLUMNS)] != list(FIXED_COLUMNS):
        raise UserError(f"{path} is not a metrics.csv: its first line is {columns}")
    for number, row in enumerate(rows, start=2):
        if None in row or None in row.values() or not row["step"].isdigit():
            raise UserError(f"{path}, line {number}, is damaged; remove the line")
    return columns, rows
