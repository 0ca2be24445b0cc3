"""experiment=paper/…: every released configuration, and the published table's cells."""

import math
import re
import warnings

import pytest
import torch
from omegaconf import OmegaConf

from support.tiny_runs import compose_run
from wavspa.launching.presets import remarks
from wavspa.launching.presets.listing import help_text, listing
from wavspa.launching.presets.released import by_option, released
from wavspa.launching.presets.store import below, options, with_presets
from wavspa.launching.presets.table import cells
from wavspa.launching.run.build import build
from wavspa.launching.run.validate import validate
from wavspa.training.schedules import rsqrt

# Their tokenizer's files have to be there; composing needs none.
WITH_FILES = ("paper/d2a/", "paper/as_published/d2a/")


def composed(option, *words):
    return compose_run(f"experiment={option}", *words)


def test_there_is_one_for_every_released_file():
    assert len(released()) == len(by_option()) == 104
    assert len(cells()) == 100
    assert len(options()) == 2 * 204
    sources = [row.source for row in released()]
    assert len(set(sources)) == 104
    assert (
        "lra_benchmarks/pathfinder/configs/pathfinder32/wavspa-exp0-performer-ortho.py" in sources
    )
    assert "lra_benchmarks/text_classification/configs/wavspa-exp2-lift.py" in sources


def test_a_row_s_values_arrive():
    config = composed("paper/pathfinder32/wavspa-exp0-performer-ortho")
    model, trainer = config.model, config.trainer
    assert (model.attention, model.wavelet, model.taps, model.level) == (
        "performer",
        "ortho",
        16,
        1,
    )
    assert (model.dim, model.heads, model.depth, model.qkv_dim, model.mlp_dim) == (
        128,
        8,
        1,
        64,
        128,
    )
    assert (model.dropout, model.attention_dropout, model.pool) == (0.2, 0.1, "mean")
    assert (config.dataset.name, config.dataset.batch_size) == ("pathfinder32-hard", 512)
    assert (trainer.max_steps, trainer.val_every, trainer.gradient_clip_val) == (500_000, 500, None)
    assert (config.optimizer.lr, config.optimizer.weight_decay) == (5e-4, 0.0)
    assert (config.optimizer.eps, list(config.optimizer.betas)) == (1e-9, [0.9, 0.98])
    assert (config.schedule.warmup, config.schedule.cycle) == (2500, None)
    assert config.experiment_name == "paper"


def test_the_original_s_manner_has_its_switches():
    config = composed("paper/as_published/text/wavspa-exp2")
    assert (config.model.padding, config.model.boundary) == ("upstream", "upstream")
    assert (config.model.norm_mlp, config.model.mirror_low) == (False, True)
    assert (config.dataset.pad, config.dataset.protocol) == ("max", "upstream")
    assert (config.optimizer.lr, config.schedule.lr_is_peak) == (0.05, False)
    assert composed("paper/as_published/image/wavspa-exp0").schedule.cycle == 35_000
    listops = composed("paper/as_published/listops/wavspa-exp1")
    assert (listops.schedule.warmup, listops.model.pool) == (1000, "cls")
    assert (composed("paper/listops/wavspa-exp1").schedule.warmup) == 10_000
    assert composed("paper/listops/wavspa-exp1").model.pool == "mean"


def test_baselines_keep_their_norm_and_their_masks():
    plain = composed("paper/as_published/text/transformer_base").model
    assert (plain.wavelet, plain.norm_mlp, plain.padding) == ("none", True, "mask")
    linformer = composed("paper/as_published/text/linformer_base").model
    assert (linformer.rank, linformer.padding) == (16, "upstream")
    assert composed("paper/text/linformer_base").model.rank == 32
    assert composed("paper/text/wavspa-exp2").model.rank == 128


@pytest.mark.parametrize(
    ("name", "there", "here"),
    [
        ("text/wavspa-exp2-lift", ("lift_fixed", 16, 3), ("lift", 16, 3)),
        ("retrieval/wavspa-exp0-lift", ("fixed", 16, 1), ("lift", 16, 1)),
        ("text/wavspa_fix", ("fixed", 4, 1), ("fixed", 4, 1)),
        ("text/wavspa-exp3", ("ada", 76, 1), ("ada", 76, 1)),
        ("text/wavspa-exp5", ("ortho", 256, 1), ("ortho", 256, 1)),
        ("d2a/wavspa_base", ("ada", 16, 1), ("ada", 16, 1)),
    ],
)
def test_what_the_original_s_wavelets_are(name, there, here):
    for option, expected in ((f"as_published/{name}", there), (name, here)):
        model = composed(f"paper/{option}").model
        assert (model.wavelet, model.taps, model.level) == expected


def test_the_rates_of_both_manners_are_the_same_but_for_what_is_ignored():
    row = by_option()["paper/text/wavspa-exp2"]
    config = composed(row.option)
    for step in (1, 100, 6250, 50_000):
        here = config.optimizer.lr * rsqrt(step, row.steps, row.warmup)
        there = row.lr * rsqrt(step, row.steps, row.warmup, lr_is_peak=False)
        assert math.isclose(here, there, rel_tol=1e-3)


def test_the_table_s_cells_follow_their_family():
    table = cells()
    assert table["paper/table/listops/softmax-ada"].taps == 40
    text = table["paper/table/text/performer-lift"]
    assert (text.taps, text.level, text.heads, text.max_length) == (16, 3, 1, 4096)
    # Not from the file that misspells lift.
    retrieval = table["paper/table/retrieval/softmax-lift"]
    assert (retrieval.wavelet, retrieval.taps, retrieval.level) == ("lift", 40, 3)
    # Its own released rate, with the steps of all: the released listops file has 40,000.
    assert table["paper/table/pathfinder32/performer-none"].lr == 5e-4
    assert table["paper/table/pathfinder32/softmax-none"].lr == 1e-3
    steps = {(cell.task, cell.steps, cell.batch_size) for cell in table.values()}
    assert steps == {
        ("listops", 80_000, 400),
        ("text", 50_000, 128),
        ("retrieval", 50_000, 64),
        ("image", 200_000, 400),
        ("pathfinder32", 500_000, 512),
    }


def test_a_folder_stands_for_its_presets():
    assert len(below("paper/table")) == 100
    assert below("paper/table/text")[0] == "paper/table/text/softmax-none"
    assert len(below("paper")) == 204  # in one manner
    assert len(below("paper/as_published/table")) == 100
    assert below("paper/image/wavspa-exp0") == []
    word = with_presets("experiment=demo/digits,paper/pathfinder64/")
    assert word == "experiment=demo/digits,paper/pathfinder64/transformer_base"
    assert with_presets("model.dim=paper/image") == "model.dim=paper/image"


def test_the_table_s_runs_have_a_folder_of_their_own():
    names = [
        composed(option).experiment_name
        for option in (
            "paper/image/wavspa-exp0",
            "paper/as_published/image/wavspa-exp0",
            "paper/table/image/softmax-ada",
            "paper/as_published/table/image/softmax-ada",
        )
    ]
    assert names == ["paper", "paper-as-published", "paper-table", "paper-table-as-published"]


def test_what_is_typed_wins():
    config = composed("paper/image/wavspa-exp0", "model/wavelet=lift", "trainer.max_steps=7")
    assert (config.model.wavelet, config.trainer.max_steps) == ("lift", 7)


def test_help_and_the_page_tell_what_the_original_ignores():
    text = " ".join(help_text().split())
    assert "its warm-up of 10,000 is ignored upstream: always 1,000 (17 of 24)" in text
    assert "paper/pathfinder64: lra_benchmarks/pathfinder/configs/pathfinder64;" in text
    rows = re.findall(r"^\| `(paper/[^`]+)`", listing(), re.MULTILINE)
    assert rows == list(by_option())
    slip = by_option()["paper/retrieval/wavspa-exp0-lift"]
    assert "`life`, a typo, is the fixed db8 upstream; learned lifting here" in remarks.remarks(
        slip
    )


@pytest.mark.slow
@pytest.mark.parametrize("manner", ["paper", "paper/as_published"])
def test_every_one_composes_and_validates(manner):
    for option in below(manner):
        if "/table/" in option:
            continue  # made as the others are; tests of the dry run compose them
        config = composed(option)
        if not option.startswith(WITH_FILES):
            with warnings.catch_warnings():
                validate(config)


def distinct():
    """One preset for each task, base and mode; in the original's manner for each base and mode."""
    found = {}
    for option, (row, as_published) in options().items():
        task = row.task == "retrieval" if as_published else row.task  # of pairs, or of one text
        found.setdefault((task, row.attention, row.wavelet, as_published), option)
    return list(found.values())


@pytest.mark.slow
def test_one_of_every_kind_takes_a_step():
    short = ["dataset.max_length=48", "dataset.batch_size=2", "model.depth=1"]
    for option in distinct():
        words = ["dataset.vocab_size=300"] if option.startswith(WITH_FILES) else []
        config = composed(option, *short, *words)
        model = build(config, "model")
        optimizer = build(config, "optimizer")(model)
        rows = [
            torch.randint(1, config.dataset.vocab_size, (2, 48))
            for _ in range(1 + (config.task._target_.endswith("Matching")))
        ]
        lengths = [torch.tensor([48, 31]) for _ in rows]
        before = [parameter.detach().clone() for parameter in model.parameters()]
        loss = torch.nn.functional.cross_entropy(model(*rows, *lengths), torch.tensor([0, 1]))
        loss.backward()
        optimizer.step()
        assert math.isfinite(loss.item()), option
        after = list(model.parameters())
        changed = sum(not torch.equal(old, new) for old, new in zip(before, after, strict=True))
        assert changed > len(before) / 2, option
        assert all(torch.isfinite(parameter).all() for parameter in after), option


def test_the_nodes_of_two_compositions_share_nothing():
    first = composed("paper/image/wavspa-exp0")
    OmegaConf.update(first, "model.dim", 1)
    assert composed("paper/image/wavspa-exp0").model.dim == 128
