"""The programs of `make bench` run, on inputs that take no time; what they measure is not looked at."""

from functools import cache

import pytest
import torch

pytest.importorskip("ptwt")

from benchmarks import cpu, layers, measure, page, transforms
from benchmarks.figures import read
from benchmarks.figures import write as write_figures

pytestmark = pytest.mark.slow


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(measure, "FEWEST", 0)
    for part in (transforms, layers):
        monkeypatch.setattr(part, "ROUNDS", 1)
    for name, size in (("BATCH", 2), ("LENGTH", 200), ("DIM", 8)):
        monkeypatch.setattr(transforms, name, size)
    monkeypatch.setattr(transforms, "inputs", cache(transforms.inputs.__wrapped__))
    monkeypatch.setattr(transforms, "add_compiled", lambda contestants: "no compiler")
    monkeypatch.setattr(layers, "SHAPES", [(2, 80, 8, 2)])
    for name in ("attend", "training_step"):
        monkeypatch.setattr(layers, name, lambda kind, rate: lambda: None)


def test_all_figures_of_a_cpu_are_compared_measured_and_written(small, monkeypatch, tmp_path):
    monkeypatch.setattr(cpu, "keep_memory", lambda: None)
    monkeypatch.setattr(page, "update", lambda: None)
    monkeypatch.setattr(page, "write", lambda measured: write_figures(measured, tmp_path))
    cpu.main()
    (path,) = tmp_path.glob("*.csv")
    figures = [row.figure for row in read(path)]
    peers = {figure.against for figure in figures}
    assert peers == {"", transforms.PTWT, "PyWavelets", "softmax", layers.WITHOUT}
    assert [f.contestant for f in figures if f.ms is None] == [
        transforms.COMPILED,
        "upstream, JAX 0.4.13",
    ]
    assert all(f.note.startswith("not measured: ") for f in figures if f.ms is None)


def test_nothing_is_measured_where_a_result_is_wrong(small, monkeypatch):
    right = transforms.by_ptwt

    def wrong(taps):
        y, gradient = right(taps)
        return y, gradient + 0.01 * torch.ones_like(gradient)

    monkeypatch.setattr(cpu, "keep_memory", lambda: None)
    monkeypatch.setattr(transforms, "by_ptwt", wrong)
    monkeypatch.setattr(measure, "alternate", None)
    monkeypatch.setattr(page, "write", None)
    with pytest.raises(SystemExit, match="because results differ: 16 taps, ptwt is off by"):
        cpu.main()
