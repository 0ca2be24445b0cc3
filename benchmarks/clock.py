"""``wavspa-run`` that records the time of each step: `python -m benchmarks.clock FOLDER FILE`."""

import sys
import time
from pathlib import Path
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer

from wavspa.launching.run import worker
from wavspa.launching.run.build import build


class Clock(Callback):
    """Writes the seconds of each step to a file, one line per step, when training ends.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.times: list[float] = []

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Record the time."""
        self.times.append(time.perf_counter())

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the differences between the recorded times."""
        steps = (b - a for a, b in zip(self.times, self.times[1:], strict=False))
        self.path.write_text("".join(f"{seconds}\n" for seconds in steps))


def main() -> None:
    """Run the folder with a clock among the callbacks."""

    def build_with_clock(config: Any, node: str, **extra: Any) -> Any:
        if node == "trainer":
            extra["callbacks"].append(Clock(Path(sys.argv[2])))
        return build(config, node, **extra)

    worker.build = build_with_clock
    worker.run(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
