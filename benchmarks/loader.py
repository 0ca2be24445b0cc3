"""Waiting time of a training step for its batch: `python -m benchmarks.loader DATA_ROOT`.

DATA_ROOT holds IMDB; data that are not prepared yet are prepared there.
"""

import itertools
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any

from hydra import compose, initialize_config_module

from benchmarks.measure import keep_memory
from wavspa.launching.run.build import build_run
from wavspa.launching.run.prepare import resolve_from_data

SETS = ("lra/text", "lra/listops")
# So that a step fits into memory on a CPU: with dropout torch keeps all scores.
SMALL = ["model.attention_dropout=0", "dataset.batch_size=8"]
WORKERS = (0, 2)
BATCHES = 300
STEPS = 12


def timed(batches: Iterable[Any]) -> Iterator[tuple[Any, float]]:
    """Each batch with the waiting time for it in seconds; without the first one, when workers start."""
    batches = iter(batches)
    next(batches)
    while True:
        start = time.perf_counter()
        batch = next(batches)
        yield batch, time.perf_counter() - start


def speed(batches: Iterable[Any]) -> float:
    """Tokens per second, without pads, when nothing else is done with them."""
    tokens, seconds = zip(
        *(
            (int(batch.lengths.sum()), wait)
            for batch, wait in itertools.islice(timed(batches), BATCHES)
        ),
        strict=True,
    )
    return sum(tokens) / sum(seconds)


def train(task: Any, batches: Iterable[Any]) -> tuple[float, float]:
    """Seconds per step, and the seconds of waiting for its batch among them."""
    optimizer = task.make_optimizer(task.model)
    waited = total = 0.0
    start = time.perf_counter()
    for step, (batch, wait) in enumerate(itertools.islice(timed(batches), STEPS + 1)):
        optimizer.zero_grad()
        task.loss(task.logits(batch), batch.labels).backward()
        optimizer.step()
        end = time.perf_counter()
        if step:  # the first one allocates
            waited += wait
            total += end - start
        start = end
    return total / STEPS, waited / STEPS


def main() -> None:
    """Print the table."""
    keep_memory()
    print(f"model=small {' '.join(SMALL)}\n")
    print("| dataset | workers | loader alone | step | waits for its batch |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name, workers in itertools.product(SETS, WORKERS):
        words = [
            f"dataset={name}",
            f"dataset.workers={workers}",
            f"data_root={sys.argv[1]}",
            *SMALL,
        ]
        with initialize_config_module("wavspa.conf", version_base="1.3"):
            config = compose("train", words)
        task, data = build_run(resolve_from_data(config, []))
        data.prepare_data()
        data.setup()
        tokens = speed(data.train_dataloader())
        step, waited = train(task, data.train_dataloader())
        print(
            f"| `{name}` | {workers} | {tokens / 1e6:.1f} M tokens/s | {step:.2f} s "
            f"| {waited * 1e3:.1f} ms ({waited / step:.2%}) |",
            flush=True,
        )


if __name__ == "__main__":
    main()
