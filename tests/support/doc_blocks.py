"""The code blocks of a Markdown page, and the commands in them."""

import re
import shlex
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
FENCE = re.compile(
    r"(?:^<!-- not run: (?P<reason>.*?) -->\n+)?^```(?P<language>\w*)\n(?P<code>.*?)^```$",
    re.M | re.S,
)
# What stands in a page for further words.
MORE = "…"


class Block(NamedTuple):
    """A block: its language (none means a shell's), why it is not run if it is not, and what is in it."""

    line: int
    language: str
    reason: str | None
    code: str


class Command(NamedTuple):
    """One command of a shell, and what is piped into it."""

    words: list[str]
    piped: str


def blocks_of(page: Path) -> list[Block]:
    """The blocks of a page, in their order."""
    text = page.read_text()
    return [
        Block(
            text.count("\n", 0, found.start("language")) + 1,
            *found.group("language", "reason", "code"),
        )
        for found in FENCE.finditer(text)
    ]


def commands_of(code: str) -> list[Command]:
    """The commands of a shell's block; of a transcript those after ``$``, whose output is left out."""
    lines = code.replace("\\\n", " ").splitlines()
    if any(line.startswith("$ ") for line in lines):
        lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    return [command for line in lines for command in _commands(line)]


def _commands(line: str) -> list[Command]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;")
    lexer.whitespace_split = True
    commands: list[Command] = []
    words: list[str] = []
    piped = ""
    for token in [*lexer, ";"]:
        if set(token) <= set("|&;"):
            if words:
                commands.append(Command(words, piped))
            piped = "\n".join(words[1:]) + "\n" if token == "|" and words[:1] == ["echo"] else ""
            words = []
        elif token != MORE and (words or not re.fullmatch(r"[A-Z_]+=\S*", token)):
            words.append(token)
    return commands
