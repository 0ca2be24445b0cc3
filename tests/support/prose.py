"""The prose of the project's files, and the phrases that it does without."""

import ast
import inspect
import io
import re
import tokenize
from typing import NamedTuple

# A pattern, and what to write instead. CONTRIBUTING.md, "Prose", has the rules behind them.
PHRASES = {
    # The field's verbs.
    r"\b(go(es|ing)?|went|gone) on\b": "resume, continue",
    r"\b(say|says|said)\b": "print, report, describe",
    r"\b(tell|tells|told)\b": "print, report, distinguish",
    r"\bgives\b": "returns",
    r"\b(give|gives|given|gave) (back|up)\b": "return, prune, abandon",
    r"\banew\b": "again, from scratch",
    r"\b(lie|lies|lay|stand|stands|stood)\b(?!-)": "is, is stored",
    r"\b(begin|begins|began) with\b(?! a)": "start from",
    r"\bput(s)? back\b": "requeue",
    # Nouns instead of chains and clauses.
    r"\bof (its|their|your|his|one's|our|my) own\b": "its own X",
    r"\b(seconds|time) of a step\b": "time per step",
    r"\bso many\b": "the number of, N",
    r"\bof like (length|size)\b": "of similar length",
    r"\bhow far\b": "progress",
    # A negated noun, and words of another register.
    r"(?<!there\s)\b(is|are|was|were) no\b(?! longer| more)": "is not an X",
    r"\bwhole\b(?! number)": "complete, all",
    r"\bto the last bit\b": "bit-identical",
    r"\bbeside\b": "next to, alongside",
    r"\bbesides\b": "also",
    r"\bwhatever\b": "any, whichever",
    r"\bfor want of\b": "for lack of",
    r"\bin reach\b": "accessible, on your PATH",
    r"\bat hand\b": "available",
    r"\bthat (is|are|was|were) there\b": "existing",
    r"\b(is|are) there when\b": "appears once",
    r"\bnever seen\b": "we had no access to",
    r"\bonce more\b": "again",
    r"\bas one likes\b": "as you like",
    r"\bto begin with\b": "starting",
    r"\bwhat cannot be\b": "unusable, not supported",
    r"\bchange(s)? nothing\b": "does not affect",
    r"\bis another (run|folder)\b": "gets its own folder",
    r"\bthe original('s)?\b": "upstream",
}  # fmt: skip
# A phrase may run over the end of a line.
PATTERNS = {re.compile(key.replace(" ", r"\s+"), re.I): value for key, value in PHRASES.items()}
ANY = re.compile("|".join(pattern.pattern for pattern in PATTERNS), re.I)
CODE = re.compile(r"^(`{3,}).*?^\1`*$|<!--.*?-->|`[^`\n]+`|\]\([^)\s]*\)|^::: .*$", re.M | re.S)
# Roles, code and the names of arguments in a docstring.
ROLE = re.compile(r":\w+:`[^`]*`|``[^`]*``|`[^`\n]+`|^ {4}\w+:", re.M)


class Found(NamedTuple):
    """A phrase in a file, with its line and what to write instead."""

    line: int
    phrase: str
    instead: str


def phrases_in(text: str) -> list[Found]:
    """Every phrase of the list that a text contains.

    Args:
        text: Prose alone, as the functions below return it.
    """
    if not ANY.search(text):
        return []
    return sorted(
        Found(text.count("\n", 0, match.start()) + 1, " ".join(match[0].split()), instead)
        for pattern, instead in PATTERNS.items()
        for match in pattern.finditer(text)
    )


def markdown_prose(text: str) -> str:
    """A Markdown text without code, comments and addresses; lines keep their numbers."""
    return CODE.sub(lambda code: "\n" * code[0].count("\n"), text)


def python_prose(text: str) -> list[tuple[int, str]]:
    """The docstrings, messages and comments of a Python file, each with its first line and without code."""
    tree = ast.parse(text)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node)
    }
    found = [
        # A method's docstring is indented: what looks like code in it is not.
        (node.lineno, CODE.sub("", ROLE.sub("", inspect.cleandoc(node.value))))
        if id(node) in docstrings
        else (node.lineno, ROLE.sub("", node.value))
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value
    ]
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return found + [
        (token.start[0], ROLE.sub("", token.string.lstrip("#")))
        for token in tokens
        if token.type == tokenize.COMMENT
    ]


def comments(text: str) -> list[tuple[int, str]]:
    """The comments of a YAML file, each with its line and without code."""
    return [
        (number, CODE.sub("", line.partition("#")[2]))
        for number, line in enumerate(text.splitlines(), start=1)
        if re.match(r"(.*\s)?#\s", line) and "@package" not in line
    ]
