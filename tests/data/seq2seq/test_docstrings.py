"""Functions and docstrings of the standard library."""

from pathlib import Path
from typing import Any

import pytest

from wavspa.data import Docstrings
from wavspa.data.seq2seq import docstrings
from wavspa.data.seq2seq.docstrings import functions_of
from wavspa.data.tokenizers import Bytes
from wavspa.errors import UserError

MODULE = '''
def add(a, b):
    """Return the sum, a+b.

    More that is not learned.
    """
    # a comment
    c = a + b
    return c


class Box:
    def __len__(self):
        """Return how many there are."""
        n = 1
        return n

    async def fill(self):
        """Fill the box."""
        if self:
            return "x  y"

    def one(self):
        """Return the number one."""
        return 1

    def test_it(self):
        """Check that it works."""
        a = 1
        assert a

    def short(self):
        """Hm."""
        a = 1
        return a

    def bare(self):
        a = 1
        return a
'''


def test_a_function_is_its_code_on_one_line_and_its_first_paragraph(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text(MODULE)
    found = [row.texts for row in functions_of(tmp_path / "m.py")]
    assert found == [
        ("def add(a, b): c = a + b return c", "Return the sum , a + b ."),
        ("async def fill(self): if self: return 'x y'", "Fill the box ."),
    ]
    (tmp_path / "m.py").write_text("def (")
    assert list(functions_of(tmp_path / "m.py")) == []


def opened(root: Path, **options: Any) -> Docstrings:
    fixed = {"name": "docstrings", "vocab_size": 258, "batch_size": 4, "max_length": 64}
    tokenizer = Bytes(end=True)
    data = Docstrings(
        **{"data_root": root, "tokenizer": tokenizer, **fixed, "max_target_length": 32, **options}
    )
    data.prepare_data()
    data.setup()
    return data


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A standard library of 30 files, and what is none of it."""
    root = tmp_path / "lib"
    for number in range(30):
        text = MODULE.replace("add", f"add{number}").replace("fill", f"fill{number // 2}")
        (root / f"p{number % 3}").mkdir(parents=True, exist_ok=True)
        (root / f"p{number % 3}" / f"m{number}.py").write_text(text)
    (root / "site-packages").mkdir()
    (root / "site-packages" / "m.py").write_text(MODULE)
    monkeypatch.setattr(docstrings.sysconfig, "get_paths", lambda: {"stdlib": str(root)})
    return tmp_path


def test_files_are_divided_and_no_function_comes_twice(library: Path) -> None:
    data = opened(library, val_share=0.2, test_share=0.2)
    sources = {
        split: {
            data.decode(row.tolist())
            for batch in data.evaluation_loader(split)
            for row in batch.tokens
        }
        for split in ("train", "val", "test")
    }
    whole = [source for of_split in sources.values() for source in of_split]
    assert len(whole) == len(set(whole)) == 30 + 15
    assert all(len(of_split) > 2 for of_split in sources.values())
    assert "not a published benchmark" in data.card["source"]
    other = opened(library, val_share=0.2, test_share=0.2, data_seed=1)
    assert other.card["splits"]["test"]["content"] != data.card["splits"]["test"]["content"]


def test_another_python_is_other_data(library: Path) -> None:
    kept = opened(library).infer_auto()["python"]
    assert opened(library, python=kept).python == kept
    with pytest.raises(UserError, match=r"^dataset\.python=3\.0\.1 is not the running Python, 3"):
        opened(library, python="3.0.1")


def test_this_python_has_thousands() -> None:
    import argparse

    rows = list(functions_of(Path(argparse.__file__)))
    assert any("add_subparsers" in row.texts[0] or row.texts[1] for row in rows)
    assert all('"""' not in row.texts[0] and "\n" not in row.texts[0] for row in rows)
