"""The results' folder is replaced only where nothing else is lost."""

import shutil
from pathlib import Path

import pytest

from scripts.evidence import collect, cost
from scripts.evidence.pieces import Settings
from support.evidence_runs import refused
from wavspa.errors import UserError

pytestmark = pytest.mark.usefixtures("place")


def files_in(folder):
    return {
        path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


@pytest.mark.parametrize(
    "name",
    [
        "notes.txt",
        "cost/notes.txt",
        "runs/digits/softmax-ada/s1/checkpoints/last.ckpt",
        "runs/digits/softmax-ada/0.003-1/config.yaml",
    ],
)
def test_results_do_not_replace_other_files(name, settings, collected, capsys):
    other = collected / name
    other.parent.mkdir(parents=True, exist_ok=True)
    other.write_text("dear")
    before = files_in(collected)
    words = ["--runs", str(settings.runs), "--results", str(collected)]
    error = refused(collect.main, words, capsys)
    assert f"--results {collected} would be replaced, but {other} is not a collected" in error
    assert files_in(collected) == before
    assert {path.name for path in collected.parent.iterdir()} == {"runs", "results", "place"}


@pytest.mark.parametrize(
    ("name", "content", "damage"),
    [
        ("status.json", "{", "status.json"),
        ("status.json", '{"state": "running"}', "running"),
        ("metrics.csv", None, "metrics.csv is missing"),
        ("run.json", None, "run.json is missing"),
        ("config.yaml", None, "config.yaml"),
    ],
)
def test_a_damaged_result_is_not_dropped(name, content, damage, settings, collected):
    run = next(path.parent for path in sorted(collected.glob("runs/*/*/*/config.yaml")))
    if content is None:
        (run / name).unlink()
    else:
        (run / name).write_text(content)
    before = files_in(collected)
    with pytest.raises(UserError, match=f"{run} would be lost: .*{damage}.*; restore it"):
        collect.collect(settings)
    assert files_in(collected) == before


def test_results_do_not_replace_a_file(settings, collected, capsys):
    Path("file").write_text("dear")
    words = ["--runs", str(settings.runs), "--results", "file"]
    assert "--results must be a folder, got the file" in refused(collect.main, words, capsys)
    assert Path("file").read_text() == "dear"


@pytest.mark.parametrize("content", [None, "other/notes.txt", "digits/softmax-none/1/config.yaml"])
@pytest.mark.parametrize("is_collected", [True, False])
def test_a_folder_without_finished_runs_is_not_collected(
    content, is_collected, collected, capsys, place
):
    if content:
        Path("typed", content).parent.mkdir(parents=True)
        Path("typed", content).write_text("{}")
    results = collected if is_collected else place / "new/results"
    before = files_in(collected)
    words = ["--runs", "typed", "--results", str(results)]
    error = refused(collect.main, words, capsys)
    assert "--runs typed holds neither a finished run of a study nor costs" in error
    assert files_in(collected) == before
    assert not (place / "new").exists()


def test_without_runs_results_are_renewed_if_there_are_any(settings, collected, capsys):
    shutil.rmtree(settings.runs)
    before = files_in(collected)
    collect.main(["--results", str(collected)])
    assert "13 runs, " in capsys.readouterr().out
    assert files_in(collected) == before
    error = refused(collect.main, ["--results", "new"], capsys)
    assert "--runs runs/evidence holds neither" in error
    assert not Path("new").exists()


def test_costs_alone_are_collected(capsys):
    cost.append(Path("typed/cost/lengths.csv"), cost.LENGTH_COLUMNS, ["softmax"])
    collect.main(["--runs", "typed", "--results", "new"])
    assert files_in(Path("new")) == files_in(Path("typed"))


def test_results_stay_if_their_successor_cannot_take_their_place(settings, collected, monkeypatch):
    rename, before = Path.rename, files_in(collected)

    def failing(path, target):
        if target == collected and path.parent != collected.parent:
            raise OSError("no")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(OSError, match="no"):
        collect.collect(settings)
    assert files_in(collected) == before
    assert {path.name for path in collected.parent.iterdir()} == {"runs", "results", "place"}


def test_old_results_that_cannot_be_deleted_are_an_error(settings, collected, monkeypatch):
    rmtree = shutil.rmtree

    def failing(path, *rest, **options):
        if str(path).endswith(".old"):
            raise OSError("denied")
        rmtree(path, *rest, **options)

    monkeypatch.setattr(shutil, "rmtree", failing)
    before = files_in(collected)
    with pytest.raises(OSError, match="denied"):
        collect.collect(settings)
    assert files_in(collected) == before


def test_results_behind_a_link_are_replaced_there(settings, collected):
    link = collected.parent / "link"
    link.symlink_to(collected)
    before = files_in(collected)
    through = Settings(settings.runs, settings.data_root, link, seeds=settings.seeds)
    assert collect.collect(through) == 13
    assert link.is_symlink()
    assert files_in(collected) == before


def test_a_link_among_results_is_none_of_them(settings, collected):
    (collected / "more").symlink_to(settings.runs)
    with pytest.raises(UserError, match="more is not a collected result"):
        collect.collect(settings)
