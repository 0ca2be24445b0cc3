"""The program that trains cells again: what it refuses, what it trains, and how it stops."""

import re
import signal
import tempfile

import pytest

from scripts.evidence import again
from scripts.evidence.load import load
from support.evidence_runs import refused

pytestmark = pytest.mark.usefixtures("place")


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["digits"], "DATA ARM SEED must be three words, got 'digits'"),
        (["digits", "softmax-ada", "1", "2"], "must be three words, got 'digits softmax-ada 1 2'"),
        (["nonsense", "softmax-ada", "1"], "no DATA 'nonsense'; choose one of digits, lego, text$"),
        (
            ["lego", "nonsense", "1"],
            "results/ has no ARM 'nonsense' on lego; choose one of softmax-lift$",
        ),
        (
            ["digits", "softmax-ada", "x"],
            "no SEED 'x' of softmax-ada on digits; choose one of 1, 2, 3$",
        ),
        (["digits", "softmax-ada", "4"], "no SEED '4' of softmax-ada .*; choose one of 1, 2, 3$"),
        (["--data-root", "absent"], "argument --data-root: must be an existing folder"),
    ],
)
def test_a_cell_that_was_not_collected_is_not_trained_again(
    words, error, collected, monkeypatch, capsys
):
    monkeypatch.setattr(again, "load", lambda _: load(collected))
    monkeypatch.setattr(again, "check", lambda *_: pytest.fail("something was trained"))
    assert re.search(error, refused(again.main, words, capsys))


@pytest.mark.parametrize(
    ("words", "cells"),
    [
        (["digits", "softmax-ada", "2"], [("digits", "softmax-ada", 2)]),
        ([], [("digits", "softmax-ada", 1), ("lego", "softmax-lift", 1)]),
    ],
)
def test_cells_that_were_collected_are_trained_again(words, cells, collected, monkeypatch):
    checked = []
    monkeypatch.setattr(again, "load", lambda _: load(collected))
    monkeypatch.setattr(again, "check", lambda _, cell, root: not checked.append((cell, root)))
    monkeypatch.setattr(again, "listen", lambda: None)
    with pytest.raises(SystemExit) as ended:
        again.main(words)
    assert ended.value.code == 0
    assert checked == [(cell, None) for cell in cells]


def test_a_signal_stops_training_again_and_leaves_nothing(collected, monkeypatch, tmp_path):
    def start(*_):
        signal.raise_signal(signal.SIGTERM)
        pytest.fail("the signal was ignored")

    monkeypatch.setattr(again, "load", lambda _: load(collected))
    monkeypatch.setattr(again, "start", start)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "place"))
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with pytest.raises(SystemExit, match="stopped"):
            again.main(["digits", "softmax-ada", "1"])
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    assert not list((tmp_path / "place").iterdir())
