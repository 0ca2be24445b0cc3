"""Brings a run into trouble at the first step from number 4 on; it lies on the PYTHONPATH of jobs.

TROUBLES holds, for each start of the job, what happens: ``wait`` (until a signal comes), ``raise`` (on
the last rank), ``kill`` (the first rank, as a system out of memory would); starts beyond it have none.
"""

import os
import signal
import sys
import time
from pathlib import Path

STEP = 4


def wait(module, rank):
    Path(sys.orig_argv[-1], f"waits-{rank}").touch()
    stop = next(c.stop for c in module.trainer.callbacks if hasattr(c, "stop"))
    while not stop.signal:
        time.sleep(0.05)


def cry(module, rank):
    if rank == module.trainer.world_size - 1:
        raise RuntimeError("it rains")


def kill(module, rank):
    if rank == 0:
        os.kill(os.getpid(), signal.SIGKILL)


def bring_into_trouble(trouble):
    from wavspa.tasks import Classification

    step = Classification.training_step
    ahead = [trouble]

    def training_step(self, batch, batch_idx):
        if self.global_step >= STEP and ahead:
            ahead.pop()(self, self.global_rank)
        return step(self, batch, batch_idx)

    Classification.training_step = training_step


troubles = os.environ["TROUBLES"].split()
start = int(os.environ.get("SLURM_RESTART_COUNT", "0"))
if "wavspa.commands.run" in sys.orig_argv and start < len(troubles):
    bring_into_trouble({"wait": wait, "raise": cry, "kill": kill}[troubles[start]])
