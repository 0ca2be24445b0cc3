import errno
import shutil
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from support.tiny_runs import compose_run, tiny_run, tiny_words
from wavspa.errors import UserError
from wavspa.launching.run import freeze as folders
from wavspa.launching.run.freeze import freeze, freeze_all, read_config, warn_if_code_changed
from wavspa.reports.runs.collect import collect
from wavspa.run_folder import layout
from wavspa.run_folder.lock import exclusive


def test_the_same_configuration_finds_its_folder_however_it_was_typed(tmp_path):
    first = tiny_run(tmp_path)
    words = [*reversed(tiny_words(tmp_path)), "model.level=1"]
    assert freeze(compose_run(*words), words) == first
    assert tiny_run(tmp_path, "seed=2") != first


def test_a_copy_or_a_renamed_folder_is_not_taken_for_the_run(tmp_path):
    folder = tiny_run(tmp_path)
    (folder / layout.METRICS).touch()
    copy = folder.with_name(f"a-backup-of-{folder.name}")
    shutil.copytree(folder, copy)
    words = [*reversed(tiny_words(tmp_path)), "model.level=1"]
    assert tiny_run(tmp_path) == freeze(compose_run(*words), words) == folder
    assert tiny_run(tmp_path, "rerun=true") == folder
    assert (copy / layout.METRICS).exists()
    shutil.rmtree(folder)
    assert tiny_run(tmp_path) == folder


def test_the_run_is_found_in_an_experiment_that_was_moved(tmp_path):
    folder = tiny_run(tmp_path)
    (tmp_path / "runs").rename(tmp_path / "moved")
    words = [*reversed(tiny_words(tmp_path)), f"runs={tmp_path / 'moved'}", "model.level=1"]
    assert freeze(compose_run(*words), words) == tmp_path / "moved" / folder.relative_to(
        tmp_path / "runs"
    )


def test_a_frozen_configuration_is_resolved_and_knows_its_origin(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = [*tiny_words(tmp_path), "data_root=here"]
    config = read_config(freeze(compose_run(*words), words))
    assert config.model.vocab_size == config.dataset.vocab_size
    assert config.dataset.data_root == str(tmp_path / "here")
    assert config.frozen.overrides == words
    assert len(config.frozen.hash) == 8
    assert {"runs", "rerun", "data_root", "hydra"}.isdisjoint(config.keys())
    assert not list(OmegaConf.missing_keys(config))


def test_a_named_folder_is_not_shared_by_two_configurations(tmp_path):
    assert tiny_run(tmp_path, "name=mine").name == "mine"
    assert tiny_run(tmp_path, "name=mine").name == "mine"
    with pytest.raises(
        UserError, match=r"another configuration \(model.taps=4, here 6\).*rerun=true"
    ):
        tiny_run(tmp_path, "name=mine", "model.taps=6")
    folder = tiny_run(tmp_path, "name=mine", "model.taps=6", "rerun=true")
    assert read_config(folder).model.taps == 6


def test_rerun_moves_the_runs_files_aside_and_no_others(tmp_path):
    folder = tiny_run(tmp_path)
    for name in ("checkpoints", "export", "figures", "wandb", "tensorboard"):
        (folder / name).mkdir()
    for name in ("metrics.csv", "status.json", "wandb-id", "mlflow-id", "trackio-id", "notes.txt"):
        (folder / name).touch()
    before = {path.name for path in folder.iterdir()} - {"notes.txt"}
    assert tiny_run(tmp_path, "rerun=true") == folder
    assert {path.name for path in folder.iterdir()} == {
        "config.yaml",
        "notes.txt",
        ".lock",
        ".replaced",
    }
    assert {path.name for path in (folder / ".replaced").iterdir()} == before
    # The new run has not started: another rerun keeps what is worth keeping.
    tiny_run(tmp_path, "rerun=true")
    assert {path.name for path in (folder / ".replaced").iterdir()} == before
    assert [run.folder for run in collect([tmp_path])] == [folder]


def test_rerun_touches_nothing_while_the_run_trains(tmp_path):
    folder = tiny_run(tmp_path)
    (folder / layout.METRICS).touch()
    with exclusive(folder), pytest.raises(UserError, match="another process is running"):
        tiny_run(tmp_path, "rerun=true")
    assert (folder / layout.METRICS).exists()
    assert not (folder / layout.REPLACED).exists()


@pytest.mark.parametrize("value", ["no", "off", "'false'", "0", "null"])
def test_rerun_is_true_or_false_and_nothing_else(tmp_path, value):
    folder = tiny_run(tmp_path)
    (folder / layout.METRICS).touch()
    with pytest.raises(UserError, match="rerun must be true or false, got"):
        tiny_run(tmp_path, f"rerun={value}")
    assert (folder / layout.METRICS).exists()


def test_a_run_that_is_there_takes_what_is_typed_and_shapes_no_result(tmp_path):
    folder = tiny_run(tmp_path, "logger=tensorboard", "checkpoints.every_steps=2")
    other = tmp_path / "other"
    assert tiny_run(tmp_path, f"data_root={other}", "checkpoints.every_minutes=3") == folder
    config = read_config(folder)
    assert config.dataset.data_root == str(other)
    assert config.checkpoints == {"every_steps": None, "every_minutes": 3}
    assert "tensorboard" in config.logger  # nothing was typed of it


def test_runs_of_a_sweep_that_share_a_folder_are_refused_before_any_is_made(tmp_path):
    words = [tiny_words(tmp_path, "name=same", f"model.taps={taps}") for taps in (4, 6)]
    with pytest.raises(UserError, match=r"name=same: two .*model.taps=4, here 6"):
        freeze_all([compose_run(*each) for each in words], words)
    assert not (tmp_path / "runs").exists()


def test_runs_that_cannot_be_written_are_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"runs=.*cannot be written"):
        tiny_run(tmp_path, f"runs={tmp_path / 'file'}")


def test_changed_code_is_said_aloud(tmp_path, monkeypatch, capsys):
    folder = tiny_run(tmp_path)
    warn_if_code_changed(folder, read_config(folder))
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(folders, "code_version", lambda: {"version": "9", "commit": "abc"})
    warn_if_code_changed(folder, read_config(folder))
    assert "9 (abc)" in capsys.readouterr().err


@pytest.mark.parametrize("text", [None, "a: [", "a: 1", "- 1"])
def test_a_folder_without_a_frozen_configuration_is_refused(tmp_path, text):
    if text is not None:
        (tmp_path / layout.CONFIG).write_text(text)
    with pytest.raises(UserError, match=layout.CONFIG):
        read_config(tmp_path)


def test_a_folder_that_cannot_be_read_is_refused(tmp_path, monkeypatch):
    with pytest.raises(UserError, match=r"config.yaml cannot be read \(File name too long\)$"):
        read_config(Path("x" * 300))
    folder = tiny_run(tmp_path)

    def refuse(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(OmegaConf, "load", refuse)
    with pytest.raises(UserError, match=r"config.yaml cannot be read \(Permission denied\)$"):
        read_config(folder)
