import itertools
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple, cast

import numpy as np
import pyarrow as pa
import pytest
import pytorch_lightning as pl
import torch
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader

from wavspa.data import Batch, Digits, SequenceDataModule
from wavspa.data.preparation import store
from wavspa.errors import UserError


class Ramps(SequenceDataModule):
    """Row i is the tokens 0..i and has the label i mod 3."""

    def __init__(self, rows: int = 40, **options: Any) -> None:
        super().__init__(
            **{
                "name": "ramps",
                "vocab_size": 100,
                "classes": 3,
                "max_length": 100,
                "batch_size": 8,
                **options,
            }
        )
        self.rows = rows

    def cache_key(self) -> dict[str, Any]:
        return {"rows": self.rows}

    def build(self) -> dict[str, store.Source]:
        tokens = [np.arange(i + 1, dtype=np.uint8) for i in range(self.rows)]
        table = store.token_table(tokens, [i % 3 for i in range(self.rows)])
        return {split: store.Source([table], self.rows) for split in ("train", "val", "test")}

    def card_facts(self, splits: store.Splits) -> dict[str, Any]:
        return {"source": "here", "licence": "none"}


def ready(data: SequenceDataModule) -> SequenceDataModule:
    data.prepare_data()
    data.setup()
    return data


def on_rank(data: SequenceDataModule, rank: int, world_size: int) -> SequenceDataModule:
    trainer = SimpleNamespace(
        global_rank=rank, world_size=world_size, global_step=0, accumulate_grad_batches=1
    )
    data.trainer = cast(pl.Trainer, trainer)
    return data


def lengths(loader: DataLoader[Any]) -> list[int]:
    return [length for batch in loader for length in batch.lengths.tolist()]


def test_batches_come_back_as_they_were_made(tmp_path: Path) -> None:
    batch = next(iter(ready(Ramps(data_root=tmp_path, batch_size=3)).val_dataloader()))
    assert isinstance(batch, Batch)
    assert batch.tokens.tolist() == [[0, 0, 0], [0, 1, 0], [0, 1, 2]]
    assert batch.lengths.tolist() == [1, 2, 3]
    assert batch.labels.tolist() == [0, 1, 2]


@pytest.mark.parametrize("workers", [0, 1])
def test_every_example_once(tmp_path: Path, workers: int) -> None:
    data = ready(Ramps(data_root=tmp_path, workers=workers))
    assert sorted(lengths(data.train_dataloader())) == list(range(1, 41))
    assert lengths(data.val_dataloader()) == lengths(data.test_dataloader()) == list(range(1, 41))


def test_max_length_keeps_the_head(tmp_path: Path) -> None:
    batch = list(ready(Ramps(data_root=tmp_path, max_length=5)).val_dataloader())[-1]
    assert batch.tokens.tolist() == [[0, 1, 2, 3, 4]] * 8
    assert batch.lengths.tolist() == [5] * 8


def test_pad_max_gives_one_width(tmp_path: Path) -> None:
    loader = ready(Ramps(data_root=tmp_path, pad="max")).train_dataloader()
    assert {batch.tokens.shape[1] for batch in loader} == {100}


def test_limit_keeps_the_same_examples_under_any_seed(tmp_path: Path) -> None:
    few = lengths(ready(Ramps(data_root=tmp_path, limit=10, seed=1)).val_dataloader())
    assert len(few) == 10
    assert few == sorted(few)
    assert few != list(range(1, 11))
    assert few == lengths(ready(Ramps(data_root=tmp_path, limit=10, seed=2)).val_dataloader())
    more = lengths(ready(Ramps(data_root=tmp_path, limit=20)).val_dataloader())
    assert set(few) < set(more)
    everything = ready(Ramps(data_root=tmp_path, limit=1000))
    evaluated = ready(Ramps(data_root=tmp_path, eval_limit=10))
    assert few == lengths(evaluated.val_dataloader()) == lengths(evaluated.test_dataloader())
    assert len(lengths(evaluated.train_dataloader())) == 40
    assert len(lengths(everything.train_dataloader())) == 40


def test_ranks_share_the_batches(tmp_path: Path) -> None:
    shares = []
    for rank in range(2):
        data = on_rank(ready(Ramps(data_root=tmp_path)), rank, world_size=2)
        epoch = itertools.islice(data.train_dataloader(), 5)
        shares.append((lengths(epoch), lengths(data.val_dataloader())))
    (train0, val0), (train1, val1) = shares
    assert sorted(train0 + train1) == list(range(1, 41))
    assert sorted(val0 + val1) == list(range(1, 41))
    assert len(train0) == len(train1) == 20


def test_a_batch_size_that_the_devices_do_not_divide(tmp_path: Path) -> None:
    data = on_rank(ready(Ramps(data_root=tmp_path, eval_batch_size=9)), 0, world_size=4)
    assert next(iter(data.train_dataloader())).lengths.shape == (2,)
    with pytest.raises(UserError, match=r"dataset\.eval_batch_size=9 .* 4"):
        data.val_dataloader()


def widths(loader: DataLoader[Any]) -> list[int]:
    return [batch.tokens.numel() for batch in loader]


def test_a_budget_of_tokens(tmp_path: Path) -> None:
    data = ready(Ramps(data_root=tmp_path, batch_tokens=60, batch_size=1))
    assert sorted(lengths(data.train_dataloader())) == list(range(1, 41))
    assert max(widths(data.train_dataloader())) <= 60
    assert len(lengths(data.val_dataloader())) == len(data.val_dataloader()) == 40
    padded = ready(Ramps(data_root=tmp_path, batch_tokens=120, max_length=50, pad="max"))
    assert max(widths(padded.train_dataloader())) == 100


def test_a_budget_that_holds_no_example_on_each_device(tmp_path: Path) -> None:
    data = on_rank(ready(Ramps(data_root=tmp_path, batch_tokens=79)), 1, world_size=2)
    with pytest.raises(UserError, match=r"dataset\.batch_tokens=79 .* at least 80"):
        data.train_dataloader()


class Recorder(pl.LightningModule):
    """Keeps the lengths of every training batch."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(()))
        self.seen: list[list[int]] = []

    def training_step(self, batch: Batch) -> torch.Tensor:
        self.seen.append(batch.lengths.tolist())
        return self.weight * 1.0

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


def fit(
    data: SequenceDataModule, steps: int, checkpoint: Path | None = None, accumulated: int = 1
) -> tuple[Recorder, pl.Trainer]:
    trainer = pl.Trainer(
        accelerator="cpu",
        max_steps=steps,
        accumulate_grad_batches=accumulated,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
    )
    recorder = Recorder()
    trainer.fit(recorder, data, ckpt_path=checkpoint, weights_only=True)
    return recorder, trainer


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("stop", [1, 4, 5, 7])
def test_a_resumed_run_reads_on(tmp_path: Path, workers: int, stop: int) -> None:
    """An epoch has five batches; accumulation runs across its end."""

    def data() -> SequenceDataModule:
        return Ramps(data_root=tmp_path, workers=workers)

    recorder, _ = fit(data(), steps=12, accumulated=2)
    epochs = [recorder.seen[first : first + 5] for first in (0, 5, 10, 15)]
    assert all(sorted(itertools.chain(*epoch)) == list(range(1, 41)) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2]

    begun, trainer = fit(data(), steps=stop, accumulated=2)
    assert begun.seen == recorder.seen[: 2 * stop]
    trainer.save_checkpoint(tmp_path / "last.ckpt")
    resumed, _ = fit(data(), steps=12, checkpoint=tmp_path / "last.ckpt", accumulated=2)
    assert resumed.seen == recorder.seen[2 * stop :]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"vocab_size": 39}, r"dataset\.vocab_size must be at least 40, got 39: .* token 39$"),
        ({"classes": 2}, r"dataset\.classes=2 .* labels from 0 to 2"),
    ],
)
def test_options_are_held_against_the_data(
    tmp_path: Path, options: dict[str, int], message: str
) -> None:
    data = Ramps(data_root=tmp_path, **options)
    data.prepare_data()
    with pytest.raises(UserError, match=message):
        data.setup()


def test_an_empty_sequence_is_an_error(tmp_path: Path) -> None:
    class Empty(Ramps):
        def build(self) -> dict[str, store.Source]:
            table = store.token_table([np.array([1], np.uint8), np.array([], np.uint8)], [0, 1])
            return {"train": store.Source([table], 2)}

    with pytest.raises(UserError, match="train of ramps holds a sequence without tokens"):
        ready(Empty(data_root=tmp_path))


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("batch_size", 0),
        ("batch_size", "many"),
        ("eval_batch_size", -1),
        ("batch_tokens", 0),
        ("limit", 0),
        ("eval_limit", 0),
        ("workers", -1),
        ("max_length", 1.5),
        ("classes", True),
        ("pad", "left"),
    ],
)
def test_impossible_options_are_named(tmp_path: Path, option: str, value: Any) -> None:
    with pytest.raises(UserError, match=rf"^{option}( must be .*, got |=){value!r}"):
        Ramps(data_root=tmp_path, **{option: value})


class Pair(NamedTuple):
    left: np.ndarray
    right: np.ndarray
    label: int


class Pairs(Ramps):
    """Row i is the tokens 0..i and 0..2i."""

    example = Pair
    collate = staticmethod(lambda examples, pad_to: (examples, pad_to))

    def build(self) -> dict[str, store.Source]:
        left, right = (
            store.ragged([np.arange(step * i + 1, dtype=np.uint8) for i in range(self.rows)])
            for step in (1, 2)
        )
        table = pa.table({"left": left, "right": right, "label": [0, 1] * (self.rows // 2)})
        return {split: store.Source([table], self.rows) for split in ("train", "val", "test")}


def test_a_subclass_may_have_examples_of_its_own(tmp_path: Path) -> None:
    data = ready(Pairs(data_root=tmp_path, batch_size=4, max_length=5))
    assert data.card["splits"]["val"]["length"]["max"] == 79
    assert data.card["splits"]["val"]["largest_token"] == 78
    examples, pad_to = next(iter(data.val_dataloader()))
    assert pad_to is None
    assert [(len(left), len(right), label) for left, right, label in examples] == [
        (1, 1, 0),
        (2, 3, 1),
        (3, 5, 0),
        (4, 5, 1),
    ]


def digits(data_root: Path, **options: Any) -> Digits:
    fixed = {"name": "digits", "vocab_size": 18, "classes": 10, "max_length": 64, "batch_size": 64}
    return Digits(data_root=data_root, **{**fixed, **options})


def test_digits_are_the_scans(tmp_path: Path) -> None:
    data = ready(digits(tmp_path))
    sizes = {split: part["examples"] for split, part in data.card["splits"].items()}
    assert sizes == {"train": 1078, "val": 359, "test": 360}
    rows = {
        (*tokens.tolist(), label)
        for loader in (data.train_dataloader(), data.val_dataloader(), data.test_dataloader())
        for batch in loader
        for tokens, label in zip(batch.tokens, batch.labels.tolist(), strict=True)
    }
    pixels, labels = load_digits(return_X_y=True)
    assert rows == {
        (*(scan + 1).astype(int), label) for scan, label in zip(pixels, labels, strict=True)
    }


def test_digits_are_stratified(tmp_path: Path) -> None:
    data = ready(digits(tmp_path))
    for part in data.card["splits"].values():
        shares = np.array(list(part["labels"].values())) / part["examples"]
        assert shares == pytest.approx(np.full(10, 0.1), abs=0.01)


def test_the_split_of_digits_has_its_own_seed(tmp_path: Path) -> None:
    assert digits(tmp_path, seed=1).folder == digits(tmp_path, seed=2).folder
    assert digits(tmp_path, data_seed=1).folder != digits(tmp_path, data_seed=2).folder


def test_buckets_have_the_batches_of_no_buckets_in_few_widths(tmp_path: Path) -> None:
    options: dict[str, Any] = {"data_root": tmp_path, "rows": 300, "max_length": 250}
    plain, bucket = (
        ready(Ramps(pad=pad, vocab_size=300, **options)) for pad in ("batch", "bucket")
    )
    widths = set()
    for ours, theirs in zip(bucket.train_dataloader(), plain.train_dataloader(), strict=True):
        assert torch.equal(ours.lengths, theirs.lengths)
        assert torch.equal(ours.tokens[:, : theirs.tokens.shape[1]], theirs.tokens)
        assert not ours.tokens[:, theirs.tokens.shape[1] :].any()
        widths.add(ours.tokens.shape[1])
    assert widths <= {64, 128, 192, 250}
    assert len(widths) > 1


def test_a_budget_of_tokens_counts_the_pads_of_buckets(tmp_path: Path) -> None:
    options: dict[str, Any] = {"rows": 300, "max_length": 250, "vocab_size": 300}
    data = ready(Ramps(data_root=tmp_path, pad="bucket", batch_tokens=1000, **options))
    sizes = [batch.tokens.numel() for batch in data.train_dataloader()]
    assert max(sizes) <= 1000
    assert sum(len(b.labels) for b in data.train_dataloader()) == 300
