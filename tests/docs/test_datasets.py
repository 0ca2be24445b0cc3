"""docs/guide/datasets.md says of every data set what it is and how it was checked."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs/guide"
PAGE = (FOLDER / "datasets.md").read_text()


def test_every_data_set_has_a_row_in_both_tables():
    folder = ROOT / "conf" / "dataset"
    names = sorted(
        path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.yaml")
    )
    rows = re.findall(r"^\| `([\w/]+)` \|", PAGE, flags=re.MULTILINE)
    assert sorted(rows) == sorted(2 * names)
    assert rows == 2 * rows[: len(names)]


def test_pictures_are_there():
    for path in re.findall(r"\]\((?!http)([^)#]+)\)", PAGE):
        assert (FOLDER / path).exists(), path
