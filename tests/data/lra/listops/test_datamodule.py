from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from support.tiny_runs import tiny_run
from wavspa.data import ListOps
from wavspa.data.lra.listops.datamodule import root_operator_control
from wavspa.data.lra.listops.generator import ListOpsRule, UniqueListOps, draw_chunk
from wavspa.data.lra.listops.grammar import SYMBOLS, VOCAB_SIZE, decode, encode, evaluate
from wavspa.errors import UserError
from wavspa.launching.run.worker import run

SHORT = ListOpsRule(min_length=10, max_length=60)


def module(data_root: Path, **options: Any) -> ListOps:
    small = {"train_examples": 700, "val_examples": 60, "test_examples": 50, "max_length": 100}
    fixed = {"name": "listops-test", "vocab_size": 16, "classes": 10, "batch_size": 16}
    return ListOps(data_root=data_root, **{**small, **fixed, **options})


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("7", 7),
        ("[MAX 2 9 [MIN 4 7 ] 0 ]", 9),
        ("[MED 1 4 ]", 2),
        ("[MED 9 1 5 ]", 5),
        ("[SM 9 8 [SM 5 5 ] ]", 7),
    ],
)
def test_the_evaluator(expression: str, value: int) -> None:
    assert evaluate(expression) == value


@pytest.mark.parametrize("broken", ["", "1 2", "[MAX 1 2", "1 ]", "[MAX 1 ]", "[AVG 1 2 ]", "12"])
def test_the_evaluator_refuses_what_is_no_expression(broken: str) -> None:
    with pytest.raises(ValueError, match=r"(is out of place in|not one complete expr)"):
        evaluate(broken)


def test_the_vocabulary_is_fixed() -> None:
    assert list(SYMBOLS) == sorted(SYMBOLS)
    assert encode(" ".join(SYMBOLS)).tolist() == list(range(1, 16))
    assert VOCAB_SIZE == 16
    assert decode(encode("[MAX 2 9 ]")) == "[MAX 2 9 ]"


@pytest.mark.parametrize("rule", [ListOpsRule(), SHORT, ListOpsRule(3, 4, 0, 30)])
def test_generated_labels_and_lengths(rule: ListOpsRule) -> None:
    chunk = draw_chunk(rule, seed=(0,), samples=200)
    samples = np.split(chunk.tokens, np.cumsum(chunk.lengths)[:-1])
    assert len(samples) == 200
    assert chunk.tokens.dtype == np.uint8
    for tokens, length, label in zip(samples, chunk.lengths, chunk.labels, strict=True):
        assert len(tokens) == length
        assert rule.min_length < length < rule.max_length
        assert evaluate(decode(tokens)) == label


def test_depth_and_arguments_are_bounded() -> None:
    chunk = draw_chunk(ListOpsRule(3, 4, 0, 30), seed=(0,), samples=2000)
    deepest = most = 0
    for tokens in np.split(chunk.tokens, np.cumsum(chunk.lengths)[:-1]):
        counts: list[int] = []
        for symbol in decode(tokens).split():
            if symbol == "]":
                most = max(most, counts.pop())
            elif counts:
                counts[-1] += 1
            if symbol in ("[MAX", "[MED", "[MIN", "[SM"):
                counts.append(0)
            deepest = max(deepest, len(counts))
    assert (deepest, most) == (2, 4)


def test_statistics_are_the_benchmark_s() -> None:
    chunk = draw_chunk(ListOpsRule(), seed=(1,), samples=4000)
    assert 4000 / chunk.tries == pytest.approx(0.082, abs=0.006)
    assert chunk.lengths.mean() == pytest.approx(1034, abs=25)
    assert np.median(chunk.lengths) == pytest.approx(955, abs=35)
    shares = np.bincount(chunk.labels, minlength=10) / 4000
    expected = [0.169, 0.092, 0.074, 0.082, 0.089, 0.087, 0.078, 0.073, 0.086, 0.169]
    assert shares == pytest.approx(expected, abs=0.025)
    roots = chunk.tokens[np.cumsum([0, *chunk.lengths[:-1]])]
    by_root = np.bincount(roots, minlength=16)[11:15] / 4000
    assert by_root == pytest.approx([0.25] * 4, abs=0.03)
    control = root_operator_control((roots, chunk.labels), (roots, chunk.labels))
    assert control == pytest.approx(0.361, abs=0.03)


def test_the_control_is_fitted_on_train() -> None:
    train = (np.array([11, 11, 11, 13]), np.array([9, 9, 8, 0]))
    assert root_operator_control(train, train) == 0.75
    assert root_operator_control(train, (np.array([11, 13]), np.array([8, 0]))) == 0.5


def tables(threads: int, seed: int = 0) -> list[pa.Table]:
    generator = UniqueListOps(SHORT, seed, threads)
    return [pa.concat_tables(generator.split(k, n)) for k, n in enumerate((1300, 200))]


def test_any_number_of_threads_gives_the_same_samples() -> None:
    alone, together, other = tables(1), tables(2), tables(1, seed=1)
    assert alone == together
    assert alone != other
    assert [len(table) for table in alone] == [1300, 200]


def test_samples_are_distinct_across_splits() -> None:
    # So short that most of what is drawn was drawn before.
    generator = UniqueListOps(ListOpsRule(min_length=3, max_length=6), seed=0)
    drawn = [
        tuple(tokens)
        for k, n in enumerate((1500, 300, 200))
        for table in generator.split(k, n)
        for tokens in table["tokens"].to_pylist()
    ]
    assert len(drawn) == len(set(drawn)) == 2000


@pytest.mark.parametrize("lengths", [(1, 4), (3, 5), (8, 10)])
def test_too_few_distinct_samples_is_an_error(lengths: tuple[int, int]) -> None:
    # No expression has 2 or 3 symbols; 400 have 4; a list of at most two digits never has 9.
    generator = UniqueListOps(ListOpsRule(2, 2, *lengths), seed=0)
    with pytest.raises(UserError, match=r"dataset\.min_length"):
        list(generator.split(0, 1000))


def test_the_card(tmp_path: Path) -> None:
    data = module(tmp_path)
    data.prepare_data()
    card = data.card
    assert [card["splits"][s]["examples"] for s in ("train", "val", "test")] == [700, 60, 50]
    assert card["vocabulary"] == {symbol: k + 1 for k, symbol in enumerate(SYMBOLS)}
    assert set(card["root_operator_control"]) == {"train", "val", "test"}
    assert card["choices"]["min_length"] == 25
    assert card["splits"]["train"]["length"]["min"] > 25
    assert card["splits"]["train"]["length"]["max"] < 100


def test_the_training_seed_leaves_the_data_alone(tmp_path: Path) -> None:
    assert module(tmp_path, seed=1).folder == module(tmp_path, seed=2, workers=2).folder
    assert module(tmp_path, data_seed=1).folder != module(tmp_path).folder


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"min_length": 99}, "dataset.min_length=99"),
        ({"train_examples": 0}, "train_examples must be .* got 0"),
        ({"max_args": 1}, "max_args must be .* got 1"),
        ({"data_seed": -1}, "data_seed must be .* got -1"),
    ],
)
def test_impossible_options(tmp_path: Path, options: dict[str, int], named: str) -> None:
    with pytest.raises(UserError, match=named):
        module(tmp_path, **options)


def test_the_short_set_trains_and_evaluates(tmp_path: Path) -> None:
    sizes = [f"dataset.{split}_examples=20" for split in ("train", "val", "test")]
    folder = tiny_run(
        tmp_path, "dataset=listops_short", *sizes, "trainer.max_steps=1", "trainer.val_every=1"
    )
    assert 0 <= run(folder)["test/accuracy"] <= 1
