"""The card of a data set, printed."""

import json
from collections.abc import Mapping
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

SHOWN = ("min", "median", "mean", "p95", "max")
MOST_CLASSES = 10


def print_card(card: Mapping[str, Any], out: Console) -> None:
    """Print the splits of a card, and below them all other facts.

    Args:
        card: The content of a ``card.json``.
        out: Where to print.
    """
    table = Table(box=box.SIMPLE, title="lengths in tokens", title_justify="left", pad_edge=False)
    table.add_column("split")
    for name in ("examples", *SHOWN):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("examples of each class")
    for split, summary in card["splits"].items():
        lengths = (f"{summary['length'][name]:,.0f}" for name in SHOWN)
        table.add_row(
            split, f"{summary['examples']:,}", *lengths, escape(_classes(summary["labels"]))
        )
    out.print(table)
    for name, fact in card.items():
        if name not in ("splits", "choices"):
            text = fact if isinstance(fact, str) else json.dumps(fact, ensure_ascii=False)
            out.print(f"{name}: {text}", highlight=False, markup=False, soft_wrap=True)


def _classes(labels: Mapping[str, int]) -> str:
    if len(labels) > MOST_CLASSES:
        least, most = min(labels.values()), max(labels.values())
        return f"{len(labels)} classes of {least:,} to {most:,}"
    return "  ".join(f"{label}: {count:,}" for label, count in labels.items())
