"""``wavspa-figures`` on runs of each kind."""

import subprocess
import sys

import pytest

from support.tiny_runs import tiny_run
from wavspa.commands.figures import draw
from wavspa.errors import UserError
from wavspa.launching.run.worker import run
from wavspa.reports.figures.registry import FIGURES

SHORT = ["trainer.max_steps=2", "trainer.val_every=1"]
FILES = ["dataset=listops_short", *(f"dataset.{s}_examples=60" for s in ("train", "val", "test"))]


def outcome(printed):
    """The names of the files that were drawn, and the reasons why others were not."""
    lines = printed.splitlines()
    drawn = {line.rpartition("/")[2] for line in lines if line.startswith("figure: ")}
    reasons = [line.removeprefix("not drawn: ") for line in lines if line.startswith("not drawn: ")]
    assert len(drawn) + len(reasons) == len(lines)
    return drawn, dict(reason.split(": ", 1) for reason in reasons)


@pytest.mark.slow
def test_all_of_a_run_on_sequences(tmp_path, capsys):
    folder = tiny_run(tmp_path, *FILES, *SHORT, "dataset.limit=null", "model.level=2")
    run(folder)
    capsys.readouterr()
    draw(folder, [], "val", ["svg"], [])
    drawn, reasons = outcome(capsys.readouterr().out)
    stems = {*FIGURES, "attention_1", "attention_2"} - {"attention"}
    assert (
        drawn
        == {f"{stem}.svg" for stem in stems}
        == {path.name for path in (folder / "figures").iterdir()}
    )
    assert not reasons
    assert "<!-- [MAX -->" in (folder / "figures" / "attention_1.svg").read_text()


@pytest.mark.slow
def test_what_a_plain_run_on_pictures_lacks(tmp_path, capsys):
    folder = tiny_run(tmp_path, *SHORT, "model/wavelet=none")
    run(folder)
    capsys.readouterr()
    draw(folder, ["lengths", "filters", "cascade", "energy", "attention"], "test", ["pdf"], [])
    drawn, reasons = outcome(capsys.readouterr().out)
    assert drawn == {"attention_1.pdf", "attention_2.pdf"}
    assert reasons["filters"] == reasons["cascade"] == "wavelet=none has no filters"
    assert reasons["lengths"] == "all examples are 64 tokens long"
    assert "holds no energy/" in reasons["energy"]
    with pytest.raises(UserError, match="nothing could be drawn"):
        draw(folder, ["filters"], "val", ["png"], [])


@pytest.mark.slow
def test_a_task_without_classes_has_no_confusion_matrix(tmp_path, capsys):
    words = ["dataset=lego", "task=lego", "dataset.variables=8", "dataset.max_length=42"]
    words += [f"dataset.{split}_examples=50" for split in ("train", "val", "test")]
    folder = tiny_run(tmp_path, *words, *SHORT, "model/wavelet=lift")
    run(folder)
    capsys.readouterr()
    draw(folder, ["confusion", "cascade", "attention"], "val", ["png"], [])
    drawn, reasons = outcome(capsys.readouterr().out)
    assert drawn == {"attention_1.png", "attention_2.png"}
    assert reasons == {
        "confusion": "this figure needs a classification task",
        "cascade": "the run's wavelet is not linear: it has no scaling functions",
    }


@pytest.mark.parametrize(
    ("what", "split", "formats", "message"),
    [
        (
            ["filter"],
            "val",
            ["png"],
            r"what='filter' is unknown; choose one of curves, .*; did you mean filters\?",
        ),
        ([], "train", ["png"], "split='train' is unknown; choose one of val, test"),
        ([], "val", ["gpx"], "figures cannot be written as 'gpx'; choose one of "),
        ([], "val", ["png"], "x is not a run's folder"),
    ],
)
def test_mistakes_are_named(tmp_path, what, split, formats, message):
    with pytest.raises(UserError, match=message):
        draw(tmp_path / "x", what, split, formats, [])


@pytest.mark.slow
def test_no_run():
    command = [sys.executable, "-m", "wavspa.commands.figures", "what=filters"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == "error: no run was named: wavspa-figures run=FOLDER\n"
