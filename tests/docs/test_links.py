"""Links between files lead to a file and a heading that exist, as they are read where the code is hosted."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [
    *ROOT.glob("*.md"),
    *ROOT.glob("*/README.md"),
    *(ROOT / "docs").rglob("*.md"),
    *(ROOT / "benchmarks/results").rglob("*.md"),
    *(ROOT / "tests/users").glob("*.md"),
]
LINK = re.compile(r"\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]+))?\)|(?:src|srcset)=\"([^\"]+)\"")


def anchors_of(page):
    """The anchors of a page's headings, as GitHub and MkDocs make them."""
    text = re.sub(r"^(```+).*?^\1$", "", page.read_text(), flags=re.M | re.S)
    headings = re.findall(r"^#+ (.+)$", text, re.M)
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    text = re.sub(r"^(```+).*?^\1$", "", page.read_text(), flags=re.M | re.S)
    for path, anchor, picture in LINK.findall(text):
        target = page.parent / (path or picture) if path or picture else page
        assert target.exists(), path or picture
        if anchor:
            assert anchor in anchors_of(target), f"{path}#{anchor}"


def test_every_page_is_at_most_three_clicks_from_the_readme():
    reached, edge = set(), {ROOT / "README.md"}
    for _ in range(4):
        reached |= edge
        links = (
            (page, path) for page in edge for path, _, _ in LINK.findall(page.read_text()) if path
        )
        edge = {
            (page.parent / path).resolve() for page, path in links if path.endswith(".md")
        } - reached
    assert {page.resolve() for page in (ROOT / "docs").rglob("*.md")} <= reached
