from pathlib import Path
from typing import Any

import pytest

from support.tiny_runs import tiny_run
from wavspa.data import Aan, PairBatch
from wavspa.data.lra.aan import FILES
from wavspa.data.tokenizers import Bytes
from wavspa.errors import UserError
from wavspa.launching.run.worker import run

OPTIONS: dict[str, Any] = {
    "name": "retrieval",
    "tokenizer": Bytes(),
    "vocab_size": 257,
    "classes": 2,
    "max_length": 20,
    "batch_size": 4,
}


def line(i: int) -> str:
    """A pair with what csv would take for quotes and for the end of a line."""
    return f'{i % 2}.0\tP00-{i:04d}\tW01-{i:04d}\t"the {i}\rfirst é\tsecond" {"x" * i}\n'


def write(folder: Path, examples: int = 6) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES.values():
        (folder / name).write_text("".join(map(line, range(examples))), newline="")
    return folder


def ready(root: Path, **options: Any) -> Aan:
    data = Aan(data_root=root, **{**OPTIONS, **options})
    data.prepare_data()
    data.setup()
    return data


@pytest.mark.parametrize(
    "place",
    [
        "lra_release/lra_release/tsv_data",
        "lra_release 3/lra_release/tsv_data/tsv_data",
        "lra_release/tsv_data",
        "aan",
        "data/aan",
        ".",
    ],
)
def test_pairs_are_read_as_they_stand(tmp_path: Path, place: str) -> None:
    write(tmp_path / place)
    data = ready(tmp_path)
    assert {split: card["examples"] for split, card in data.card["splits"].items()} == {
        "train": 6,
        "val": 6,
        "test": 6,
    }
    batch = next(iter(data.val_dataloader()))
    assert isinstance(batch, PairBatch)
    assert batch.labels.tolist() == [0, 1, 0, 1]
    first = bytes(token - 1 for token in batch.tokens1[2].tolist() if token).decode()
    second = bytes(token - 1 for token in batch.tokens2[2].tolist() if token).decode()
    assert (first, second) == ('"the 2\rfirst é', 'second" xx')


def test_texts_are_cut_to_characters_and_then_to_tokens(tmp_path: Path) -> None:
    write(tmp_path)
    text = "é" * 10_001
    (tmp_path / FILES["train"]).write_text(f"1.0\ta\tb\t{text}\t{text}\n")
    whole = ready(tmp_path, max_length=30_000).card["splits"]["train"]["length"]
    assert whole["max"] == 2 * 10_000
    cut = ready(tmp_path, stored_length=4_000).card["splits"]["train"]["length"]
    card = ready(tmp_path).card
    assert (
        card["longest_text"]
        == "10,000 characters; longer texts are cut at the end, as in the benchmark"
    )
    assert cut["max"] == 4_000


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ("1.0\ta\tb\tone text\n", r"eval\.tsv, line 7: a broken row \(4 fields, not 5\)"),
        ("1.0\ta\tb\tone\ttwo\tthree\n", r"eval\.tsv, line 7: a broken row \(6 fields, not 5\)"),
        ("2.0\ta\tb\tone\ttwo\n", r"eval\.tsv, line 7: the label '2\.0'"),
        ("1.0\ta\tb\tone\t\n", r"eval\.tsv, line 7: no value in the column 'text2'"),
        ("1.0\ta\tb\tone\t\udcff\n", r"eval\.tsv is not UTF-8"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, broken: str, message: str) -> None:
    write(tmp_path)
    with (tmp_path / FILES["val"]).open("a", errors="surrogateescape") as file:
        file.write(broken)
    with pytest.raises(UserError, match=message):
        ready(tmp_path)
    assert not list(tmp_path.glob("prepared/*/*"))


def test_an_empty_file(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / FILES["test"]).write_text("")
    with pytest.raises(UserError, match=r"test\.t\w+ holds no rows"):
        ready(tmp_path)


def test_the_files_are_nowhere(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / FILES["test"]).unlink()
    with pytest.raises(
        UserError, match=r"AAN: no folder .* new_aan_pairs\.test\.tsv; get the arch"
    ):
        ready(tmp_path)


@pytest.mark.slow
def test_a_run_trains_and_evaluates(tmp_path: Path) -> None:
    write(tmp_path / "data/aan", examples=20)
    folder = tiny_run(tmp_path, "dataset=lra/retrieval", "dataset.max_length=40")
    assert 0 <= run(folder)["test/accuracy"] <= 1
