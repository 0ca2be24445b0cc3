"""Overhead of the framework in training: `python -m benchmarks.overheads FOLDER` (takes minutes).

FOLDER is created. Compares the training step of a run with a bare loop over the same model and batches, and a
sweep of 16 jobs with the 16 separate runs; measures a checkpoint every 100 steps, and the time from the
command to the first step.
"""

import itertools
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import torch
from hydra import compose, initialize_config_module

from benchmarks.measure import keep_memory, machine
from wavspa.launching.run.build import build_run
from wavspa.launching.run.freeze import read_config
from wavspa.launching.run.prepare import prepare
from wavspa.run_folder import layout
from wavspa.training.schedules import scheduler

STEPS, WARM_UP, ROUNDS = 120, 20, 3
JOBS = 16
MODELS = {
    "demo/digits, a tiny model": ["experiment=demo/digits"],
    "digits, model=small": ["model=small"],
}


def command(name: str, *words: str) -> list[str]:
    """A command of the framework."""
    return [sys.executable, "-m", f"wavspa.commands.{name}", *words]


def freeze(folder: Path, *words: str) -> Path:
    """The folder of a run that is ready to start."""
    words = (*words, f"runs={folder / 'runs'}", f"data_root={folder / 'data'}", "rerun=true")
    with initialize_config_module("wavspa.conf", version_base="1.3"):
        return prepare(compose("train", list(words)), list(words))


def in_lightning(folder: Path, *words: str) -> list[float]:
    """Seconds of each step of a run."""
    clock = folder / "clock.txt"
    line = [sys.executable, "-m", "benchmarks.clock", str(freeze(folder, *words)), str(clock)]
    subprocess.run(line, check=True, capture_output=True, env=environment())
    return [float(line) for line in clock.read_text().split()]


def environment() -> dict[str, str]:
    """The environment of runs, with two threads and with this package on the path."""
    root = str(Path(__file__).parents[1])
    return {**os.environ, "OMP_NUM_THREADS": "2", "PYTHONSAFEPATH": "", "PYTHONPATH": root}


def in_a_bare_loop(folder: Path, *words: str) -> list[float]:
    """Seconds of each step of a loop that only trains."""
    config = read_config(freeze(folder, *words))
    task, data = build_run(config)
    data.prepare_data()
    data.setup()
    batches = itertools.chain.from_iterable(itertools.repeat(data.train_dataloader()))
    optimizer = task.make_optimizer(task.model)
    schedule = scheduler(optimizer, task.schedule, STEPS)
    times = []
    for batch in itertools.islice(batches, STEPS):
        times.append(time.perf_counter())
        optimizer.zero_grad()
        task.loss(task.logits(batch), batch.labels).backward()
        torch.nn.utils.clip_grad_norm_(task.parameters(), config.trainer.gradient_clip_val)
        optimizer.step()
        schedule.step()
    return [b - a for a, b in itertools.pairwise(times)]


def steps(folder: Path) -> None:
    """Print a line for each model."""
    print("| step of | bare loop | run | ratio |\n| --- | ---: | ---: | ---: |")
    for name, words in MODELS.items():
        few = [f"trainer.max_steps={STEPS}", f"trainer.val_every={STEPS}"]
        bare, ours = [], []
        for _ in range(ROUNDS):
            bare.append(statistics.median(in_a_bare_loop(folder, *words, *few)[WARM_UP:]))
            ours.append(statistics.median(in_lightning(folder, *words, *few)[WARM_UP:]))
        one, other = statistics.median(bare), statistics.median(ours)
        print(
            f"| {name} | {1000 * one:.1f} ms | {1000 * other:.1f} ms | {other / one:.3f} |",
            flush=True,
        )


def checkpoints(folder: Path) -> None:
    """Print the cost of a checkpoint every 100 steps, from the steps that write one."""
    words = [
        "model=small",
        "trainer.max_steps=601",
        "trainer.val_every=601",
        "checkpoints.every_steps=100",
    ]
    seconds = in_lightning(folder, *words)
    writing = [second for step, second in enumerate(seconds, start=1) if step % 100 == 0]
    usual = statistics.median(seconds)
    added = statistics.mean(writing) - usual
    print(
        f"a checkpoint: {1000 * added:.0f} ms; every 100 steps of {1000 * usual:.0f} ms: "
        f"{added / (100 * usual):.2%}"
    )


def start(folder: Path) -> None:
    """Print the times of events from `wavspa-train` to the end of its first step; medians of rounds."""
    words = [
        "experiment=demo/digits",
        "trainer.log_every_n_steps=1",
        f"data_root={folder / 'data'}",
        "rerun=true",
    ]
    marks: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        begun = time.time()
        process = subprocess.Popen(
            command("train", *words, f"runs={folder / 'start'}"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        seen: set[str] = set()
        while process.poll() is None and len(seen) < 4:
            for path in (folder / "start").rglob("*"):
                name = moment(path, begun)
                if name and name not in seen:
                    seen.add(name)
                    marks.setdefault(name, []).append(time.time() - begun)
            time.sleep(0.005)
        process.kill()
        process.wait()
    for name, seconds in sorted(marks.items(), key=lambda item: statistics.median(item[1])):
        print(f"{name}: {statistics.median(seconds):.1f} s")


def moment(path: Path, begun: float) -> str | None:
    """The event that the existence of a file indicates."""
    if not path.is_file() or path.stat().st_mtime < begun:
        return None
    if path.name == layout.CONFIG:
        return "the folder is frozen (Python, imports, composition, checks)"
    if path.name == layout.METRICS:
        lines = path.read_text().count("\n")
        return "the first step is done" if lines > 1 else "model and data are built"
    return (
        "the run's own process has imported what it needs" if path.name == layout.STATUS else None
    )


def sweep(folder: Path) -> None:
    """Print the time of a sweep and that of its jobs as separate runs."""
    words = ["experiment=demo/digits", "trainer.max_steps=50", f"data_root={folder / 'data'}"]
    begun = time.perf_counter()
    seeds = "seed=" + ",".join(map(str, range(JOBS)))
    line = command("train", "-m", *words, seeds, f"runs={folder / 'sweep'}")
    subprocess.run(line, check=True, capture_output=True, env=environment())
    whole = time.perf_counter() - begun
    jobs = []
    for seed in range(JOBS):
        run = freeze(folder, *words[:2], f"seed={seed}")
        begun = time.perf_counter()
        subprocess.run(command("run", str(run)), check=True, capture_output=True, env=environment())
        jobs.append(time.perf_counter() - begun)
    print(
        f"a sweep of {JOBS} jobs: {whole:.1f} s; its jobs by themselves: {sum(jobs):.1f} s; "
        f"ratio {whole / sum(jobs):.3f}"
    )


def main() -> None:
    """Print all."""
    keep_memory()
    folder = Path(sys.argv[1]).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    print(machine())
    for measure in (steps, checkpoints, start, sweep):
        measure(folder)


if __name__ == "__main__":
    main()
