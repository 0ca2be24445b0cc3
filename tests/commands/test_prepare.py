import io

import pytest
from rich.console import Console

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


def test_options_are_the_run_s(tmp_path):
    with pytest.raises(UserError, match=r"^seed must be a whole number of at least 0, got -1$"):
        prepare(["dataset=digits", "seed=-1", f"data_root={tmp_path}"])


def test_an_option_without_value_is_named(tmp_path):
    with pytest.raises(
        UserError, match=r"dataset\.train has no value: give it with dataset\.train="
    ):
        prepare(["dataset=files", f"data_root={tmp_path}"])


def test_many_classes_are_summed_up():
    lengths = dict.fromkeys(("min", "median", "mean", "p95", "max"), 3)
    labels = {str(number): 5 + number for number in range(64)}
    card = {"splits": {"train": {"examples": 2336, "labels": labels, "length": lengths}}}
    out = io.StringIO()
    print_card({**card, "choices": {"x": 1}, "note": ["a"]}, Console(file=out, width=120))
    assert "64 classes of 5 to 68" in out.getvalue()
    assert 'note: ["a"]' in out.getvalue()
    assert "choices" not in out.getvalue()
