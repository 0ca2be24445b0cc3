"""Code summarization of CodeXGLUE, in the layouts that users have it in."""

from pathlib import Path
from typing import Any

import pytest

from support.tiny_files import write_rows
from wavspa.data import Summarization
from wavspa.data.tokenizers import Bytes
from wavspa.errors import UserError

EXAMPLES = {"train": 5, "valid": 2, "test": 3}


def function(split: str, number: int) -> dict[str, Any]:
    return {
        "repo": "a/b",
        "code": "not read",
        "code_tokens": ["def", f"{split}{number}", "(", ")", ":", "return", '"a\n  b"'],
        "docstring": "Not read either.",
        "docstring_tokens": ["Return", "\n", f"{split}", str(number), "."],
    }


def rows(split: str) -> list[dict[str, Any]]:
    found = [function(split, number) for number in range(EXAMPLES[split])]
    if split == "train":
        found[3]["docstring_tokens"] = []
    return found


def official(root: Path) -> None:
    for split in EXAMPLES:
        write_rows(root / f"codexglue/summarization/ruby/{split}.jsonl", rows(split))


def checkout(root: Path) -> None:
    folder = root / "CodeXGLUE/Code-Text/code-to-text/dataset/ruby"
    for split in EXAMPLES:
        write_rows(folder / f"{split}.jsonl.gz", rows(split))


def hub(root: Path) -> None:
    """As the download leaves them: the folder of one language, and in it the hub's."""
    for split in EXAMPLES:
        name = "validation" if split == "valid" else split
        file = f"codexglue/summarization/ruby/ruby/{name}-00000-of-00001.parquet"
        write_rows(root / file, rows(split))


def opened(root: Path, **options: Any) -> Summarization:
    fixed = {"name": "summarization", "vocab_size": 258, "batch_size": 4, "language": "ruby"}
    lengths = {"max_length": 99, "max_target_length": 40}
    data = Summarization(
        **{"data_root": root, "tokenizer": Bytes(end=True), **fixed, **lengths, **options}
    )
    data.prepare_data()
    data.setup()
    return data


@pytest.mark.parametrize("layout", [official, checkout, hub])
def test_every_layout_gives_the_benchmark_s_texts(tmp_path: Path, layout: Any) -> None:
    layout(tmp_path)
    data = opened(tmp_path)
    batch = next(iter(data.test_dataloader()))
    assert data.decode(batch.tokens[2].tolist()) == 'def test2 ( ) : return "a b"'
    assert data.decode(batch.references[2].tolist()) == "Return test 2 ."
    assert data.card["splits"]["train"]["examples"] == 4
    assert data.card["left_out"] == {
        "rows without code or documentation": {"train": 1, "val": 0, "test": 0}
    }


def test_mistakes_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^language='rust' is unknown; choose one of go"):
        opened(tmp_path, language="rust")
    official(tmp_path)
    with pytest.raises(
        UserError, match=r"code summarization, go: no folder under .* follow Code-Text/"
    ):
        opened(tmp_path, language="go")
    broken = rows("valid")
    broken[1]["code_tokens"] = "def x"
    write_rows(tmp_path / "codexglue/summarization/ruby/valid.jsonl", broken)
    with pytest.raises(UserError, match="line 2: the column 'code_tokens' must be a list of texts"):
        opened(tmp_path)


def test_a_language_is_downloaded_to_a_folder_of_its_own(tmp_path: Path) -> None:
    official(tmp_path)
    (download,) = opened(tmp_path).downloads
    assert download == opened(tmp_path).downloads[0]
    assert (download.patterns, download.folder) == (
        ("ruby/*.parquet",),
        "codexglue/summarization/ruby",
    )
