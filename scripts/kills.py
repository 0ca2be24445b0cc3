"""Kills training runs at random moments and compares their final states with undisturbed runs.

    python scripts/kills.py --kills 50 --folder kills

Every run is one of 16: digits or short ListOps, softmax or performer, one process or ddp on two, 0 or 2
loader workers. It is started with wavspa-run and killed (SIGKILL to its process group) at a random time,
uniform over the first 70 % of what an undisturbed run takes from its first step to its end: in a step, in a
validation, in the test or while a checkpoint is written. It is restarted and killed again, one to four times
in all, and finally left to finish.
Weights, optimizer, schedule and metrics.csv (without its column of seconds) must be bit-identical. Exit
code 1 if one is not.
"""

import argparse
import itertools
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from hydra import compose, initialize_config_module

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from support.final_state import differences, final_state
from wavspa.launching.run.prepare import prepare
from wavspa.launching.run.resume_check import find_resumable
from wavspa.launching.subprocesses import clean_environment
from wavspa.run_folder import layout

CELLS = list(
    itertools.product(("digits", "listops_short"), ("softmax", "performer"), (1, 2), (0, 2))
)
COMMON = [
    "model=tiny",
    "model.taps=4",
    "dataset.limit=100",
    "dataset.batch_size=16",
    "dataset.eval_batch_size=16",
    "trainer.max_steps=100",
    "trainer.val_every=10",
    "trainer.log_every_n_steps=3",
    "schedule.warmup=5",
    "checkpoints.every_steps=2",
]


def main() -> None:
    """Kill and compare until the number of kills is reached."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--folder", type=Path, required=True, help="for the runs and their data")
    parser.add_argument(
        "--seed", type=int, default=0, help="for the order of cells and the times of kills"
    )
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    cells = CELLS.copy()
    chance.shuffle(cells)
    kills = equal = runs = 0
    for number, cell in enumerate(itertools.cycle(cells)):
        if kills >= arguments.kills:
            break
        undisturbed, seconds = finished(arguments.folder / "undisturbed", cell)
        disturbed = folder_of(arguments.folder / f"disturbed-{number}", cell)
        killed = kill_and_finish(disturbed, seconds, chance, arguments.kills - kills)
        found = differences(final_state(undisturbed), final_state(disturbed))
        kills, runs, equal = kills + len(killed), runs + 1, equal + (not found)
        print(
            f"{label(cell)}: killed when saved at {', '.join(killed) or 'no step'}: {verdict(found)}",
            flush=True,
        )
    print(f"{kills} kills, {equal} of {runs} final states bit-identical")
    sys.exit(equal < runs)


def folder_of(root: Path, cell: tuple[str, str, int, int]) -> Path:
    """The folder of a cell's run, with its configuration frozen."""
    dataset, attention, devices, workers = cell
    words = [
        f"dataset={dataset}",
        f"model/attention={attention}",
        f"trainer.devices={devices}",
        f"trainer.strategy={'ddp' if devices > 1 else 'auto'}",
        f"dataset.workers={workers}",
        f"runs={root}",
        f"data_root={root.parent / 'data'}",
    ]
    root.parent.mkdir(parents=True, exist_ok=True)
    with initialize_config_module("wavspa.conf", version_base="1.3"):
        config = compose("train", [*COMMON, *words])
    return prepare(config, [*COMMON, *words])


def finished(root: Path, cell: tuple[str, str, int, int]) -> tuple[Path, float]:
    """The folder of an undisturbed run, and the seconds from its first step to its end."""
    folder = folder_of(root, cell)
    seconds = folder / ".seconds"
    if not seconds.exists():
        process = start(folder)
        wait_for_first_step(folder, process)
        started = time.monotonic()
        if process.wait():
            raise SystemExit(f"the undisturbed run failed: wavspa-run {folder}")
        seconds.write_text(str(time.monotonic() - started))
    return folder, float(seconds.read_text())


def kill_and_finish(folder: Path, seconds: float, chance: random.Random, most: int) -> list[str]:
    """Kill a run up to four times, then let it finish; return the saved step at each kill."""
    killed: list[str] = []
    for _ in range(min(most, chance.randint(2, 4))):
        process = start(folder)
        wait_for_first_step(folder, process)
        try:
            process.wait(chance.uniform(0, 0.7) * seconds)
            break
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            killed.append(saved_step(folder))
    if start(folder).wait():
        raise SystemExit(f"it does not resume: wavspa-run {folder}")
    return killed


def wait_for_first_step(folder: Path, process: subprocess.Popen[bytes]) -> None:
    """Wait until a process trains or has ended; its status is written when it starts and when it trains."""
    begun = time.time_ns()
    status = folder / layout.STATUS
    signs: set[int] = set()
    while process.poll() is None and len(signs) < 2:
        if status.exists() and (sign := status.stat().st_mtime_ns) > begun:
            signs.add(sign)
        time.sleep(0.01)


def saved_step(folder: Path) -> str:
    """The step that a run would resume from."""
    found = find_resumable(folder)
    return "0" if found is None else str(found[1]["global_step"])


def start(folder: Path) -> subprocess.Popen[bytes]:
    """Start ``wavspa-run`` in its own process group."""
    command = [sys.executable, "-m", "wavspa.commands.run", str(folder)]
    environment = {**clean_environment(), "OMP_NUM_THREADS": "1"}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(command, env=environment, start_new_session=True, **quiet)


def label(cell: tuple[str, str, int, int]) -> str:
    """A cell in words."""
    dataset, attention, devices, workers = cell
    return f"{dataset}, {attention}, {devices} process{'es' * (devices > 1)}, {workers} workers"


def verdict(found: list[str]) -> str:
    """The result of a comparison, in words."""
    return "equal" if not found else f"DIFFERENT in {len(found)} places, first {found[0][:200]}"


if __name__ == "__main__":
    main()
