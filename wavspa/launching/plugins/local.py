"""Hydra's launcher of sweeps on this machine: each job a fresh ``wavspa-run``, one after another."""

from collections.abc import Sequence
from pathlib import Path

from wavspa.launching.process import run_fresh
from wavspa.launching.sweep import SweepLauncher, print_table
from wavspa.training.failures import RunFailed


class LocalLauncher(SweepLauncher):
    """Runs the jobs of a sweep and prints their table."""

    def start(self, folders: Sequence[Path]) -> None:  # noqa: D102
        codes = []
        for number, folder in enumerate(folders, start=1):
            print(f"[{number}/{len(folders)}] {folder}", flush=True)
            codes.append(run_fresh(folder))
        print_table(folders)
        failed = sum(code != 0 for code in codes)
        if failed:
            raise RunFailed(f"{failed} of {len(codes)} jobs failed; the same command retries them")
