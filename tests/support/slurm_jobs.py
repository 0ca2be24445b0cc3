"""Small training runs as jobs of the tests' SLURM, with troubles that meet them on their way."""

from pathlib import Path

import yaml

from support.final_state import differences, final_state
from support.tiny_runs import tiny_run, tiny_words
from support.waiting import until
from wavspa import conf
from wavspa.launching.slurm.script import arrays_of, options_from
from wavspa.launching.slurm.submit import submit
from wavspa.run_folder import layout
from wavspa.run_folder.status import read_status

TROUBLES = Path(__file__).parents[1] / "slurm/troubles"
HERE = "export MASTER_ADDR=127.0.0.1"  # the names of the cluster's nodes lead nowhere
LONG = 240  # seconds, on a machine that does much else


def words_of(root, name, devices):
    """What is typed for a run of a few steps on so many processes."""
    words = [f"runs={root / name}", "trainer.strategy=ddp", f"trainer.devices={devices}"]
    return [*tiny_words(root)[:-2], f"data_root={root / 'data'}", *words]


class Job:
    """A run in a job of its own, whose starts meet with troubles."""

    def __init__(self, root, name, devices, troubles, *words, **options):
        self.name, self.devices = name, devices
        self.folder = tiny_run(root, *words_of(root, name, devices), *words)
        (self.array,) = arrays_of([self.folder])
        self.submit(troubles, **options)

    def submit(self, troubles="", **changes):
        defaults = yaml.safe_load(
            (Path(conf.__file__).parent / "hydra/launcher/slurm.yaml").read_text()
        )
        del defaults["_target_"]
        setup = [HERE, f"export PYTHONPATH={TROUBLES} TROUBLES='{troubles}'"]
        self.id = submit(self.array, options_from({**defaults, "setup": setup, **changes}))

    @property
    def task(self):
        return f"{self.id}_1"

    @property
    def log(self):
        return (self.folder / layout.SLURM_LOG).read_text()

    def until_it_waits(self):
        marks = [self.folder / f"waits-{rank}" for rank in range(self.devices)]
        until(lambda: all(mark.exists() for mark in marks), f"{self.name} waits", LONG)
        for mark in marks:
            mark.unlink()

    def until_state(self, state):
        what = f"{self.name} is {state}"
        until(lambda: read_status(self.folder).get("state") == state, what, LONG)

    def ends_as(self, undisturbed):
        self.until_state("finished")
        assert differences(undisturbed[self.devices], final_state(self.folder)) == []

    def facts(self, cluster):
        """What SLURM knows of the job, by the names of scontrol."""
        words = cluster.ask("scontrol", "show", "job", self.task).split()
        return dict(word.split("=", 1) for word in words if "=" in word)

    def until_slurm_says(self, cluster, state):
        """Wait until SLURM has the job in a state, such as FAILED."""
        what = f"SLURM has {self.name} as {state}"
        until(lambda: self.facts(cluster).get("JobState") == state, what, LONG)
