"""The common style of all figures, and writing them."""

import io
import re
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from wavspa import atomic
from wavspa.errors import UserError

# Okabe and Ito's colours, which the colour-blind can distinguish, without yellow; then further line styles.
COLOURS = ("#000000", "#E69F00", "#0072B2", "#009E73", "#D55E00", "#CC79A7", "#56B4E9")
STYLES = ("-", "--", ":", "-.")
# The colour map of pictures, ordered from low to high even in grey and for the colour-blind.
SHADES = "cividis"
INK = "#333333"
DPI = 150

STYLE: Any = {
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "legend.frameon": False,
    "image.interpolation": "nearest",
    "svg.hashsalt": "wavspa",
}

# Every drawing function is decorated with it, since text takes its size when it is created.
styled = matplotlib.rc_context(STYLE)


def line_look(number: int) -> tuple[str, str]:
    """Colour and style of a figure's line: all colours in one style, then in the next."""
    return COLOURS[number % len(COLOURS)], STYLES[number // len(COLOURS) % len(STYLES)]


def check_format(suffix: str) -> None:
    """Refuse a format in which figures cannot be written.

    Args:
        suffix: Suffix of the file, without its dot.

    Raises:
        UserError: It is unknown.
    """
    formats = Figure().canvas.get_supported_filetypes()
    if suffix not in formats:
        raise UserError(
            f"figures cannot be written as {suffix!r}; choose one of {', '.join(formats)}"
        )


@styled
def save(figure: Figure, path: Path) -> None:
    """Write a figure, atomically.

    Args:
        figure: The figure.
        path: Where to write; the suffix chooses the format. Its folder is created if necessary.

    Raises:
        UserError: The format is unknown.
    """
    check_format(path.suffix[1:])
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic.atomic_write(path) as file:
        figure.savefig(file, format=path.suffix[1:], dpi=DPI)


@styled
def as_png(figure: Figure) -> bytes:
    """A figure as the content of a PNG file."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=DPI)
    return file.getvalue()


# Removed because it would apply to the complete page, whose own style does the same for these figures.
_STYLE = re.compile(r"<style.*?</style>", re.DOTALL)
_UNDATED = dict.fromkeys(("Creator", "Date", "Format", "Type"))


def inline_svg(figure: Figure) -> str:
    """The figure as an ``svg`` element without a size, which fills the width of its place on the page."""
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata=_UNDATED, transparent=True)
    text = file.getvalue()
    svg = _STYLE.sub("", text[text.index("<svg") :])
    return re.sub(r' (width|height)="[^"]*pt"', "", svg, count=2)
