import csv
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from omegaconf import OmegaConf

from support.tiny_runs import tiny_run
from wavspa.data import FilePairs, Files, PairBatch
from wavspa.data.preparation.overlap import warnings_of
from wavspa.data.tokenizers import Bytes
from wavspa.errors import UserError
from wavspa.launching.run.freeze import read_config
from wavspa.launching.run.worker import run
from wavspa.run_folder import layout

OPTIONS: dict[str, Any] = {
    "name": "files",
    "tokenizer": Bytes(),
    "vocab_size": 257,
    "classes": "auto",
    "max_length": 30,
    "batch_size": 4,
    "text": "body",
    "label": "y",
}

Rows = list[dict[str, Any]]


def rows(examples: int = 20, label: Callable[[int], Any] = lambda i: i % 2) -> Rows:
    return [
        {"n": i, "body": f"text {i}", "y": label(i), "other": f"é {i}"} for i in range(examples)
    ]


def write_csv(path: Path, content: Rows, delimiter: str = ",") -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, content[0], delimiter=delimiter)
        writer.writeheader()
        writer.writerows(content)


def write_jsonl(path: Path, content: Rows) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in content))


def write_gz(path: Path, content: Rows) -> None:
    path.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in content).encode()))


WRITERS: dict[str, Callable[[Path, Rows], Any]] = {
    "train.csv": write_csv,
    "train.tsv": lambda path, content: write_csv(path, content, "\t"),
    "train.jsonl": write_jsonl,
    "train.jsonl.gz": write_gz,
    "train.json": lambda path, content: path.write_text(json.dumps(content)),
    "train.parquet": lambda path, content: pq.write_table(pa.Table.from_pylist(content), path),
}


def ready(root: Path, kind: type[Files] = Files, **options: Any) -> Any:
    data = kind(data_root=root / "data", **{**OPTIONS, **options})
    data.prepare_data()
    data.setup()
    return data


def texts(data: Files, split: str) -> list[tuple[str, int]]:
    """The first text and the label of every row of a prepared split."""
    kept = data._rows[split]
    return [
        (bytes(token - 1 for token in row[0]).decode(), row[-1])
        for row in (kept[i] for i in range(len(kept)))
    ]


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_same(tmp_path: Path, name: str) -> None:
    for split in ("train", "test"):
        WRITERS[name](tmp_path / name.replace("train", split), rows(10 if split == "test" else 20))
    data = ready(tmp_path, train=tmp_path / name, test=tmp_path / name.replace("train", "test"))
    assert texts(data, "test") == [(f"text {i}", i % 2) for i in range(10)]
    assert texts(data, "val") == [("text 4", 0), ("text 19", 1)]
    held = texts(data, "train") + texts(data, "val")
    assert sorted(held) == sorted((f"text {i}", i % 2) for i in range(20))
    assert data.card["label_names"] == ["0", "1"]
    assert data.card["held_out"].keys() == {"val"}
    assert data.infer_auto()["classes"] == 2


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (["spam", "ham", "Über"], ["ham", "spam", "Über"]),
        ([10, 9, -1], ["-1", "9", "10"]),
        ([2.0, 1.0, 10.0], ["1.0", "2.0", "10.0"]),
        ([True, False], ["False", "True"]),
    ],
)
def test_labels_are_of_any_kind_and_in_order(
    tmp_path: Path, labels: list[Any], names: list[str]
) -> None:
    write_jsonl(tmp_path / "train.jsonl", rows(label=lambda i: labels[i % len(labels)]))
    data = ready(tmp_path, train=tmp_path / "train.jsonl")
    assert data.card["label_names"] == names
    assert all(
        names[label] == str(labels[int(text.removeprefix("text ")) % len(labels)])
        for split in ("train", "val", "test")
        for text, label in texts(data, split)
    )


def test_both_splits_are_held_out_by_label_with_equal_texts_together(tmp_path: Path) -> None:
    content = rows(100, label=lambda i: i % 20 < 5)
    for row in content:
        row["body"] = f"text {row['n'] // 20}, {row['y']}"
    write_csv(tmp_path / "train.csv", content)
    data = ready(tmp_path, train=tmp_path / "train.csv", val_share=0.2, test_share=0.2)
    parts = [set(texts(data, split)) for split in ("train", "val", "test")]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 10
    for split, examples in (("train", 60), ("val", 20), ("test", 20)):
        labels = data.card["splits"][split]["labels"]
        assert labels == {"0": examples * 3 // 4, "1": examples // 4}


def test_pairs(tmp_path: Path) -> None:
    write_csv(tmp_path / "train.csv", rows())
    data = ready(
        tmp_path, FilePairs, train=tmp_path / "train.csv", val=tmp_path / "train.csv", text2="other"
    )
    batch = next(iter(data.val_dataloader()))
    assert isinstance(batch, PairBatch)
    assert batch.lengths1.tolist() == [6] * 4
    assert batch.lengths2.tolist() == [4] * 4
    assert batch.labels.tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize(
    ("name", "content", "options", "message"),
    [
        ("a.csv", "body,y\na,0\nb,1\nc\n", {}, r"a\.csv, line 4: a broken row"),
        ("a.csv", "text,y\na,0\n", {}, r"a\.csv has no column 'body'; .* are 'text', 'y'"),
        (
            "a.csv",
            "body,y\na,0\nb,0\n",
            {},
            r"a\.csv: the column 'y' holds the same label in each of the 2 rows",
        ),
        ("a.csv", "body,y\n", {}, r"a\.csv holds no rows"),
        ("a.csv", "body,y\na,0\nb,0\nc,1\n", {}, r"each label occurs once.*dataset\.test="),
        (
            "a.csv",
            "body,y\na,0\nb,1\n",
            {},
            r"'y' holds a different label in each of the 2 rows.* dataset\.classes=2",
        ),
        (
            "a.csv",
            "body,y\n" + "a,0\na,1\n" * 9,
            {},
            r"held out: only 1 of the examples differ, equal ones stay together",
        ),
        (
            "a.jsonl",
            '{"body": 7, "y": 0}',
            {},
            r"a\.jsonl, line 1: .*'body' holds 7, which is not text",
        ),
        (
            "a.jsonl",
            '{"body": "a", "y": [0]}',
            {},
            r"line 1: .*'y' holds the list \[0\]: task=multilabel",
        ),
        ("a.xls", "", {}, r"a\.xls: its name has to end in \.csv"),
        ("a.csv", "", {"val_share": 0.5, "test_share": 0.5}, r"val_share=0\.5 .* leave nothing"),
        ("a.csv", "", {"test_share": 0}, r"^test_share must be a number between 0 and 1, got 0$"),
        ("a.csv", "", {"train": "b.csv"}, r"dataset\.train=b\.csv cannot be read \(No such file"),
    ],
)
def test_what_is_wrong_is_named(
    tmp_path: Path, name: str, content: str, options: dict[str, Any], message: str
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(UserError, match=message) as error:
        ready(tmp_path, **{"train": tmp_path / name, **options})
    assert "\n" not in str(error.value)
    assert not list(tmp_path.glob("data/prepared/*/*"))


def test_mirrored_pairs_stay_together(tmp_path: Path) -> None:
    content = [
        row
        for i in range(60)
        for row in (
            {"body": f"a {i}", "other": f"b {i}", "y": i % 2},
            {"body": f"B  {i}", "other": f"a {i} ", "y": i % 2},
        )
    ]
    write_csv(tmp_path / "train.csv", content)
    shares = {"train": tmp_path / "train.csv", "text2": "other", "val_share": 0.2}
    data = ready(tmp_path, FilePairs, **shares, together="similar")
    for split in ("val", "test"):
        assert data.card["splits"][split]["examples"] > 0
        assert data.card["shared_with_train"][split] == {"equal": 0, "similar": 0}
    assert warnings_of(data.card) == []
    # As it was: the mirror of most held-out pairs is in train, and this is told.
    old = ready(tmp_path, FilePairs, **shares)
    assert old.folder != data.folder
    shared = old.card["shared_with_train"]["val"]
    assert shared["equal"] == 0 < shared["similar"] <= old.card["splits"]["val"]["examples"]
    assert any(
        f"{shared['similar']} of the 24 rows of val" in line for line in warnings_of(old.card)
    )


def test_similar_texts_stay_together(tmp_path: Path) -> None:
    content = [
        {"body": text, "y": i % 2}
        for i in range(40)
        for text in (f"Text {i}", f"text  {i}", f" TEXT {i}\n")
    ]
    write_csv(tmp_path / "train.csv", content)
    data = ready(tmp_path, train=tmp_path / "train.csv", together="similar")
    assert data.card["shared_with_train"]["test"] == {"equal": 0, "similar": 0}
    old = ready(tmp_path, train=tmp_path / "train.csv")
    assert old.card["shared_with_train"]["test"]["similar"] > 0


def test_rows_of_test_that_are_rows_of_train_are_counted(tmp_path: Path) -> None:
    write_csv(tmp_path / "train.csv", rows(60))
    test = [*rows(20), {"n": 0, "body": "TEXT  33 ", "y": 0, "other": ""}, *rows(61)[60:]]
    write_csv(tmp_path / "test.csv", test)
    data = ready(
        tmp_path,
        train=tmp_path / "train.csv",
        test=tmp_path / "test.csv",
        val=tmp_path / "test.csv",
    )
    counts = {"equal": 20, "similar": 21}
    assert data.card["shared_with_train"] == {"val": counts, "test": counts}
    assert warnings_of(data.card)[1].startswith(
        "21 of the 22 rows of test are rows of train as well (20 are equal"
    )


def test_labels_that_look_alike_are_on_the_card(tmp_path: Path) -> None:
    labels = ["1", "1.0", "2", "2"]
    write_csv(tmp_path / "train.csv", rows(40, label=lambda i: labels[i % 4]))
    data = ready(tmp_path, train=tmp_path / "train.csv")
    assert data.card["alike_labels"] == [{"1": 10, "1.0": 10}]
    assert warnings_of(data.card) == [
        "the labels '1' (10 rows) and '1.0' (10 rows) look alike but are different classes"
    ]


def test_labels_with_nan_have_one_order(tmp_path: Path) -> None:
    labels = ["1", "2", "nan", "3"]
    write_csv(tmp_path / "train.csv", rows(40, label=lambda i: labels[i % 4]))
    data = ready(tmp_path, train=tmp_path / "train.csv")
    assert data.card["label_names"] == ["1", "2", "3", "nan"]


def test_an_encoding_and_plain_quotes(tmp_path: Path) -> None:
    path = tmp_path / "train.TSV"
    lines = "".join(f'"é {i}\t{"äö"[i % 2]}\n' for i in range(20))
    path.write_bytes(f"body\ty\n{lines}".encode("utf-16"))
    with pytest.raises(UserError, match=r"train\.TSV is not UTF-8"):
        ready(tmp_path, train=path)
    options = {"train": path, "encoding": "utf-16", "quoting": "none"}
    data = ready(tmp_path, **options)
    assert data.card["label_names"] == ["ä", "ö"]
    assert sorted(text for split in ("train", "val", "test") for text, _ in texts(data, split)) == (
        sorted(f'"é {i}' for i in range(20))
    )


def test_rows_that_a_stray_quote_joins_are_refused(tmp_path: Path) -> None:
    lines = [f"t {i}\t{i % 2}" for i in range(40)]
    lines[10], lines[14] = '"t 10\t0', 't 14"\t0'
    (tmp_path / "train.tsv").write_text("\n".join(["body\ty", *lines, ""]))
    with pytest.raises(UserError, match=r"train\.tsv, line 12: .* lines 12 to 16"):
        ready(tmp_path, train=tmp_path / "train.tsv")
    for quoting, examples in (("none", 40), ("csv", 36)):
        data = ready(tmp_path, train=tmp_path / "train.tsv", quoting=quoting)
        assert sum(split["examples"] for split in data.card["splits"].values()) == examples
    with pytest.raises(UserError, match=r"train\.tsv, line 12: .* lines 12 to 16"):
        ready(tmp_path, train=tmp_path / "train.tsv")  # also next to data with the joined row


def test_what_later_options_leave_alone_is_found_again(tmp_path: Path) -> None:
    write_csv(tmp_path / "train.csv", rows())
    first = Files(data_root=tmp_path, train=tmp_path / "train.csv", **OPTIONS)
    assert first.folder.name == "files-b7147c620b96"
    for same in ({"encoding": "utf-8"}, {"quoting": "strict"}, {"together": "equal"}):
        again = Files(data_root=tmp_path, train=tmp_path / "train.csv", **OPTIONS, **same)
        assert again.folder == first.folder
    for other in ({"encoding": "latin-1"}, {"quoting": "none"}, {"together": "similar"}):
        another = Files(data_root=tmp_path, train=tmp_path / "train.csv", **OPTIONS, **other)
        assert another.folder != first.folder


def test_a_label_that_train_lacks(tmp_path: Path) -> None:
    write_csv(tmp_path / "train.csv", rows())
    write_csv(tmp_path / "test.csv", rows(3, label=lambda i: i))
    with pytest.raises(
        UserError, match=r"test\.csv, line 4: the label '2' does not occur in .*train\.csv"
    ):
        ready(tmp_path, train=tmp_path / "train.csv", test=tmp_path / "test.csv")


def test_the_content_of_the_files_is_what_counts(tmp_path: Path) -> None:
    path, copy = tmp_path / "train.csv", tmp_path / "copy.csv"
    write_csv(path, rows())
    write_csv(copy, rows())
    folder = Files(data_root=tmp_path, train=path, **OPTIONS).folder
    assert Files(data_root=tmp_path, train=copy, **OPTIONS).folder == folder
    assert Files(data_root=tmp_path, train=path, test=copy, **OPTIONS).folder != folder
    path.write_text(path.read_text().replace("text 7", "text 8"))
    assert Files(data_root=tmp_path, train=path, **OPTIONS).folder != folder


@pytest.fixture
def frozen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run of files that were named relative to the working folder, which is another one by now."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    write_csv(Path("train.csv"), rows(40, label=lambda i: "ab"[i % 2]))
    words = ["dataset.train=train.csv", "dataset.text=body", "dataset.label=y"]
    folder = tiny_run(tmp_path, "dataset=file_pairs", *words, "dataset.text2=other")
    monkeypatch.chdir(tmp_path)
    return folder


def test_a_run_trains_and_evaluates_from_anywhere(tmp_path: Path, frozen: Path) -> None:
    config = read_config(frozen)
    assert config.dataset.train == str(tmp_path / "here/train.csv")
    assert config.dataset.classes == config.model.classes == 2
    (tmp_path / "here/train.csv").unlink()  # it has been prepared
    assert 0 <= run(frozen)["test/accuracy"] <= 1


def test_a_run_refuses_files_that_have_changed(tmp_path: Path, frozen: Path) -> None:
    config = read_config(frozen)
    OmegaConf.set_struct(config, False)
    config.dataset.data_root = str(tmp_path / "another")
    OmegaConf.save(config, frozen / layout.CONFIG)
    write_csv(tmp_path / "here/train.csv", rows(41))
    with pytest.raises(UserError, match=r"here/train\.csv: .* dataset\.checksum=[0-9a-f]{16}"):
        run(frozen)


def test_a_run_of_changed_files_is_another_run(
    tmp_path: Path, frozen: Path, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path / "here")
    words = [
        "dataset.train=train.csv",
        "dataset.text=body",
        "dataset.label=y",
        "dataset.text2=other",
    ]
    assert tiny_run(tmp_path, "dataset=file_pairs", *words) == frozen
    write_csv(Path("train.csv"), rows(41))
    assert tiny_run(tmp_path, "dataset=file_pairs", *words) != frozen


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (Files, {"text": ["body", "body"]}, "text names 'body' twice: leave one out"),
        (Files, {"text": []}, "text must name at least one column"),
        (Files, {"text": ["body", "y"]}, "dataset.text names 'y', which is dataset.label"),
        (Files, {"text": "y"}, "dataset.text names 'y', which is dataset.label: the model would"),
        (Files, {"label": []}, "label must name at least one column"),
        (FilePairs, {"text2": "body"}, "dataset.text2 must be another column than dataset.text"),
        (FilePairs, {"text2": "y"}, "dataset.text names 'y', which is dataset.label"),
    ],
)
def test_a_column_is_one_thing(tmp_path, kind, options, message):
    write_csv(tmp_path / "train.csv", rows())
    with pytest.raises(UserError, match=message):
        ready(tmp_path, kind, train=tmp_path / "train.csv", **options)
