"""The figures of all benchmarks: the programs write a CSV file and a page for each device."""

import csv
import datetime
import io
import platform
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import torch

RESULTS = Path(__file__).parent / "results"
NOT_MEASURED = "not measured"


class Figure(NamedTuple):
    """The time of one contestant in milliseconds, and its ratio to another one's (below 1: it is faster).

    If there is no time, ``note`` is the reason.
    """

    table: str
    case: str
    contestant: str
    ms: float | None
    ratio: float | None = None
    against: str = ""
    note: str = ""


class Measured(NamedTuple):
    """A figure, with the device and the code with which it was measured."""

    figure: Figure
    device: str
    commit: str
    date: str
    software: str


COLUMNS = (*Figure._fields, *Measured._fields[1:])


def compared(table: str, case: str, seconds: Mapping[str, float], against: str) -> Iterator[Figure]:
    """Figures of contestants that took turns.

    Args:
        table: The heading above them.
        case: The measured operation.
        seconds: The time of each contestant.
        against: The contestant with which all others are compared.
    """
    base = seconds[against]
    for name, value in seconds.items():
        ratio = None if name == against else value / base
        yield Figure(table, case, name, 1e3 * value, ratio, "" if name == against else against)


def not_measured(table: str, case: str, contestant: str, why: str) -> Figure:
    """A row for a missing figure.

    Args:
        table: The heading above it.
        case: The operation that would be measured.
        contestant: The contestant that is missing.
        why: The reason.
    """
    return Figure(table, case, contestant, None, note=f"{NOT_MEASURED}: {why}")


def here(
    figures: Iterable[Figure], device: str, software: Sequence[str], commit: str | None = None
) -> list[Measured]:
    """Figures of this machine and this code.

    Args:
        figures: The figures.
        device: The device on which they were measured.
        software: Names and versions of the software involved.
        commit: The commit of the code; None asks git.
    """
    commit = commit or _commit()
    today = datetime.date.today().isoformat()
    return [Measured(f, device, commit, today, ", ".join(software)) for f in figures]


def _commit() -> str:
    """The commit of this checkout, with "-dirty" after changes; ``unknown`` in a copy without git."""
    words = ["git", "-C", str(RESULTS), "describe", "--always", "--dirty", "--exclude=*"]
    try:
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def processor() -> str:
    """The processor's name, and the number of threads in use."""
    name, info = platform.machine(), Path("/proc/cpuinfo")
    if info.exists() and (found := re.search(r"model name\s*: (.+)", info.read_text())):
        name = found[1].strip()
    return f"{name}, {torch.get_num_threads()} threads"


def write(measured: Sequence[Measured], folder: Path = RESULTS) -> Path:
    """Write ``DEVICE.csv`` and ``DEVICE.md``.

    Args:
        measured: Figures of one device.
        folder: The folder to write to.

    Returns:
        The CSV file.
    """
    device = measured[0].device
    path = folder / f"{re.sub(r'[^a-z0-9]+', '_', device.lower())}.csv"
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COLUMNS)
    rows.writerows(map(_cells, measured))
    path.write_text(text.getvalue(), encoding="utf-8")
    path.with_suffix(".md").write_text(page(read(path)), encoding="utf-8")
    return path


def read(path: Path) -> list[Measured]:
    """The figures in a CSV file that :func:`write` wrote."""
    with path.open(newline="", encoding="utf-8") as file:
        return [_measured(row) for row in csv.DictReader(file)]


def page(measured: Sequence[Measured]) -> str:
    """Markdown of all figures of a device."""
    head = (
        f"# {measured[0].device}\n\n"
        "After this page you know what `make bench` or `make bench-gpu`, which write it, measured on one "
        "device.\n\n"
        "Times are medians of contestants in one process, after their results were compared. A ratio is the "
        "time of a row by that\nof the contestant named next to it: below 1, the row is faster.\n"
    )
    return "\n".join([head, *tables(measured, "##")])


def tables(measured: Sequence[Measured], heading: str) -> Iterator[str]:
    """Lines of Markdown: a table for each heading, with the commit at which it was measured.

    Args:
        measured: Figures of one device.
        heading: The marks before a heading, such as ``##``.
    """
    above, before = None, None
    for (table, *code), rows in groupby(
        measured, lambda m: (m.figure.table, m.commit, m.date, m.software)
    ):
        if table != above:
            yield f"{heading} {table}\n"
        if code != before:
            yield "Commit `{}`, {}: {}.\n".format(*code)
        above, before = table, code
        yield "| case | contestant | ms | ratio | to |\n| --- | --- | ---: | ---: | --- |"
        for row in rows:
            yield f"| {' | '.join(_shown(row.figure))} |"
        yield ""


def _shown(figure: Figure) -> list[str]:
    ms = figure.note if figure.ms is None else f"{figure.ms:.3g}"
    if figure.ms is not None and figure.ms >= 100:
        ms = f"{figure.ms:,.0f}"
    ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
    return [figure.case, figure.contestant, ms, ratio, figure.against]


def _cells(measured: Measured) -> list[str]:
    figure, *rest = measured
    ms = "" if figure.ms is None else f"{figure.ms:.4g}"
    ratio = "" if figure.ratio is None else f"{figure.ratio:.3g}"
    return [*figure[:3], ms, ratio, *figure[5:], *rest]


def _measured(row: Mapping[str, str]) -> Measured:
    values = [row[name] for name in COLUMNS]
    ms, ratio = (float(text) if text else None for text in values[3:5])
    figure = Figure(values[0], values[1], values[2], ms, ratio, values[5], values[6])
    return Measured(figure, *values[7:])
