"""What a user types, typed: the commands of a page in a folder, and what they have to print below each.

Commands of wavspa run in this process, which is quicker: runs of a sweep too, one after another. ``NAME`` in
``runs/files/NAME`` is the run of that folder that was made last, as a user would copy it from the last line.
"""

import importlib
import os
import re
import runpy
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from support.doc_blocks import ROOT
from wavspa.errors import RunFailed
from wavspa.launching.run import worker

SCRIPTS: dict[str, str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]


class Typed(NamedTuple):
    """A line after ``$``, and the lines below it: each must be printed, with ``…`` for anything."""

    line: str
    expected: list[str]


def typed_lines(transcript: str) -> list[Typed]:
    """The commands of a transcript."""
    commands: list[Typed] = []
    for line in transcript.replace("\\\n", " ").splitlines():
        if line.startswith("$ "):
            commands.append(Typed(line[2:], []))
        elif line.strip():
            commands[-1].expected.append(line.strip())
    return commands


def unprinted(expected: list[str], printed: str) -> list[str]:
    """The expected lines that were not printed."""
    lines = [" ".join(line.split()) for line in printed.splitlines()]
    return [line for line in expected if not any(re.fullmatch(_pattern(line), o) for o in lines)]


def _pattern(line: str) -> str:
    return ".*".join(re.escape(" ".join(part.split())) for part in re.split("…", line))


class Session:
    """A terminal in the current folder."""

    def __init__(self, patch: pytest.MonkeyPatch, read: Callable[[], tuple[str, str]]) -> None:
        self.patch, self.read = patch, read
        # Room for the tables: a name is not cut.
        patch.setenv("COLUMNS", "300")
        patch.setattr("hydra_plugins.wavspa.local.ThreadPoolExecutor", _OneAfterAnother)
        for module in ("hydra_plugins.wavspa.local", "wavspa.launching.again"):
            patch.setattr(f"{module}.run_subprocess", _run_here)

    def type_in(self, line: str) -> tuple[int, str]:
        """Its exit code, and what it printed."""
        self.read()
        program, *words = shlex.split(re.sub(r"\bruns/[\w/-]+/NAME\b", _newest, line))
        code = self._start(program, words)
        return code, "\n".join(self.read())

    def _start(self, program: str, words: list[str]) -> int:
        self.patch.setattr(sys, "argv", [program, *words])
        self.patch.setattr(sys, "orig_argv", [sys.executable, program, *words])
        try:
            if program in SCRIPTS:
                module, _, function = SCRIPTS[program].partition(":")
                getattr(importlib.import_module(module), function)()
            elif program == "python" and (ROOT / words[0]).exists():
                self.patch.setattr(sys, "argv", words)
                runpy.run_path(str(ROOT / words[0]), run_name="__main__")
            elif program == "python":
                return self._run_program(words)
            elif program == "cat":
                print(Path(words[0]).read_text())
            elif program == "export":
                self._export(words[0])
            else:
                raise AssertionError(f"{program} is not typed here")
        except SystemExit as end:
            return int(end.code or 0)
        return 0

    def _run_program(self, words: list[str]) -> int:
        """A program of the user's, in a process of its own."""
        command = [sys.executable, *words]
        done = subprocess.run(command, capture_output=True, text=True)
        print(done.stdout, done.stderr)
        return done.returncode

    def _export(self, word: str) -> None:
        name, _, value = word.partition("=")
        value = value.replace("$PWD", str(Path.cwd()))
        self.patch.setenv(name, value)
        if name == "PYTHONPATH":
            self.patch.syspath_prepend(value)


class _OneAfterAnother:
    """Jobs in the main thread, which alone may listen to signals."""

    def __init__(self, _: int) -> None:
        self.map = map

    def __enter__(self) -> "_OneAfterAnother":
        return self

    def __exit__(self, *_: object) -> None:
        pass


def _run_here(folder: Path, *_: object) -> int:
    try:
        worker.run(folder)
    except RunFailed:
        return 1
    return 0


def _newest(name: re.Match[str]) -> str:
    runs = Path(name[0]).parent.glob("*/config.yaml")
    return str(max(runs, key=lambda path: os.stat(path).st_mtime_ns).parent)
