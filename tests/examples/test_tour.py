"""The tour: the notebook runs, and the page in the docs is made of it."""

import re

import matplotlib
import pytest

from tour import PAGE, cells, code, run


def test_the_page_is_the_notebook_s():
    text = PAGE.read_text(encoding="utf-8")
    places = [text.find(source if kind == "markdown" else code(source)) for kind, source in cells()]
    assert -1 not in places, "type: python scripts/site/tour.py"
    assert places == sorted(places)


@pytest.mark.slow
def test_the_notebook_runs(tmp_path):
    with matplotlib.rc_context():
        page = "\n".join(run(tmp_path))
    assert len(list(tmp_path.glob("tour_*.png"))) == 2
    learned = float(re.findall(r"accuracy (0\.\d+|1\.0+)", page)[-1])
    assert learned > 0.7  # of ten classes
