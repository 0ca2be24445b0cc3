"""Every mistake ends with one line on standard error and exit code 2, before or in the run."""

import re
import shutil

import pytest

from support.reported_runs import finish, frozen_run
from support.tiny_runs import finished_run, tiny_run, tiny_words
from wavspa.commands import evaluate, report, run, status, train
from wavspa.run_folder import layout
from wavspa.run_folder.status import read_status


@pytest.fixture
def fails(monkeypatch, capfd):
    """Calls a command, which must end with code 2, and returns its one line."""

    def call(command, *words):
        monkeypatch.setattr("sys.argv", [command.__name__, *map(str, words)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as end:
            command.main()
        lines = [
            line
            for line in capfd.readouterr().err.splitlines()
            if not line.startswith(("step ", "/"))  # progress, warnings of libraries
        ]
        assert end.value.code == 2, lines
        assert len(lines) == 1, lines
        return lines[0]

    return call


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return finished_run(tmp_path_factory.mktemp("finished"))


@pytest.mark.parametrize(
    ("word", "message"),
    {
        "dataset=nope": r"dataset has no option 'nope'; it has digits, .*lra/listops",
        "dataset=lra/nope": r"dataset has no option 'lra/nope'; it has digits, .*lra/listops",
        "model/attention=nope": r"model/attention has no option 'nope'; it has linear, linformer,",
        "model/wavelet=nope": r"model/wavelet has no option 'nope'; it has ada,",
        "model.tap=8": r"there is no option 'model.tap'; did you mean model.taps",
        "datset=digits": r"there is no option 'datset'; did you mean dataset",
        "schedule.cycl=8": r"there is no option 'schedule.cycl'; did you mean schedule.cycle",
        "model.taps=15": r"model.taps .*even",
        "model.heads=3": r"model.dim.*heads.*3",
        "model.dim=wide": r"model.dim must be a whole number, got 'wide'$",
        "optimizer.lr=fast": r"optimizer.lr must be a number, got 'fast'$",
        "optimizer.lr=null": r"optimizer.lr must be a number, got None$",
        "seed=null": r"seed must be a whole number from 0 to 4294967295, got None$",
        "seed=1,2": r"seed=1,2 has several values, which makes a sweep: add -m; a list is seed=\[1,2\]$",
        "model/wavelet=glob(*)": r"model/wavelet=glob\(\*\) has several values, .* add -m$",
        "jobs=3": r"jobs=3 is for sweeps: add -m$",
        "hydra/launcher=slurm": r"hydra/launcher=slurm is for sweeps: add -m",
        "hydra.launcher.jobs=2": r"hydra.launcher.jobs=2 is for sweeps: add -m",
        "task=lego": (
            r"task.variables is taken from \$\{dataset.variables\}: there is no dataset.variables; "
            r"choose another dataset, or set task.variables=…$"
        ),
        "optimizer=null": r"optimizer=null: optimizer is chosen by name; leave it out for adamw$",
        "+optimizer=adamw": r"optimizer is already chosen: leave out the \+ before optimizer=$",
        "name=a=b": r"name=a=b cannot be read: quote the value, as in \"name='a=b'\"$",
        "name=it's": r"name=it's cannot be read: quote the value, as in \"name='it\\'s'\"$",
        "name=a(1": r"name=a\(1 cannot be read: quote the value, as in \"name='a\(1'\"$",
        "name=ü": r"name=ü cannot be read: quote the value, as in \"name='ü'\"$",
        "seed=[1": r".*\[1",
        "hydra.sweeper.max_batch_size=2": r"there is no option 'hydra.sweeper.max_batch_size'",
        "+experiment=demo/digits": r"experiment is already chosen: leave out the \+ before experiment=$",
        "~dataset.folds": r"~dataset.folds: there is no option 'dataset.folds' to remove",
        "tokenizer=bytes": r"dataset.tokenizer is not an option of wavspa.data.Digits$",
        "dataset=": r"dataset has no option ''; it has digits, ",
        "experiment=": r"experiment has no option ''; it has ",
        "hydra.run.dir=elsewhere": r"hydra.run.dir=elsewhere is not where a run goes: type runs=FOLDER",
        f"runs={'x' * 300}": r"runs=x+ cannot be read \(File name too long\); name a readable folder$",
        "model.dim=${nowhere}": r"model.dim is taken from \$\{nowhere\}: there is no nowhere; choose",
    }.items(),
)
def test_train_names_the_option(fails, tmp_path, word, message):
    assert re.match(f"error: {message}", fails(train, *tiny_words(tmp_path), word))
    assert not (tmp_path / "runs").exists()


def test_an_option_of_what_was_taken_away_is_not_its_own_nearest_name(fails, tmp_path):
    line = fails(train, *tiny_words(tmp_path), "~optimizer", "optimizer.lr=1")
    assert "did you mean" not in line


@pytest.mark.parametrize("sweeper", ["grid", "optuna"])
def test_a_glob_that_matches_nothing_is_named(fails, tmp_path, sweeper):
    words = [*tiny_words(tmp_path), f"hydra/sweeper={sweeper}", "model/attention=glob(zz*)"]
    line = fails(train, "-m", *words)
    assert line == "error: model/attention=glob(zz*) has no value: nothing matches"


@pytest.mark.parametrize("sweeper", ["grid", "optuna"])
def test_a_range_without_a_step_is_named(fails, tmp_path, sweeper):
    words = [*tiny_words(tmp_path), f"hydra/sweeper={sweeper}", "model.level=range(1,3,0)"]
    line = fails(train, "-m", *words)
    assert line == "error: model.level=range(1,3,0): the step of a range must not be 0"


def test_multirun_may_stand_between_words(fails, tmp_path):
    line = fails(train, *tiny_words(tmp_path), "--multirun", "model.taps=4,5")
    assert line.startswith("error: model.taps ")


def test_the_nearest_name_is_looked_for_in_the_chosen_options(fails, tmp_path):
    line = fails(train, *tiny_words(tmp_path), "dataset=lra/listops", "dataset.max_dept=3")
    assert line.endswith("did you mean dataset.max_depth?")


def test_a_mistake_in_one_job_ends_a_sweep_before_any_starts(fails, tmp_path):
    line = fails(train, "-m", *tiny_words(tmp_path), "model.taps=4,5")
    assert line.startswith("error: model.taps ")
    assert not list((tmp_path / "runs").rglob(layout.CONFIG))


def test_run_names_what_the_folder_lacks(fails, tmp_path):
    assert "is not a run's folder" in fails(run, tmp_path)


def test_a_missing_data_root_is_named(fails, tmp_path):
    folder = tiny_run(tmp_path, f"data_root={tmp_path / 'no' / 'where'}")
    assert "data_root=" in fails(run, folder)
    assert read_status(folder)["state"] == "failed"


def test_a_vocabulary_smaller_than_a_token_is_named(fails, tmp_path):
    assert "vocab_size must be at least" in fails(run, tiny_run(tmp_path, "dataset.vocab_size=5"))


def test_an_absent_device_is_named(fails, tmp_path):
    folder = tiny_run(tmp_path, "trainer=tpu")
    assert fails(run, folder).startswith("error: trainer")


def test_evaluate_names_what_it_cannot_use(fails, finished, tmp_path):
    assert "no run was named" in fails(evaluate)
    assert "not of the form key=value" in fails(evaluate, finished)
    assert "split='dev' is unknown; choose one of train, val, test" in fails(
        evaluate, f"run={finished}", "split=dev"
    )
    assert "is not a run's folder" in fails(evaluate, f"run={tmp_path}")
    assert "holds no checkpoints/best.ckpt" in fails(evaluate, f"run={tiny_run(tmp_path)}")
    line = fails(evaluate, f"run={finished}", "dataset.batchsize=3")
    assert "no option 'dataset.batchsize'; did you mean dataset.batch_size?" in line
    assert "does not fit" in fails(evaluate, f"run={finished}", "model.dim=8")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["dataset.batch_size=1,2"], "dataset.batch_size=1,2 is several values, and a run has one"),
        (["seed=range(1,3)"], "seed=range(1,3) is several values, and a run has one"),
        (["trainer=gpu"], "the run has its own trainer, of which single options can be changed"),
        (["split=val", "split=test"], "split= is given twice: leave one out"),
        (["seed=1", "seed=2"], "seed= is given twice: leave one out"),
    ],
)
def test_a_word_that_would_be_ignored_or_replace_a_group_is_named(fails, tmp_path, words, message):
    assert message in fails(evaluate, f"run={frozen_run(tmp_path)}", *words)


def test_evaluate_names_a_truncated_checkpoint(fails, finished, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(finished, folder)
    best = layout.best_checkpoint(folder)
    best.write_bytes(best.read_bytes()[:2000])
    assert "best.ckpt is damaged" in fails(evaluate, f"run={folder}")


def test_report_names_what_it_cannot_use(fails, finished, tmp_path):
    assert "there is no folder" in fails(report, tmp_path / "nowhere")
    assert "there are no runs" in fails(report, tmp_path)
    figure = tmp_path / "figure.nope"
    assert "figures cannot be written as 'nope'" in fails(report, finished, "--figure", figure)
    assert not (finished.parent / "report").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--filters", "-1"], "--filters must be a whole number of at least 0, got -1"),
        (["rows=seed", "rows=model.dim"], "rows= is given twice: leave one out"),
        (["--significance", "metric=f1"], "metric= does not go with --significance"),
        (["--significance", "--filters", "0"], "--filters does not go with --significance"),
        (["--significance", "--mixed"], "--mixed does not go with --significance"),
    ],
)
def test_report_ignores_no_word(fails, tmp_path, words, message):
    assert message in fails(report, finish(frozen_run(tmp_path), 0.5), *words)


def test_words_may_follow_options(fails, tmp_path):
    assert "only data_root=FOLDER" in fails(run, tmp_path, "--again", "data_root=")
    for command, option in ((report, ("--filters", 1)), (status, ("--watch", 1))):
        line = fails(
            command, frozen_run(tmp_path / command.__name__), *option, tmp_path / "nowhere"
        )
        assert line.endswith(f"there is no folder {tmp_path / 'nowhere'}")


@pytest.mark.parametrize("seconds", ["-1", "nan", "1e10"])
def test_status_looks_again_after_a_time_that_passes(fails, tmp_path, seconds):
    line = fails(status, frozen_run(tmp_path), "--watch", seconds)
    assert "--watch must be a number of at least 0 and at most 86400, got " in line


@pytest.mark.parametrize("command", [train, run, evaluate, report])
def test_help_shows_examples(command, monkeypatch, capsys):
    name = command.__name__.rpartition(".")[2]
    monkeypatch.setattr("sys.argv", [f"wavspa-{name}", "--help"])
    code = None
    try:
        command.main()
    except SystemExit as end:
        code = end.code
    assert not code
    text = capsys.readouterr().out
    assert text.count(f"wavspa-{name}") >= 3


def test_debug_shows_the_traceback(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("sys.argv", ["wavspa-run", str(tmp_path)])
    monkeypatch.setenv("WAVSPA_DEBUG", "1")
    with pytest.raises(SystemExit):
        run.main()
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["find=lr", "dry_run=true"],
            "find=lr cannot be combined with dry_run=true: leave one out",
        ),
        (["-m", "jobs=0"], "jobs must be a whole number of at least 1, got 0"),
        (
            ["-m", "hydra.launcher.stop_after=0"],
            "hydra.launcher.stop_after must be a whole number ",
        ),
        (
            ["-m", "hydra.launcher.submit=false"],
            "there is no option 'hydra.launcher.submit' without hydra/launcher=slurm",
        ),
        (
            ["logger.wandb.offline=true"],
            "there is no option 'logger.wandb.offline' without logger=wandb",
        ),
        (
            ["logger=wandb", "logger.wandb.ofline=true"],
            "there is no option 'logger.wandb.ofline'; did you mean logger.wandb.offline?",
        ),
        (
            ["-m", "hydra/sweeper=optuna", "hydra.sweeper.max_batch_size=2"],
            "did you mean hydra.sweeper.batch?",
        ),
        (
            ["dataset=series", "dataset.train=x.npz", "tokenizer=bytes"],
            "dataset.tokenizer is not an option of",
        ),
        (
            ["dataset=file_seq2seq", "dataset.train=x.csv", "+dataset.text=a"],
            "dataset.text is not an option of",
        ),
        (["task=regression", "+task.metrics.mse=1"], "task.metrics.mse is not an option of"),
    ],
)
def test_a_mistake_of_two_options_is_one_line(fails, tmp_path, words, message):
    assert message in fails(train, *tiny_words(tmp_path, *words))
    assert not (tmp_path / "runs").exists()
