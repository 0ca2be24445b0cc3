from pathlib import Path

import pytest

from wavspa.data.sources.locate import LRA_PLACES, FilesNotFound, below, find_folder, find_splits
from wavspa.errors import UserError

PAIRS = [f"new_aan_pairs.{split}.tsv" for split in ("train", "eval", "test")]


@pytest.mark.parametrize(
    "folder",
    [
        "",
        "aan",
        "lra_release/tsv_data",
        "lra_release/lra_release/tsv_data",
        "lra_release 3/lra_release/tsv_data/tsv_data",
    ],
)
def test_every_layout_is_found(tmp_path: Path, folder: str) -> None:
    places = below(LRA_PLACES, "", "tsv_data", "tsv_data/tsv_data", "aan")
    assert find_folder(tmp_path, places, PAIRS) is None
    (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    for name in PAIRS:
        assert find_folder(tmp_path, places, PAIRS) is None
        (tmp_path / folder / name).touch()
    assert find_folder(tmp_path, places, PAIRS) == tmp_path / folder


def test_the_first_place_wins_and_files_may_be_patterns(tmp_path: Path) -> None:
    for folder in ("b", "a"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "train-00000-of-00001.parquet").touch()
    assert find_folder(tmp_path, ["b", "a"], ["train-*.parquet"]) == tmp_path / "b"
    assert find_folder(tmp_path, ["?"], ["train-*.parquet"]) == tmp_path / "a"
    assert find_folder(tmp_path, ["?"], ["train-*.parquet", "test-*.parquet"]) is None


@pytest.mark.parametrize(
    ("names", "lacks"),
    [
        (["0.parquet", "1.parquet"], None),
        (["00000-of-00002.parquet", "00001-of-00002.parquet"], None),
        (["00000-of-00002-0a1b.parquet", "00001-of-00002-2c3d.parquet"], None),
        (["00000-of-00003.parquet", "00002-of-00003.parquet"], "00001-of-00003"),
        (["00001-of-00002-0a1b.parquet"], "00000-of-00002"),
    ],
    ids=str,
)
def test_a_part_that_is_missing_is_named(
    tmp_path: Path, names: list[str], lacks: str | None
) -> None:
    files = [tmp_path / f"train-{name}" for name in names]
    for file in files:
        file.touch()
    if lacks is None:
        assert find_splits(tmp_path, [""], {"train": "train-*.parquet"}) == {"train": files}
    else:
        with pytest.raises(UserError, match=rf"lacks the part {lacks} of the files such as train-"):
            find_splits(tmp_path, [""], {"train": "train-*.parquet"})


def test_the_message_says_what_was_looked_for(tmp_path: Path) -> None:
    message = str(FilesNotFound("Retrieval", tmp_path, PAIRS, "unpack lra_release.gz there"))
    assert str(tmp_path) in message
    assert all(name in message for name in PAIRS)
    assert message.endswith("unpack lra_release.gz there")


def test_files_of_all_splits(tmp_path: Path) -> None:
    def find(**patterns: str) -> dict[str, list[Path]] | None:
        return find_splits(tmp_path, ["a", "b"], patterns)

    for folder, names in {
        "a": ["train.jsonl"],
        "b": ["train.jsonl.xz", "train.jsonl", "test.jsonl.gz", "test-1.parquet", "test-0.parquet"],
    }.items():
        (tmp_path / folder).mkdir()
        for name in names:
            (tmp_path / folder / name).touch()
    b = tmp_path / "b"
    assert find(train="train.jsonl", test="test.jsonl") == {
        "train": [b / "train.jsonl"],
        "test": [b / "test.jsonl.gz"],
    }
    assert find(test="test-*.parquet") == {"test": [b / "test-0.parquet", b / "test-1.parquet"]}
    assert find(train="train.jsonl", val="valid.jsonl") is None
