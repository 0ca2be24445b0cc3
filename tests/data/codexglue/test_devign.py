import json
from pathlib import Path
from typing import Any

import pytest

from support.tiny_files import write_rows
from support.tiny_runs import tiny_run
from wavspa.data import Devign
from wavspa.data.tokenizers import Bytes
from wavspa.errors import UserError
from wavspa.launching.run.worker import run

FOLDER = Path("codexglue/defect")
# The benchmark's splits are scattered over the list of functions.
INDICES = {"train": [0, 2, 5, 6, 7], "valid": [3, 8], "test": [1, 4, 9]}


def function(index: int) -> dict[str, Any]:
    body = f'static int f{index}(void)\n{{\n    return "{index}, \\"x\\"";\n}}'
    return {"project": "qemu", "commit_id": "ab12", "target": int(index % 3 == 0), "func": body}


def official(root: Path) -> Path:
    for split, indices in INDICES.items():
        rows = [{**function(index), "idx": index} for index in indices]
        write_rows(root / FOLDER / f"{split}.jsonl", rows)
    return root / FOLDER


def raw(root: Path) -> Path:
    folder = root / "Code-Code/Defect-detection/dataset"
    folder.mkdir(parents=True)
    (folder / "function.json").write_text(json.dumps([function(index) for index in range(10)]))
    for split, indices in INDICES.items():
        (folder / f"{split}.txt").write_text("".join(f"{index}\n" for index in indices))
    return folder


def hub(root: Path) -> Path:
    folder = root / "google/code_x_glue_cc_defect_detection/data"
    for split, indices in INDICES.items():
        name = "validation" if split == "valid" else split
        rows = [
            {**function(i), "target": function(i)["target"] == 1, "id": number}
            for number, i in enumerate(indices)
        ]
        for part, share in enumerate((rows[:1], rows[1:])):
            write_rows(folder / f"{name}-0000{part}-of-00002.parquet", share)
    return folder


def upstream(root: Path) -> Path:
    """The original's csv, whose first column has no name."""
    folder = root / "Code-Code/Defect-detection/dataset"
    for split, indices in INDICES.items():
        rows = [{"": number, **function(i), "idx": i} for number, i in enumerate(indices)]
        write_rows(folder / f"{split}.csv", rows)
    return folder


def module(root: Path, **options: Any) -> Devign:
    fixed = {"name": "defect", "vocab_size": 257, "classes": 2, "max_length": 80, "batch_size": 4}
    return Devign(**{"data_root": root, "tokenizer": Bytes(), **fixed, **options})


def prepared(root: Path) -> Devign:
    data = module(root)
    data.prepare_data()
    return data


@pytest.mark.parametrize("layout", [official, raw, hub, upstream])
def test_every_layout_gives_the_same(tmp_path: Path, layout: Any) -> None:
    layout(tmp_path)
    data = prepared(tmp_path)
    assert {split: part["labels"] for split, part in data.card["splits"].items()} == {
        "train": {"0": 3, "1": 2},
        "val": {"0": 1, "1": 1},
        "test": {"0": 2, "1": 1},
    }
    data.setup()
    batch = next(iter(data.test_dataloader()))
    assert batch.labels.tolist() == [0, 0, 1]
    for tokens, length, index in zip(batch.tokens, batch.lengths, INDICES["test"], strict=True):
        assert bytes(tokens[:length] - 1).decode() == function(index)["func"]


def test_the_card(tmp_path: Path) -> None:
    official(tmp_path)
    card = prepared(tmp_path).card
    assert "Devign" in card["source"]
    assert "C-UDA" in card["licence"]


@pytest.mark.slow
def test_it_trains_and_evaluates(tmp_path: Path) -> None:
    official(tmp_path / "data")
    metrics = run(tiny_run(tmp_path, "dataset=codexglue/defect", "dataset.max_length=64"))
    assert 0 <= metrics["test/accuracy"] <= 1


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"func": "f", "target": 2}, r"train\.jsonl, line 2: the label 2 is neither 0 nor 1"),
        ({"func": "", "target": 1}, r"train\.jsonl, line 2: no value in the column 'func'"),
        ({"func": "f"}, r"train\.jsonl, line 2: no value in the column 'target'"),
    ],
)
def test_broken_rows_are_named(tmp_path: Path, row: dict[str, Any], message: str) -> None:
    write_rows(official(tmp_path) / "train.jsonl", [function(0), row])
    with pytest.raises(UserError, match=message):
        prepared(tmp_path)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("10", r"function\.json has no item 10, which .*valid\.txt names"),
        ("x", r"valid\.txt, line 3: 'x' is not the number of a function"),
        ("-1", r"valid\.txt, line 3: '-1' is not the number of a function"),
    ],
)
def test_broken_indices_are_named(tmp_path: Path, line: str, message: str) -> None:
    with (raw(tmp_path) / "valid.txt").open("a") as file:
        file.write(f"{line}\n")
    with pytest.raises(UserError, match=message):
        prepared(tmp_path)


def test_wrong_columns_are_listed(tmp_path: Path) -> None:
    write_rows(official(tmp_path) / "test.jsonl", [{"code": "x", "label": 1}])
    with pytest.raises(UserError, match=r"no column 'func'; its columns are 'code', 'label'"):
        prepared(tmp_path)


def test_an_empty_split(tmp_path: Path) -> None:
    (official(tmp_path) / "valid.jsonl").write_text("")
    with pytest.raises(UserError, match=r"valid\.jsonl is empty"):
        prepared(tmp_path)


def test_nothing_there(tmp_path: Path) -> None:
    (official(tmp_path) / "valid.jsonl").unlink()
    with pytest.raises(UserError, match=r"valid\.jsonl.*function\.json.*codexglue/defect"):
        prepared(tmp_path)
