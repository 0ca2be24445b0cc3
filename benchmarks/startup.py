"""Time until a command answers ``--help`` or a typing error, next to an empty Hydra application.

Usage: python -m benchmarks.startup
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROUNDS = 7
EMPTY = """\
import hydra

@hydra.main(version_base="1.3", config_path=None)
def main(config):
    pass

main()
"""


def main() -> None:
    """Time every command in turn for several rounds, and print the medians."""
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder) / "empty.py"
        empty.write_text(EMPTY)
        train = ["-m", "wavspa.commands.train"]
        commands = {
            "an empty Hydra application --help": [str(empty), "--help"],
            "wavspa-train --help": [*train, "--help"],
            "wavspa-train model.depht=1 (refused)": [*train, "model.depht=1"],
            "wavspa-status --help": ["-m", "wavspa.commands.status", "--help"],
            "wavspa-report --help": ["-m", "wavspa.commands.report", "--help"],
        }
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(ROUNDS):
            for name, arguments in commands.items():
                start = time.perf_counter()
                subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True)
                seconds[name].append(time.perf_counter() - start)
    for name, measured in seconds.items():
        print(f"{name:40} {median(measured):.2f} s")


if __name__ == "__main__":
    main()
