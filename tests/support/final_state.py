"""What a finished run leaves, without the clock's part of it: equal for equal runs, to the last bit."""

from pathlib import Path
from typing import Any

import torch

from wavspa.run_folder import layout
from wavspa.run_folder.metrics import read_metrics

KEPT = ("state_dict", "trained_weights", "optimizer_states", "lr_schedulers", "global_step")


def final_state(folder: Path) -> dict[str, Any]:
    """Weights, optimizer, schedule and step of both checkpoints, and the rows of metrics.csv."""
    state: dict[str, Any] = {"metrics": rows(folder)}
    for path in (layout.last_checkpoint(folder), layout.best_checkpoint(folder)):
        content = torch.load(path, weights_only=True)
        state[path.name] = {key: content[key] for key in KEPT if key in content}
    return state


def rows(folder: Path) -> list[dict[str, float]]:
    """The rows of metrics.csv without the clock's column."""
    found = read_metrics(folder / layout.METRICS)
    return [{name: value for name, value in row.items() if name != "seconds"} for row in found]


def differences(one: Any, other: Any, where: str = "") -> list[str]:
    """The places where two states differ by as much as a bit."""
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        return [] if torch.equal(one, other) else [where]
    if isinstance(one, dict) and isinstance(other, dict):
        keys = sorted(map(str, one.keys() ^ other.keys()))
        shared = [key for key in one if key in other]
        return [f"{where}.{key} in one alone" for key in keys] + [
            line for key in shared for line in differences(one[key], other[key], f"{where}.{key}")
        ]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = enumerate(zip(one, other, strict=True))
        return [line for i, (a, b) in pairs for line in differences(a, b, f"{where}[{i}]")]
    return [] if one == other else [f"{where}: {one} or {other}"]
