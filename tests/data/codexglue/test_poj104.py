from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from support.tiny_files import write_rows
from support.tiny_runs import tiny_run
from wavspa.data import Batch, PairBatch, Poj104
from wavspa.data.tokenizers import Bytes
from wavspa.errors import UserError
from wavspa.launching.run.worker import run

# Of the hub's splits, two share a problem with the next one.
HUB = {"train": [1, 2, 3, 4, 65], "validation": [65, 66, 81], "test": [81, 82]}
OFFICIAL = {"train": [1, 2, 3, 4], "valid": [65, 66], "test": [81, 82]}

FOLDER = "codexglue/poj104"


def programs(problems: Iterable[int], each: int = 5) -> list[dict[str, str]]:
    return [
        {"label": str(problem), "index": str(index), "code": f"int p{problem}() {{{index}}}"}
        for problem in problems
        for index in range(each)
    ]


def official(root: Path, folder: str = FOLDER, ending: str = "") -> None:
    for split, problems in OFFICIAL.items():
        write_rows(root / folder / f"{split}.jsonl{ending}", programs(problems))


def module(root: Path, **options: Any) -> Poj104:
    fixed = {"name": "poj104", "vocab_size": 257, "max_length": 20, "batch_size": 4}
    return Poj104(**{"data_root": root, "tokenizer": Bytes(), **fixed, **options})


def ready(root: Path, **options: Any) -> Poj104:
    data = module(root, **options)
    data.prepare_data()
    data.setup()
    return data


def problems_of(data: Poj104) -> dict[str, dict[int, int]]:
    return {
        split: {int(label): count for label, count in summary["labels"].items()}
        for split, summary in data.card["splits"].items()
    }


@pytest.mark.parametrize(
    ("folder", "ending"),
    [
        ("codexglue/poj104", ""),
        ("poj104", ".xz"),
        ("CodeXGLUE/Code-Code/Clone-detection-POJ-104/dataset", ""),
    ],
)
def test_the_benchmark_s_files(tmp_path: Path, folder: str, ending: str) -> None:
    official(tmp_path, folder, ending)
    data = ready(tmp_path)
    assert problems_of(data) == {
        "train": dict.fromkeys((1, 2, 3, 4), 5),
        "val": dict.fromkeys((65, 66), 5),
        "test": dict.fromkeys((81, 82), 5),
    }
    batch = next(iter(data.test_dataloader()))
    assert isinstance(batch, Batch)
    assert bytes(batch.tokens[1] - 1) == b"int p81() {1}"
    assert batch.labels.tolist() == [81] * 4


@pytest.mark.parametrize(
    "folder",
    [
        "codexglue/poj104",
        "google/code_x_glue_cc_clone_detection_poj104",
        "datasets--google--code_x_glue_cc_clone_detection_poj104/snapshots/1f0c",
    ],
)
def test_problems_of_another_split_in_the_hub_s_files_are_left_out(
    tmp_path: Path, folder: str
) -> None:
    for split, problems in HUB.items():
        rows = [
            {"id": i, "code": row["code"], "label": row["label"]}
            for i, row in enumerate(programs(problems))
        ]
        write_rows(tmp_path / folder / "data" / f"{split}-00000-of-00001.parquet", rows)
    data = ready(tmp_path)
    assert {split: list(of) for split, of in problems_of(data).items()} == {
        "train": [1, 2, 3, 4],
        "val": [65, 66],
        "test": [81, 82],
    }
    assert "problem 65" in data.card["left_out"]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for problem in range(1, 105):
        folder = tmp_path / "ProgramData" / str(problem)
        folder.mkdir(parents=True)
        for number in (2, 10):
            (folder / f"{number}.txt").write_bytes(
                f"// p{problem} \xfc {number}\r\n".encode("latin-1")
            )
    return tmp_path


def test_the_original_archive(tree: Path) -> None:
    data = ready(tree)
    assert {split: list(of) for split, of in problems_of(data).items()} == {
        "train": list(range(1, 65)),
        "val": list(range(65, 81)),
        "test": list(range(81, 105)),
    }
    batch = next(iter(data.val_dataloader()))
    texts = [
        bytes(row[:n] - 1).decode() for row, n in zip(batch.tokens, batch.lengths, strict=True)
    ]
    assert texts == ["// p65 ü 2\n", "// p65 ü 10\n", "// p66 ü 2\n", "// p66 ü 10\n"]


def test_a_folder_or_a_program_of_the_archive_is_empty(tree: Path) -> None:
    (tree / "ProgramData" / "70" / "2.txt").write_text("")
    with pytest.raises(UserError, match=r"ProgramData/70/2\.txt is empty"):
        ready(tree)
    for path in (tree / "ProgramData" / "70").iterdir():
        path.unlink()
    with pytest.raises(UserError, match="ProgramData/70 holds no programs"):
        ready(tree)


def test_a_program_of_the_archive_cannot_be_read(tree: Path) -> None:
    (tree / "ProgramData" / "70" / "3.txt").mkdir()
    with pytest.raises(UserError, match=r"ProgramData/70/3\.txt cannot be read \(Is a directory"):
        ready(tree)


def test_training_batches_are_pairs_of_one_problem(tmp_path: Path) -> None:
    official(tmp_path)
    data = ready(tmp_path, seed=1)
    batches = list(data.train_dataloader())
    assert len(batches) == 5
    assert all(isinstance(batch, PairBatch) for batch in batches)
    for tokens1, _, tokens2, _, labels in batches:
        assert len(set(labels.tolist())) > 1
        # The sixth byte is the number of the problem, the eleventh that of the program.
        assert (tokens1[:, 5] == tokens2[:, 5]).all()
        assert (tokens1[:, 5] - 1 - ord("0") == labels).all()
        assert (tokens1[:, 10] != tokens2[:, 10]).all()


def test_workers_give_the_same_pairs(tmp_path: Path) -> None:
    official(tmp_path)
    alone, helped = (list(ready(tmp_path, workers=n).train_dataloader()) for n in (0, 2))
    for batch, other in zip(alone, helped, strict=True):
        assert all((x == y).all() for x, y in zip(batch, other, strict=True))


def test_a_limit_leaves_single_programs_out_of_training(tmp_path: Path) -> None:
    official(tmp_path)
    with pytest.raises(UserError, match=r"dataset\.limit=1 leaves no two programs"):
        ready(tmp_path, limit=1).train_dataloader()
    assert len(ready(tmp_path, limit=12).train_dataloader()) == 3


def test_it_trains_and_is_scored_by_map_at_r(tmp_path: Path) -> None:
    official(tmp_path / "data")
    folder = tiny_run(tmp_path, "dataset=codexglue/poj104", "dataset.max_length=32")
    assert 0 < run(folder)["test/map_at_r"] <= 1


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"label": "105", "code": "x"}, r"train\.jsonl, line 2: the label '105' is not a problem"),
        (
            {"label": "sort", "code": "x"},
            r"train\.jsonl, line 2: the label 'sort' is not a problem",
        ),
        ({"label": "3"}, r"train\.jsonl, line 2: no value in the column 'code'"),
        ({"label": "3", "code": ""}, r"train\.jsonl, line 2: no value in the column 'code'"),
    ],
)
def test_broken_rows_are_named(tmp_path: Path, row: dict[str, str], message: str) -> None:
    official(tmp_path)
    write_rows(tmp_path / FOLDER / "train.jsonl", [*programs([1], each=1), row])
    with pytest.raises(UserError, match=message):
        ready(tmp_path)


def test_wrong_columns_are_listed(tmp_path: Path) -> None:
    official(tmp_path)
    write_rows(tmp_path / FOLDER / "train.jsonl", [{"target": 1, "func": "x"}])
    with pytest.raises(UserError, match=r"no column 'code'; its columns are 'target', 'func'"):
        ready(tmp_path)


def test_a_split_without_its_problems_is_empty(tmp_path: Path) -> None:
    official(tmp_path)
    write_rows(tmp_path / FOLDER / "valid.jsonl", programs([1, 2]))
    with pytest.raises(UserError, match=r"the split val of .* is empty"):
        ready(tmp_path)


def test_nothing_there(tmp_path: Path) -> None:
    official(tmp_path)
    (tmp_path / FOLDER / "valid.jsonl").unlink()
    with pytest.raises(UserError, match=r"valid\.jsonl.*ProgramData.*codexglue/poj104"):
        ready(tmp_path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_tokens": 100}, r"dataset\.batch_tokens=100 .* set dataset\.batch_size"),
        ({"batch_size": 3}, r"dataset\.batch_size=3 .* at least 4"),
    ],
)
def test_options_that_make_no_pairs(tmp_path: Path, options: dict[str, int], message: str) -> None:
    official(tmp_path)
    with pytest.raises(UserError, match=message):
        ready(tmp_path, **options).train_dataloader()
