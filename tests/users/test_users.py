"""Each page next to this file is a user, who types what the documentation says and looks at what comes."""

import os
import re
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.doc_blocks import ROOT, blocks_of
from support.registered_parts import forgotten_parts
from support.sessions import SCRIPTS, Session, typed_lines, unprinted

USERS = sorted(path.stem for path in Path(__file__).parent.glob("*.md") if path.stem != "README")
# Those that take more than two seconds.
SLOW = {
    *("decider", "deployer", "machines", "methods", "own_loop", "reproducer", "series", "texts"),
    "tracker",
}
# Pages that everybody reads.
COMMON = [ROOT / "docs/start/quickstart.md", ROOT / "docs/guide/options.md"]
PAGE = re.compile(r"\]\((\.\./\.\./[^)#]+\.md)")
# Of `key=value`, `+key=value` and `group/part=choice`; not what stands in quotes behind it.
KEY = re.compile(r"^[+~]*([\w./@]+)=")


def page_of(user):
    return Path(__file__).parent / f"{user}.md"


def commands_of(user):
    transcripts = [block.code for block in blocks_of(page_of(user)) if not block.language]
    return [typed for code in transcripts for typed in typed_lines(code)]


@contextmanager
def forgotten_modules(place):
    """Modules that a user wrote are not those of the next test that imports their names."""
    before = set(sys.modules)
    yield
    written = {path.stem for path in place.iterdir()}
    for name in set(sys.modules) - before:
        if name.partition(".")[0] in written:
            del sys.modules[name]


@pytest.mark.parametrize(
    "user",
    [pytest.param(user, marks=pytest.mark.slow if user in SLOW else ()) for user in USERS],
)
def test_a_user_comes_to_the_end(user, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    session = Session(monkeypatch, capsys.readouterr)
    names = {}
    with forgotten_parts(), forgotten_modules(tmp_path):
        for block in blocks_of(page_of(user)):
            where = f"{user}.md, line {block.line}"
            if block.language == "python":
                exec(compile(block.code, where, "exec"), names)
                continue
            assert block.language == "", f"{where}: {block.language}"
            for typed in typed_lines(block.code):
                code, printed = session.type_in(typed.line)
                missing = unprinted(typed.expected, printed)
                assert not missing, f"{where}: $ {typed.line}\n{printed}\nis without {missing}"
                fails = any(line.startswith("error: ") for line in typed.expected)
                assert (code != 0) == fails, f"{where}: $ {typed.line}\n{printed}"


def is_named(key, text):
    """Whether pages have a key, or its last part in a table of ``hydra.launcher.<option>``."""
    _, _, option = key.rpartition(".")
    in_a_table = f"{key.removesuffix(option)}<option>" in text and f"`{option}`" in text
    return in_a_table or re.search(rf"(?<![\w.]){re.escape(key)}\b", text)


@pytest.mark.parametrize("user", USERS)
def test_the_pages_that_a_user_reads_have_what_is_typed(user):
    read = [page_of(user).parent / path for path in PAGE.findall(page_of(user).read_text())]
    assert read, f"{user}.md links no page"
    text = "\n".join(page.read_text() for page in [*read, *COMMON])
    for line, _ in commands_of(user):
        program, *words = line.split()
        if program in SCRIPTS:
            assert program in text, f"{user}: {program}"
            keys = [found[1] for word in words if (found := KEY.match(word.strip("'\"")))]
            unknown = [key for key in keys if not is_named(key, text)]
            assert not unknown, f"{user}: {os.fspath(page_of(user))}: no page names {unknown}"


def test_lines_of_a_transcript():
    (typed,) = typed_lines("$ one \\\n  two\na … c\nd\n")
    assert typed.line.split() == ["one", "two"]
    assert unprinted(typed.expected, "a  b c\nother\n d\n") == []
    assert unprinted(typed.expected, "a b\nde\n") == ["a … c", "d"]
