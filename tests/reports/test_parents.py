"""Runs from other weights, and masked runs, in the status and the report."""

from rich.console import Console

from support.reported_runs import finish, frozen_run
from wavspa.reports.runs.collect import collect
from wavspa.reports.runs.progress import print_states
from wavspa.reports.tables.cell import summarise
from wavspa.reports.tables.comparison import Layout, compare
from wavspa.reports.tables.footnotes import notes

PARENT = {
    "folder": "/runs/pretrain/digits-s1",
    "commit": "abc1234",
    "checksum": "0123456789abcdef" * 4,
    "cell": "c",
    "part": "encoder",
}
INIT = {
    "from": "runs/pretrain/digits-s1:encoder",
    "freeze": [],
    "layer_decay": None,
    "parent": PARENT,
}
TOLD = "/runs/pretrain/digits-s1 (commit abc1234, SHA-256 0123456789ab, encoder alone)"


def test_the_parent_is_told(tmp_path, capsys):
    finish(frozen_run(tmp_path, init=INIT), 0.5)
    finish(frozen_run(tmp_path, seed=2), 0.4)
    runs = collect([tmp_path])
    print_states(runs, Console(width=200))
    child = next(run for run in runs if run.config["init"].get("parent"))
    printed = capsys.readouterr().out
    assert f"started from: {child.folder}: {TOLD}" in printed
    assert printed.count("started from") == 1
    cells = summarise(runs)
    lines = notes(compare(cells, Layout()), cells, runs)
    assert sum(line.endswith(f"seed 1: started from the weights of {TOLD}.") for line in lines) == 1


def test_masked_runs_have_a_column_without_published_numbers_or_classes(tmp_path):
    card = {"root_operator_control": {"test": 0.36}}
    target = {"task___target_": "wavspa.tasks.Masked", "dataset__name": "listops"}
    finish(frozen_run(tmp_path, **target), 0.5, **card)
    finish(frozen_run(tmp_path, dataset__name="listops"), 0.4, **card)
    cells = summarise(collect([tmp_path]))
    comparison = compare(cells, Layout(metric="accuracy"))
    (table,) = comparison.tables
    assert set(table.columns) == {"listops", "listops, masked"}
    assert table.has_published("listops")
    assert not table.has_published("listops, masked")
    lines = notes(comparison, cells, [])
    assert "listops, masked: 4 test examples" in lines
    assert any(line.startswith("listops: 4 test examples, guessing 50.0 %") for line in lines)
