from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from support.tiny_files import write_rows
from support.tiny_runs import tiny_run
from wavspa.data import BigCloneBench, PairBatch
from wavspa.data.preparation import store
from wavspa.data.tokenizers import Bytes, Characters
from wavspa.errors import UserError
from wavspa.launching.run.frozen_data import check_same_data, keep_data
from wavspa.launching.run.worker import run

FUNCTIONS = {str(1000 + i): f"int f{i}() {{ return {'0' * i}; }}" for i in range(12)}
PAIRS = {"train": range(0, 60), "valid": range(60, 90), "test": range(90, 120)}

Pair = tuple[str, str, int]


def pair(number: int) -> Pair:
    """Functions 0 to 10; a third of the pairs are clones."""
    return str(1000 + number % 11), str(1000 + number * 7 % 11), int(number % 3 == 0)


def raw(root: Path) -> Path:
    folder = root / "codexglue/clone"
    functions = [{"func": text, "idx": index} for index, text in FUNCTIONS.items()]
    write_rows(folder / "data.jsonl", functions)
    for split, numbers in PAIRS.items():
        lines = ("\t".join(map(str, pair(number))) for number in numbers)
        (folder / f"{split}.txt").write_text("".join(f"{line}\n" for line in lines))
    return folder


def hub(root: Path) -> Path:
    folder = root / "code_x_glue_cc_clone_detection_big_clone_bench/data"
    for split, numbers in PAIRS.items():
        rows = []
        for number in numbers:
            first, second, label = pair(number)
            texts = {"func1": FUNCTIONS[first], "func2": FUNCTIONS[second]}
            rows.append({"id": number, "id1": int(first), **texts, "label": label == 1})
        name = "validation" if split == "valid" else split
        write_rows(folder / f"{name}-00000-of-00001.parquet", rows)
    return folder


def module(root: Path, **options: Any) -> BigCloneBench:
    fixed = {"name": "clone", "vocab_size": 257, "classes": 2, "max_length": 40, "batch_size": 8}
    return BigCloneBench(**{"data_root": root, "tokenizer": Bytes(), **fixed, **options})


def ready(root: Path, **options: Any) -> BigCloneBench:
    data = module(root, **options)
    data.prepare_data()
    data.setup()
    return data


def pairs(loader: Any) -> list[Pair]:
    """The pairs of a loader, by the indices of their functions."""
    index = {text: index for index, text in FUNCTIONS.items()}
    found = []
    for batch in loader:
        assert isinstance(batch, PairBatch)
        for tokens1, length1, tokens2, length2, label in zip(*batch, strict=True):
            texts = (bytes(tokens1[:length1] - 1), bytes(tokens2[:length2] - 1))
            found.append((*(index[text.decode()] for text in texts), int(label)))
    return found


@pytest.mark.parametrize("layout", [raw, hub])
def test_every_layout_gives_the_same(tmp_path: Path, layout: Any) -> None:
    layout(tmp_path)
    data = ready(tmp_path)
    assert pairs(data.val_dataloader()) == [pair(number) for number in PAIRS["valid"]]
    assert pairs(data.test_dataloader()) == [pair(number) for number in PAIRS["test"]]
    assert Counter(pairs(data.train_dataloader())) == Counter(map(pair, PAIRS["train"]))
    assert data.card["splits"]["train"]["labels"] == {"0": 40, "1": 20}


def test_each_function_is_kept_once(tmp_path: Path) -> None:
    raw(tmp_path)
    data = ready(tmp_path)
    pool = store.open_pool(data.folder)
    assert pool is not None
    assert sorted(bytes(t - 1 for t in tokens).decode() for tokens in pool["tokens"]) == sorted(
        FUNCTIONS[str(1000 + i)] for i in range(11)
    )
    assert set(data.card["splits"]) == {"train", "val", "test"}
    used = [len(FUNCTIONS[index]) for number in PAIRS["test"] for index in pair(number)[:2]]
    length = data.card["splits"]["test"]["length"]
    assert (length["min"], length["max"]) == (min(used), max(used))
    assert length["mean"] == pytest.approx(sum(used) / len(used), abs=0.01)
    assert data.card["splits"]["test"]["largest_token"] == ord("}") + 1


@pytest.mark.parametrize("name", ["pool.arrow", "vocabulary.json"])
def test_damage_is_found_in_what_the_pairs_share(tmp_path: Path, name: str) -> None:
    raw(tmp_path)
    path = module(tmp_path, tokenizer=Characters(), vocab_size="auto").folder / name
    ready(tmp_path, tokenizer=Characters(), vocab_size="auto")
    store.verify(path.parent)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match=rf"{name} is damaged"):
        store.verify(path.parent)


def test_a_run_refuses_other_functions_in_the_same_pairs(tmp_path: Path) -> None:
    raw(tmp_path)
    data = ready(tmp_path)
    keep_data(tmp_path, data)
    check_same_data(tmp_path, data, ["train"])
    other = raw(tmp_path / "other") / "data.jsonl"
    other.write_text(other.read_text().replace("return", "RETURN"))
    data = ready(tmp_path / "other")
    check_same_data(tmp_path, data, ())
    with pytest.raises(UserError, match="the texts of the rows have changed"):
        check_same_data(tmp_path, data, ["train"])


def test_long_functions_are_cut_and_batches_bucketed(tmp_path: Path) -> None:
    raw(tmp_path)
    data = ready(tmp_path, max_length=20)
    batch = next(iter(data.test_dataloader()))
    assert max(batch.lengths1.max(), batch.lengths2.max()) == 20
    budget = ready(tmp_path, max_length=20, batch_tokens=100)
    assert all(batch.tokens1.numel() <= 100 for batch in budget.train_dataloader())


def test_shares_are_drawn_by_label(tmp_path: Path) -> None:
    raw(tmp_path)
    tenth = ready(tmp_path, train_share=0.1, val_share=0.2)
    assert {split: part["labels"] for split, part in tenth.card["splits"].items()} == {
        "train": {"0": 4, "1": 2},
        "val": {"0": 4, "1": 2},
        "test": {"0": 20, "1": 10},
    }
    assert tenth.card["used"] == {
        "train": "a share of 0.1, by label",
        "val": "a share of 0.2, by label",
        "test": "all pairs",
    }
    drawn = pairs(tenth.train_dataloader())
    assert set(drawn) <= set(map(pair, PAIRS["train"]))
    other = ready(tmp_path, train_share=0.1, val_share=0.2, data_seed=1)
    assert sorted(drawn) != sorted(pairs(other.train_dataloader()))
    assert module(tmp_path, seed=1).folder == module(tmp_path, seed=2).folder


def test_pairs_of_unknown_functions_are_left_out(tmp_path: Path) -> None:
    with (raw(tmp_path) / "train.txt").open("a") as file:
        file.write("1000\t77\t1\n77\t1000\t0\n")
    card = ready(tmp_path).card
    assert card["splits"]["train"]["examples"] == 60
    assert card["left_out"].startswith("2 pairs of functions that data.jsonl lacks")


@pytest.mark.slow
def test_it_trains_and_is_scored_by_f1(tmp_path: Path) -> None:
    raw(tmp_path / "data")
    words = ["dataset.max_length=32", "dataset.train_share=null", "dataset.val_share=0.5"]
    metrics = run(tiny_run(tmp_path, "dataset=codexglue/clone", *words))
    assert {"test/f1", "test/precision", "test/recall"} <= metrics.keys()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1000\t1001", r"valid\.txt, line 31: a broken row \(2 fields, not 3\)"),
        ("1000\t1001\tyes", r"valid\.txt, line 31: the label 'yes' is neither 0 nor 1"),
        ("1000\t\t1", r"valid\.txt, line 31: no value in the column 'idx2'"),
    ],
)
def test_broken_rows_are_named(tmp_path: Path, line: str, message: str) -> None:
    with (raw(tmp_path) / "valid.txt").open("a") as file:
        file.write(f"{line}\n")
    with pytest.raises(UserError, match=message):
        ready(tmp_path)


def test_an_empty_split(tmp_path: Path) -> None:
    (raw(tmp_path) / "test.txt").write_text("")
    with pytest.raises(UserError, match=r"test\.t\w+ holds no rows"):
        ready(tmp_path)


def test_nothing_there(tmp_path: Path) -> None:
    (raw(tmp_path) / "data.jsonl").unlink()
    with pytest.raises(UserError, match=r"data\.jsonl, train\.txt.*codexglue/clone"):
        ready(tmp_path)


@pytest.mark.parametrize("option", ["train_share", "val_share"])
def test_impossible_shares(tmp_path: Path, option: str) -> None:
    with pytest.raises(UserError, match=rf"^{option} must be .* got 10$"):
        module(tmp_path, **{option: 10})
