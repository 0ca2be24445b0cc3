"""Figures of the documentation are those of benchmarks/results, and a wrong result is not measured."""

import csv
from pathlib import Path

import pytest
import torch

from benchmarks import page
from benchmarks.figures import (
    COLUMNS,
    Figure,
    Measured,
    compared,
    not_measured,
    read,
    tables,
    write,
)
from benchmarks.figures import page as page_of
from benchmarks.measure import refuse

RESULTS = sorted(Path(page.RESULTS).glob("*.csv"))
CODE = ("A device, 2 threads", "abc", "2026-01-02", "torch 1")


def test_the_page_of_results_shows_the_files():
    text = page.PAGE.read_text()
    assert page.BEGIN in text
    assert page.with_figures(text) == text, "run `python -m benchmarks.page`"


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_a_device_s_page_shows_its_file(path):
    assert path.with_suffix(".md").read_text() == page_of(read(path))
    assert tuple(next(csv.reader(path.open()))) == COLUMNS


def test_figures_are_written_and_read_again(tmp_path):
    figures = [
        *compared("layers", "[8, 4]", {"base": 0.25, "ours": 0.1}, "base"),
        not_measured("steps", "ListOps", "another", "it is not here"),
    ]
    measured = [Measured(figure, *CODE) for figure in figures]
    path = write(measured, tmp_path)
    assert path.name == "a_device_2_threads.csv"
    assert read(path) == measured
    text = path.with_suffix(".md").read_text()
    assert "## layers\n\nCommit `abc`, 2026-01-02: torch 1.\n" in text
    assert "| [8, 4] | base | 250 |  |  |\n| [8, 4] | ours | 100 | 0.40 | base |" in text
    assert "| ListOps | another | not measured: it is not here |  |  |" in text
    shown = page.with_figures(f"a\n{page.BEGIN}\nold\n{page.END}\nb", tmp_path)
    assert "Last measured on 2026-01-02 at commit `abc`" in shown
    assert "old" not in shown
    assert shown.startswith("a\n")
    assert shown.endswith("\nb")


def test_a_heading_serves_tables_of_several_commits():
    rows = [Measured(Figure("layers", "a", "b", 1.0), "d", commit, "", "") for commit in "xy"]
    lines = "\n".join(tables(rows, "##"))
    assert lines.count("## layers") == 1
    assert lines.count("Commit `") == 2


def test_red_parity_ends_with_an_exit_code():
    one = torch.ones(3)
    refuse("the same", [(one, one)], 0.0)
    for wrong in (one * 1.1, one * float("nan")):
        with pytest.raises(
            SystemExit, match=r"^nothing is measured, because results differ: ours is off"
        ) as caught:
            refuse("ours", [(wrong, one)], 1e-3)
        assert isinstance(caught.value.code, str)  # printed, and 1
