"""Compiled blocks: one program for all, without a break, and nothing of it in checkpoints."""

from functools import partial

import pytest
import torch
from torch._dynamo.utils import counters

from support.tiny_runs import tiny_run
from wavspa.errors import UserError
from wavspa.launching.run.worker import run
from wavspa.models import Encoder
from wavspa.models.block import Block
from wavspa.run_folder import layout
from wavspa.run_folder.metrics import read_metrics
from wavspa.training import trainer as building
from wavspa.training.checkpoints.read import read_checkpoint
from wavspa.training.compiled import CompileBlocks

EAGER = "aot_eager"
# Every base and every mode once: a cell takes long to trace.
CELLS = [
    ("softmax", "ada"),
    ("longformer", "lift"),
    ("linformer", "ortho"),
    ("linear", "none"),
    ("performer", "ada"),
]


@pytest.fixture(autouse=True)
def dynamo():
    torch._dynamo.reset()
    counters.clear()
    yield
    torch._dynamo.reset()


@pytest.fixture
def quick(monkeypatch):
    """Traces as the real compiler does, and generates no code."""
    monkeypatch.setattr(building, "CompileBlocks", partial(CompileBlocks, backend=EAGER))


@pytest.mark.slow
@pytest.mark.parametrize(("base", "wavelet"), CELLS)
def test_all_blocks_share_programs_under_autocast(base, wavelet):
    """Few kinds of lengths have their own (even and odd ones, those of one window); no program breaks."""
    torch.manual_seed(0)
    sizes = {"max_len": 320, "dim": 8, "depth": 2, "heads": 2, "mlp_dim": 8, "taps": 4}
    model = Encoder(10, 3, attention=base, wavelet=wavelet, window=8, rank=4, dropout=0.0, **sizes)
    compiler = CompileBlocks(backend="eager")

    def compare(length):
        tokens = torch.randint(10, (4, length))
        for lengths in (torch.randint(1, length + 1, (4,)), None):
            with torch.autocast("cpu", torch.bfloat16):
                expected = model(tokens, lengths)
                compiler._compile(model)
                found = model(tokens, lengths)
            compiler._restore(model)
            torch.testing.assert_close(found, expected, rtol=0.02, atol=0.02)

    for length in (128, 64, 301, 192, 256, 299):
        compare(length)
    # Of twelve calls of each block; beyond torch's limit of 8 it would run them uncompiled.
    assert counters["stats"]["unique_graphs"] == counters["frames"]["ok"] <= 8
    assert not counters["graph_break"]


@pytest.mark.slow
def test_a_compiled_run_writes_checkpoints_that_any_run_reads(tmp_path, quick, monkeypatch):
    """The same names and, without dropout, the weights of a run that was not compiled."""
    still = ["model.dropout=0", "trainer.max_steps=3"]
    runs = {}
    for word in ("true", "false"):
        folder = tiny_run(tmp_path, *still, f"trainer.compile={word}")
        run(folder)
        runs[word] = folder
    assert counters["stats"]["unique_graphs"] == 1
    ours, theirs = (read_checkpoint(layout.last_checkpoint(runs[word])) for word in runs)
    assert list(ours["state_dict"]) == list(theirs["state_dict"])
    for name, weight in theirs["state_dict"].items():
        torch.testing.assert_close(ours["state_dict"][name], weight, rtol=1e-3, atol=1e-5)


@pytest.mark.slow
def test_a_compiled_run_resumes_exactly_also_where_it_is_not_compiled_any_more(
    tmp_path, quick, monkeypatch
):
    rows, step = {}, CompileBlocks.on_train_batch_start

    def stop(self, trainer, *arguments):
        if trainer.global_step == 4:
            raise RuntimeError("it rains")
        step(self, trainer, *arguments)

    for name in ("whole", "resumed"):
        folder = tiny_run(tmp_path / name, "trainer.compile=true")
        if name == "resumed":
            with monkeypatch.context() as patch:
                patch.setattr(CompileBlocks, "on_train_batch_start", stop)
                with pytest.raises(RuntimeError):
                    run(folder)
            torch._dynamo.reset()
        run(folder)
        rows[name] = [
            {key: value for key, value in row.items() if key != "seconds"}
            for row in read_metrics(folder / layout.METRICS)
        ]
    assert rows["whole"] == rows["resumed"]
    config = folder / layout.CONFIG
    (folder / layout.STATUS).unlink()
    config.write_text(config.read_text().replace("compile: true", "compile: false"))
    run(folder)


def test_validation_runs_the_blocks_as_they_were_written():
    model, compiler = (
        Encoder(10, 3, max_len=8, dim=8, depth=1, taps=4),
        CompileBlocks(backend=EAGER),
    )
    compiler._compile(model)
    compiler.on_validation_start(None, model)
    assert model.blocks[0].forward.__func__ is Block.forward


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            (),
            "trainer.compile=graphs needs a CUDA device, and trainer.accelerator=cpu: set trainer=gpu",
        ),
        (("trainer=gpu",), "trainer.compile=graphs cannot be combined with dataset.pad=batch"),
        (
            ("trainer=gpu", "dataset.pad=max", "trainer.accumulate_grad_batches=2"),
            "trainer.compile=graphs cannot be combined with trainer.accumulate_grad_batches=2",
        ),
    ],
)
def test_graphs_are_refused_where_they_cannot_be(tmp_path, words, line):
    with pytest.raises(UserError) as refused:
        tiny_run(tmp_path, "trainer.compile=graphs", *words)
    assert str(refused.value).startswith(line)
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
def test_graphs_train_on_a_gpu(tmp_path):
    folder = tiny_run(tmp_path, "trainer=gpu", "trainer.compile=graphs", "dataset.pad=bucket")
    run(folder)
