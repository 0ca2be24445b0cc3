"""The prose is plain: no page, option or docstring of these uses a phrase that CONTRIBUTING.md replaces."""

import ast
import re
from pathlib import Path

import pytest
import yaml

from support.prose import comments, markdown_prose, phrases_in, python_prose

ROOT = Path(__file__).parents[2]
GENERATED = ROOT / "docs/reference/all_options.md"
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "data/README.md")),
    *sorted((ROOT / "benchmarks").rglob("*.md")),
    *sorted(path for path in (ROOT / "docs").rglob("*.md") if path != GENERATED),
]
USERS = sorted((ROOT / "tests/users").glob("*.md"))
PYTHON = [
    *sorted(path for path in (ROOT / "wavspa").iterdir() if path.suffix == ".py" or path.is_dir()),
    *(ROOT / name for name in ("benchmarks", "scripts")),
]
# What run folders and golden files hold, by the file that writes it: it stays as it is.
FROZEN = {
    "wavspa/launching/run/worker.py": ["given up by a search before its next start"],
    "wavspa/launching/search/pruning.py": ["given up by a search, trial "],
    "wavspa/reports/tables/significance.py": ["the seeds tells the best from"],
    "wavspa/training/checkpoints/last.py": ["given up by a search at step "],
}
# A function is described in the imperative: "Read", not "Reads".
THIRD_PERSON = re.compile(
    r"(Adds|Asks|Begins|Builds|Checks|Counts|Divides|Downloads|Draws|Fills|Gives|Grows|Leaves|Learns|Lets|Loads"
    r"|Makes|Opens|Prepares|Prints|Puts|Reads|Refuses|Removes|Returns|Runs|Sets|Takes|Tells|Trains|Unpacks"
    r"|Writes)\b"
)
CODE_WORDS = {"bool"}
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


def files_of(place):
    return [place] if place.is_file() else sorted(place.rglob("*.py"))


def running(text):
    """The running text of a page: no code, headings, tables, pictures or links."""
    text = re.sub(r"^(```+).*?^\1$|<!--.*?-->|<picture>.*?</picture>", "", text, flags=re.M | re.S)
    text = re.sub(r"`[^`\n]+`|^(#|\||!\[|:::).*$", "", text, flags=re.M)
    return re.sub(r"\[[^]]*\]\([^)]*\)", "", text)


@pytest.mark.parametrize("page", [*PAGES, *USERS, GENERATED], ids=name_of)
def test_a_page_is_plain(page):
    assert phrases_in(markdown_prose(page.read_text())) == []


@pytest.mark.parametrize("place", PYTHON, ids=name_of)
def test_docstrings_messages_and_comments_are_plain(place):
    found = []
    for path in files_of(place):
        text = path.read_text()
        for words in FROZEN.get(name_of(path), []):
            assert words in text
            text = text.replace(words, "")
        found += [
            (name_of(path), line, hit)
            for line, prose in python_prose(text)
            for hit in phrases_in(prose)
        ]
    assert found == []


@pytest.mark.parametrize("place", PYTHON, ids=name_of)
def test_a_module_is_described_by_a_noun_phrase(place):
    begins = {
        name_of(path): ast.get_docstring(ast.parse(path.read_text())) for path in files_of(place)
    }
    clause = re.compile(r"(What|Where|How|Which|Whether|When|Who|Why)\b")
    assert [name for name, begin in begins.items() if begin and clause.match(begin)] == []


# A first word that is code, such as a dtype or a name with an underscore, keeps its case.
LOWER = re.compile(r"^ {4}\*{0,2}\w+(?:, \*{0,2}\w+)*: ([a-z][a-z'-]*)[ ,;.]", re.M)


@pytest.mark.parametrize("place", PYTHON, ids=name_of)
def test_functions_are_described_in_the_imperative_and_arguments_begin_with_a_capital(place):
    found = []
    for path in files_of(place):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.FunctionDef | ast.ClassDef):
                continue
            docstring = ast.get_docstring(node) or ""
            if isinstance(node, ast.FunctionDef) and THIRD_PERSON.match(docstring):
                found.append((name_of(path), node.lineno, docstring.splitlines()[0]))
            results = re.compile(r"Returns:\n(?: +.*\n?)+")
            _, _, sections = results.sub("", docstring).partition("Args:\n")
            found += [
                (name_of(path), node.lineno, word)
                for word in LOWER.findall(sections)
                if len(word) > 1 and word not in CODE_WORDS
            ]
    assert found == []


def test_the_help_of_training_is_plain():
    options = yaml.safe_load((ROOT / "conf/train.yaml").read_text())
    assert phrases_in(options["hydra"]["help"]["template"]) == []


def test_comments_of_options_are_plain():
    found = [
        (name_of(path), line, hit)
        for path in sorted((ROOT / "conf").rglob("*.yaml"))
        for line, text in comments(path.read_text())
        for hit in phrases_in(text)
    ]
    assert found == []


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
