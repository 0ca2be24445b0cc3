import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from support.tiny_runs import tiny_run
from wavspa.data import Imdb
from wavspa.data.lra import imdb
from wavspa.data.tokenizers import Bytes
from wavspa.errors import UserError
from wavspa.launching.run.worker import run

LABELS = ("neg", "pos")
PER_LABEL = 20
OPTIONS: dict[str, Any] = {
    "name": "text",
    "tokenizer": Bytes(),
    "vocab_size": 257,
    "classes": 2,
    "max_length": 30,
    "batch_size": 4,
}


def reviews(split: str) -> list[tuple[str, int]]:
    """20 of each label; the first two are equal, and the third stands in both splits."""
    rows = []
    for label, name in enumerate(LABELS):
        texts = [f"{split} {name} {max(i, 1)}<br />" for i in range(PER_LABEL)]
        texts[2] = f"both {name} \x85 é"
        rows += [(text, label) for text in texts]
    return rows


def tree(root: Path) -> Path:
    for split in ("train", "test"):
        for i, (text, label) in enumerate(reviews(split)):
            path = root / "aclImdb" / split / LABELS[label] / f"{i}_{1 + 8 * label}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
    unlabelled = root / "aclImdb/train/unsup/0_0.txt"
    unlabelled.parent.mkdir()
    unlabelled.write_text("unlabelled")
    return root / "aclImdb"


def packed(root: Path, name: str, mode: Any) -> None:
    folder = tree(root / "elsewhere").rename(root / "tree")
    with tarfile.open(root / name, mode) as tar:
        tar.add(folder, "aclImdb")
    folder.rename(root.parent / "gone")


def parquet(folder: Path) -> None:
    folder.mkdir(parents=True)
    for split in ("train", "test"):
        texts, labels = zip(*reversed(reviews(split)), strict=True)
        table = pa.table({"text": texts, "label": labels})
        for part in (0, 1):
            path = folder / f"{split}-{part:05d}-of-00002.parquet"
            pq.write_table(table.slice(part * 15, 15 if part == 0 else None), path)


LAYOUTS: dict[str, Callable[[Path], Any]] = {
    "tree": tree,
    "tree in a folder": lambda root: tree(root / "aclImdb_v1"),
    "root itself": lambda root: [path.rename(root / path.name) for path in tree(root).iterdir()],
    "tar.gz": lambda root: packed(root, "aclImdb_v1.tar.gz", "w:gz"),
    "tar.xz": lambda root: packed(root, "aclImdb.tar.xz", "w:xz"),
    "hub": lambda root: parquet(root / "imdb/plain_text"),
    "hub, flat": lambda root: parquet(root / "stanfordnlp/imdb"),
    "hub's cache": lambda root: parquet(
        root / "datasets--stanfordnlp--imdb/snapshots/1/plain_text"
    ),
    "hub, root itself": lambda root: parquet(root / "plain_text"),
}


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imdb, "REVIEWS_PER_LABEL", PER_LABEL)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def ready(root: Path, **options: Any) -> Imdb:
    data = Imdb(data_root=root, **{**OPTIONS, **options})
    data.prepare_data()
    data.setup()
    return data


def rows(data: Imdb, split: str) -> list[tuple[str, int]]:
    """The texts and labels of a prepared split."""
    kept = data._rows[split]
    examples = [kept[i] for i in range(len(kept))]
    return [(bytes(tokens - 1 for tokens in row.tokens).decode(), row.label) for row in examples]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same(root: Path, layout: str) -> None:
    LAYOUTS[layout](root)
    data = ready(root)
    assert data.card["splits"]["train"]["labels"] == {"0": 18, "1": 18}
    assert sorted(rows(data, "train") + rows(data, "val")) == sorted(reviews("train"))
    assert rows(data, "test") == sorted(reviews("test"), key=lambda row: (row[1], row[0]))
    assert [text for text, _ in rows(data, "val")] == [
        "train neg 13<br />",
        "train neg 19<br />",
        "train pos 10<br />",
        "train pos 11<br />",
    ]


@pytest.mark.parametrize("seed", range(5))
def test_equal_reviews_stay_together(root: Path, seed: int) -> None:
    tree(root)
    data = ready(root, data_seed=seed, val_share=0.4)
    assert data.card["splits"]["val"]["labels"] == {"0": 8, "1": 8}
    assert not set(rows(data, "train")) & set(rows(data, "val"))


def test_the_original_validates_on_test(root: Path) -> None:
    tree(root)
    data = ready(root, protocol="upstream")
    assert rows(data, "val") == rows(data, "test")
    assert sorted(rows(data, "train")) == sorted(reviews("train"))
    assert data.card["protocol"] == "upstream"
    assert data.card["validation"] == "val is the test split, as in upstream's training"
    assert data.folder != ready(root).folder


def test_reviews_in_both_splits_can_be_dropped_from_train(root: Path) -> None:
    tree(root)
    data, without = ready(root), ready(root, drop_shared=True)
    assert data.card["shared_with_test"].startswith("2 reviews")
    assert "in both" in (data.card["shared_with_test"])
    assert "left out of train" in without.card["shared_with_test"]
    kept = rows(without, "train") + rows(without, "val")
    assert len(kept) == 38
    assert not set(kept) & set(reviews("test"))


def test_another_data_set_of_the_hub_is_not_taken_for_it(root: Path) -> None:
    (root / "plain_text").mkdir()
    for split in ("train", "test"):
        pq.write_table(
            pa.table({"img": ["x"], "label": [0]}), root / f"plain_text/{split}-0.parquet"
        )
    with pytest.raises(UserError, match=r"IMDB: no folder under .*aclImdb_v1\.tar\.gz"):
        ready(root)


def cut(root: Path) -> None:
    packed(root, "aclImdb_v1.tar.gz", "w:gz")
    content = (root / "aclImdb_v1.tar.gz").read_bytes()
    (root / "aclImdb_v1.tar.gz").write_bytes(content[: len(content) // 2])


def relabelled(root: Path) -> None:
    parquet(root / "imdb")
    path = root / "imdb/train-00001-of-00002.parquet"
    table = pq.read_table(path)
    pq.write_table(table.set_column(1, "label", pa.array([-1] * len(table))), path)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda root: None, r"IMDB: no folder under .* holds aclImdb/train/pos"),
        (
            lambda root: (tree(root) / "test/pos/25_9.txt").unlink(),
            r"19 reviews of test/pos, not 20",
        ),
        (
            lambda root: (tree(root) / "train/neg/3_1.txt").write_bytes(b"\xff"),
            r"3_1\.txt is not UTF",
        ),
        (lambda root: (tree(root) / "train/neg/3_1.txt").write_bytes(b""), r"3_1\.txt is empty"),
        (lambda root: (tree(root) / "train/neg/x.txt").mkdir(), r"x\.txt cannot be read"),
        (cut, r"aclImdb_v1\.tar\.gz is not an archive or is incomplete"),
        (lambda root: (root / "aclImdb.tar").write_bytes(b"PK"), r"aclImdb\.tar is not an archive"),
        (relabelled, r"train-00001-of-00002\.parquet, row 1: the label -1"),
    ],
)
def test_what_is_wrong_is_named(root: Path, damage: Callable[[Path], Any], message: str) -> None:
    damage(root)
    with pytest.raises(UserError, match=message) as error:
        ready(root)
    assert "\n" not in str(error.value)
    assert not list(root.glob("prepared/*/*"))


def test_a_part_of_the_reviews_can_be_taken(root: Path) -> None:
    (tree(root) / "test/pos/25_9.txt").unlink()
    data = ready(root, complete=False)
    assert data.card["splits"]["test"]["labels"] == {"0": 20, "1": 19}
    assert data.card["name"] == "text (incomplete)"


@pytest.mark.parametrize(
    ("option", "value"), [("protocol", "original"), ("val_share", 1), ("data_seed", -1)]
)
def test_impossible_options(root: Path, option: str, value: Any) -> None:
    with pytest.raises(UserError, match=rf"^{option}( must be .*, got |=){value!r}"):
        Imdb(data_root=root, **OPTIONS, **{option: value})


@pytest.mark.slow
def test_a_run_trains_and_evaluates(tmp_path: Path, root: Path) -> None:
    tree(root)
    folder = tiny_run(tmp_path, "dataset=lra/text", "tokenizer=characters")
    assert 0 <= run(folder)["test/accuracy"] <= 1
