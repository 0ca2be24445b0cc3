from pathlib import Path
from typing import Any

import pytest

from support.tiny_runs import tiny_run
from wavspa.data import ListOps
from wavspa.data.lra.listops.grammar import decode
from wavspa.errors import UserError
from wavspa.launching.run.worker import run

SOURCES = ["( ( ( [SM 5 ) 5 ) ] )", "( ( ( ( [MAX 2 ) 9 ) ( ( ( [MIN 4 ) 7 ) ] ) ) ] )"]
FILES = [f"basic_{split}.tsv" for split in ("train", "val", "test")]


def write(folder: Path, *rows: str, header: str = "Source\tTarget") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        (folder / name).write_text("".join(f"{line}\r\n" for line in [header, *rows]))


def ready(root: Path, **options: Any) -> ListOps:
    fixed = {"name": "listops", "vocab_size": 16, "classes": 10, "batch_size": 2}
    data = ListOps(data_root=root, generate=False, **fixed, **options)
    data.prepare_data()
    data.setup()
    return data


@pytest.mark.parametrize("folder", ["listops", "lra_release/lra_release/listops-1000", ""])
def test_the_benchmark_s_files(tmp_path: Path, folder: str) -> None:
    write(tmp_path / folder, f"{SOURCES[0]}\t0", f"{SOURCES[1]}\t9")
    data = ready(tmp_path)
    (batch,) = data.val_dataloader()
    rows = zip(batch.tokens, batch.lengths, strict=True)
    texts = [decode(tokens[:length].numpy()) for tokens, length in rows]
    assert texts == ["[SM 5 5 ]", "[MAX 2 9 [MIN 4 7 ] ]"]
    assert batch.labels.tolist() == [0, 9]
    assert "own files" in data.card["source"]
    assert data.card["root_operator_control"]["test"] == 1.0


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("( [AVG 5 ) ]\t0", r"basic_train\.tsv, line 3: '\[AVG' is not a symbol"),
        ("5\tten", r"basic_train\.tsv, line 3: the target 'ten' is not a digit"),
        ("5", r"basic_train\.tsv, line 3: a broken row"),
        ("5\t", r"basic_train\.tsv, line 3: no value in the column 'Target'"),
    ],
)
def test_a_broken_row(tmp_path: Path, row: str, message: str) -> None:
    write(tmp_path, f"{SOURCES[0]}\t0", row)
    with pytest.raises(UserError, match=message):
        ready(tmp_path)


def test_other_columns_are_listed(tmp_path: Path) -> None:
    write(tmp_path, "5\t5", header="Text\tTarget")
    with pytest.raises(UserError, match=r"no column 'Source'; its columns are 'Text', 'Target'"):
        ready(tmp_path)


def test_no_files(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"ListOps: .*basic_train\.tsv.*dataset\.generate=true"):
        ready(tmp_path)


@pytest.mark.slow
def test_a_run(tmp_path: Path) -> None:
    write(tmp_path / "data/listops", *(f"{SOURCES[i % 2]}\t{i % 2 * 9}" for i in range(20)))
    folder = tiny_run(tmp_path, "dataset=lra/listops", "dataset.generate=false")
    assert "test/accuracy" in run(folder)
