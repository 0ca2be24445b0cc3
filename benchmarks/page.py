"""The tables of docs/science/results.md, from benchmarks/results: `python -m benchmarks.page`."""

import re
from collections.abc import Sequence
from pathlib import Path

from benchmarks.figures import RESULTS, Measured, read, tables, write

PAGE = Path(__file__).parents[1] / "docs/science/results.md"
BEGIN = "<!-- Written by `python -m benchmarks.page` from benchmarks/results: run that. -->"
LINK = "../../benchmarks/results"
# Tables whose name starts with this are only on the device's own page.
DETAILS = "Operators"
END = "<!-- Until here. -->"


def with_figures(text: str, results: Path = RESULTS) -> str:
    """The page with the tables of every measured device.

    Args:
        text: The page.
        results: The folder of the CSV files.
    """
    lines = [BEGIN, ""]
    for path in sorted(results.glob("*.csv")):
        measured = read(path)
        last = max(reversed(measured), key=lambda row: row.date)
        lines += [
            f"### {last.device}",
            "",
            f"Last measured on {last.date} at commit `{last.commit}`; what changed since is not in these "
            f"figures. [All of them]({LINK}/{path.stem}.md).",
            "",
            *tables([m for m in measured if not m.figure.table.startswith(DETAILS)], "####"),
        ]
    return re.sub(
        f"{re.escape(BEGIN)}.*{re.escape(END)}",
        lambda _: "\n".join([*lines, END]),
        text,
        flags=re.S,
    )


def update() -> None:
    """Write the page."""
    PAGE.write_text(with_figures(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


def publish(measured: Sequence[Measured]) -> None:
    """Write the figures of a device and the page, and print them."""
    path = write(measured)
    update()
    print(path.with_suffix(".md").read_text(encoding="utf-8"))
    print(f"written: {path}")


if __name__ == "__main__":
    update()
