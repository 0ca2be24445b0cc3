"""Starting a run from the weights of another: they are copied, frozen and given their learning rates."""

import json
from pathlib import Path

from omegaconf import DictConfig

from wavspa import atomic
from wavspa.errors import UserError
from wavspa.launching.init.options import named, planned
from wavspa.reporting import is_first_rank, print_line
from wavspa.run_folder import layout
from wavspa.tasks.base import Task
from wavspa.training.checkpoints.carry import Plan, copy, is_in, short
from wavspa.training.checkpoints.parent import open_parent
from wavspa.training.layer_decay import with_layer_decay

_SHOWN = 6  # names of each kind that are printed; the folder keeps all


def start(
    config: DictConfig, task: Task, folder: Path | None = None, resumed: bool = False
) -> None:
    """Apply ``init`` to a task: copy weights, freeze parts, set layer decay; without ``init``, do nothing.

    Args:
        config: The frozen configuration.
        task: Its task, which has not been trained yet.
        folder: The folder in which to record what was taken; None: do not record it.
        resumed: Whether the run's own checkpoint is loaded next, so that nothing need be copied.

    Raises:
        UserError: The weights are gone or have changed.
    """
    init = config.get("init")
    if init is None or init["from"] is None:
        return
    if not resumed:
        taken = _copied(config, task)
        if is_first_rank():
            print_line("\n".join(_lines(init, taken)))
            if folder is not None:
                kept = {**init.parent, **taken._asdict()}
                atomic.write_text(folder / layout.INIT, json.dumps(kept, indent=2) + "\n")
    for name, parameter in task.model.named_parameters():
        if any(is_in(short(name), part) for part in init.freeze):
            parameter.requires_grad_(False)
    if init.layer_decay is not None:
        task.make_optimizer = with_layer_decay(task.make_optimizer, init.layer_decay)


def _copied(config: DictConfig, task: Task) -> Plan:
    init = config.init
    parent = named(init["from"], lambda: open_parent(init.parent.folder))
    if parent.facts.checksum != init.parent.checksum:
        raise UserError(
            f"init={init['from']}: {init.parent.folder} now holds other weights (SHA-256 "
            f"{parent.facts.checksum[:12]}, was {init.parent.checksum[:12]}): restore the old ones, or "
            "start a new run with wavspa-train"
        )
    found: Plan = named(init["from"], lambda: planned(config, parent, task.model))
    copy(task.model, parent.weights, found.taken)
    return found


def _lines(init: DictConfig, taken: Plan) -> list[str]:
    """What was taken and what was not, as lines of text."""
    parent = init.parent
    lines = [
        f"init: {len(taken.taken)} weights from {parent.folder} (commit {parent.commit or 'unknown'}, "
        f"SHA-256 {parent.checksum[:12]})"
    ]
    misfits = [f"{name} {there} here {here}" for name, (there, here) in taken.misfits.items()]
    for what, names in (("new", taken.new), ("left", taken.left), ("does not fit", misfits)):
        if names:
            more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
            lines.append(f"init: {what}: {', '.join(names[:_SHOWN])}{more}")
    if init.freeze:
        lines.append(f"init: frozen: {', '.join(init.freeze)}")
    return lines
