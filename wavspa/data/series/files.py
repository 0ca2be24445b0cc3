"""Files of series, by the ending of their names."""

from pathlib import Path

from wavspa.data.series.arrays import ArrayFile
from wavspa.data.series.base import Columns, SeriesFile
from wavspa.data.series.long_table import LongTable
from wavspa.errors import UserError

ENDINGS = (".npz", ".npy", ".parquet", ".csv")


def open_series(path: Path, columns: Columns, labels: Path | None = None) -> SeriesFile:
    """A file of series by its name.

    Args:
        path: The file.
        columns: The places of the parts.
        labels: For an .npy, the .npy of its labels.

    Raises:
        UserError: There is no such file, or its name has no known ending.
    """
    for file in (path, labels):
        if file is not None and not file.is_file():
            raise UserError(f"there is no file {file}")
    suffix = path.suffix.lower()
    if suffix in (".npz", ".npy"):
        return ArrayFile(path, columns, labels)
    if labels is not None:
        raise UserError(f"{labels} is not needed: the labels of {path} are one of its columns")
    if suffix in (".csv", ".parquet"):
        return LongTable(path, columns)
    raise UserError(f"{path}: its name has to end in {', '.join(ENDINGS)}")
