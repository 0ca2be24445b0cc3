"""Commands on a run from another machine, user or locale."""

import os
import shutil
import subprocess
import sys

import pytest
from omegaconf import OmegaConf

from support.tiny_runs import finished_run, tiny_run
from wavspa.commands import evaluate, figures, predict, report
from wavspa.commands import run as run_command
from wavspa.errors import UserError
from wavspa.launching.run.freeze import read_config
from wavspa.reports.runs.collect import collect
from wavspa.run_folder import layout
from wavspa.run_folder.status import read_status

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return finished_run(tmp_path_factory.mktemp("finished"))


@pytest.fixture
def call(monkeypatch, capfd):
    """Calls a command; gives its exit code, what it printed and what it reported."""

    def command(module, *words):
        monkeypatch.setattr("sys.argv", ["wavspa", *map(str, words)])
        capfd.readouterr()
        code = 0
        try:
            module.main()
        except SystemExit as end:
            code = end.code
        return code, *capfd.readouterr()

    return command


def test_a_run_of_a_gpu_is_evaluated_on_the_cpu(finished, tmp_path, call, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    folder = shutil.copytree(finished, tmp_path / "copy")
    config = OmegaConf.load(folder / layout.CONFIG)
    config.trainer.accelerator = "cuda"
    OmegaConf.save(config, folder / layout.CONFIG)
    code, printed, reported = call(evaluate, f"run={folder}")
    assert code == 0
    assert f"test/accuracy {read_status(finished)['test']['test/accuracy']:.4f}" in printed
    assert "note: trainer.accelerator=cuda: this machine has none, the CPU is used" in reported


def test_moved_data_are_named_to_a_run(finished, tmp_path, call):
    folder = tiny_run(tmp_path, "trainer.max_steps=3", f"data_root={tmp_path / 'no' / 'where'}")
    assert "data_root=" in call(run_command, folder)[2]
    root = read_config(finished).dataset.data_root
    assert call(run_command, folder, f"data_root={root}")[0] == 0
    assert read_status(folder)["state"] == "finished"
    assert call(evaluate, f"run={folder}", f"data_root={root}")[0] == 0
    assert call(run_command, folder, "seed=2")[0] == 2


def test_where_nothing_can_be_written_another_place_is_offered(finished, tmp_path, call):
    taken = tmp_path / "file"
    taken.touch()
    code, _, reported = call(report, finished, "--output", taken / "report")
    assert code == 2
    assert reported.splitlines()[-1].endswith("name a writable place by --output FOLDER")
    words = (f"run={finished}", "what=filters", "formats=svg")
    code, _, reported = call(figures, *words, f"output={taken / 'figures'}")
    assert code == 2
    assert reported.splitlines()[-1].endswith("name a writable place by output=FOLDER")
    assert call(figures, *words, f"output={tmp_path / 'mine'}")[0] == 0
    assert (tmp_path / "mine" / "filters.svg").exists()


def test_a_run_that_cannot_keep_its_decision_is_to_be_copied(finished, tmp_path, call, monkeypatch):
    def refuse(self, *args):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("wavspa.launching.decisions.evaluation.Evaluator.decide", refuse)
    code, _, reported = call(evaluate, f"run={finished}", "threshold=0.4")
    assert code == 2
    assert "(Permission denied): the run keeps its decision there, so copy the run" in reported


def test_a_tilde_is_the_home_folder_where_the_shell_left_it(finished, tmp_path, call, monkeypatch):
    shutil.copytree(finished, tmp_path / "finished")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert call(evaluate, "run=~/finished", "folder=~/scores", "resamples=0")[0] == 0
    assert (tmp_path / "scores" / "evaluation.json").exists()
    assert call(figures, "run=~/finished", "what=filters", "formats=svg", "output=~/drawn")[0] == 0
    assert (tmp_path / "drawn" / "filters.svg").exists()
    assert call(report, "finished", "--output=~/reported")[0] == 0
    assert (tmp_path / "reported" / "report.html").exists()
    assert not (tmp_path / "~").exists()


def test_a_folder_of_links_holds_runs(finished, tmp_path):
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "one").symlink_to(finished)
    (tmp_path / "links" / "round").symlink_to(tmp_path / "links")
    assert [run.folder for run in collect([tmp_path / "links"])] == [tmp_path / "links" / "one"]


def test_predictions_overwrite_no_input(tmp_path):
    source = tmp_path / "new.csv"
    source.write_text("text\na\n")
    (tmp_path / "link.csv").symlink_to(source)
    for output in (source, tmp_path / "link.csv"):
        with pytest.raises(UserError, match=r"would overwrite .*new.csv: name another file"):
            predict._check_output(output, [str(source)])
    predict._check_output(tmp_path / "other.csv", [str(source)])


def test_the_locale_is_of_no_account(finished, tmp_path):
    status = finished / layout.STATUS
    before = status.read_text(encoding="utf-8")
    status.write_text(before.replace('"state"', '"note": "ü", "state"'), encoding="utf-8")
    environment = {**os.environ, "PYTHONUTF8": "0", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}
    prepare = ["dataset=digits", f"data_root={tmp_path}"]
    for command, words in {"report": [str(finished)], "prepare": prepare}.items():
        done = subprocess.run(
            [sys.executable, "-m", f"wavspa.commands.{command}", *words],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    assert "command: wavspa-prepare dataset=digits" in done.stdout
    status.write_text(before, encoding="utf-8")
