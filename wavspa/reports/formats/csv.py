"""A report as comma-separated values."""

import csv
import io

from wavspa.reports.report import Report
from wavspa.reports.tables.columns import columns


def csv_text(report: Report) -> str:
    """One row per cell, with unformatted numbers and metrics in per cent: for pandas and spreadsheets."""
    shown = [column for column in columns(report.cells, report.comparison) if column.csv]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(column.csv for column in shown)
    writer.writerows([column.value(cell) for column in shown] for cell in report.cells)
    return text.getvalue()
