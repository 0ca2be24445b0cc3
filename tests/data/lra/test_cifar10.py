import io
import os
import pickle
import pickletools
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import ClassLabel, Dataset, Features
from datasets import Image as ImageFeature
from PIL import Image

from support.tiny_runs import tiny_run
from wavspa.data import Cifar10
from wavspa.data.lra.cifar10_files import grey
from wavspa.errors import UserError
from wavspa.launching.run.worker import run

BATCHES = [*(f"data_batch_{k}" for k in range(1, 6)), "test_batch"]
COLOURS = np.random.default_rng(0).integers(0, 256, (24, 32, 32, 3), dtype=np.uint8)


def module(root: Path, **options: Any) -> Cifar10:
    fixed = {"name": "image", "vocab_size": 256, "classes": 10, "max_length": 1024}
    return Cifar10(**{"data_root": root, "batch_size": 4, **fixed, **options})


def ready(root: Path, **options: Any) -> Cifar10:
    data = module(root, **options)
    data.prepare_data()
    data.setup()
    return data


def pickled_by_python_2(value: Any) -> bytes:
    """Bytes as Python 2 wrote its strings: the same layout under other opcodes."""
    content = bytearray(pickle.dumps(value, protocol=3))
    for opcode, _, place in pickletools.genops(bytes(content)):
        if opcode.name in ("SHORT_BINBYTES", "BINBYTES"):
            content[place] = ord("U" if opcode.name == "SHORT_BINBYTES" else "T")
    content[1] = 2
    return bytes(content)


def batch(rows: slice) -> dict[bytes, Any]:
    planes = COLOURS[rows].transpose(0, 3, 1, 2).reshape(-1, 3072)
    labels = [i % 10 for i in range(24)[rows]]
    return {b"batch_label": b"one of 6", b"labels": labels, b"data": planes.copy()}


def write_batches(folder: Path, **changed: Any) -> None:
    """Four pictures in each of five batches and in the test batch."""
    folder.mkdir(parents=True, exist_ok=True)
    for k, name in enumerate(BATCHES):
        content = changed.get(name, batch(slice(4 * k, 4 * k + 4)))
        whole = content if isinstance(content, bytes) else pickled_by_python_2(content)
        (folder / name).write_bytes(whole)


def encoded(picture: np.ndarray, form: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, form)
    return file.getvalue()


def write_parquet(folder: Path, form: str = "PNG", **changed: Any) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for split, rows in (("train", range(20)), ("test", range(20, 24))):
        images = [{"bytes": encoded(COLOURS[i], form), "path": f"{i}.{form}"} for i in rows]
        columns = {"img": images, "label": [i % 10 for i in rows], **changed}
        pq.write_table(pa.table(columns), folder / f"{split}-00000-of-00001.parquet")


def tokens(data: Cifar10) -> np.ndarray:
    """[24, 1024] of all splits, train by train in any order."""
    loaders = (data.train_dataloader(), data.val_dataloader(), data.test_dataloader())
    return np.concatenate([b.tokens.numpy() for loader in loaders for b in loader])


@pytest.mark.parametrize(
    ("colour", "level"),
    [
        ((0, 0, 0), 0),
        ((255, 255, 255), 255),
        ((255, 0, 0), 76),
        ((0, 255, 0), 149),
        ((0, 0, 255), 29),
        ((10, 200, 30), 124),
    ],
)
def test_grey_is_tensorflow_s(colour: tuple[int, int, int], level: int) -> None:
    assert grey(np.array([colour], np.uint8)).tolist() == [level]


def test_grey_is_close_to_its_formula() -> None:
    exact = np.floor(COLOURS @ np.array([0.2989, 0.5870, 0.1140]) / 255 * 255.5)
    assert (grey(COLOURS) == exact).mean() > 0.999


def test_the_batches_of_python(tmp_path: Path) -> None:
    write_batches(tmp_path / "cifar-10-batches-py")
    data = ready(tmp_path)
    val, test = next(iter(data.val_dataloader())), next(iter(data.test_dataloader()))
    assert val.labels.tolist() == [8, 9]
    assert test.labels.tolist() == [0, 1, 2, 3]
    assert val.lengths.tolist() == [1024, 1024]
    np.testing.assert_array_equal(val.tokens.numpy(), grey(COLOURS[18:20]).reshape(2, -1))
    np.testing.assert_array_equal(test.tokens.numpy(), grey(COLOURS[20:]).reshape(4, -1))
    assert [data.card["splits"][s]["examples"] for s in ("train", "val", "test")] == [18, 2, 4]
    assert data.card["name"] == "image"
    assert data.card["label_names"][:2] == ["airplane", "automobile"]


def archive(root: Path, name: str = "cifar-10-python.tar.gz") -> None:
    write_batches(root / "elsewhere" / "below")
    with tarfile.open(root / name, "w:gz") as tar:
        for batch_name in reversed(BATCHES):
            tar.add(root / "elsewhere" / "below" / batch_name, f"cifar-10-batches-py/{batch_name}")


def test_every_layout_gives_the_same_pictures(tmp_path: Path) -> None:
    roots = [tmp_path / str(k) for k in range(8)]
    for root in roots:
        root.mkdir()
    write_batches(roots[0] / "cifar-10-batches-py")
    write_batches(roots[1] / "cifar10" / "cifar-10-batches-py")
    write_batches(roots[2])
    archive(roots[3])
    for root, folder in zip(
        roots[4:], ("cifar10/plain_text", "uoft-cs/cifar10", "cifar10", ""), strict=True
    ):
        write_parquet(root / folder)
    found = [ready(root) for root in roots]
    assert {data.card["splits"]["train"]["sha256"] for data in found} == {
        found[0].card["splits"]["train"]["sha256"]
    }
    for data in found:
        assert data.card["name"] == "image"
        assert sorted(map(bytes, tokens(data).astype(np.uint8))) == sorted(
            map(bytes, grey(COLOURS).reshape(24, -1))
        )


def test_a_parquet_that_says_what_its_columns_are(tmp_path: Path) -> None:
    for split, rows in (("train", range(20)), ("test", range(20, 24))):
        data = Dataset.from_dict(
            {
                "img": [{"bytes": encoded(COLOURS[i]), "path": None} for i in rows],
                "label": [i % 10 for i in rows],
            },
            Features({"img": ImageFeature(), "label": ClassLabel(10)}),
        )
        data.to_parquet(str(tmp_path / f"{split}-00000-of-00001.parquet"))
    data = ready(tmp_path)
    assert data.card["name"] == "image"
    batch = next(iter(data.test_dataloader()))
    np.testing.assert_array_equal(batch.tokens.numpy(), grey(COLOURS[20:]).reshape(4, -1))


def test_pictures_that_are_not_the_official_ones_say_so(tmp_path: Path) -> None:
    write_parquet(tmp_path / "cifar10", form="JPEG")
    assert ready(tmp_path, workers=2).card["name"] == "image (CIFAR-10 as JPEG)"


class Harmful:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.path}",)


def test_code_in_a_pickle_is_never_run(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    pickle.loads(pickle.dumps(Harmful(trace)))
    assert trace.exists()
    trace.unlink()
    harmful = {**batch(slice(4)), b"filenames": [Harmful(trace)]}
    write_batches(tmp_path, data_batch_3=harmful)
    with pytest.raises(
        UserError, match=r"data_batch_3 is incomplete or cannot be trusted: .*posix\.system"
    ):
        module(tmp_path).prepare_data()
    assert not trace.exists()
    assert [path.suffix for path in (tmp_path / "prepared").iterdir()] == [".lock"]


@pytest.mark.parametrize(
    "pickled",
    [
        b"cnumpy\ntestutils.pkgload\n.",
        b"cbuiltins\neval\n(V1\ntR.",
        b"cnumpy.core.multiarray\nfromfile\n.",
        pickled_by_python_2(batch(slice(4)))[:-1000],
        b"",
    ],
)
def test_other_names_and_damage_are_refused(tmp_path: Path, pickled: bytes) -> None:
    write_batches(tmp_path, test_batch=pickled)
    with pytest.raises(UserError, match=r"test_batch is incomplete or cannot be trusted"):
        module(tmp_path).prepare_data()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1, 2], "has no b'labels'|has no b'data'"),
        ({b"data": np.zeros((1, 3072), np.uint8)}, "has no b'labels'"),
        ({**batch(slice(4)), b"labels": [1, 2, 3]}, "3072 bytes for each of its 3 labels"),
        ({**batch(slice(4)), b"data": np.zeros((4, 3072))}, "3072 bytes for each of its 4 labels"),
        ({**batch(slice(4)), b"labels": [1, 2, 3, 10]}, "the label 10 is not one of 0..9"),
    ],
)
def test_a_wrong_batch_is_named(tmp_path: Path, content: Any, message: str) -> None:
    write_batches(tmp_path, data_batch_2=content)
    with pytest.raises(UserError, match=rf"data_batch_2.*({message})"):
        module(tmp_path).prepare_data()


def test_a_broken_archive_is_named(tmp_path: Path) -> None:
    archive(tmp_path)
    path = tmp_path / "cifar-10-python.tar.gz"
    path.write_bytes(path.read_bytes()[:-3000])
    with pytest.raises(UserError, match=r"cifar-10-python\.tar\.gz .* incomplete"):
        module(tmp_path).prepare_data()


def test_an_archive_without_a_batch(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "cifar-10-python.tar", "w"):
        pass
    with pytest.raises(UserError, match=r"cifar-10-python\.tar does not hold data_batch_1"):
        module(tmp_path).prepare_data()


def images(rows: int, **last: Any) -> list[Any]:
    good = {"bytes": encoded(COLOURS[0]), "path": None}
    return [*[good] * (rows - 1), last or None]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"img": images(20, bytes=b"", path=None)}, "row 20: not a readable picture"),
        (
            {"img": images(20, bytes=encoded(COLOURS[0])[:-100], path=None)},
            "row 20: not a readable picture",
        ),
        ({"img": images(20, bytes=encoded(COLOURS[0, :8]), path=None)}, "row 20: .* 32 x 8 pixels"),
        ({"img": images(20)}, "row 20: no value in the column 'img'"),
        ({"label": [0] * 19 + [10]}, "row 20: the label 10"),
    ],
)
def test_a_broken_row_is_named(tmp_path: Path, changed: dict[str, Any], message: str) -> None:
    write_parquet(tmp_path)
    names = {"img": images(20, bytes=encoded(COLOURS[0]), path=None), "label": [0] * 20, **changed}
    pq.write_table(pa.table(names), tmp_path / "train-00000-of-00001.parquet")
    with pytest.raises(UserError, match=rf"train-00000-of-00001\.parquet, {message}"):
        module(tmp_path).prepare_data()


def test_wrong_columns_are_listed(tmp_path: Path) -> None:
    write_parquet(tmp_path)
    pq.write_table(pa.table({"img": images(20), "fine": [0] * 20}), tmp_path / "train-0.parquet")
    (tmp_path / "train-00000-of-00001.parquet").unlink()
    with pytest.raises(UserError, match=r"has no column 'label'; its columns are 'img', 'fine'"):
        module(tmp_path).prepare_data()


def test_files_that_are_nowhere(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cifar-10-batches-py/data_batch_1.*cs\.toronto\.edu"):
        module(tmp_path).prepare_data()


def test_it_trains_and_evaluates(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    write_batches(tmp_path / "data")
    folder = tiny_run(
        tmp_path,
        "dataset=lra/image",
        "dataset.batch_size=4",
        "model/attention=linear",
        "trainer.max_steps=2",
        "trainer.val_every=1",
    )
    assert 0 <= run(folder)["test/accuracy"] <= 1
