"""The diagrams are those that scripts/diagrams.py draws, and pages show each in light and in dark."""

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "docs/pictures"
SCRIPT = runpy.run_path(str(ROOT / "scripts/diagrams.py"))
FILES = [(name, suffix) for name in SCRIPT["DIAGRAMS"] for suffix in SCRIPT["PALETTES"]]


@pytest.mark.parametrize(("name", "suffix"), FILES)
def test_a_committed_diagram_is_current(name, suffix):
    drawn = SCRIPT["DIAGRAMS"][name](SCRIPT["PALETTES"][suffix]).svg()
    assert (PICTURES / f"{name}{suffix}.svg").read_text() == drawn, "python scripts/diagrams.py"


def test_every_diagram_is_on_a_page_in_light_and_dark():
    shown = []
    for page in (ROOT / "docs").rglob("*.md"):
        for dark, light in re.findall(
            r'srcset="([^"]+)">\s*<img alt="[^"]+" src="([^"]+)"', page.read_text()
        ):
            for path in (dark, light):
                assert (page.parent / path).exists(), f"{page}: {path}"
                shown.append(Path(path).stem)
    assert {f"{name}{suffix}" for name, suffix in FILES} <= set(shown)
