"""The cost of a sweep's runs, computed from their configurations on any machine."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from omegaconf import DictConfig
from torch import nn

from wavspa.errors import UserError
from wavspa.launching.options.devices import PEAK_TFLOPS, flops_per_second
from wavspa.launching.run.build import build
from wavspa.launching.run.naming import config_hash
from wavspa.models.dual_encoder import DualEncoder
from wavspa.models.flops import training_flops
from wavspa.run_folder.labels import attention_label, option_labels

_EXPERIMENT = "experiment"


class Cost(NamedTuple):
    """The cost of a cell, that is, of all its runs, which differ only in their seed."""

    label: str
    data: str
    runs: int
    steps: int
    tokens: int
    flops: int


def costs(jobs: Sequence[DictConfig], overrides: Sequence[Sequence[str]]) -> list[Cost]:
    """The cost of each cell, at full length; a run that several jobs describe counts once.

    Args:
        jobs: The jobs' validated configurations.
        overrides: The words that each was composed from.

    Raises:
        UserError: The operations of a model cannot be counted.
    """
    found: dict[str, Cost] = {}
    counted = set()
    for job, words in zip(jobs, overrides, strict=True):
        run = config_hash(job)
        if run in counted:
            continue
        counted.add(run)
        cell = config_hash(job, without=["seed"])
        cost = found.get(cell) or _cost(job, words)
        done = found[cell].runs if cell in found else 0
        share = done + 1
        found[cell] = cost._replace(
            runs=share,
            tokens=cost.tokens // max(done, 1) * share,
            flops=cost.flops // max(done, 1) * share,
        )
    return list(found.values())


def budget_lines(found: Sequence[Cost], device: str | None, mfu: float) -> list[str]:
    """The costs as a table: one line per cell, one per data set if there are several, and a total.

    Args:
        found: The costs of the cells.
        device: The device to estimate hours for.
        mfu: The share of its peak that is reached.
    """
    head = [
        "cell",
        "runs",
        "steps each",
        "tokens (G)",
        "PFLOP",
        *([f"{device} h"] if device else []),
    ]
    rows = [head, *(_row(cost, device, mfu) for cost in found)]
    sums = [*_sums(found), _total("total", found)]
    rows += [_row(cost, device, mfu) for cost in sums]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join([row[0].ljust(widths[0]), *_right(row[1:], widths[1:])]) for row in rows]
    return [*lines, *_remarks(device, mfu)]


def _cost(job: DictConfig, words: Sequence[str]) -> Cost:
    with torch.device("meta"):
        model = build(job, "model")
    data, length = job.dataset, job.dataset.max_length
    examples = job.trainer.max_steps * job.trainer.accumulate_grad_batches
    examples *= data.batch_tokens // length or 1 if data.get("batch_tokens") else data.batch_size
    texts = 2 if isinstance(model, DualEncoder) else 1
    return Cost(
        _label(job, words),
        data.name,
        1,
        job.trainer.max_steps,
        examples * texts * length,
        examples * _flops(model, length),
    )


def _flops(model: nn.Module, length: int) -> int:
    try:
        return training_flops(model, length)
    except ValueError as error:
        raise UserError(
            f"{error}: without -m and device=, dry_run=true measures any model"
        ) from error


def _label(job: DictConfig, words: Sequence[str]) -> str:
    preset = next((word for word in words if word.startswith(f"{_EXPERIMENT}=")), None)
    name = preset and preset.removeprefix(f"{_EXPERIMENT}=")
    parts = [name or job.dataset.name]
    if not name:
        parts += [attention_label(job.model.attention), job.model.wavelet]
    return " ".join([*parts, *option_labels(_choices(words))])


def _choices(words: Sequence[str]) -> list[str]:
    return [word for word in words if word.startswith(("model", "dataset.", "trainer.max_"))]


def _sums(found: Sequence[Cost]) -> Iterator[Cost]:
    names = dict.fromkeys(cost.data for cost in found)
    if len(names) > 1:
        for name in names:
            yield _total(name, [cost for cost in found if cost.data == name])


def _total(label: str, found: Sequence[Cost]) -> Cost:
    runs, tokens, flops = (
        sum(column) for column in zip(*(c[2:3] + c[4:] for c in found), strict=True)
    )
    cells = "1 cell" if len(found) == 1 else f"{len(found)} cells"
    return Cost(f"{label}: {cells}", "", runs, 0, tokens, flops)


def _row(cost: Cost, device: str | None, mfu: float) -> list[str]:
    row = [cost.label, str(cost.runs), f"{cost.steps:,}" if cost.steps else ""]
    row += [f"{cost.tokens / 1e9:,.3g}", f"{cost.flops / 1e15:,.4g}"]
    if device:
        row.append(f"{cost.flops / flops_per_second(device, mfu) / 3600:,.2f}")
    return row


def _right(cells: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    return (cell.rjust(width) for cell, width in zip(cells, widths, strict=True))


def _remarks(device: str | None, mfu: float) -> Iterator[str]:
    if device:
        reached = flops_per_second(device, mfu) / 1e12
        yield (
            f"hours on one {device} at {reached:.3g} TFLOP/s: its peak of {PEAK_TFLOPS[device]:,} (in half "
            f"precision, as with trainer=gpu) x mfu={mfu:g}; dry_run=true on such a device measures a step"
        )
    else:
        yield f"device=NAME adds hours: {', '.join(PEAK_TFLOPS)}"
    yield (
        "counted at dataset.max_length; shorter rows cost less with dataset.pad=batch. "
        "Validation and test are not included."
    )
