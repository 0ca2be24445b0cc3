"""A report as comma-separated values."""

import csv
import io
import statistics
from collections.abc import Sequence

from wavspa.reports.report import Report
from wavspa.reports.tables.cell import Summary
from wavspa.reports.tables.columns import short, shown_metrics


def csv_text(report: Report) -> str:
    """One row a cell, numbers as they are, metrics in per cent: for pandas and spreadsheets."""
    metrics = shown_metrics(report.cells)
    rows = [_row(cell, report, metrics) for cell in report.cells]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _row(cell: Summary, report: Report, metrics: Sequence[str]) -> dict[str, object]:
    entry = report.comparison.entries[cell.hash]
    row: dict[str, object] = {
        "data": cell.data,
        "dataset": cell.dataset,
        "attention": cell.attention,
        "wavelet": cell.wavelet,
        "options": cell.options,
        "finished": len(cell.finished),
        "unfinished": ", ".join(f"{number} {state}" for state, number in cell.others.items()),
    }
    for metric in metrics:
        values = cell.tested(metric)
        row[f"{short(metric)}_percent"] = statistics.fmean(values) if values else None
        row[f"{short(metric)}_percent_sd"] = statistics.stdev(values) if len(values) > 1 else None
    return row | {
        "compared": short(report.comparison.metrics[cell.data]),
        "best": entry.best,
        "published_percent": entry.published,
        "parameters": cell.parameters,
        "seconds_per_step": cell.seconds_per_step,
        "peak_memory_bytes": cell.peak_memory,
        "steps": cell.steps,
        "budget_steps": cell.budget,
        "protocol": cell.protocol,
        "devices": ", ".join(cell.devices),
        "cell": cell.hash,
    }
