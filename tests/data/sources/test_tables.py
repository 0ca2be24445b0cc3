import bz2
import csv
import gzip
import io
import json
import lzma
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from wavspa.data.prediction_inputs import open_input
from wavspa.data.sources import tables
from wavspa.data.sources.tables import open_table
from wavspa.data.sources.text_files import check_encoding
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


def test_a_column_that_may_be_blank_is_looked_for_in_all_rows_of_json(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", '{"body": "a"}\n{"body": "b", "spans": []}\n')
    rows = open_table(path).read(["body", "spans"], blank=["spans"])
    assert list(rows) == [(1, ("a", None)), (2, ("b", []))]
    with pytest.raises(UserError, match="has no column 'spans'; its columns are 'body'"):
        values(path, "body", "spans")
    with pytest.raises(UserError, match="has no column 'span'; its columns are 'body'"):
        next(open_table(path).read(["body", "span"], blank=["span"]))


def test_no_row_of_a_pipe_is_lost_to_the_search_for_a_column(monkeypatch: Any) -> None:
    lines = b'{"body": "a"}\n{"body": "b", "title": "c"}\n'
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(lines)))
    pipe = open_input("-", "jsonl")
    with pytest.raises(UserError, match="standard input has no column 'title'"):
        next(pipe.read(["title", "body"], blank=["title", "body"]))
    assert list(pipe.read(["body"])) == [(1, ("a",)), (2, ("b",))]


def test_json_may_be_one_list(tmp_path: Path) -> None:
    items = [{"func": "f", "target": 0}, {"func": "g", "target": 1}]
    path = write(tmp_path / "function.json", json.dumps(items, indent=1))
    assert list(open_table(path).read(["target", "func"])) == [(1, (0, "f")), (2, (1, "g"))]


def test_parquet_keeps_types(tmp_path: Path) -> None:
    pq.write_table(
        pa.table({"text": ["a", "b"], "n": [1, 2], "y": [True, False]}), tmp_path / "a.parquet"
    )
    assert values(tmp_path / "a.parquet", "y", "text") == [(True, "a"), (False, "b")]


def test_rows_of_parquet_are_counted_through_its_parts(tmp_path: Path) -> None:
    kinds = pa.dictionary(pa.int32(), pa.string())
    many = pa.table(
        {"n": range(600), "tags": pa.array([[str(n % 3)] for n in range(600)], pa.list_(kinds))}
    )
    pq.write_table(many, tmp_path / "a.parquet", row_group_size=300)
    expected = [(n + 1, (n, [str(n % 3)], n)) for n in range(600)]
    assert list(open_table(tmp_path / "a.parquet").read(["n", "tags", "n"])) == expected


@pytest.mark.parametrize("name", ["p[1].parquet", "p*.parquet", "p::x.parquet", "d[1]/p.parquet"])
def test_a_path_of_parquet_is_not_a_pattern(tmp_path: Path, name: str) -> None:
    for other in ("p1.parquet", "d1/p.parquet", name):
        (tmp_path / other).parent.mkdir(exist_ok=True)
        pq.write_table(pa.table({"text": [other]}), tmp_path / other)
    assert values(tmp_path / name, "text") == [(name,)]


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


@pytest.mark.parametrize(
    ("item", "why"),
    [("1" * 5000, "Exceeds the limit"), ("[" * 10**5, "maximum recursion depth")],
    ids=["digits", "depth"],
)
def test_json_that_python_does_not_read_is_named(tmp_path: Path, item: str, why: str) -> None:
    for name, text, place in (
        ("a.jsonl", '{"y": 1}\n{"y": ' + item + "}\n", r", line 2: a broken row"),
        ("a.json", "[" + item + "]", ": not json"),
    ):
        with pytest.raises(UserError, match=rf"a\.jsonl?{place} \({why}") as error:
            values(write(tmp_path / name, text), "y")
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


@pytest.mark.parametrize("name", ["a.CSV", "a.Tsv", "a.JSONL", "a.csv.GZ"])
def test_the_case_of_a_suffix_does_not_matter(tmp_path: Path, name: str) -> None:
    text = {"a.CSV": "n,y\n1,2\n", "a.Tsv": "n\ty\n1\t2\n"}.get(name, '{"n": "1", "y": "2"}\n')
    if name.endswith("GZ"):
        (tmp_path / name).write_bytes(gzip.compress(b"n,y\n1,2\n"))
    else:
        write(tmp_path / name, text)
    assert values(tmp_path / name, "y", "n") == [("2", "1")]


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "cp1252", "utf-8", "UTF8", "utf-8-sig"])
@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.json", "a.tsv"])
def test_an_encoding_that_is_named_is_read(tmp_path: Path, name: str, encoding: str) -> None:
    text = {
        "a.csv": "body,y\né,ü\n",
        "a.tsv": "body\ty\né\tü\n",
        "a.jsonl": '{"body": "é", "y": "ü"}\n',
        "a.json": '[{"body": "é", "y": "ü"}]',
    }[name]
    path = write(tmp_path / name, text, encoding)
    assert [row.values for row in open_table(path, encoding=encoding).read(["y", "body"])] == [
        ("ü", "é")
    ]


def test_utf_8_is_not_read_as_something_else(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "body\né\n")
    with pytest.raises(UserError, match=r"a\.csv is UTF-8, and dataset\.encoding=latin-1"):
        list(open_table(path, encoding="latin-1").read(["body"]))


def test_an_encoding_that_does_not_fit(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "body\né\n", "latin-1")
    for wrong in ("utf-16", "ascii"):
        with pytest.raises(UserError, match=rf"a\.csv is not {wrong}: .*dataset\.encoding="):
            list(open_table(path, encoding=wrong).read(["body"]))
    for unknown in ("utf-9", "rot13", "hex", 8):
        with pytest.raises(UserError, match=r"dataset\.encoding=.* is unknown; choose"):
            check_encoding("dataset.encoding", unknown)


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    message = r"has 2 columns 'y': rename one"
    with pytest.raises(UserError, match=message):
        values(write(tmp_path / "a.csv", "body,y,y\na,1,2\n"), "body", "y")
    table = pa.Table.from_arrays(
        [pa.array(["a"]), pa.array([1]), pa.array([2])], ["body", "y", "y"]
    )
    pq.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(UserError, match=message):
        values(tmp_path / "a.parquet", "body", "y")
    assert values(write(tmp_path / "b.csv", "body,y,y\na,1,2\n"), "body") == [("a",)]


@pytest.mark.parametrize("start", ["\n", "  \n\n", ""])
def test_json_may_begin_with_empty_lines(tmp_path: Path, start: str) -> None:
    for text in ('[\n{"y": 1},\n{"y": 2}]', '{"y": 1}\n\n{"y": 2}\n'):
        assert values(write(tmp_path / "a.json", start + text), "y") == [(1,), (2,)]


def test_json_in_the_layout_of_pandas(tmp_path: Path) -> None:
    text = json.dumps(
        {"body": {str(i): f"t{i}" for i in range(9)}, "y": {str(i): i % 2 for i in range(9)}}
    )
    path = write(tmp_path / "a.json", text)
    assert values(path, "y", "body") == [(i % 2, f"t{i}") for i in range(9)]
    with pytest.raises(UserError, match=r"a\.json has no column 'z'; its columns are 'body', 'y'$"):
        values(path, "z")


STRAY = "body\ty\n" + "".join(
    f"{start}{i}{end}\t{i % 2}\n"
    for i, (start, end) in enumerate([("", "")] * 3 + [('"', "")] + [("", "")] * 3 + [("", '"')])
)


def test_a_stray_quote_that_joins_rows_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tsv", STRAY)
    with pytest.raises(
        UserError, match=r"a\.tsv, line 5: .* the lines 5 to 9, .* dataset\.quoting=none"
    ):
        list(open_table(path, stray_quotes=True).read(["body"]))
    rows = [row.values for row in open_table(path, quoted=False).read(["body", "y"])]
    assert rows == [
        (text, str(i % 2)) for i, text in enumerate(["0", "1", "2", '"3', "4", "5", "6", '7"'])
    ]
    assert len(list(open_table(path).read(["body"]))) == 4


def test_a_quote_that_opens_nothing_names_the_way_out(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tsv", 'body\ty\na\t0\n"b" c\t1\n')
    with pytest.raises(UserError, match=r"a\.tsv, line 3: .*dataset\.quoting=none"):
        list(open_table(path, stray_quotes=True).read(["body"]))


@pytest.mark.parametrize("name", ["a.csv", "a.tsv"])
def test_texts_of_several_lines_are_taken(tmp_path: Path, name: str) -> None:
    texts = ["one\ntwo", 'a "word",\nb, c', "x, y\nz\n\nw, v, u", "plain"]
    with (tmp_path / name).open("w", newline="") as file:
        writer = csv.writer(file, delimiter="," if name == "a.csv" else "\t")
        writer.writerows([["y", "body"], *([1, text] for text in texts)])
    found = open_table(tmp_path / name, stray_quotes=True).read(["body"])
    assert [row.values[0] for row in found] == texts
