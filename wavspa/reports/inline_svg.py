"""Figures as SVG to stand inside a page."""

import io
import re

from matplotlib.figure import Figure

# It would hold for all of the page; the page's own style says it of these figures.
_STYLE = re.compile(r"<style.*?</style>", re.DOTALL)
_UNDATED = {name: None for name in ("Creator", "Date", "Format", "Type")}


def inline_svg(figure: Figure) -> str:
    """The figure as an ``svg`` element that takes the width it is given."""
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata=_UNDATED, transparent=True)
    text = file.getvalue()
    svg = _STYLE.sub("", text[text.index("<svg") :])
    return re.sub(r' (width|height)="[^"]*pt"', "", svg, count=2)
