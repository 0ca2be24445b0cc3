"""docs/guide/figures.md tells every figure, and the commands that it prints are right."""

import re
from pathlib import Path

import pytest

from support.tiny_runs import compose_run
from wavspa.launching.run.validate import validate
from wavspa.reports.figures.registry import FIGURES

DOCS = Path(__file__).parents[2] / "docs/guide"
PAGE = (DOCS / "figures.md").read_text()


def test_every_figure_has_its_row_its_section_and_its_picture():
    assert re.findall(r"^\| \[`(\w+)`\]", PAGE, flags=re.MULTILINE) == list(FIGURES)
    for name in FIGURES:
        section = PAGE.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
        pictures = re.findall(r"^!\[.+\]\((.+)\)$", section, flags=re.MULTILINE)
        assert pictures, name
        assert all((DOCS / path).exists() for path in pictures), name


@pytest.mark.parametrize("line", re.findall(r"^wavspa-train (.+)$", PAGE, flags=re.MULTILINE))
def test_the_runs_compose(line):
    words = [word.partition(",")[0] for word in line.removeprefix("-m ").split()]
    validate(compose_run(*words))
