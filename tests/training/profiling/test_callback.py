"""A profiled run: its files, and nothing of it in the weights, the metrics or a compiled program."""

import itertools
import json
from functools import partial

import pytest
import torch
from torch._dynamo.utils import counters

from support.tiny_runs import tiny_run
from wavspa.launching.run.worker import run
from wavspa.models import Encoder
from wavspa.run_folder import layout
from wavspa.run_folder.metrics import read_metrics
from wavspa.training import trainer as building
from wavspa.training.compiled import CompileBlocks
from wavspa.training.profiling.ranges import Ranges


def shares(folder):
    lines = (folder / layout.PROFILE_TABLE).read_text().splitlines()
    return lines[0], {line[:16].strip(): float(line.split()[-3]) for line in lines[2:]}


def ranges(folder):
    events = json.loads((folder / layout.PROFILE_TRACE).read_text())["traceEvents"]
    names = [event["name"] for event in events if event.get("cat") == "user_annotation"]
    return [name.removeprefix("wavspa: ") for name in names if name.startswith("wavspa: ")]


@pytest.mark.slow
def test_steps_are_recorded_and_nothing_else_changes(tmp_path, capsys):
    plain, profiled = (tiny_run(tmp_path, *words) for words in ([], ["trainer.profile=2"]))
    assert plain != profiled
    for folder in (plain, profiled):
        run(folder)
    rows = [read_metrics(folder / layout.METRICS) for folder in (plain, profiled)]
    for row in itertools.chain(*rows):
        row.pop("seconds")
    assert rows[0] == rows[1]
    head, parts = shares(profiled)
    assert head.startswith("profile: 2 steps of ")
    rest = {"optimizer", "data", "other", "gaps"}
    # Six steps, of which the last two; a validation follows the third and the sixth.
    assert parts.keys() == {"transform", "attention", "projections", "MLP"} | rest
    assert min(parts[name] for name in parts.keys() - {"gaps"}) > 0
    out = capsys.readouterr().out
    assert head in out
    assert f"trace: {profiled / layout.PROFILE_TRACE}" in out
    # Of two blocks with two bands; a data loader hands out one batch more than is trained on at most.
    found = ranges(profiled)
    counts = {name: found.count(name) for name in set(found)}
    blocks = counts["MLP"] // 2
    assert counts["transform"] == 2 * blocks
    assert counts["attention"] == 2 * 2 * blocks
    assert counts["projections"] == 4 * 2 * 2 * blocks
    assert counts["optimizer"] == 2


@pytest.mark.slow
def test_a_number_larger_than_the_run_and_accumulated_steps(tmp_path):
    words = ["trainer.profile=99", "trainer.max_steps=2", "trainer.val_every=1"]
    folder = tiny_run(tmp_path, *words, "trainer.accumulate_grad_batches=2")
    run(folder)
    head, parts = shares(folder)
    assert head.startswith("profile: 2 steps of ")
    assert parts["validation"] > 0
    assert ranges(folder).count("optimizer") == 2


@pytest.mark.slow
def test_a_compiled_program_stays_as_it_is(tmp_path, monkeypatch):
    torch._dynamo.reset()
    counters.clear()
    monkeypatch.setattr(building, "CompileBlocks", partial(CompileBlocks, backend="aot_eager"))
    folder = tiny_run(
        tmp_path,
        "trainer.max_steps=2",
        "trainer.compile=true",
        "trainer.profile=1",
        "model.depth=1",
    )
    run(folder)
    assert counters["stats"]["unique_graphs"] == counters["frames"]["ok"] == 1
    assert not counters["graph_break"]
    _, parts = shares(folder)
    assert parts.keys() == {"compiled blocks", "attention", "optimizer", "data", "other", "gaps"}
    assert min(parts["compiled blocks"], parts["attention"]) > 0
    assert set(ranges(folder)) == {"compiled blocks", "optimizer", "data"}
    torch._dynamo.reset()


def test_hooks_go_away_and_stray_ends_close_nothing():
    model = Encoder(9, 2, max_len=8, dim=4, depth=1, heads=2, mlp_dim=4, taps=2)

    def hooks():
        return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules())

    placed = Ranges()
    placed.place(model)
    assert hooks() == 2 * (1 + 2 * (1 + 4) + 1)
    placed.begin("optimizer")
    placed.end("data")
    assert placed._open
    placed.remove()
    assert hooks() == 0
    assert not placed._open
