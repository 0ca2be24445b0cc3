import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import DTypeLike

from support.waiting import LIMIT
from wavspa.data.preparation import store
from wavspa.errors import UserError

SCRIPT = """
import os, sys, time
from pathlib import Path
import numpy as np
from wavspa.data.preparation import store

root = Path(sys.argv[1])

def build():
    with (root / "builds").open("a") as file:
        file.write("built\\n")
    return {{"train": store.Source(tables(), None)}}

def tables():
    yield store.token_table([np.array([1, 2], np.uint8)], [0])
    {middle}
    yield store.token_table([np.array([3], np.uint8)], [1])

{before}
store.prepare(root / "prepared" / "x-1", build, lambda splits: {{}})
"""


def table(*rows: list[int], dtype: DTypeLike = np.uint8) -> pa.Table:
    return store.token_table([np.array(row, dtype) for row in rows], range(len(rows)))


def source(*rows: list[int], dtype: DTypeLike = np.uint8) -> store.Source:
    return store.Source([table(*rows, dtype=dtype)], len(rows))


def make(folder: Path, **splits: store.Source) -> None:
    store.prepare(folder, lambda: splits, lambda opened: {"source": sorted(opened)})


def run(
    root: Path, *, before: str = "", middle: str = "", **options: Any
) -> subprocess.Popen[bytes]:
    script = SCRIPT.format(before=before, middle=middle)
    return subprocess.Popen([sys.executable, "-c", script, str(root)], **options)


def test_rows_that_are_too_long_together_are_refused():
    with pytest.raises(UserError, match=r"^3 rows in a row have 2,147,483,653 tokens together"):
        store.ragged([range(2**30), range(2**30), range(5)])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32])
def test_what_is_written_is_read(tmp_path: Path, dtype: DTypeLike) -> None:
    folder = tmp_path / "prepared" / "x-1"
    make(folder, train=source([1, 2, 3], [4], dtype=dtype), test=source([7], dtype=dtype))
    splits = store.open_splits(folder)
    assert set(splits) == {"train", "test"}
    assert splits["train"][:] == {"tokens": [[1, 2, 3], [4]], "label": [0, 1]}
    assert splits["train"].features["tokens"].feature.dtype == np.dtype(dtype).name


def test_the_card(tmp_path: Path) -> None:
    folder = tmp_path / "prepared" / "x-1"
    make(folder, train=source([1, 2, 3], [4], [9, 9, 9, 9]), val=source([7]))
    card = store.read_card(folder)
    train = card["splits"]["train"]
    assert train["examples"] == 3
    assert train["labels"] == {"0": 1, "1": 1, "2": 1}
    assert train["largest_token"] == 9
    assert (train["length"]["min"], train["length"]["median"], train["length"]["max"]) == (1, 3, 4)
    assert train["sha256"] == hashlib.sha256((folder / "train.arrow").read_bytes()).hexdigest()
    assert card["source"] == ["train", "val"]
    assert card["command"]


def test_every_choice_names_the_folder(tmp_path: Path) -> None:
    first = store.prepared_folder(tmp_path, "x", {"a": 1, "b": 2})
    assert first == store.prepared_folder(tmp_path, "x", {"b": 2, "a": 1})
    assert first != store.prepared_folder(tmp_path, "x", {"a": 1, "b": 3})


def test_prepares_once(tmp_path: Path) -> None:
    folder = tmp_path / "prepared" / "x-1"
    make(folder, train=source([1]))
    make(folder, train=source([2]))
    assert store.open_splits(folder)["train"]["tokens"][0] == [1]


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "prepared" / "x-1"

    def failing() -> Iterator[pa.Table]:
        yield table([1])
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        make(folder, train=source([1]), val=store.Source(failing(), None))
    assert [path.suffix for path in folder.parent.iterdir()] == [".lock"]
    make(folder, train=source([3]))
    assert json.loads((folder / "card.json").read_text())["splits"]["train"]["examples"] == 1


@pytest.mark.slow
def test_a_kill_leaves_nothing_and_the_next_start_goes_on(tmp_path: Path) -> None:
    process = run(tmp_path, middle="os.kill(os.getpid(), 9)")
    assert process.wait() == -9
    folder = tmp_path / "prepared" / "x-1"
    assert not folder.exists()
    assert list(folder.parent.glob(".*.partial"))
    make(folder, train=source([5]))
    assert store.open_splits(folder)["train"]["tokens"][0] == [5]
    assert not list(folder.parent.glob(".*.partial"))


KILLS = """
import os, signal, sys
from pathlib import Path
import numpy as np
from wavspa.data.preparation import store

folder = Path(sys.argv[1]) / "prepared" / "x-1"
OF_FILES = ("open", "os.", "shutil.", "fcntl.")

def tables():
    for _ in range(3):
        sys.audit("os.table")
        yield store.token_table([np.arange(200, dtype=np.uint8)] * 50, [0] * 50)

def prepare():
    store.prepare(folder, lambda: {"train": store.Source(tables(), None)}, lambda splits: {})

def prepare_and_die_at(moment):
    count = 0
    def hook(event, _):
        nonlocal count
        if event.startswith(OF_FILES):
            count += 1
            if count == moment:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(hook)
    prepare()
    os._exit(0)

def is_whole():
    card = store.read_card(folder)
    return len(store.open_splits(folder)["train"]) == card["splits"]["train"]["examples"] == 150

deaths, found, finished = 0, [], False
while not finished:
    child = os.fork()
    if not child:
        prepare_and_die_at(deaths + 1)
    finished = os.waitpid(child, 0)[1] == 0
    deaths += not finished
    found.append(folder.exists())
    if found[-1]:
        assert is_whole(), deaths
        folder.rename(folder.with_name(f"whole-{len(found)}"))
assert deaths > 20, deaths
assert found[0] is False and found[-1] is True, found
prepare()
assert is_whole()
assert not list(folder.parent.glob(".*.partial"))
"""


@pytest.mark.slow
def test_killed_at_any_moment_it_is_whole_or_not_there(tmp_path: Path) -> None:
    """A kill at every call that opens, makes, moves or removes a file, and between the tables."""
    subprocess.run([sys.executable, "-c", KILLS, str(tmp_path)], check=True)


@pytest.mark.slow
def test_a_full_disk_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    """A limit on the size of files stands in for the disk."""
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))"
    large = "yield store.token_table([np.zeros(9000, np.uint8)] * 9, [0] * 9)"
    process = run(tmp_path, before=limit, middle=large, stderr=subprocess.PIPE)
    _, error = process.communicate()
    assert process.returncode == 1
    assert "UserError" in error.decode()
    assert "x-1 cannot be written (" in error.decode()
    assert [path.suffix for path in (tmp_path / "prepared").iterdir()] == [".lock"]


@pytest.mark.slow
def test_two_processes_prepare_once(tmp_path: Path) -> None:
    """The one that builds holds until the other has found it at work."""
    note = "store.report = lambda line: (root / 'waits').touch()"
    hold = "while not (root / 'waits').exists(): time.sleep(0.01)"
    processes = [run(tmp_path, before=note, middle=hold) for _ in range(2)]
    assert [process.wait(LIMIT) for process in processes] == [0, 0]
    assert (tmp_path / "builds").read_text() == "built\n"
    assert len(store.open_splits(tmp_path / "prepared" / "x-1")["train"]) == 2


def test_an_empty_split_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"the split val of x-1 is empty"):
        make(tmp_path / "prepared" / "x-1", train=source([1]), val=store.Source([], 0))


def test_the_data_root_is_made_but_not_its_parents(tmp_path: Path) -> None:
    make(tmp_path / "new" / "prepared" / "x-1", train=source([1]))
    with pytest.raises(UserError, match=r"data_root=.*/missing/new .*WAVSPA_DATA"):
        make(tmp_path / "missing" / "new" / "prepared" / "x-1", train=source([1]))


def test_a_data_root_that_cannot_be_written(tmp_path: Path) -> None:
    """A folder in the place of the lock stands in for a file system that is read-only."""
    (tmp_path / "prepared" / ".x-1.lock").mkdir(parents=True)
    with pytest.raises(UserError, match=r"x-1 cannot be written \(Is a directory"):
        make(tmp_path / "prepared" / "x-1", train=source([1]))


def test_a_file_is_no_data_root(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for root in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(UserError, match="data_root="):
            make(root / "prepared" / "x-1", train=source([1]))


@pytest.mark.parametrize(
    "typed", ["/lib/wavspa/commands/train.py", "/usr/bin/wavspa-train"], ids=["module", "script"]
)
def test_a_card_names_the_command_as_it_is_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: str
) -> None:
    monkeypatch.setattr("sys.argv", [typed, "dataset=digits", "name=a b"])
    folder = tmp_path / "prepared" / "x-1"
    store.prepare(folder, lambda: {"train": source([1, 2])}, lambda splits: {})
    assert store.read_card(folder)["command"] == "wavspa-train dataset=digits 'name=a b'"
