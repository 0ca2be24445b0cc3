"""Run examples/tour.ipynb and write it, with its output and pictures, as docs/start/tour.md.

python scripts/site/tour.py
"""

import contextlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "examples/tour.ipynb"
PAGE = ROOT / "docs/start/tour.md"
PICTURES = ROOT / "docs/pictures"
NOT_RUN = "<!-- not run: tests/examples/test_tour.py runs the notebook -->"


def cells() -> list[tuple[str, str]]:
    """The kind, ``markdown`` or ``code``, and the source of each cell."""
    notebook: dict[str, Any] = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    return [(cell["cell_type"], "".join(cell["source"])) for cell in notebook["cells"]]


def run(pictures: Path) -> Iterator[str]:
    """Each cell as Markdown; code cells are run first and followed by their output.

    Args:
        pictures: The existing folder for the figures that the code draws.
    """
    mpl.use("Agg")
    names: dict[str, Any] = {}
    number = 0
    for kind, source in cells():
        if kind == "markdown":
            yield source
            continue
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(source, NOTEBOOK.name, "exec"), names)
        yield code(source)
        if printed.getvalue():
            yield f"```text\n{printed.getvalue().rstrip()}\n```"
        for figure in map(plt.figure, plt.get_fignums()):
            number += 1
            figure.savefig(pictures / f"tour_{number}.png", dpi=100)
            yield f"![What the cell draws](../pictures/tour_{number}.png)"
        plt.close("all")


def code(source: str) -> str:
    """A code cell as it appears on the page."""
    return f"{NOT_RUN}\n```python\n{source}\n```"


if __name__ == "__main__":
    PAGE.write_text("\n\n".join(run(PICTURES)) + "\n", encoding="utf-8")
