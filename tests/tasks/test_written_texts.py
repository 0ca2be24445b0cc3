"""Files of written texts, read again."""

from pathlib import Path

import pytest

from wavspa.data.sources.tables import open_table
from wavspa.tasks.seq2seq import Text
from wavspa.tasks.written_texts import COLUMNS, write_texts

TEXTS = [
    Text('a "b", c', -0.5, True, "one\rtwo", "x = 1;\r\ny = 2;\n"),
    Text("\r", -1.0, False, "", None),
    Text("plain", -2.0, True, "é", "s"),
]


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_texts_are_read_as_they_were_written(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    write_texts(path, TEXTS)
    rows = [row.values for row in open_table(path).read(COLUMNS, blank=COLUMNS)]
    wanted = [tuple(getattr(text, column) for column in COLUMNS) for text in TEXTS]
    if name == "a.csv":
        wanted = [tuple("" if value is None else str(value) for value in row) for row in wanted]
    assert rows == wanted


def test_lines_end_in_line_feeds(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    write_texts(path, TEXTS[2:])
    assert path.read_bytes() == "source,reference,text,score,ended\ns,é,plain,-2.0,True\n".encode()
