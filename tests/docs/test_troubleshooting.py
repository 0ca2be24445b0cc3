import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("page", ["troubleshooting", "failure_modes"])
def test_every_test_that_is_named_exists(page):
    text = (ROOT / f"docs/reference/{page}.md").read_text()
    named = re.findall(r"`(tests/[\w/.]+\.py)(?:::(\w+))?`", text)
    assert len(named) > 20
    for path, name in named:
        text = (ROOT / path).read_text()
        assert not name or f"def {name}(" in text, f"{path}::{name}"


def test_there_are_twenty_and_each_names_its_test():
    answers = (ROOT / "docs/reference/troubleshooting.md").read_text().split("\n### ")[1:]
    assert len(answers) == 20
    assert [answer.splitlines()[0] for answer in answers if "`tests/" not in answer] == []
