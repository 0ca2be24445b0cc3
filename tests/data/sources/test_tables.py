import bz2
import gzip
import json
import lzma
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from wavspa.data.sources import tables
from wavspa.data.sources.tables import open_table
from wavspa.errors import UserError


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def values(path: Path, *columns: str, **options: object) -> list[tuple]:
    return [row.values for row in open_table(path, **options).read(columns)]


def test_csv_gives_what_stands_there(tmp_path: Path) -> None:
    text = 'id,body,y\r\n1,"he said, ""NA""\r\nnext",007\r\n\r\n2,NA,1.0\r\n'
    table = open_table(write(tmp_path / "a.csv", text, "utf-8-sig"))
    assert table.columns() == ["id", "body", "y"]
    assert list(table.read(["y", "body"])) == [
        (2, ("007", 'he said, "NA"\r\nnext')),
        (5, ("1.0", "NA")),
    ]


def test_tsv_without_header_or_quotes(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tsv", '1.0\the "said\tb\r\n0.0\tc\rd\t"\n')
    rows = values(path, "text", "label", names=["label", "text", "more"], quoted=False)
    assert rows == [('he "said', "1.0"), ("c\rd", "0.0")]


def test_the_kind_can_be_said(tmp_path: Path) -> None:
    path = write(tmp_path / "train.txt", "1\t2\n")
    assert values(path, "b", names=["a", "b"], kind="tsv") == [("2",)]


def test_json_lines_may_have_other_keys_later(tmp_path: Path) -> None:
    text = '{"body": "a", "y": true}\n\n{"y": 2, "more": [], "body": "é\u2028"}\n'
    table = open_table(write(tmp_path / "a.jsonl", text))
    assert table.columns() == ["body", "y"]
    assert list(table.read(["body", "y"])) == [(1, ("a", True)), (3, ("é\u2028", 2))]


def test_json_may_be_one_list(tmp_path: Path) -> None:
    items = [{"func": "f", "target": 0}, {"func": "g", "target": 1}]
    path = write(tmp_path / "function.json", json.dumps(items, indent=1))
    assert list(open_table(path).read(["target", "func"])) == [(1, (0, "f")), (2, (1, "g"))]


def test_parquet_keeps_types(tmp_path: Path) -> None:
    pq.write_table(
        pa.table({"text": ["a", "b"], "n": [1, 2], "y": [True, False]}), tmp_path / "a.parquet"
    )
    assert values(tmp_path / "a.parquet", "y", "text") == [(True, "a"), (False, "b")]


@pytest.mark.parametrize(
    ("suffix", "compress"),
    [(".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress)],
)
def test_compressed_files(tmp_path: Path, suffix: str, compress) -> None:
    whole = compress(b"a,b\n" + b"1,2\n" * 1000)
    path = tmp_path / f"a.csv{suffix}"
    path.write_bytes(whole)
    assert values(path, "b") == [("2",)] * 1000
    path.write_bytes(whole[:-9])
    with pytest.raises(UserError, match=rf"a\.csv{suffix} cannot be read"):
        values(path, "b")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "body,y\na,0\n\nb,1,2\n", r"a\.csv, line 4: .*3 fields, not 2"),
        ("a.csv", "body,y\na,0,7\nb,1\n", r"a\.csv, line 2: .*3 fields, not 2"),
        ("a.csv", 'body,y\n"a\nb",0\nshort\n', r"a\.csv, line 4: .*1 fields, not 2"),
        ("a.csv", 'body,y\na,0\n"b,1\nc,2\n', r"a\.csv, line 3: .*unexpected end"),
        ("a.csv", 'body,y\na,0\n"b" c,1\n', r"a\.csv, line 3: .*expected after"),
        ("a.csv", "body,y\na,0\nb,\n", r"a\.csv, line 3: no value in the column 'y'"),
        ("a.csv", "body,label\na,0\n", r"a\.csv has no column 'y'; .* are 'body', 'label'"),
        ("a.csv", "", r"a\.csv is empty"),
        ("a.csv", "body,y\n", r"a\.csv holds no rows"),
        ("a.jsonl", '{"body": "a", "y": 1}\n{"body": "b",\n', r"a\.jsonl, line 2: .*column 14\)"),
        ("a.jsonl", '{"body": "a", "y": 1}\n[1]\n', r"a\.jsonl, line 2: .*not an object"),
        ("a.jsonl", '{"body": "a", "y": 1}\n{"body": "b"}\n', r"line 2: no value .*'y'"),
        ("a.jsonl", '{"body": "a", "y": NaN}\n', r"line 1: no value .*'y'"),
        ("a.jsonl", '{"text": "a"}\n', r"a\.jsonl has no column 'body'; .* 'text'"),
        ("a.jsonl", "\n", r"a\.jsonl is empty"),
        ("a.json", '[{"body": "a", "y": 1}, {"body": "b"}]', r"item 2: no value .*'y'"),
        ("a.json", '[{"body": "a",\n "y": 1}', r"a\.json, line 2: not json"),
        ("a.parquet", "PAR1 and no more", r"a\.parquet cannot be read"),
        ("a.txt", "body,y\n", r"a\.txt: its name has to end in"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, name: str, text: str, message: str) -> None:
    path = write(tmp_path / name, text)
    with pytest.raises(UserError, match=message) as error:
        list(open_table(path).read(["body", "y"]))
    assert "\n" not in str(error.value)


def test_other_encodings_are_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "body\né\n", "latin-1")
    with pytest.raises(UserError, match=r"a\.csv is not UTF-8"):
        values(path, "body")


def test_columns_may_be_blank_where_allowed(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "body,note\na,\n")
    assert list(open_table(path).read(["body", "note"], blank=["note"])) == [(2, ("a", ""))]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no file .*missing\.csv"):
        open_table(tmp_path / "missing.csv")


def test_an_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setitem(tables.OPENERS, ".gz", refuse)
    (tmp_path / "a.csv.gz").touch()
    with pytest.raises(UserError, match=r"a\.csv\.gz cannot be read .*Permission denied"):
        values(tmp_path / "a.csv.gz", "body")


def test_a_quote_left_open_does_not_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "LONGEST_FIELD", 1000)
    path = write(tmp_path / "a.csv", 'body,y\na,0\n"b,1\n' + "c,1\n" * 1000)
    with pytest.raises(UserError, match=r"line 3: .*larger than field limit"):
        values(path, "body")
