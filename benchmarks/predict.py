"""Overhead and memory of prediction: `python -m benchmarks.predict FOLDER` (takes minutes).

FOLDER is created. Compares complete prediction (reading, tokens, batches, forward pass, writing) with only
the forward pass on the same batches in memory; then measures the peak memory of commands on 20,000 and
200,000 short rows.
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import torch
from PIL import Image

from benchmarks.measure import alternate, keep_memory, machine
from benchmarks.overheads import environment, freeze
from wavspa import load_model
from wavspa.data.prediction_inputs import open_input
from wavspa.launching.inference.predictor import Predictor
from wavspa.launching.inference.writers import Form, write_answers
from wavspa.launching.run import worker
from wavspa.launching.run.freeze import read_config

ROUNDS = 5
ONE_STEP = ["trainer.max_steps=1", "trainer.val_every=1", "schedule.warmup=0", "dataset.limit=64"]
GENERATED = ["dataset.generate=true", "dataset.difficulty=easy", "dataset.train_examples=64"]
GENERATED += ["dataset.val_examples=8", "dataset.test_examples=8"]
KINDS = ("csv", "jsonl", "parquet", "txt")
AND_ITS_PEAK = """
from pathlib import Path
from wavspa.commands.predict import main
main()
print(next(line for line in Path("/proc/self/status").open() if line.startswith("VmHWM")))
"""
FEW, MANY = 20_000, 200_000


def texts(rows: int, longest: int) -> list[str]:
    """Random texts of 1 to ``longest`` characters."""
    random = np.random.default_rng(0)
    letters = random.choice(list("abcdefghij klmnopqrst uvwxyz"), 2 * longest)
    lengths, starts = random.integers(1, longest + 1, rows), random.integers(0, longest, rows)
    whole = "".join(letters)
    pairs = zip(starts, lengths, strict=True)
    return ["x" + whole[start : start + length - 1] for start, length in pairs]


def write(path: Path, rows: list[str]) -> None:
    """Write a file of texts and classes, in the format of its suffix; .jsonl and .txt have no classes."""
    table = pa.table({"text": rows, "label": [f"class {i % 2}" for i in range(len(rows))]})
    if path.suffix == ".csv":
        pyarrow.csv.write_csv(table, path)
    elif path.suffix == ".parquet":
        pyarrow.parquet.write_table(table, path)
    elif path.suffix == ".jsonl":
        path.write_text("".join(f'{{"text": "{row}"}}\n' for row in rows))
    else:
        path.write_text("".join(f"{row}\n" for row in rows))


def write_pictures(folder: Path, count: int, side: int) -> None:
    """Write pictures of random pixels."""
    folder.mkdir()
    random = np.random.default_rng(0)
    for i in range(count):
        picture = Image.fromarray(random.integers(0, 256, (side, side), np.uint8))
        picture.save(folder / f"{i:06}.png")


def trained(folder: Path, *words: str) -> Path:
    """The folder of a run of one step."""
    run = freeze(folder, *ONE_STEP, *words)
    worker.run(run)
    return run


def run_on_texts(folder: Path, longest: int, *words: str) -> Path:
    """The folder of a run of one step on texts in bytes."""
    path = folder / f"train{longest}.csv"
    write(path, texts(256, longest))
    files = [f"dataset.train={path}", f"dataset.test={path}", "dataset.text=text"]
    options = ["dataset.label=label", f"dataset.max_length={longest}"]
    return trained(folder, "dataset=files", "tokenizer=bytes", *files, *options, *words)


def contestants(run: Path, source: Path, output: Path) -> dict[str, Callable[[], object]]:
    """Complete prediction, and only the forward pass on its batches."""
    predictor = Predictor(run, read_config(run))
    form = Form(output.suffix[1:], [], predictor.labels)

    def whole() -> None:
        table = open_input(str(source))
        with output.open("wb") as file:
            write_answers(file, predictor.answers(table, predictor.columns(table), []), form)

    batches = batches_of(predictor, whole)
    model = load_model(run)

    @torch.inference_mode()
    def bare() -> None:
        for batch in batches:
            model(batch.tokens, batch.lengths)

    return {"bare": bare, "whole": whole}


def batches_of(predictor: Predictor, run: Callable[[], object]) -> list[Any]:
    """The batches that ``run`` makes the predictor collate."""
    collate = predictor.data.collate
    batches: list[Any] = []

    def keep(*args: Any, **options: Any) -> Any:
        batches.append(collate(*args, **options))
        return batches[-1]

    predictor.data.collate = keep
    run()
    predictor.data.collate = collate
    return batches


def speed(folder: Path) -> None:
    """Print the time of complete prediction next to that of the forward pass."""
    small = run_on_texts(folder, 1000, "model=small")
    tiny = run_on_texts(folder, 100, "model=tiny")
    digits = trained(folder, "dataset=digits", "model=tiny")
    paths = trained(folder, "dataset=lra/pathfinder32", "model=tiny", *GENERATED)
    cases = []
    for name, run, longest, rows in (("tiny", tiny, 100, 2_000), ("small", small, 1000, 32)):
        for kind in KINDS[:3]:
            source = folder / f"{name}.{kind}"
            write(source, texts(rows, longest))
            cases.append(
                (f"`model={name}`, {rows:,} texts of 1 to {longest:,} bytes", run, source, kind)
            )
    for run, side, count in ((paths, 32, 100), (digits, 8, 2_000)):
        write_pictures(folder / f"side{side}", count, side)
        name = f"`model=tiny`, {count:,} pictures of {side} x {side} pixels"
        cases.append((name, run, folder / f"side{side}", "csv"))
    print("| | forward pass | all | ratio |\n| --- | ---: | ---: | ---: |")
    for name, run, source, kind in cases:
        seconds = alternate(contestants(run, source, folder / f"out.{kind}"), ROUNDS)
        bare, whole = seconds["bare"], seconds["whole"]
        way = f"{source.suffix or 'folder'} to .{kind}"
        print(f"| {name}, {way} | {bare:.3f} s | {whole:.3f} s | {bare / whole:.3f} |", flush=True)


def memory(folder: Path) -> None:
    """Print the peak memory of commands."""
    batch = "dataset.eval_batch_size=256"
    tiny = run_on_texts(folder, 16, "model=tiny", batch)
    digits = trained(folder, "dataset=digits", "model=tiny", batch)
    print(f"\n| input | {FEW:,} rows | {MANY:,} rows |\n| --- | ---: | ---: |")
    for kind in (*KINDS, "folder"):
        peaks = []
        for rows in (FEW, MANY):
            source = folder / f"rows{rows}.{kind}"
            if kind == "folder":
                write_pictures(source, rows, side=8)
            else:
                write(source, texts(rows, 16))
            run = digits if kind == "folder" else tiny
            peaks.append(peak(run, source, folder / "out.csv"))
        print(f"| {kind} | {peaks[0]:.1f} MiB | {peaks[1]:.1f} MiB |", flush=True)


def peak(run: Path, source: Path, output: Path) -> float:
    """Peak memory of a command in MiB, as it reports itself: the system's figure includes its parent's."""
    words = [f"run={run}", f"input={source}", f"output={output}"]
    line = [sys.executable, "-c", AND_ITS_PEAK, *words]
    done = subprocess.run(line, check=True, capture_output=True, text=True, env=environment())
    return int(done.stdout.split()[1]) / 1024


def main() -> None:
    """Print all."""
    keep_memory()
    folder = Path(sys.argv[1]).absolute()
    folder.mkdir(parents=True)
    print(machine() + "\n")
    speed(folder)
    memory(folder)


if __name__ == "__main__":
    main()
