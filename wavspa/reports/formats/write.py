"""Writing a report in every form."""

import os
from collections.abc import Sequence
from pathlib import Path

from wavspa import atomic
from wavspa.reports.formats.csv import csv_text
from wavspa.reports.formats.html import page
from wavspa.reports.formats.latex import latex
from wavspa.reports.formats.markdown import markdown
from wavspa.reports.report import Report
from wavspa.run_folder import layout

FOLDER = "report"
FORMS = {"table.md": markdown, "table.tex": latex, "table.csv": csv_text, "report.html": page}


def write_report(report: Report, folder: Path) -> list[Path]:
    """Write a report in every form, each file completely or not at all.

    Args:
        report: The report.
        folder: The folder to write to; it is created if necessary.

    Returns:
        The written files.
    """
    texts = {folder / name: form(report) for name, form in FORMS.items()}
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in texts.items():
        atomic.write_text(path, text)
    return list(texts)


def default_report_dir(folders: Sequence[Path]) -> Path:
    """The default folder for a report on some folders: next to their runs."""
    above = Path(os.path.commonpath([folder.resolve() for folder in folders]))
    return (above.parent if (above / layout.CONFIG).exists() else above) / FOLDER
