"""The order of rows and columns."""

import math
from collections.abc import Sequence

from wavspa.reports import published


def ordered(labels: Sequence[str]) -> list[str]:
    """Distinct labels: numbers by value, then those of the published table in its order, then the others."""
    return sorted(dict.fromkeys(labels), key=_place)


def ordered_rows(rows: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Distinct rows of equally many labels, ordered by the first label, then by the second, and so on."""
    places = [
        {label: place for place, label in enumerate(ordered(part))}
        for part in zip(*rows, strict=True)
    ]
    return sorted(
        dict.fromkeys(rows),
        key=lambda row: [place[label] for place, label in zip(places, row, strict=True)],
    )


def published_rank(label: str) -> tuple[int, str]:
    """The sort key of a data set, attention base or wavelet mode: published ones first, in their order."""
    names = published.order()
    word = label.partition(" ")[0]  # a data set's card may add words to its name
    return names.index(word) if word in names else len(names), label


def _place(label: str) -> tuple[float, tuple[int, str]]:
    try:
        return float(label), (-1, label)
    except ValueError:
        return math.inf, published_rank(label)
