"""Code translation of CodeXGLUE, in the layouts that users have it in."""

from pathlib import Path
from typing import Any

import pytest

from support.tiny_files import write_rows
from support.tiny_runs import tiny_run
from wavspa.data import Translation
from wavspa.data.tokenizers import Bytes
from wavspa.errors import UserError
from wavspa.launching.run.worker import run

EXAMPLES = {"train": 12, "valid": 3, "test": 4}


def pair(split: str, number: int) -> dict[str, str]:
    return {"java": f"int {split}{number}() {{}}", "cs": f"Int {split.upper()}{number}(){{ }}"}


def write_lines(folder: Path) -> None:
    folder.mkdir(parents=True)
    for split, count in EXAMPLES.items():
        for language in ("java", "cs"):
            lines = [pair(split, number)[language] + " \n" for number in range(count)]
            (folder / f"{split}.java-cs.txt.{language}").write_text("".join(lines))


def hub(root: Path) -> None:
    folder = root / "google/code_x_glue_cc_code_to_code_trans/data"
    for split, count in EXAMPLES.items():
        name = "validation" if split == "valid" else split
        rows = [{"id": number, **pair(split, number)} for number in range(count)]
        write_rows(folder / f"{name}-00000-of-00001.parquet", rows)


LAYOUTS: dict[str, Any] = {
    "codexglue/translation": write_lines,
    "data": write_lines,
    "Code-Code/code-to-code-trans/data": write_lines,
    "hub": lambda folder: hub(folder.parent),
}


def module(root: Path, **options: Any) -> Translation:
    fixed = {"name": "translation", "vocab_size": 258, "batch_size": 4}
    lengths = {"max_length": 16, "max_target_length": 8}
    return Translation(
        **{"data_root": root, "tokenizer": Bytes(end=True), **fixed, **lengths, **options}
    )


def opened(root: Path, **options: Any) -> Translation:
    data = module(root, **options)
    data.prepare_data()
    data.setup("fit")
    return data


@pytest.mark.parametrize("place", LAYOUTS)
def test_every_layout_gives_the_same(tmp_path: Path, place: str) -> None:
    LAYOUTS[place](tmp_path / place)
    data = opened(tmp_path)
    assert [data.card["splits"][split]["examples"] for split in ("train", "val", "test")] == [
        12,
        3,
        4,
    ]
    batch = next(iter(data.test_dataloader()))
    expected = pair("test", 1)
    assert data.decode(batch.references[1].tolist()) == expected["cs"]
    assert data.decode(batch.tokens[1].tolist()) == expected["java"][:15]


def test_sources_and_targets_are_cut_and_end_and_references_are_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_lines(tmp_path / "data")
    data = opened(tmp_path, max_length=12)
    batch = next(iter(data.test_dataloader()))
    assert batch.tokens[0, : batch.lengths[0]].tolist()[-1] == data.end_token == 257
    assert batch.target_lengths.tolist() == [8] * 4
    assert batch.targets[:, -1].tolist() == [257] * 4
    assert data.decode(batch.targets[0].tolist()) == "Int TES"
    assert data.decode(batch.references[0].tolist()) == "Int TEST0(){ }"
    assert not batch.labels.any()
    assert (
        "12 of 12 sources of train have more than dataset.max_length=12 tokens"
        in capsys.readouterr().err
    )


def test_buckets_and_the_longest_width_are_those_of_sources(tmp_path: Path) -> None:
    write_lines(tmp_path / "data")
    for pad, batch_tokens in (("bucket", 64), ("bucket", None), ("max", None)):
        options = {"pad": pad, "batch_tokens": batch_tokens, "max_length": 6}
        data = opened(tmp_path, **options)
        widths = {batch.tokens.shape[1] for batch in data.train_dataloader()}
        assert widths == {6}


def test_the_other_direction_is_other_data(tmp_path: Path) -> None:
    write_lines(tmp_path / "data")
    forth, back = module(tmp_path), opened(tmp_path, direction="cs-java")
    assert forth.folder != back.folder
    batch = next(iter(back.val_dataloader()))
    assert back.decode(batch.references[0].tolist()) == pair("valid", 0)["java"]


def test_mistakes_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^direction='java-c' is unknown; choose one of "):
        module(tmp_path, direction="java-c")
    with pytest.raises(
        UserError, match=r"code translation: no folder under .* holds train.java-cs"
    ):
        opened(tmp_path)
    write_lines(tmp_path / "data")
    targets = tmp_path / "data/valid.java-cs.txt.cs"
    lines = targets.read_text()
    targets.write_text(lines + "one more\n")
    with pytest.raises(UserError, match=r"valid\.java-cs\.txt\.java has 3 lines and .*cs has 4: "):
        opened(tmp_path)
    targets.write_text("\n".join(["a", "", "b"]) + "\n")
    with pytest.raises(UserError, match=r"valid\.java-cs\.txt\.cs, line 2: the line is empty"):
        opened(tmp_path)
    assert not list(tmp_path.glob("prepared/translation*"))


def test_a_run(tmp_path: Path) -> None:
    write_lines(tmp_path / "data" / "data")
    words = ["dataset=codexglue/translation", "tokenizer=bytes", "dataset.limit=null"]
    small = ["dataset.max_length=24", "dataset.max_target_length=8", "dataset.batch_size=4"]
    metrics = run(tiny_run(tmp_path, *words, *small, "trainer.max_steps=3"))
    assert set(metrics) == {
        f"test/{name}"
        for name in ("loss", "token_accuracy", "bleu", "exact_match", "empty", "cut_off")
    }
