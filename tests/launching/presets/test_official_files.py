"""A preset of every task trains some steps on files as the benchmarks come, and is tested."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from support.tiny_files import write_rows
from support.tiny_runs import compose_run
from wavspa.launching.run.prepare import prepare
from wavspa.launching.run.worker import run

ARCHIVE = Path("lra_release/lra_release")


def listops(root):
    folder = root / ARCHIVE / "listops-1000"
    folder.mkdir(parents=True)
    sources = ["( ( ( [SM 5 ) 5 ) ] )", "( ( ( ( [MAX 2 ) 9 ) ( ( ( [MIN 4 ) 7 ) ] ) ) ] )"]
    rows = ["Source\tTarget", *(f"{sources[i % 2]}\t{i % 2 * 9}" for i in range(20))]
    for split in ("train", "val", "test"):
        (folder / f"basic_{split}.tsv").write_text("".join(f"{row}\r\n" for row in rows))


def text(root):
    for split in ("train", "test"):
        for label, rating in (("neg", 1), ("pos", 9)):
            folder = root / "aclImdb" / split / label
            folder.mkdir(parents=True)
            for i in range(20):
                (folder / f"{i}_{rating}.txt").write_text(f"{split} {label} {i}<br />")


def retrieval(root):
    folder = root / ARCHIVE / "tsv_data"
    folder.mkdir(parents=True)
    pairs = [f"{i % 2}.0\tP{i}\tW{i}\tfirst {i}\tsecond {i}\n" for i in range(12)]
    for split in ("train", "eval", "test"):
        (folder / f"new_aan_pairs.{split}.tsv").write_text("".join(pairs))


def picture(number, shape):
    levels = np.random.default_rng(number).integers(256, size=shape, dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(levels).save(file, "PNG")
    return file.getvalue()


def image(root):
    for split, number in (("train", 20), ("test", 10)):
        rows = [
            {"img": {"bytes": picture(i, (32, 32, 3)), "path": f"{i}.png"}, "label": i % 10}
            for i in range(number)
        ]
        write_rows(root / f"cifar10/plain_text/{split}-00000-of-00001.parquet", rows)


def pathfinder32(root):
    folder = root / ARCHIVE / "pathfinder32/curv_contour_length_14"
    (folder / "imgs/0").mkdir(parents=True)
    (folder / "metadata").mkdir()
    lines = []
    for i in range(30):
        (folder / f"imgs/0/sample_{i}.png").write_bytes(picture(i, (32, 32)))
        lines.append(f"imgs/0 sample_{i}.png {i} {i % 2} 1.0 14 4.67 2 0.5 1 1\n")
    (folder / "metadata/0.npy").write_text("".join(lines))


TASKS = {
    "listops/wavspa-exp9-performer": (listops, ["dataset.generate=false"]),
    "as_published/text/wavspa-exp2-ortho": (
        text,
        ["dataset.complete=false", "dataset.max_length=64"],
    ),
    "as_published/retrieval/wavspa-exp0-linearatt": (retrieval, ["dataset.max_length=64"]),
    "image/wavspa-exp0": (image, []),
    "table/pathfinder32/longformer-lift": (pathfinder32, []),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", TASKS)
def test_a_preset_trains_on_the_official_format(name, tmp_path):
    write, more = TASKS[name]
    write(tmp_path / "data")
    words = [f"experiment=paper/{name}", *more, "dataset.batch_size=4", "trainer.max_steps=3"]
    words += ["trainer.val_every=2", "schedule.warmup=1", "model.depth=2"]
    words += [f"runs={tmp_path / 'runs'}", f"data_root={tmp_path / 'data'}"]
    folder = prepare(compose_run(*words), words)
    assert 0 <= run(folder)["test/accuracy"] <= 1
