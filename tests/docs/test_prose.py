"""The prose is plain: no page, option or docstring of these uses a phrase that CONTRIBUTING.md replaces."""

import re
from pathlib import Path

import pytest

from support.prose import comments, markdown_prose, phrases_in, python_prose

ROOT = Path(__file__).parents[2]
GENERATED = ROOT / "docs/reference/all_options.md"
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "data/README.md")),
    *sorted((ROOT / "benchmarks").rglob("*.md")),
    *sorted(path for path in (ROOT / "docs").rglob("*.md") if path != GENERATED),
]
# Files and folders of Python whose docstrings, messages and comments are held to the list as well.
PYTHON = ["scripts/diagrams.py", "scripts/site"]
FILES = [
    path
    for name in PYTHON
    for path in ([ROOT / name] if name.endswith(".py") else sorted((ROOT / name).rglob("*.py")))
]
# Folders of options whose comments are.
YAML = ["conf/callbacks", "conf/hydra/sweeper", "conf/logger", "conf/optimizer"]
# The words of the glossary, as prose uses them.
TERMS = {
    "base": r"bases?",
    "mode": r"modes?",
    "band": r"bands?",
    "cell": r"cells?",
    "card": r"(?<!model )(?<!graphics )cards?",
    "preset": r"presets?",
    "upstream": r"upstream('s)?",
    "run-folder": r"run folders?",
}


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def running(text):
    """The running text of a page: no code, headings, tables, pictures or links."""
    text = re.sub(r"^(```+).*?^\1$|<!--.*?-->|<picture>.*?</picture>", "", text, flags=re.M | re.S)
    text = re.sub(r"`[^`\n]+`|^(#|\||!\[|:::).*$", "", text, flags=re.M)
    return re.sub(r"\[[^]]*\]\([^)]*\)", "", text)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_page_is_plain(page):
    assert phrases_in(markdown_prose(page.read_text())) == []


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_docstrings_messages_and_comments_are_plain(path):
    found = [(line, phrases_in(text)) for line, text in python_prose(path.read_text())]
    assert [hit for hit in found if hit[1]] == []


@pytest.mark.parametrize(
    "path", [path for name in YAML for path in sorted((ROOT / name).rglob("*.yaml"))], ids=name_of
)
def test_comments_of_options_are_plain(path):
    found = [(line, phrases_in(text)) for line, text in comments(path.read_text())]
    assert [hit for hit in found if hit[1]] == []


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "README.md"], ids=name_of)
def test_a_page_begins_with_what_its_reader_can_do_after_it(page):
    assert re.match(r"# .+\n\n(<!--.*?-->\n\n)?After this page you (can|know) ", page.read_text())


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if ROOT / "docs" in page.parents and page.stem != "glossary"],
    ids=name_of,
)
def test_a_page_links_the_words_of_the_glossary_that_it_uses(page):
    text = page.read_text()
    used = {term for term, word in TERMS.items() if re.search(rf"\b{word}\b", running(text), re.I)}
    assert used - set(re.findall(r"\]\([^)]*glossary\.md#([\w-]+)\)", text)) == set()


def test_phrases_are_found_and_code_is_not():
    text = "It goes\non as before.\n\n```\ngoes on\n```\n\n`goes on` is no [card](beside.md).\n"
    assert [(hit.line, hit.phrase) for hit in phrases_in(markdown_prose(text))] == [
        (1, "goes on"),
        (8, "is no"),
    ]
    code = 'x = f"it lies {here} beside {there}"  # goes on\n'
    assert [phrases_in(line)[0].phrase for _, line in python_prose(code)] == [
        "lies",
        "beside",
        "goes on",
    ]
