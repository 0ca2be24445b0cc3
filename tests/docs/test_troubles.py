import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("page", ["troubles", "faults"])
def test_every_test_that_is_named_exists(page):
    text = (ROOT / f"docs/{page}.md").read_text()
    named = re.findall(r"`(tests/[\w/.]+\.py)(?:::(\w+))?`", text)
    assert len(named) > 20
    for path, name in named:
        text = (ROOT / path).read_text()
        assert not name or f"def {name}(" in text, f"{path}::{name}"


def test_there_are_twenty():
    rows = re.findall(r"^\| (\d+) \|", (ROOT / "docs/troubles.md").read_text(), flags=re.MULTILINE)
    assert rows == [str(number) for number in range(1, 21)]
