import json
import os
import subprocess
import sys

import PIL.Image
import pytest
import wandb

from support.tiny_runs import compose_run, tiny_run
from wavspa.errors import UserError
from wavspa.launching.run.validate import validate
from wavspa.launching.run.worker import run
from wavspa.run_folder import layout
from wavspa.run_folder.status import read_status
from wavspa.tasks import Classification
from wavspa.training.wandb_run import WandbRun

pytestmark = pytest.mark.slow

# Of conf/logger/wandb.yaml.
DRAWN = ("filters", "energy", "confusion")
STEPS = ["logger=wandb", "checkpoints.every_steps=2", "trainer.log_every_n_steps=1"]


@pytest.fixture(autouse=True)
def one_run_at_a_time(monkeypatch, tmp_path):
    monkeypatch.setenv("WANDB_SILENT", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    yield
    wandb.finish()


@pytest.fixture
def sent(monkeypatch):
    """What goes to W&B: the run's id, the step and the metrics' names."""
    rows = []
    log = wandb.Run.log

    def recorded(self, data, *more, **options):
        rows.append((self.id, data["trainer/global_step"] + 1, set(data)))
        return log(self, data, *more, **options)

    monkeypatch.setattr(wandb.Run, "log", recorded)
    return rows


def files(folder):
    return sorted(folder.rglob("*.wandb"))


def pictures(folder):
    """What was drawn, without the numbers of W&B's own steps and the checksums."""
    return sorted(
        path.name.partition("_")[0] for path in folder.rglob("media/images/figures/*.png")
    )


def crash():
    raise RuntimeError("it rains")


@pytest.fixture
def crashes_at(monkeypatch):
    """Lets training fail when it comes to a step for the first time."""
    step = Classification.training_step
    steps = []

    def training_step(self, batch, batch_idx):
        if self.global_step in steps:
            steps.remove(self.global_step)
            crash()
        return step(self, batch, batch_idx)

    monkeypatch.setattr(Classification, "training_step", training_step)
    return steps.append


@pytest.mark.parametrize("at", [4, 5], ids=["at a checkpoint", "a step after it"])
def test_a_restart_goes_on_with_the_same_run(tmp_path, crashes_at, sent, at):
    folder = tiny_run(tmp_path, *STEPS, "logger.wandb.figures=[]")
    crashes_at(at)
    with pytest.raises(RuntimeError):
        run(folder)
    run(folder)
    wandb.finish()
    identity = (folder / layout.WANDB_ID).read_text().strip()
    assert [path.stem for path in files(folder)] == [f"run-{identity}"] * 2
    assert {run_id for run_id, _, _ in sent} == {identity}
    steps = [step for _, step, _ in sent]
    assert steps == sorted(steps)
    assert set(steps) == {1, 2, 3, 4, 5, 6}
    assert {"train/loss", "train/gradient_norm", "lr"} <= sent[0][2]
    once = [(step, name) for _, step, names in sent for name in names & {"train/loss", "val/loss"}]
    assert len(once) == len(set(once)) == 6 + 2


def test_a_run_that_was_stopped_in_its_test_sends_it_later(tmp_path, monkeypatch, sent):
    folder = tiny_run(tmp_path, *STEPS, "logger.wandb.figures=[]")
    with monkeypatch.context() as patched:
        patched.setattr("wavspa.launching.run.worker.evaluate", lambda *_, **__: crash())
        with pytest.raises(RuntimeError):
            run(folder)
    wandb.finish()  # as the end of its process does
    run(folder)
    assert [step for _, step, names in sent if "test/accuracy" in names] == [6]


def start(folder, **variables):
    """`wavspa-run` in a process of its own, for W&B reads its environment once."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("WANDB_")}
    return subprocess.run(
        [sys.executable, "-m", "wavspa.commands.run", folder],
        capture_output=True,
        text=True,
        env=environment | {"WANDB_SILENT": "true"} | variables,
    )


def test_without_a_key_it_goes_on_offline(tmp_path):
    folder = tiny_run(tmp_path, *STEPS, "logger.wandb.offline=false")
    done = start(folder, WANDB_BASE_URL="http://127.0.0.1:1")
    assert done.returncode == 0, done.stderr
    assert read_status(folder)["state"] == "finished"
    assert done.stderr.count("warning: W&B: ") == done.stderr.count("for `wandb sync`") == 1
    assert len(files(folder)) == 1


def test_its_service_may_die(tmp_path, monkeypatch, capsys):
    def lost(self, data, *_, **__):
        if data["trainer/global_step"] == 3:
            raise ConnectionResetError("Connection lost")

    monkeypatch.setattr(wandb.Run, "log", lost)
    folder = tiny_run(tmp_path, *STEPS)
    run(folder)
    assert read_status(folder)["state"] == "finished"
    warnings = [line for line in capsys.readouterr().err.splitlines() if "warning: W&B" in line]
    assert warnings == ["warning: W&B: Connection lost; nothing more is logged to it"]


def test_one_run_of_several_ranks(tmp_path):
    folder = tiny_run(tmp_path, *STEPS, "trainer.devices=2", "trainer.strategy=ddp")
    done = start(folder)
    assert done.returncode == 0, done.stderr
    assert len(files(folder)) == 1
    assert "figure" not in done.stderr
    assert pictures(folder) == sorted(2 * DRAWN)


def test_a_table_shows_what_is_predicted(tmp_path, monkeypatch, sent):
    """Its pictures travel with the run as an artifact, which W&B makes of the table."""
    tables, send = [], WandbRun.send

    def seen(self, metrics, step):
        tables.extend(metrics[name] for name in metrics if name == "test/predictions")
        send(self, metrics, step)

    monkeypatch.setattr(WandbRun, "send", seen)
    words = ["logger=wandb", "logger.wandb.figures=[]", "logger.wandb.predictions=40"]
    folder = tiny_run(tmp_path, *words)
    run(folder)
    wandb.finish()
    assert [step for _, step, names in sent if "test/predictions" in names] == [6]
    (path,) = folder.rglob("media/table/test/predictions_*.table.json")
    kept = json.loads(path.read_text())
    assert kept["columns"] == ["row", "picture", "label", "prediction", "probability", "right"]
    assert len(kept["data"]) == 40
    for row, (number, _, label, prediction, probability, right) in enumerate(kept["data"]):
        assert (number, right) == (row, label == prediction)
        assert 0.1 <= probability <= 1
    assert {cell[1].image.size for cell in tables[0].data} == {(8, 8)}


@pytest.mark.parametrize("words", [["logger.wandb.predictions=0"], ["task=masked"]])
def test_no_table(tmp_path, sent, words):
    words = ["logger=wandb", "logger.wandb.figures=[]", "trainer.max_steps=1", *words]
    run(tiny_run(tmp_path, *words))
    names = {name for _, _, names in sent for name in names}
    assert "test/loss" in names
    assert "test/predictions" not in names


def test_a_table_that_cannot_be_made_stops_no_run(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("wavspa.launching.run.worker.row_table", lambda *_: crash())
    folder = tiny_run(tmp_path, "logger=wandb", "logger.wandb.figures=[]", "trainer.max_steps=1")
    run(folder)
    assert read_status(folder)["state"] == "finished"
    assert "warning: W&B gets no table of predictions (it rains)" in capsys.readouterr().err


def test_two_runs_of_a_process_are_two(tmp_path, sent):
    folders = [tiny_run(tmp_path, *STEPS, "logger.wandb.figures=[]", f"seed={i}") for i in (1, 2)]
    for folder in folders:
        run(folder)
        assert wandb.run is None
    assert len({run_id for run_id, _, _ in sent}) == 2


def test_figures_are_sent_at_each_validation(tmp_path, sent):
    folder = tiny_run(tmp_path, *STEPS)
    run(folder)
    wandb.finish()
    assert pictures(folder) == sorted(2 * DRAWN)
    for path in folder.rglob("media/images/figures/*.png"):
        with PIL.Image.open(path) as picture:
            assert min(picture.size) > 300
    names = [name for _, _, names in sent for name in names if name.startswith("figures/")]
    assert sorted(names) == sorted(f"figures/{name}" for name in 2 * DRAWN)


@pytest.mark.parametrize(
    ("words", "drawn"),
    [
        (["logger.wandb.figures=[]"], []),
        (["logger.wandb.figures=[filters,energy]", "model/wavelet=none"], []),
        (["logger.wandb.figures=[energy,confusion]", "~callbacks.wavelet_metrics"], ["confusion"]),
    ],
)
def test_figures_that_are_not_wanted_or_not_there(tmp_path, words, drawn):
    folder = tiny_run(tmp_path, *STEPS, "trainer.max_steps=1", *words)
    run(folder)
    wandb.finish()
    assert pictures(folder) == drawn


def test_a_figure_that_cannot_be_drawn_stops_no_run(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("wavspa.reports.figures.filters.draw_filters", lambda _: crash())
    folder = tiny_run(tmp_path, *STEPS)
    run(folder)
    assert read_status(folder)["state"] == "finished"
    warnings = [line for line in capsys.readouterr().err.splitlines() if "warning" in line]
    assert warnings == ["warning: a figure cannot be drawn (it rains); no more figures go to W&B"]


def test_an_unknown_figure_is_refused():
    config = compose_run("logger=wandb", "name=some", "logger.wandb.figures=[filter]")
    message = r"^logger\.wandb\.figures='filter' is unknown; choose one of filters, .*, confusion"
    with pytest.raises(UserError, match=message):
        validate(config)


def test_without_a_home_folder_training_goes_on(tmp_path, monkeypatch, capfd):
    def no_home(**_):
        raise RuntimeError("Could not determine home directory.")

    folder = tiny_run(tmp_path, "logger=wandb", "logger.wandb.figures=[]")
    monkeypatch.setattr(wandb, "init", no_home)
    run(folder)
    assert read_status(folder)["state"] == "finished"
    warnings = [line for line in capfd.readouterr().err.splitlines() if "W&B" in line]
    assert warnings == [
        "warning: W&B: Could not determine home directory.; nothing is logged to it"
    ]


# A table of predictions is an artifact too.
WITHOUT_MEDIA = ("logger=wandb", "logger.wandb.figures=[]", "logger.wandb.predictions=0")


@pytest.fixture
def artifacts(monkeypatch):
    """What is sent as artifacts: kind, names of files, aliases."""
    kept = []

    def recorded(self, artifact, aliases):
        kept.append((artifact.type, sorted(artifact.manifest.entries), aliases))

    monkeypatch.setattr(wandb.Run, "log_artifact", recorded)
    return kept


def test_a_tested_run_sends_what_makes_it(tmp_path, artifacts):
    run(tiny_run(tmp_path, *WITHOUT_MEDIA, "logger.wandb.artifacts=true"))
    assert artifacts == [
        ("config", ["config.yaml", "run.json"], ["latest"]),
        ("model", ["best.ckpt"], ["latest", "best"]),
    ]


def test_artifacts_are_sent_only_if_wanted_and_cost_no_run(
    tmp_path, artifacts, monkeypatch, capsys
):
    run(tiny_run(tmp_path, *WITHOUT_MEDIA))
    assert artifacts == []
    wandb.finish()

    def refuse(*_, **__):
        raise OSError("no quota")

    monkeypatch.setattr(wandb.Run, "log_artifact", refuse)
    folder = tiny_run(tmp_path, *WITHOUT_MEDIA, "logger.wandb.artifacts=true", "seed=2")
    run(folder)
    assert read_status(folder)["state"] == "finished"
    assert "W&B: no quota; its files are not sent" in capsys.readouterr().err
