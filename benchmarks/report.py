"""The cost of a report on thousands of runs: time, memory, the page's size and its speed in Chromium.

    python -m benchmarks.report FOLDER [RUNS]

FOLDER gets the synthetic runs (5 bases x 4 modes x 5 data sets x seeds) and their report.
"""

import itertools
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import yaml
from hydra import compose, initialize_config_module

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from support.chromium import chromium, installed, open_page
from wavspa.launching.run.freeze import freeze
from wavspa.launching.subprocesses import clean_environment
from wavspa.run_folder import layout

BASES = ("softmax", "longformer", "linformer", "linear", "performer")
MODES = ("none", "ada", "ortho", "lift")
DATASETS = ("listops", "text", "retrieval", "image", "pathfinder32-hard")
METRICS = ("val/loss", "val/accuracy", "val/f1", "train/loss", "train/accuracy", "lr")
ROWS = 200


def main() -> None:
    folder, runs = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 2000
    if not folder.exists():
        synthesise(folder, runs)
    seconds, cpu, memory = measure(folder)
    page = folder / "report" / "report.html"
    print(f"| runs | {runs:,} |\n| --- | ---: |")
    print(f"| seconds, the start included | {seconds:.1f} |")
    print(f"| CPU seconds | {cpu:.1f} |")
    print(f"| peak memory, MiB | {memory:.0f} |")
    print(f"| page, MB | {page.stat().st_size / 1e6:.1f} |")
    for name, value in in_browser(page).items():
        print(f"| {name}, s | {value:.2f} |")


def synthesise(folder: Path, runs: int) -> None:
    """Write run folders like those of finished runs, all derived from one real configuration."""
    with initialize_config_module("wavspa.conf", version_base="1.3"):
        config = compose("train", ["model=tiny", f"runs={folder}/template"])
    template = yaml.safe_load((freeze(config, ["model=tiny"]) / layout.CONFIG).read_text())
    shutil.rmtree(folder / "template")
    cells = list(itertools.product(DATASETS, BASES, MODES))
    random = np.random.default_rng(0)
    for number in range(runs):
        seed, cell = divmod(number, len(cells))
        write_run(folder / f"run-{number:05}", template, cells[cell], seed, random)


def write_run(
    folder: Path,
    template: dict,
    cell: tuple[str, str, str],
    seed: int,
    random: np.random.Generator,
) -> None:
    dataset, attention, wavelet = cell
    words = [f"dataset=lra/{dataset}", f"model/attention={attention}", f"model/wavelet={wavelet}"]
    config = {
        **template,
        "seed": seed,
        "dataset": template["dataset"] | {"name": dataset},
        "model": template["model"] | {"attention": attention, "wavelet": wavelet},
        "frozen": template["frozen"]
        | {"cell": "-".join(cell), "hash": folder.name, "overrides": [*words, f"seed={seed}"]},
    }
    steps = config["trainer"]["max_steps"]
    accuracy = random.uniform(0.4, 0.6)
    curves = accuracy + random.normal(0, 0.02, (ROWS, len(METRICS)))
    rows = [",".join(("step", "epoch", "seconds", *METRICS))]
    for row, values in enumerate(curves, start=1):
        rows.append(f"{row * steps // ROWS},0,{row},{','.join(f'{v:.9g}' for v in values)}")
    status = {
        "state": "finished",
        "step": steps,
        "steps": steps,
        "parameters": 30_000,
        "seconds_per_step": random.uniform(0.01, 0.1),
        "peak_memory": int(random.uniform(5e8, 6e8)),
        "device": "synthetic",
        "best": {"metric": "val/accuracy", "value": accuracy, "step": steps},
        "test": {"test/loss": 1.0, "test/accuracy": accuracy, "test/f1": accuracy},
    }
    card = {"splits": {"test": {"examples": 2000, "labels": {"0": 1000, "1": 1000}}}}
    folder.mkdir(parents=True)
    (folder / layout.CONFIG).write_text(yaml.dump(config, Dumper=yaml.CSafeDumper))
    (folder / layout.METRICS).write_text("\n".join(rows) + "\n")
    (folder / layout.STATUS).write_text(json.dumps(status))
    (folder / layout.CARD).write_text(json.dumps(card))


def measure(folder: Path) -> tuple[float, float, float]:
    """Seconds, CPU seconds and peak memory in MiB of the command."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "wavspa.commands.report", folder],
        stdout=subprocess.DEVNULL,
        env=clean_environment(),
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit("the report failed")
    seconds = time.perf_counter() - start
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def in_browser(page: Path) -> dict[str, float]:
    """Seconds that the page takes to open, sort its runs and filter them; empty without a browser."""
    if installed() is None:
        return {}
    with chromium() as browser:
        tab = browser.new_page()
        start = time.perf_counter()
        open_page(tab, page)
        opened = time.perf_counter() - start
        milliseconds = tab.evaluate(
            """() => {
                const timed = (act) => {
                    const start = performance.now();
                    act();
                    document.body.offsetHeight;
                    return performance.now() - start;
                };
                const head = [...document.querySelectorAll('table[data-rows=runs] th button')];
                const sort = timed(() => head.find((b) => b.textContent === 'test %').click());
                const words = document.querySelector('[name=words]');
                words.value = 'ortho performer';
                const filter = timed(() => words.dispatchEvent(new Event('input', {bubbles: true})));
                return [sort, filter];
            }"""
        )
    sort, filtered = milliseconds
    return {"page opens": opened, "sort": sort / 1000, "filter": filtered / 1000}


if __name__ == "__main__":
    main()
