"""The names of sbatch's options, which users type by habit, and their names here."""

import re

# What to type instead of the options of sbatch that the trainer, the launcher or the folder determines.
_OURS = {
    "nodes": "trainer.num_nodes={}",
    "ntasks-per-node": "trainer.devices={}",
    "ntasks": "trainer.devices={} (and trainer.num_nodes, if there are several nodes)",
    "gpus": "trainer=gpu trainer.devices={}",
    "gpus-per-node": "trainer=gpu trainer.devices={}",
    "gres": "trainer=gpu trainer.devices=N \"hydra.launcher.gpus='--gres=gpu:{{gpus}}'\"",
    "mem": "hydra.launcher.memory={}",
    "time": "hydra.launcher.time={}",
    "partition": "hydra.launcher.partition={}",
    "account": "hydra.launcher.account={}",
    "cpus-per-task": "hydra.launcher.cpus_per_task={}",
    "array": "hydra.launcher.at_once=N (how many jobs run at once; the array is the sweep itself)",
    "array-parallelism": "hydra.launcher.at_once={}",
    "max-batch-size": "hydra.launcher.array_size={}",
    "job-name": "experiment_name={}",
}
# Options that are passed to sbatch unchanged.
_PASSED = (
    *("qos", "constraint", "exclude", "nodelist", "reservation", "exclusive", "licenses", "begin"),
    *("mail-type", "mail-user", "mem-per-cpu", "mem-per-gpu", "tmp", "wckey", "nice", "deadline"),
    *("cpus-per-gpu", "gpu-bind", "cpu-bind", "hint", "distribution", "clusters", "dependency"),
)
_NODE = "hydra.launcher."


def sbatch_hint(word: str) -> str | None:
    """A message with what to type instead of an option of sbatch; None for any other word.

    Args:
        word: ``qos=long``, ``--mem=32G``, ``hydra.launcher.nodes=2``, ``sbatch=--qos=long``, ….
    """
    key, _, value = word.lstrip("-+").partition("=")
    name = key.removeprefix(_NODE).replace("_", "-")
    if name == "sbatch":
        options = re.split(r",\s*(?=-)", value.strip("[]'\" "))
        options = [option.strip("'\" ") for option in options]
        return f"{word} must be a list of strings: type {_listed(options)}" if value else None
    if name in _OURS:
        return f"{word} is written {_OURS[name].format(value or '…')} for hydra/launcher=slurm"
    if name in _PASSED:
        option = f"--{name}={value}" if value else f"--{name}"
        return f"{word} is written {_listed([option])} for hydra/launcher=slurm"
    return None


def _listed(options: list[str]) -> str:
    quoted = ",".join(f'"{option}"' for option in options)
    return f"'{_NODE}sbatch=[{quoted}]'"
