from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from support.tiny_runs import tiny_run
from wavspa.data import Pathfinder
from wavspa.data.lra.pathfinder.files import list_pictures, write_pictures
from wavspa.data.lra.pathfinder.generator import Pathfinder as Generator
from wavspa.data.lra.pathfinder.stamps import benchmark_rule
from wavspa.errors import UserError
from wavspa.launching.run.worker import run

LEVEL = "curv_contour_length_14"


def module(root: Path, **options: Any) -> Pathfinder:
    few = {"train_examples": 40, "val_examples": 8, "test_examples": 8}
    fixed = {"name": "pathfinder32-hard", "vocab_size": 256, "classes": 2, "max_length": 1024}
    return Pathfinder(
        **{"data_root": root, "pixels": 32, "batch_size": 8, **few, **fixed, **options}
    )


def ready(root: Path, **options: Any) -> Pathfinder:
    data = module(root, **options)
    data.prepare_data()
    data.setup()
    return data


def draw_by_hand(folder: Path, files: int = 2, pictures: int = 10, pixels: int = 32) -> None:
    """Pictures of one grey level, 10 k + i; every third has label 1."""
    (folder / "metadata").mkdir(parents=True)
    for k in range(files):
        (folder / "imgs" / str(k)).mkdir(parents=True)
        lines = []
        for i in range(pictures):
            picture = np.full((pixels, pixels), 10 * k + i, np.uint8)
            Image.fromarray(picture).save(folder / "imgs" / str(k) / f"sample_{i}.png")
            label = int(i % 3 == 0)
            lines.append(
                f"imgs/{k} sample_{i}.png {i} {label} 1.0 14 4.666666666666667 2 0.5 1 1\n"
            )
        (folder / "metadata" / f"{k}.npy").write_text("".join(lines))


def contents(data: Pathfinder) -> dict[str, list[tuple[int, int]]]:
    """By split the first token and the label of every example."""
    loaders = {"train": data.train_dataloader, "val": data.val_dataloader}
    loaders["test"] = data.test_dataloader
    return {
        split: [
            (int(tokens[0]), int(label))
            for batch in loader()
            for tokens, label in zip(batch.tokens, batch.labels, strict=True)
        ]
        for split, loader in loaders.items()
    }


@pytest.mark.parametrize(
    "place",
    [
        "lra_release/lra_release/pathfinder32",
        "lra_release/pathfinder32",
        "pathfinder32",
        "pathfinder/pathfinder32",
        "",
    ],
)
def test_every_layout_is_read(tmp_path: Path, place: str) -> None:
    draw_by_hand(tmp_path / place / LEVEL)
    found = contents(ready(tmp_path))
    assert {split: len(rows) for split, rows in found.items()} == {"train": 16, "val": 2, "test": 2}
    everything = [row for rows in found.values() for row in rows]
    assert sorted(everything) == [(10 * k + i, int(i % 3 == 0)) for k in (0, 1) for i in range(10)]


def test_a_picture_is_its_grey_levels_row_by_row(tmp_path: Path) -> None:
    folder = tmp_path / "pathfinder32" / LEVEL
    draw_by_hand(folder, files=1)
    ramp = np.arange(1024).reshape(32, 32) % 256
    for i in range(10):
        Image.fromarray(ramp.astype(np.uint8)).save(folder / "imgs" / "0" / f"sample_{i}.png")
    batch = next(iter(ready(tmp_path).val_dataloader()))
    assert batch.tokens[0].tolist() == ramp.flatten().tolist()
    assert batch.lengths[0] == 1024


def test_the_split_is_a_function_of_its_seed(tmp_path: Path) -> None:
    draw_by_hand(tmp_path / "pathfinder32" / LEVEL)
    first = contents(ready(tmp_path, workers=0))
    assert contents(ready(tmp_path, data_seed=1)) != first
    assert module(tmp_path, data_seed=1).folder != module(tmp_path).folder
    assert module(tmp_path, seed=1, workers=2).folder == module(tmp_path).folder


@pytest.mark.slow
def test_generated_pictures_come_in_order_of_the_splits(tmp_path: Path) -> None:
    data = ready(tmp_path, generate=True)
    drawn = Generator(benchmark_rule(32, "hard"), seed=0).draw(0, 56)
    for loader, start in ((data.val_dataloader(), 40), (data.test_dataloader(), 48)):
        batch = next(iter(loader))
        expected = drawn.pixels[start : start + 8].reshape(8, -1)
        np.testing.assert_array_equal(batch.tokens.numpy(), expected)
        assert batch.labels.tolist() == drawn.labels[start : start + 8].tolist()
    card = data.card
    assert card["name"] == "pathfinder32-hard (generated)"
    assert [card["splits"][s]["examples"] for s in ("train", "val", "test")] == [40, 8, 8]
    assert set(card["splits"]["train"]["labels"]) == {"0", "1"}


def test_what_is_not_the_benchmark_s_own_says_so(tmp_path: Path) -> None:
    draw_by_hand(tmp_path / "pathfinder32" / LEVEL)
    assert ready(tmp_path).card["name"] == "pathfinder32-hard"
    fuller = ready(tmp_path, generate=True, faithful=False)
    assert fuller.card["name"] == "pathfinder32-hard (generated, with more distractors)"


def test_written_pictures_are_read_again(tmp_path: Path) -> None:
    generator = Generator(benchmark_rule(32, "hard"), seed=3)
    folder = tmp_path / "pathfinder32" / LEVEL
    write_pictures(folder, generator, examples=25, threads=2, files_per_folder=10)
    assert sorted(path.name for path in folder.parent.iterdir()) == [LEVEL]
    drawn = generator.draw(0, 25)
    pictures = list_pictures(folder)
    assert [picture.label for picture in pictures] == drawn.labels.tolist()
    assert pictures[13].path == folder / "imgs" / "1" / "sample_3.png"
    for picture, pixels in zip(pictures, drawn.pixels, strict=True):
        np.testing.assert_array_equal(np.array(Image.open(picture.path)), pixels)
    line = (folder / "metadata" / "1.npy").read_text().splitlines()[3]
    label = drawn.labels[13]
    assert line == f"imgs/1 sample_3.png 3 {label} 1.0 14 4.666666666666667 2 0.5 1 1"
    with pytest.raises(UserError, match=f"{LEVEL} already exists"):
        write_pictures(folder, generator, examples=1)


def test_metadata_are_read_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    draw_by_hand(tmp_path, files=11, pictures=1)
    assert [p.path.parent.name for p in list_pictures(tmp_path)] == [str(k) for k in range(11)]


def test_files_that_are_nowhere(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=rf"{LEVEL}/imgs.*dataset\.generate=true"):
        module(tmp_path).prepare_data()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a readable picture"),
        (b"\x89PNG\r\n\x1a\nbroken", "not a readable picture"),
        (None, "No such"),
    ],
)
def test_a_broken_picture_is_named(tmp_path: Path, content: bytes | None, message: str) -> None:
    draw_by_hand(tmp_path / "pathfinder32" / LEVEL)
    path = tmp_path / "pathfinder32" / LEVEL / "imgs" / "1" / "sample_3.png"
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    with pytest.raises(UserError, match=rf"imgs/1/sample_3\.png: .*{message}"):
        module(tmp_path).prepare_data()
    assert not [path for path in (tmp_path / "prepared").iterdir() if path.suffix != ".lock"]


def test_a_truncated_picture_is_named(tmp_path: Path) -> None:
    draw_by_hand(tmp_path / "pathfinder32" / LEVEL)
    path = tmp_path / "pathfinder32" / LEVEL / "imgs" / "0" / "sample_0.png"
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(UserError, match=r"imgs/0/sample_0\.png: not a readable picture"):
        module(tmp_path).prepare_data()


def test_a_picture_of_another_size_is_named(tmp_path: Path) -> None:
    draw_by_hand(tmp_path / "pathfinder32" / LEVEL, pixels=64)
    with pytest.raises(UserError, match=r"\.png: a picture of 64 x 64 pixels, not 32 x 32"):
        module(tmp_path).prepare_data()


def test_the_benchmark_s_own_empty_picture_is_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "pathfinder32" / "curv_baseline"
    draw_by_hand(folder, files=1, pictures=173)
    (folder / "imgs" / "0" / "sample_172.png").write_bytes(b"")
    assert len(list_pictures(folder)) == 172


@pytest.mark.parametrize("line", ["imgs/0 sample_0.png 0", "imgs/0 sample_0.png 0 2 1.0", ""])
def test_a_broken_line_of_metadata_is_named(tmp_path: Path, line: str) -> None:
    draw_by_hand(tmp_path, files=1, pictures=1)
    with (tmp_path / "metadata" / "0.npy").open("a") as file:
        print(line, file=file)
    with pytest.raises(UserError, match=r"metadata/0\.npy, line 2: "):
        list_pictures(tmp_path)


def test_metadata_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "metadata").mkdir()
    np.save(tmp_path / "metadata" / "0.npy", np.arange(3.0))
    with pytest.raises(UserError, match=r"metadata/0\.npy is not text"):
        list_pictures(tmp_path)


@pytest.mark.parametrize(
    ("option", "value"), [("pixels", 48), ("difficulty", "harder"), ("train_examples", 0)]
)
def test_impossible_options_are_named(tmp_path: Path, option: str, value: Any) -> None:
    with pytest.raises(UserError, match=rf"^{option}( must be .*, got |=){value!r}"):
        module(tmp_path, **{option: value})


@pytest.mark.parametrize(
    "name",
    [
        "pathfinder32",
        *(pytest.param(n, marks=pytest.mark.slow) for n in ("pathfinder64", "pathx", "pathx256")),
    ],
)
def test_it_trains_and_evaluates(tmp_path: Path, name: str) -> None:
    folder = tiny_run(
        tmp_path,
        f"dataset=lra/{name}",
        "dataset.generate=true",
        "dataset.difficulty=easy",
        "dataset.train_examples=4",
        "dataset.val_examples=2",
        "dataset.test_examples=2",
        "dataset.batch_size=2",
        "model/attention=linear",
        "model.dim=8",
        "trainer.max_steps=1",
        "trainer.val_every=1",
        "schedule.warmup=0",
    )
    assert 0 <= run(folder)["test/accuracy"] <= 1
