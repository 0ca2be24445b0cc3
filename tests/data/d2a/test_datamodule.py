import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.tiny_files import write_rows
from support.tiny_runs import tiny_run
from wavspa.data import D2A
from wavspa.data.d2a.files import COLUMNS, group_of, text_of
from wavspa.data.sources.tables import open_table
from wavspa.data.tokenizers import Bytes
from wavspa.errors import UserError
from wavspa.launching.run.worker import run

KINDS = list(COLUMNS)
SAMPLES = Path(os.environ.get("WAVSPA_REAL_DATA", "missing")) / "d2a-samples"

TRACE = """libavcodec/f{file}.c:{line}: error: Buffer Overrun L2
  Offset: [0, 63] Size: 16, "quoted", by call to `f`.

libavcodec/f{file}.c:25:9: <Offset trace>
"""


def row(kind: str, number: int) -> dict[str, Any]:
    """Of ten reports in a row, one is a bug; three in a row are about the same file and function."""
    file = number // 3
    function = f'static int\nf{file}(int *p)\n{{\n    return p["{number}"];\n}}'
    url = f"https://github.com/libav/libav/blob/{number:040x}/libavcodec/f{file}.c/#L{number}"
    parts = {
        "code": {
            "bug_url": url,
            "bug_function": function,
            "functions": repr(["int main()\n{ f('x'); }", function]),
        },
        "trace": {"trace": TRACE.format(file=file, line=number)},
    }
    values = {
        "function": {"code": function},
        "trace": parts["trace"],
        "code": parts["code"],
        "code_trace": {**parts["trace"], **parts["code"]},
    }
    label = number % 2 if kind == "function" else int(number % 10 == 0)
    return {"id": 36_000 + number, "label": label, **values[kind]}


def rows(kind: str, numbers: range) -> list[dict[str, Any]]:
    return [row(kind, number) for number in numbers]


def official(root: Path, kind: str, folder: str = "d2a", name: str | None = None) -> Path:
    name = name or kind
    for split, numbers in {"train": range(200), "dev": range(300, 330)}.items():
        path = root / folder / name / f"d2a_lbv1_{name}_{split}.csv"
        write_rows(path, rows(kind, numbers))
    return root / folder / name


def module(root: Path, kind: str, **options: Any) -> D2A:
    fixed = {"name": "d2a", "vocab_size": 257, "classes": 2, "max_length": 900, "batch_size": 8}
    return D2A(**{"data_root": root, "kind": kind, "tokenizer": Bytes(), **fixed, **options})


def ready(root: Path, kind: str, **options: Any) -> D2A:
    data = module(root, kind, **options)
    data.prepare_data()
    data.setup()
    return data


def texts(loader: Any) -> Iterator[tuple[str, int]]:
    for batch in loader:
        for tokens, length, label in zip(*batch, strict=True):
            yield bytes(tokens[:length] - 1).decode(), int(label)


def examples(data: D2A) -> dict[str, int]:
    return {split: part["examples"] for split, part in data.card["splits"].items()}


@pytest.mark.parametrize("kind", KINDS)
def test_the_official_files(tmp_path: Path, kind: str) -> None:
    official(tmp_path, kind)
    data = ready(tmp_path, kind)
    found = list(texts(data.test_dataloader()))
    assert [label for _, label in found] == [row(kind, i)["label"] for i in range(300, 330)]
    function = 'static int\nf100(int *p)\n{\n    return p["301"];\n}'
    trace = TRACE.format(file=100, line=301)
    code = f"{function}\n\nint main()\n{{ f('x'); }}"
    expected = {
        "function": function,
        "trace": trace,
        "code": code,
        "code_trace": f"{trace}\n\n{code}",
    }
    assert found[1][0] == expected[kind]


@pytest.mark.parametrize(
    ("folder", "kind", "name"),
    [
        ("", "trace", "trace"),
        ("DAX_D2ALBData", "trace", "trace"),
        ("d2a/DAX_D2ALBData", "trace", "trace"),
        ("d2a_leaderboard_data", "function", "function"),
        ("d2a", "code_trace", "trace_code"),
    ],
)
def test_layouts(tmp_path: Path, folder: str, kind: str, name: str) -> None:
    official(tmp_path, kind, folder, name)
    assert examples(ready(tmp_path, kind))["test"] == 30


@pytest.mark.parametrize("kind", KINDS)
def test_the_hub_s_files_give_the_same(tmp_path: Path, kind: str) -> None:
    official(tmp_path / "csv", kind)
    for split, parts in {"train": (range(90), range(90, 200)), "dev": (range(300, 330),)}.items():
        for part, numbers in enumerate(parts):
            name = f"{split}-0000{part}-of-0000{len(parts)}.parquet"
            write_rows(tmp_path / "hub/claudios/D2A" / kind / name, rows(kind, numbers))
    ours, theirs = ready(tmp_path / "csv", kind), ready(tmp_path / "hub", kind)
    for split, part in ours.card["splits"].items():
        assert part["sha256"] == theirs.card["splits"][split]["sha256"]


@pytest.mark.parametrize("kind", KINDS)
def test_validation_is_held_out_of_train_by_groups(tmp_path: Path, kind: str) -> None:
    official(tmp_path, kind)
    data = ready(tmp_path, kind, max_length=2000)
    train, val = (
        dict(texts(loader)) for loader in (data.train_dataloader(), data.val_dataloader())
    )
    assert len(train) + len(val) == 200
    assert 10 <= len(val) <= 20
    assert 1 in val.values()

    def files(found: dict[str, int]) -> set[str]:
        return {
            text.partition("f")[2].partition("(" if kind != "trace" else ".")[0] for text in found
        }

    if kind in ("function", "trace"):
        assert not files(train) & files(val)
    assert data.card["splits"]["test"]["examples"] == 30
    assert data.card["protocol"] == "default"
    assert "stay together" in data.card["validation"]
    assert "dev split" in data.card["test"]
    other = ready(tmp_path, kind, data_seed=1, max_length=2000)
    assert set(dict(texts(other.val_dataloader()))) != set(val)
    assert module(tmp_path, kind, seed=1).folder == module(tmp_path, kind, seed=2).folder


def test_upstream_validates_on_what_it_tests(tmp_path: Path) -> None:
    official(tmp_path, "trace")
    data = ready(tmp_path, "trace", protocol="upstream")
    assert examples(data) == {"train": 200, "val": 30, "test": 30}
    assert data.card["splits"]["val"]["sha256"] == data.card["splits"]["test"]["sha256"]
    assert data.card["protocol"] == "upstream"
    assert data.folder != module(tmp_path, "trace").folder


@pytest.mark.parametrize(
    ("kind", "value", "group"),
    [
        ("function", "static av_cold int\n decode_nal (H264 *h)\n{ f(x); }", ("decode_nal",)),
        ("function", "no call at all", ("no call at all",)),
        ("trace", "crypto/ec/ecp_smpl.c:1514: error: L3\n a.c:3: b", ("crypto/ec/ecp_smpl.c",)),
        (
            "code",
            "https://github.com/libav/libav/blob/8dd0a2c5/libavcodec/nellymoserenc.c/#L260",
            ("libav/libav", "libavcodec/nellymoserenc.c"),
        ),
        ("code_trace", "https://elsewhere.org/x.c", ("https://elsewhere.org/x.c",)),
    ],
)
def test_groups(kind: str, value: str, group: tuple[str, ...]) -> None:
    assert group_of(kind, value) == group


def test_functions_may_be_a_list_and_each_part_is_there_once() -> None:
    columns = COLUMNS["code"]
    assert text_of(columns, ["b", ["a", "b", "c"]], "here") == "b\n\na\n\nc"
    assert text_of(columns, ["b", "['a', 'b']"], "here") == "b\n\na"
    assert text_of(columns, ["b", "[]"], "here") == "b"
    assert text_of(columns, [None, "['a', '', 'b']"], "here") == "a\n\nb"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"functions": "['a'"}, r"train\.csv, line 2: the column 'functions' is not a Python list"),
        ({"functions": "__import__('os')"}, "line 2: the column 'functions' is not a Python list"),
        ({"functions": "[1]"}, "line 2: the column 'functions' is not a list of texts"),
        ({"label": "?"}, r"line 2: the label '\?' is neither 0 nor 1"),
        ({"bug_function": "", "functions": "[]"}, "line 2: no text in bug_function, functions"),
    ],
)
def test_broken_rows_are_named(tmp_path: Path, change: dict[str, str], message: str) -> None:
    path = official(tmp_path, "code") / "d2a_lbv1_code_train.csv"
    write_rows(path, [{**row("code", 1), **change}, *rows("code", range(2, 99))])
    with pytest.raises(UserError, match=message):
        ready(tmp_path, "code")


def test_wrong_columns_are_listed(tmp_path: Path) -> None:
    path = official(tmp_path, "trace") / "d2a_lbv1_trace_dev.csv"
    write_rows(path, [{"id": 1, "trace": "x"}])
    with pytest.raises(UserError, match="no column 'label'; its columns are 'id', 'trace'"):
        ready(tmp_path, "trace")


def test_an_empty_file_and_nothing_there(tmp_path: Path) -> None:
    path = official(tmp_path, "trace") / "d2a_lbv1_trace_dev.csv"
    path.write_text("")
    with pytest.raises(UserError, match=r"d2a_lbv1_trace_dev\.csv is empty"):
        ready(tmp_path, "trace")
    path.unlink()
    with pytest.raises(UserError, match=r"trace/d2a_lbv1_trace_train\.csv.*into d2a/ there"):
        ready(tmp_path, "trace")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"kind": "bugs"},
            r"^kind='bugs' is unknown; choose one of function, trace, code, code_trace",
        ),
        ({"protocol": "dev"}, r"^protocol='dev' is unknown"),
        ({"val_share": 1}, r"^val_share must be a number between 0 and 1, got 1$"),
    ],
)
def test_impossible_options(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        module(tmp_path, **{"kind": "trace", **options})


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_it_trains_and_evaluates(tmp_path: Path, kind: str) -> None:
    official(tmp_path / "data", kind)
    words = ["dataset.max_length=64", "dataset.limit=null", "trainer.max_steps=3"]
    metrics = run(tiny_run(tmp_path, f"dataset=d2a/{kind}", *words))
    expected = {
        "test/accuracy",
        *(() if kind == "function" else ("test/auroc", "test/f1_at_5_fpr")),
    }
    assert expected <= metrics.keys()


@pytest.mark.skipif(
    not SAMPLES.is_dir(), reason="WAVSPA_REAL_DATA names no folder with D2A's samples"
)
@pytest.mark.parametrize("kind", KINDS)
def test_the_leaderboard_s_own_samples(kind: str) -> None:
    name = "trace_code" if kind == "code_trace" else kind
    table = open_table(SAMPLES / f"sample_{name}_dev.csv")
    found = [
        (label, text_of(COLUMNS[kind], values, table.at(place)))
        for place, (label, *values) in table.read(["label", *COLUMNS[kind]])
    ]
    assert [label for label, _ in found] == ["1", "1", "0", "0"]
    assert all(text.count("\n") > 5 for _, text in found)
