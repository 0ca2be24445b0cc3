"""Folders with every kind of damage are reported, and the others compared."""

import json
import math
import sys

import pytest
import yaml

from support.reported_runs import finish, frozen_run
from wavspa.commands.report import main
from wavspa.run_folder import layout


def edit(path, change):
    """Change a file of JSON or YAML in place."""
    content = yaml.safe_load(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def without(name, *keys):
    def damage(folder):
        def change(content):
            for key in keys[:-1]:
                content = content[key]
            del content[keys[-1]]

        edit(folder / name, change)

    return damage


def having(name, key, value):
    return lambda folder: edit(folder / name, lambda content: content.update({key: value}))


def holding(name, content):
    return lambda folder: (folder / name).write_bytes(content)


DAMAGES = {
    "no status": lambda folder: (folder / layout.STATUS).unlink(),
    "torn status": holding(layout.STATUS, b'{"state": "fini'),
    "status of another version": having(layout.STATUS, "test", [0.5]),
    "untested": without(layout.STATUS, "test"),
    "a metric that is no number": having(layout.STATUS, "test", {"test/accuracy": "half"}),
    "a best of another version": having(layout.STATUS, "best", {"value": 0.5}),
    "steps of another version": having(layout.STATUS, "step", "6"),
    "config of another version": without(layout.CONFIG, "frozen", "cell"),
    "no monitor": without(layout.CONFIG, "task", "monitor"),
    "torn config": holding(layout.CONFIG, b"model: {dim: [16"),
    "config that is no text": holding(layout.CONFIG, b"\xff\xfe\x00"),
    "empty config": holding(layout.CONFIG, b""),
    "config that is a list": holding(layout.CONFIG, b"- 1"),
    "empty csv": holding(layout.METRICS, b""),
    "csv of something else": holding(layout.METRICS, b"a,b\n1,2\n"),
    "csv with a broken line": holding(layout.METRICS, b"step,epoch,seconds\n1,0\n"),
    "csv with a quote that never ends": holding(
        layout.METRICS, b'step,epoch,seconds\n1,0,"' + 40_000 * b"0.1\n"
    ),
    "card without a test split": without(layout.CARD, "splits", "test"),
    "torn card": holding(layout.CARD, b"{"),
}
STATES = {"no status": "not started"}


def report(root, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["wavspa-report", str(root)])
    main()
    written = {path.name: path.read_text() for path in (root / "report").iterdir()}
    return capsys.readouterr().out, written


def test_every_kind_beside_a_whole_run(tmp_path, monkeypatch, capsys):
    finish(frozen_run(tmp_path, model__wavelet="ortho"), 0.5)
    broken = {}
    for place, (kind, damage) in enumerate(DAMAGES.items()):
        broken[kind] = finish(
            frozen_run(tmp_path, model__wavelet="ada", model__taps=2 * place + 2), 0.7
        )
        damage(broken[kind])
    out, written = report(tmp_path, monkeypatch, capsys)
    assert "ortho" in out
    assert "50.00" in written["table.md"]
    for kind, folder in broken.items():
        start = f"{STATES.get(kind, 'damaged')}: {folder}: "
        (line,) = [line for line in out.splitlines() if line.startswith(start)]
        assert line.removeprefix(start), kind
        assert folder.name in written["report.html"]
    assert "70.00" not in written["table.md"]
    assert "70.00" not in written["table.csv"]


def test_a_torn_last_line_is_left_out(tmp_path, monkeypatch, capsys):
    folder = finish(frozen_run(tmp_path), 0.5)
    path = folder / layout.METRICS
    path.write_bytes(path.read_bytes()[:-3])
    out, _ = report(tmp_path, monkeypatch, capsys)
    assert "damaged" not in out


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_are_none_are_shown_as_such(tmp_path, monkeypatch, capsys, value):
    for seed in (1, 2):  # of which there would be a standard deviation
        folder = finish(frozen_run(tmp_path, seed), 0.5)
        having(layout.STATUS, "test", {"test/accuracy": value})(folder)
    out, written = report(tmp_path, monkeypatch, capsys)
    shown = "\N{EN DASH}" if math.isnan(value) else "inf"
    assert shown in out
    assert shown in written["table.md"]
