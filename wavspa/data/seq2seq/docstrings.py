"""The functions of Python's own standard library and the first paragraphs of their docstrings."""

import ast
import hashlib
import re
import sys
import sysconfig
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from wavspa.checks import share, whole_number
from wavspa.data.preparation import store
from wavspa.data.seq2seq.datamodule import SourceTargets
from wavspa.data.text_datamodule import TextRow, TextSplit
from wavspa.errors import UserError

# Parts of the library's folder that are not the library: tests, what users install, and generated tables.
LEFT_OUT = {"test", "tests", "idle_test", "site-packages", "dist-packages", "pydoc_data"}
FEWEST_WORDS, MOST_WORDS = 3, 256
FEWEST_LINES = 3
_WORDS_AND_SIGNS = re.compile(r"\w+|[^\w\s]")
_SPLITS = ("train", "val", "test")


class Docstrings(SourceTargets):
    """Python functions with the first paragraph of their docstrings: real data without a download.

    These are functions of the standard library of the Python that runs: another version is other data, and
    none is a published benchmark. They are cleaned by CodeSearchNet's rules: docstrings of 3 to 256 words and
    signs; functions of 3 lines or more without them; no tests, no special methods, no function twice. The
    functions of a file are all in one split.

    Args:
        val_share: Share of the files held out for val.
        test_share: Share of the files held out for test.
        data_seed: Seed of the choice of files, independent of the training seed.
        python: The version of Python that a run is made with; ``auto``: the running one.
        **options: See :class:`wavspa.data.SourceTargets`.

    Raises:
        UserError: An option is out of range.
    """

    input_columns = ("code",)
    target_column = "docstring"

    def __init__(
        self,
        *,
        val_share: float = 0.1,
        test_share: float = 0.1,
        data_seed: int = 0,
        python: str = "auto",
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.shares = {
            "val": share("val_share", val_share),
            "test": share("test_share", test_share),
        }
        if sum(self.shares.values()) >= 1:
            raise UserError(
                f"dataset.val_share={val_share} and dataset.test_share={test_share} leave nothing of train"
            )
        self.data_seed = whole_number("data_seed", data_seed, least=0)
        self.python = _running() if python == "auto" else str(python)

    def source_cache_key(self) -> Mapping[str, Any]:
        """The version of Python, and which files are held out."""
        return {
            "data": "docstrings",
            "version": 1,
            "python": self.python,
            "shares": self.shares,
            "data_seed": self.data_seed,
        }

    def infer_auto(self) -> dict[str, Any]:
        """With the version of Python."""
        return {**super().infer_auto(), "python": self.python}

    def read(self) -> Mapping[str, TextSplit]:
        """The splits, file by file."""
        if self.python != _running():
            raise UserError(
                f"dataset.python={self.python} is not the running Python, {_running()}: start the run with "
                "that one, or a new run with this one"
            )
        rows: dict[str, list[TextRow]] = {split: [] for split in _SPLITS}
        seen: set[str] = set()
        root = Path(sysconfig.get_paths()["stdlib"])
        for path in _files(root):
            split = self._split_of(path.relative_to(root).as_posix())
            for row in functions_of(path):
                code = row.texts[0]
                if code not in seen:
                    seen.add(code)
                    rows[split].append(row)
        return {split: TextSplit(found.__iter__, len(found)) for split, found in rows.items()}

    def card_facts(self, splits: store.Splits) -> store.Facts:
        """Source, licence, and what was held out."""
        return {
            "source": "functions and docstrings of the standard library of the Python that prepared them, "
            f"{self.python}; not a published benchmark",
            "licence": "Python Software Foundation License 2",
            "held_out": {
                split: f"about {of:.0%} of the files (seed {self.data_seed})"
                for split, of in self.shares.items()
            },
        }

    def _split_of(self, file: str) -> str:
        digest = hashlib.sha256(f"{self.data_seed} {file}".encode()).digest()
        place = int.from_bytes(digest[:8]) / 2**64
        bounds = np.cumsum([self.shares["test"], self.shares["val"]])
        return ("test", "val", "train")[int(np.searchsorted(bounds, place, side="right"))]


def functions_of(path: Path) -> Iterator[TextRow]:
    """The functions of a Python file that are well documented, in the order of the file.

    Args:
        path: The file; one that cannot be parsed has none.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            summary = _summary(node)
            code = _code(node)
            if summary and code:
                yield TextRow((code, summary), 0)


def _summary(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """The words and signs of the first paragraph; nothing where the rules leave the function out."""
    if "test" in node.name.lower() or re.fullmatch(r"__\w+__", node.name):
        return ""
    paragraph = re.split(r"\n\s*\n", ast.get_docstring(node) or "")[0]
    words = _WORDS_AND_SIGNS.findall(paragraph)
    known = FEWEST_WORDS <= len(words) <= MOST_WORDS and paragraph.isascii()
    return " ".join(words) if known else ""


def _code(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """A function on one line, without its docstring and comments; nothing where it is too short."""
    node.body = node.body[1:] or [ast.Pass()]
    code = ast.unparse(node)
    return " ".join(code.split()) if len(code.splitlines()) >= FEWEST_LINES else ""


def _files(root: Path) -> list[Path]:
    return [
        path
        for path in sorted(root.rglob("*.py"))
        if not LEFT_OUT & set(path.relative_to(root).parts[:-1])
    ]


def _running() -> str:
    return ".".join(map(str, sys.version_info[:3]))
