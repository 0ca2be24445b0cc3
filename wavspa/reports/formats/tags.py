"""The scores of a run that tags words, in the terminal and as files."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from wavspa.reports.number_format import count

SHARES = ("precision", "recall", "f1")
NOT_READ = "not read"


class TagScores(NamedTuple):
    """The result of a run that tags words.

    Attributes:
        names: The names of the C tags.
        confusion: [C, C + 1] words of each true tag by predicted tag; the last column counts those that the
            model has not read.
        by_type: Precision, recall, F1 and support of each entity type; None if the tags have no types.
        metrics: The metrics of the split, by name.
    """

    names: Sequence[str]
    confusion: np.ndarray
    by_type: Mapping[str, Mapping[str, float]] | None
    metrics: Mapping[str, float]

    def plain(self) -> dict[str, Any]:
        """Its content in JSON."""
        facts: dict[str, Any] = {
            "words": int(self.confusion.sum()),
            "words_not_read": int(self.confusion[:, -1].sum()),
        }
        return facts if self.by_type is None else {**facts, "entities": dict(self.by_type)}

    def confusion_text(self) -> str:
        """The words of each true tag by predicted tag, as CSV."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["true tag", *self.names, NOT_READ])
        for name, row in zip(self.names, self.confusion, strict=True):
            writer.writerow([name, *row.tolist()])
        return text.getvalue()


def print_tags(scores: TagScores, out: Console) -> None:
    """Print a row for each entity type and one for all, and the number of words that were not read.

    Args:
        scores: The scores.
        out: Where to print.
    """
    if scores.by_type is not None:
        table = Table(box=box.SIMPLE, pad_edge=False)
        table.add_column("entity")
        for title in ("precision", "recall", "F1", "entities"):
            table.add_column(title, justify="right", no_wrap=True)
        for kind, of_type in scores.by_type.items():
            table.add_row(escape(kind), *_cells(of_type), count(int(of_type["support"])))
        overall = {share: _metric(scores.metrics, f"entity_{share}") for share in SHARES}
        support = sum(int(of_type["support"]) for of_type in scores.by_type.values())
        table.add_row("all", *_cells(overall), count(support))
        out.print(table)
    facts = scores.plain()
    out.print(
        f"{count(facts['words'])} words, {count(facts['words_not_read'])} of them empty or beyond "
        "dataset.max_length (they count as missed)",
        highlight=False,
        soft_wrap=True,
    )


def _cells(values: Mapping[str, float]) -> list[str]:
    return [f"{values[share]:.4f}" for share in SHARES]


def _metric(metrics: Mapping[str, float], name: str) -> float:
    return next(value for key, value in metrics.items() if key.endswith(f"/{name}"))
