"""``wavspa-predict`` on runs of pictures: what it reads, and what it refuses."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from support.tiny_files import write_rows
from support.tiny_predictions import predicted, probabilities, score_of, share_of_hits
from support.tiny_runs import tiny_run
from wavspa.data.lra.cifar10_files import CLASSES
from wavspa.data.lra.pathfinder.files import write_pictures
from wavspa.data.lra.pathfinder.generator import Pathfinder
from wavspa.data.lra.pathfinder.stamps import benchmark_rule
from wavspa.errors import UserError
from wavspa.launching.analysis.trained_run import TrainedRun
from wavspa.launching.run.freeze import read_config
from wavspa.launching.run.worker import run

SHORT = ["trainer.max_steps=4", "trainer.val_every=2", "model/attention=linear"]


def trained(place, *words):
    folder = tiny_run(place, *SHORT, *words)
    run(folder)
    return folder


def own_test(folder):
    """Tokens [n, N] and labels of the run's test split."""
    tokens, labels = zip(*TrainedRun(folder, read_config(folder), "test").examples(50), strict=True)
    return np.stack(tokens), list(map(str, labels))


def save(path, levels, form="PNG"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(levels, np.uint8)).save(path, form)


def encoded(colours):
    file = io.BytesIO()
    Image.fromarray(colours).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("pictures")


@pytest.fixture(scope="module")
def digits(place):
    return trained(place, "dataset=digits")


@pytest.fixture(scope="module")
def scans(place, digits):
    """The run's test split as files in two folders, in the order of the data."""
    folder = place / "scans"
    for i, (tokens, label) in enumerate(zip(*own_test(digits), strict=True)):
        levels = np.rint((tokens - 1.0).reshape(8, 8) * 255 / 16)
        save(folder / f"{i // 30}" / f"{i:02}_{label}.PNG", levels)
    (folder / "notes.txt").write_text("no picture")
    return folder


def test_digits_as_files_give_the_accuracy_of_the_test(place, digits, scans):
    rows = predicted(digits, place, input=scans)
    assert list(rows[0])[:2] == ["path", "class"]
    assert [row["path"] for row in rows] == sorted(map(str, scans.rglob("*.PNG")))
    labelled = [{**row, "y": row["path"][-5]} for row in rows]
    assert share_of_hits(labelled, "y") == score_of(digits, "accuracy")


def test_pictures_one_by_one_in_lists_and_in_tables(place, digits, scans):
    expected = predicted(digits, place, input=scans)[31:33]
    paths = [row["path"] for row in expected]
    (place / "paths.txt").write_text("".join(f"{path}\n" for path in paths))
    write_rows(place / "paths.csv", [{"n": i, "file": path} for i, path in enumerate(paths)])
    inside = [{"image": {"bytes": Path(path).read_bytes(), "path": path}} for path in paths]
    write_rows(place / "inside.parquet", inside)
    for words, kept in [
        ({"input": place / "paths.txt"}, {"line": paths[0]}),
        ({"input": place / "paths.csv", "column": "file"}, {"file": paths[0]}),
        (
            {"input": place / "paths.csv", "column": "file", "id": "n,file"},
            {"n": "0", "file": paths[0]},
        ),
        ({"input": place / "inside.parquet"}, {"image": paths[0]}),
        ({"input": paths[0]}, {"path": paths[0]}),
    ]:
        rows = predicted(digits, place, **words)
        assert kept.items() <= rows[0].items()
        np.testing.assert_allclose(
            probabilities(rows), probabilities(expected)[: len(rows)], atol=1e-6
        )


@pytest.mark.slow
def test_cifar_10_in_the_hub_s_layout(place):
    rng = np.random.default_rng(0)
    for split, count in (("train", 40), ("test", 30)):
        colours = rng.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)
        rows = [
            {"img": {"bytes": encoded(picture), "path": f"{i}.png"}, "label": i % 10}
            for i, picture in enumerate(colours)
        ]
        write_rows(place / "data" / "cifar10" / f"{split}-00000-of-00001.parquet", rows)
    folder = trained(place, "dataset=lra/image")
    source = place / "data" / "cifar10" / "test-00000-of-00001.parquet"
    rows = predicted(folder, place, input=source, id="label,img")
    assert rows[3]["img"] == "3.png"
    named = [{**row, "y": CLASSES[int(row["label"])]} for row in rows]
    assert share_of_hits(named, "y") == score_of(folder, "accuracy")
    for i, picture in enumerate(colours):
        save(place / "colours" / f"{i:02}.png", picture)
    again = predicted(folder, place, input=place / "colours")
    np.testing.assert_allclose(probabilities(again), probabilities(rows), atol=1e-6)


@pytest.mark.slow
def test_pathfinder_s_own_files(place):
    pictures = Pathfinder(benchmark_rule(32, "hard"), seed=0, threads=1)
    write_pictures(place / "data" / "pathfinder32" / "curv_contour_length_14", pictures, 100)
    folder = trained(place, "dataset=lra/pathfinder32")
    tokens, labels = own_test(folder)
    for i, levels in enumerate(tokens):
        save(place / "paths" / f"{i}.png", levels.reshape(32, 32))
    listed = [{"image": str(place / "paths" / f"{i}.png"), "y": y} for i, y in enumerate(labels)]
    write_rows(place / "paths.jsonl", listed)
    rows = predicted(folder, place, input=place / "paths.jsonl", id="y")
    assert len(rows) == 10
    assert share_of_hits(rows, "y") == score_of(folder, "accuracy")


def test_a_palette_changes_nothing(place, digits, scans):
    path = next(scans.rglob("*.PNG"))
    Image.open(path).convert("P").save(place / "palette.png")
    rows = [predicted(digits, place, input=picture) for picture in (path, place / "palette.png")]
    np.testing.assert_array_equal(*map(probabilities, rows))


GREY = Image.new("L", (8, 8))
BAD = {
    "empty.png": (b"", "not a readable picture .cannot identify image file.$"),
    "text.png": (b"text", "not a readable picture"),
    "long.png": (Image.new("L", (16, 8)), "a picture of 16 x 8 pixels, not 8 x 8"),
    "alpha.png": (
        Image.new("RGBA", (8, 8)),
        "a picture of mode RGBA, transparent or without 8 bits",
    ),
    "deep.png": (
        Image.new("I;16", (8, 8)),
        "a picture of mode I;16, transparent or without 8 bits per colour: save it",
    ),
    "clear.gif": (GREY.convert("P"), "a picture of mode P, transparent"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_picture_is_named_and_leaves_no_output(tmp_path, digits, scans, name):
    content, message = BAD[name]
    path = tmp_path / "new" / name
    save(tmp_path / "new" / "a.png", np.zeros((8, 8)))
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        content.save(path, **({"transparency": 0} if path.suffix == ".gif" else {}))
    with pytest.raises(UserError, match=rf"^input: .*new/{name}: {message}"):
        predicted(digits, tmp_path, input=tmp_path / "new")
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


def test_a_truncated_picture_is_named(tmp_path, digits):
    save(tmp_path / "whole.png", np.random.default_rng(0).integers(0, 256, (8, 8)))
    whole = (tmp_path / "whole.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[:-40])
    with pytest.raises(UserError, match=r"cut\.png: not a readable picture"):
        predicted(digits, tmp_path, input=tmp_path / "cut.png")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"image": "no.png"}, r"line 1: no\.png: not a readable picture \(No such file"),
        ({"image": 3}, "line 1: 3 is neither a picture nor the path of one"),
        ({"image": None}, "line 1: None is neither a picture nor the path of one"),
        ({"file": "no.png"}, "has no column 'image'; its columns are 'file'"),
    ],
)
def test_a_bad_row_is_named(tmp_path, digits, row, message):
    write_rows(tmp_path / "list.jsonl", [row])
    with pytest.raises(UserError, match=rf"list\.jsonl,? {message}"):
        predicted(digits, tmp_path, input=tmp_path / "list.jsonl")


def test_a_folder_without_pictures(tmp_path, digits):
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(UserError, match=r"holds no pictures \(\.png, \.jpg, "):
        predicted(digits, tmp_path, input=tmp_path)
