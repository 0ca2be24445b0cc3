"""A run whose budget or model is not the published one says so in its first line."""

import pytest

from support.tiny_runs import compose_run, tiny_run
from wavspa.launching.presets.budget import unlike_published
from wavspa.launching.run.worker import run


def test_the_defaults_of_a_benchmark_are_not_the_published_ones():
    assert unlike_published(compose_run("dataset=lra/listops")) == (
        "2,000 steps of 32 rows, 4 layers of 128; published: 80,000 steps of 400 rows, 8 layers of 128 "
        "(experiment=paper/listops/wavspa-exp9)"
    )
    assert unlike_published(compose_run("dataset=lra/image", "model.depth=1")) == (
        "2,000 steps of 256 rows, 1 layer of 128; published: 200,000 steps of 400 rows, 1 layer of 128 "
        "(experiment=paper/image/wavspa-exp0)"
    )
    assert "experiment=paper/pathfinder128/transformer_base" in unlike_published(
        compose_run("dataset=lra/pathx")
    )


@pytest.mark.parametrize(
    "words",
    [
        ["experiment=paper/listops/wavspa-exp5"],
        ["experiment=paper/as_published/pathfinder32/wavspa-exp0-performer"],
        ["experiment=paper/table/text/linear-none"],
        # The same batch in two halves.
        [
            "experiment=paper/image/wavspa-exp0",
            "dataset.batch_size=200",
            "trainer.accumulate_grad_batches=2",
        ],
        ["dataset=digits"],
        ["dataset=listops_short"],
        ["dataset=lra/pathfinder32", "dataset.difficulty=easy"],
    ],
    ids=str,
)
def test_presets_and_data_that_no_paper_has_say_nothing(words):
    assert unlike_published(compose_run(*words)) == ""


@pytest.mark.slow
def test_it_stands_in_the_first_line_of_a_run(tmp_path, capsys):
    words = ["dataset=lra/listops", "dataset.max_length=24", "dataset.train_examples=30"]
    words += ["dataset.val_examples=10", "dataset.test_examples=10", "dataset.limit=null"]
    folder = tiny_run(tmp_path, *words, "dataset.batch_size=8", "trainer.max_steps=2")
    run(folder)
    (line,) = [
        line for line in capsys.readouterr().out.splitlines() if line.startswith("starting: ")
    ]
    assert (
        line
        == f"starting: {folder}  2 steps of 8 rows, 2 layers of 16; published: 80,000 steps of 400 "
        + ("rows, 8 layers of 128 (experiment=paper/listops/wavspa-exp9)")
    )
