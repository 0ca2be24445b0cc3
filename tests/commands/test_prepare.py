import io
import json

import pytest
from rich.console import Console

from support.tiny_runs import tiny_run
from wavspa.commands.prepare import prepare
from wavspa.errors import UserError
from wavspa.reports.dataset_card import print_card


def test_it_prepares_and_prints_the_card(tmp_path, capsys):
    for _ in range(2):
        prepare(["dataset=digits", f"data_root={tmp_path}"])
        printed = capsys.readouterr().out
        (folder,) = (tmp_path / "prepared").glob("digits-*")
        assert printed.splitlines()[0] == f"prepared: {folder}"
        assert "1,078" in printed
        assert "0: 107" in printed
        assert "source: scikit-learn's load_digits" in printed


@pytest.mark.parametrize("program", ["bin/wavspa-train", "wavspa/commands/train.py"])
def test_a_card_names_the_command_as_it_is_typed(tmp_path, monkeypatch, program):
    """Also that of a command which started itself again as a module."""
    monkeypatch.setattr("sys.argv", [program, "dataset=digits", "name=two words"])
    prepare(["dataset=digits", f"data_root={tmp_path}"])
    (card,) = (tmp_path / "prepared").glob("digits-*/card.json")
    assert json.loads(card.read_text())["command"] == "wavspa-train dataset=digits 'name=two words'"


def test_options_are_the_run_s(tmp_path):
    with pytest.raises(UserError, match=r"^seed must be a whole number of at least 0, got -1$"):
        prepare(["dataset=digits", "seed=-1", f"data_root={tmp_path}"])


def test_an_option_without_value_is_named(tmp_path):
    with pytest.raises(
        UserError, match=r"dataset\.train has no value: set it with dataset\.train="
    ):
        prepare(["dataset=files", f"data_root={tmp_path}"])


@pytest.mark.parametrize("word", ["seed=1,2", "dataset=glob(lra/*)"])
def test_several_values_of_an_option_are_named(tmp_path, word):
    with pytest.raises(
        UserError, match="is several values, which only dataset and experiment take"
    ):
        prepare(["dataset=digits", word, f"data_root={tmp_path}"])


def test_many_classes_are_summed_up():
    lengths = dict.fromkeys(("min", "median", "mean", "p95", "max"), 3)
    labels = {str(number): 5 + number for number in range(64)}
    card = {"splits": {"train": {"examples": 2336, "labels": labels, "length": lengths}}}
    out = io.StringIO()
    print_card({**card, "choices": {"x": 1}, "note": ["a"]}, Console(file=out, width=120))
    assert "64 classes of 5 to 68" in out.getvalue()
    assert 'note: ["a"]' in out.getvalue()
    assert "choices" not in out.getvalue()


def test_names_of_classes_are_printed_as_they_are():
    lengths = dict.fromkeys(("min", "median", "mean", "p95", "max"), 3)
    summary = {"examples": 3, "labels": {"[INST]": 1, "[b]": 1, "[/b]": 1}, "length": lengths}
    out = io.StringIO()
    print_card({"splits": {"train": summary}}, Console(file=out, width=120))
    assert "[INST]: 1  [b]: 1  [/b]: 1" in out.getvalue()


def test_several_are_named_at_once_and_shared_data_are_prepared_once(tmp_path, capsys):
    prepare(["dataset=digits,lego", "dataset.limit=40", "seed=3", f"data_root={tmp_path}"])
    printed = capsys.readouterr().out
    assert printed.count("prepared: ") == 2
    names = sorted(
        folder.name.partition("-")[0] for folder in (tmp_path / "prepared").glob("[a-z]*-*")
    )
    assert names == ["digits", "lego"]
    prepare(["experiment=demo/digits,demo/digits", f"data_root={tmp_path}"])
    assert capsys.readouterr().out.count("prepared: ") == 1


@pytest.mark.slow
def test_an_experiment_names_its_data(tmp_path, capsys):
    small = ["dataset.max_length=24", "dataset.train_examples=30"]
    small += ["dataset.val_examples=10", "dataset.test_examples=10"]
    prepare(["experiment=paper/table/listops", *small, f"data_root={tmp_path}"])
    assert capsys.readouterr().out.count("prepared: ") == 1


def test_runs_name_theirs(tmp_path, capsys):
    folders = [tiny_run(tmp_path, f"seed={seed}") for seed in (1, 2)]
    prepare([str(folder) for folder in folders])
    assert capsys.readouterr().out.count("prepared: ") == 1
    with pytest.raises(
        UserError, match=r"dataset=digits cannot be combined with .*: a run has its options"
    ):
        prepare(["dataset=digits", str(folders[0])])


def test_something_is_named():
    with pytest.raises(
        UserError, match="no data set was named: wavspa-prepare dataset=NAME, experiment"
    ):
        prepare(["dataset.limit=3"])
    with pytest.raises(UserError, match="nowhere is not a run's folder"):
        prepare(["nowhere"])
    with pytest.raises(UserError, match="no data set was named"):
        prepare([])
