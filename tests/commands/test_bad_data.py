"""What is wrong with data ends `wavspa-prepare` with one line and leaves nothing half-written.

The lines stand in docs/guide/datasets.md.
"""

import io
import os
import pickle
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from wavspa.commands.prepare import main
from wavspa.data.lra.pathfinder.files import write_pictures
from wavspa.data.lra.pathfinder.generator import Pathfinder
from wavspa.data.lra.pathfinder.stamps import benchmark_rule
from wavspa.data.sources.downloads import download_all

PAGE = (Path(__file__).parents[2] / "docs/guide/datasets.md").read_text()
FILES = ["dataset=files", "dataset.train=train.csv", "dataset.text=body", "dataset.label=y"]
ROWS = [f"a text of row {i},{'ab'[i % 2]}" for i in range(20)]


def write_csv(name: str, *rows: str) -> None:
    Path(name).write_text("\n".join(["body,y", *rows]) + "\n")


def broken_row() -> None:
    write_csv("train.csv", *ROWS[:6], "a text, with a comma too many,a", *ROWS)


def good_csv() -> None:
    write_csv("train.csv", *ROWS)


def empty_split() -> None:
    good_csv()
    write_csv("test.csv")


def unknown_label() -> None:
    good_csv()
    write_csv("test.csv", "one,a", "two,c")


def folder_as_file() -> None:
    Path("train.csv").mkdir()


def empty_picture() -> None:
    folder = Path("data/pathfinder32/curv_contour_length_14")
    write_pictures(folder, Pathfinder(benchmark_rule(32, "hard"), seed=0), examples=20)
    (folder / "imgs/0/sample_7.png").write_bytes(b"")


def write_archive(*names: str) -> Path:
    path = Path("data/lra_release.gz")
    path.parent.mkdir()
    with tarfile.open(path, "w:gz") as tar:
        for name in names:
            content = os.urandom(2000)
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def truncated_archive() -> None:
    path = write_archive("lra_release/a.tsv", "lra_release/b.tsv")
    path.write_bytes(path.read_bytes()[:3000])


def archive_that_leads_out() -> None:
    write_archive("lra_release/a.tsv", "../../outside.tsv")


class Code:
    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return os.system, ("touch run",)


def pickle_with_code() -> None:
    folder = Path("data/cifar-10-batches-py")
    folder.mkdir(parents=True)
    for name in ("test_batch", *(f"data_batch_{k}" for k in range(1, 6))):
        (folder / name).write_bytes(pickle.dumps(Code()))


FAULTS = {
    broken_row: FILES,
    good_csv: FILES[:2],
    empty_split: [*FILES, "dataset.test=test.csv"],
    unknown_label: [*FILES, "dataset.test=test.csv"],
    folder_as_file: FILES,
    empty_picture: ["dataset=lra/pathfinder32"],
    truncated_archive: ["dataset=lra/retrieval"],
    archive_that_leads_out: ["dataset=lra/retrieval"],
    pickle_with_code: ["dataset=lra/image"],
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_one_line(
    fault: Callable[[], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WAVSPA_DATA", raising=False)
    # Archives are there already, and only to be unpacked.
    monkeypatch.setattr("wavspa.data.datamodule.download_all", download_all)
    monkeypatch.setattr("sys.argv", ["wavspa-prepare", *FAULTS[fault]])
    fault()
    before = left(tmp_path)
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "unpacking" not in line]
    assert f"`{line.removeprefix('error: ')}`" in PAGE
    assert left(tmp_path) == before


def left(folder: Path) -> set[Path]:
    """Everything below a folder but locks and where data are going to be."""
    return {
        path
        for path in folder.rglob("*")
        if path.suffix != ".lock" and path.name not in ("data", "prepared")
    }
