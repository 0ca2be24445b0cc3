"""``wavspa-train --help KEY``: what a key means, without a run."""

import pytest

from wavspa.commands.train import main
from wavspa.errors import UserError
from wavspa.launching.options.key_help import explain_key, keys_asked


def test_a_key_has_its_meaning_default_and_file(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["wavspa-train", "--help", "optimizer.lr"])
    main()
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["optimizer.lr", "  meaning  Learning rate"]
    (usual,) = (line for line in lines if "conf/optimizer/adamw.yaml" in line)
    assert usual.startswith("  default  1.0e-3  (")


def test_a_group_has_its_options():
    lines = explain_key("model/wavelet").splitlines()
    assert lines[0] == "model/wavelet"
    assert "  none        No transform: the plain attention base." in lines


def test_an_unknown_key_is_answered_by_one_that_is_near():
    with pytest.raises(
        UserError, match=r"no option 'optimizer\.lrr'; did you mean optimizer\.lr\?"
    ):
        explain_key("optimizer.lrr")


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (["--help", "seed"], ["seed"]),
        (["optimizer.lr", "-h", "model=tiny"], ["optimizer.lr"]),
        (["--help"], []),
        (["seed=1"], []),
    ],
)
def test_words_without_a_value_are_asked_for(words, asked):
    assert keys_asked(words) == asked


def test_completion_is_that_of_the_command(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["/somewhere/train.py", "-sc", "install=bash"])
    main()
    assert capsys.readouterr().out.strip().endswith("-F hydra_bash_completion wavspa-train")


def test_completion_knows_keys_and_options(monkeypatch, capsys):
    for typed, found in {
        "model/wavelet=o": "model/wavelet=ortho",
        "optimizer.l": "optimizer.lr=",
    }.items():
        line = f"wavspa-train {typed}"
        monkeypatch.setenv("COMP_LINE", line)
        monkeypatch.setenv("COMP_POINT", str(len(line)))
        monkeypatch.setattr("sys.argv", ["wavspa-train", "-sc", "query=bash"])
        main()
        assert found in capsys.readouterr().out.split()
