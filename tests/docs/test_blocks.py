"""What the pages tell users to type is typed: each page is a session in a folder of its own.

Python runs. Commands that look at a run look at a small one; ``wavspa-train`` composes and checks every
job and starts none; of other programs the targets, scripts and extras have to exist. A block that is not run
says why in a comment before it.
"""

import importlib
import io
import re
import shutil
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from PIL import Image

from support.doc_blocks import ROOT, blocks_of, commands_of
from support.registered_parts import forgotten_parts
from support.tiny_files import write_rows
from support.tiny_runs import tiny_run, with_sizes_of_any_data
from wavspa.launching.run.validate import validate
from wavspa.launching.run.worker import run
from wavspa.launching.search import loop
from wavspa.launching.sweeps.launcher import SweepLauncher

PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("*/README.md")]
    if blocks_of(path)
)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
# Programs of others, about which nothing here can be checked.
FOREIGN = {"cat", "cd", "echo", "grep", "sbatch", "scancel", "source", "squeue", "wandb"}
ROWS = [
    {"id": n, "body": f"text {n} of {word}", "y": word}
    for n, word in enumerate(["ham", "spam"] * 100)
]


@pytest.fixture(scope="module")
def small_run(tmp_path_factory):
    """A run that has finished, on texts of two classes."""
    place = tmp_path_factory.mktemp("run")
    write_rows(place / "train.csv", ROWS)
    words = ["dataset=files", f"dataset.train={place / 'train.csv'}"]
    return finished(place, *words, "dataset.text=body", "dataset.label=y")


@pytest.fixture(scope="module")
def picture_run(tmp_path_factory):
    """The same on pictures of 8 x 8 pixels."""
    return finished(tmp_path_factory.mktemp("pictures"), "dataset=digits")


def finished(place, *words):
    folder = tiny_run(place, *words)
    run(folder)
    return folder


@pytest.fixture
def session(tmp_path, small_run, monkeypatch):
    """A folder with the files that pages name, where no job starts."""
    monkeypatch.chdir(tmp_path)
    write_rows(tmp_path / "train.csv", ROWS)
    write_rows(tmp_path / "new.csv", [{**row, "number": row["id"]} for row in ROWS])
    write_rows(tmp_path / "d2a_lbv1_trace_test.csv", ROWS)
    write_rows(tmp_path / "new.parquet", ROWS)
    # A second run on the same rows.
    shutil.copytree(small_run, tmp_path / "runs/files/OTHER")
    (tmp_path / "photos").mkdir()
    Image.new("L", (8, 8)).save(tmp_path / "photos/dark.png")
    for name in ("pairs.jsonl", "test.jsonl"):
        pairs = [{"first": row["body"], "second": "b", "label": row["y"]} for row in ROWS]
        write_rows(tmp_path / name, pairs)
    monkeypatch.setattr(
        "wavspa.launching.run.prepare.prepare",
        lambda config, _: validate(with_sizes_of_any_data(config)),
    )
    monkeypatch.setattr("wavspa.launching.run.worker.run", lambda _: None)
    monkeypatch.setattr("wavspa.commands.compose.exec_run", lambda _: None)
    monkeypatch.setattr("wavspa.launching.run.prepare.resolve_from_data", with_sizes_of_any_data)
    monkeypatch.setattr("wavspa.commands.compose._trial", lambda *_: [])
    monkeypatch.setattr(SweepLauncher, "launch", check_jobs)
    monkeypatch.setattr(loop, "search", lambda space, launcher, _: loop._check(space, launcher))
    with forgotten_parts():
        yield


def check_jobs(launcher, jobs, initial_job_idx):
    """Composes and checks jobs until every word of the sweep has been in one."""
    seen = set()
    for words in jobs:
        if not seen.issuperset(words):
            seen.update(words)
            launcher.compose(words)


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_a_page_can_be_typed(page, session, small_run, picture_run, monkeypatch):
    names = {}
    for block in blocks_of(ROOT / page):
        where = f"{page}, line {block.line}"
        if block.language in ("text", "bibtex"):
            continue
        if block.reason is not None:
            assert len(block.reason) > 10, f"{where}: why is it not run?"
            continue
        code = block.code.replace("runs/image/NAME", str(picture_run))
        code = re.sub(r"\bruns/[\w-]+/NAME\b|\bFOLDER\b", str(small_run), code)
        if block.language == "python":
            exec(compile(code, where, "exec"), names)
        elif block.language == "yaml":
            yaml.safe_load(code)
        else:
            assert block.language in ("", "bash"), f"{where}: {block.language}"
            for command in commands_of(
                re.sub(r"(?<=\s)runs/\w+(?=\s)", str(small_run.parent), code)
            ):
                type_in(command, where, monkeypatch)


def type_in(command, where, monkeypatch):
    program, *words = command.words
    program = Path(program).name
    if program in PROJECT["scripts"]:
        call(PROJECT["scripts"][program], program, command, words, monkeypatch)
    elif program == "torchrun":
        place = words.index("-m")
        assert words[place + 1] == "wavspa.commands.train", where
        call("wavspa.commands.train:main", program, command, words[place + 2 :], monkeypatch)
    elif program in ("python", "python3"):
        check_python(words, where)
    elif program == "make":
        assert re.search(rf"^{words[0]}:", (ROOT / "Makefile").read_text(), re.M), where
    elif program == "pip":
        extras = ",".join(re.findall(r"wavspa\[(.*?)\]", " ".join(words)))
        assert {*filter(None, extras.split(","))} <= {*PROJECT["optional-dependencies"]}, where
    else:
        assert program in FOREIGN, f"{where}: {program}"


def check_python(words, where):
    """Of ``python -m NAME`` and ``python PATH``: there is such a program."""
    if words[0] == "-m" and words[1] != "venv":
        assert (ROOT / f"{words[1].replace('.', '/')}.py").exists(), f"{where}: {words[1]}"
    elif words[0] != "-m":
        assert (ROOT / words[0]).exists(), f"{where}: {words[0]}"


def call(script, program, command, words, monkeypatch):
    module, _, function = script.partition(":")
    monkeypatch.setattr(sys, "argv", [program, *words])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(command.piped.encode())))
    code = None
    try:
        getattr(importlib.import_module(module), function)()
    except SystemExit as end:
        code = end.code
    assert not code, f"{' '.join(command.words)}: {code}"


def test_commands_are_found():
    found = commands_of('A=1 make x  # why\necho "a b" | go on && stop "c|d" …\n')
    assert [(c.words, c.piped) for c in found] == [
        (["make", "x"], ""),
        (["echo", "a b"], ""),
        (["go", "on"], "a b\n"),
        (["stop", "c|d"], ""),
    ]
    assert [c.words for c in commands_of("$ one two \\\n    three\noutput\n$ four\n")] == [
        ["one", "two", "three"],
        ["four"],
    ]
