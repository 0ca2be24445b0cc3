"""The right and wrong answers of a classifier: confusion matrices, and accuracy against length."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from wavspa.errors import UserError
from wavspa.reports.figures.style import COLOURS, INK, SHADES, styled

MOST_NUMBERS = 20
MOST_BINS = 10
# Standard deviations of the normal distribution that hold 95 %.
DEVIATIONS = 1.96


@styled
def draw_confusion(
    counts: np.ndarray, names: Sequence[str], what: str = "examples", title: str = ""
) -> Figure:
    """Draw which classes are mistaken for which: in each row the shares of one true class.

    Args:
        counts: Examples [C, C] of each true class (rows) by predicted class (columns).
        names: Names of the classes.
        what: The counted things, in the plural.
        title: Text before the accuracy.
    """
    classes = len(counts)
    shares = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = min(9.0, max(3.6, 0.48 * classes + 1.6))
    figure = Figure(figsize=(side + 1.0, side), layout="constrained")
    axis = figure.subplots()
    image = axis.imshow(shares, cmap=SHADES, vmin=0, vmax=100)
    figure.colorbar(image, ax=axis, label="share of the true class / %", shrink=0.8)
    if classes <= MOST_NUMBERS:
        for (row, column), count in np.ndenumerate(counts):
            ink = "white" if shares[row, column] < 50 else "black"
            axis.text(column, row, f"{count:,}", ha="center", va="center", color=ink, fontsize=8)
        axis.set_xticks(range(classes), names, rotation=90 if max(map(len, names)) > 2 else 0)
        axis.set_yticks(range(classes), names)
    accuracy = 100 * np.trace(counts) / max(counts.sum(), 1)
    axis.set_title(f"{title}{accuracy:.2f} % of {counts.sum():,} {what} are right")
    axis.set_xlabel("predicted class")
    axis.set_ylabel("true class")
    axis.grid(False)
    return figure


@styled
def draw_lengths(lengths: np.ndarray, right: np.ndarray, guessing: float) -> Figure:
    """Draw the accuracy on examples of similar length, with its 95 % interval (Wilson).

    All bins hold about the same number of examples; a horizontal bar spans the lengths in a bin.

    Args:
        lengths: Tokens [n] of each example.
        right: Whether each was classified correctly, [n] bool.
        guessing: The accuracy of always answering the most frequent class.

    Raises:
        UserError: All examples are equally long.
    """
    if lengths.min() == lengths.max():
        raise UserError(f"all examples are {lengths[0]:,} tokens long")
    edges = np.unique(np.quantile(lengths, np.linspace(0, 1, MOST_BINS + 1)[1:-1], method="higher"))
    bins = np.searchsorted(edges, lengths, side="right")
    figure = Figure(figsize=(6.0, 3.6), layout="constrained")
    axis = figure.subplots()
    for number in np.unique(bins):
        inside = bins == number
        low, high = lengths[inside].min(), lengths[inside].max()
        share, (least, most) = 100 * right[inside].mean(), wilson(right[inside])
        middle = float(np.median(lengths[inside]))
        axis.errorbar(
            [middle],
            [share],
            xerr=[[middle - low], [high - middle]],
            yerr=[[share - 100 * least], [100 * most - share]],
            color=COLOURS[2],
            fmt="o",
            markersize=4,
            capsize=2,
        )
    axis.axhline(100 * guessing, color=INK, linestyle="--", label="always the most frequent class")
    axis.set_xlabel("length / tokens")
    axis.set_ylabel("accuracy / %")
    axis.set_title(f"{len(lengths):,} examples, 95 % intervals")
    axis.legend(fontsize=8)
    return figure


def wilson(right: np.ndarray) -> tuple[float, float]:
    """The 95 % interval of a share, from individual outcomes [n] bool (n >= 1)."""
    n, share = len(right), float(right.mean())
    spread = DEVIATIONS**2 / n
    centre = (share + spread / 2) / (1 + spread)
    half = (share * (1 - share) * spread + spread**2 / 4) ** 0.5 / (1 + spread)
    return centre - half, centre + half
