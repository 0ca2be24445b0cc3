"""Released configurations as nodes of Hydra's configuration, corrected or as published."""

import math
from typing import Any

from wavspa.launching.presets.released import Released
from wavspa.launching.presets.remarks import (
    BASELINE_RANK,
    LONGEST_DAUBECHIES,
    pool_there,
    warmup_there,
)

AS_PUBLISHED = "as_published"
"""The folder of the presets that behave as upstream does."""

_BASELINE_RANK_ASKED = 32
# Upstream's baselines that mask the pads of texts.
_MASKED = ("softmax", "longformer")


def preset(row: Released, as_published: bool, experiment: str) -> dict[str, Any]:
    """The configuration that ``experiment=`` merges for a row.

    Args:
        row: The released configuration.
        as_published: Behave as upstream does, as far as this project can: pads that are attended to,
            flipped low passes, its boundary, its schedules. Otherwise do what its files ask for.
        experiment: The folder of the runs.
    """
    return {
        "defaults": _choices(row, as_published),
        "experiment_name": experiment,
        "dataset": _dataset(row, as_published),
        "model": {**_sizes(row), **_model(row, as_published)},
        "optimizer": {
            "lr": row.lr if as_published else _peak(row),
            "weight_decay": row.weight_decay,
        },
        "schedule": _schedule(row, as_published),
        "trainer": {
            "max_steps": row.steps,
            "val_every": row.eval_every,
            "gradient_clip_val": None,
        },
        **({"task": {"class_weights": "balanced"}} if row.dataset.startswith("d2a/") else {}),
    }


def _choices(row: Released, as_published: bool) -> list[Any]:
    mode = row.mode
    if as_published and row.is_lifting:
        mode = "lift_fixed" if row.wavelet == "lift" else "fixed"
    chosen = {
        "dataset": row.dataset,
        "model": "small",
        "model/attention": row.attention,
        "model/wavelet": mode,
        "optimizer": "adamw_original",
        "schedule": row.schedule,
    }
    if not row.dataset.startswith("lra/"):
        chosen["tokenizer"] = "gpt2"
    return [*({f"override /{group}": name} for group, name in chosen.items()), "_self_"]


def _dataset(row: Released, as_published: bool) -> dict[str, Any]:
    options: dict[str, Any] = {"batch_size": row.batch_size}
    if row.max_length is not None:
        options["max_length"] = row.max_length
    if as_published:
        options["pad"] = "max"
        if row.task == "text" or row.dataset.startswith("d2a/"):
            options["protocol"] = "upstream"
    return options


def _sizes(row: Released) -> dict[str, Any]:
    names = ("dim", "heads", "depth", "qkv_dim", "mlp_dim", "dropout", "attention_dropout")
    return {name: getattr(row, name) for name in names}


def _model(row: Released, as_published: bool) -> dict[str, Any]:
    options: dict[str, Any] = {"pool": (pool_there(row) if as_published else row.pool).lower()}
    if row.is_plain:
        if row.attention == "linformer":
            options["rank"] = BASELINE_RANK if as_published else _BASELINE_RANK_ASKED
        if as_published and row.attention not in _MASKED:
            options["padding"] = "upstream"
        return options
    options.update(taps=row.filter_length, level=row.level)
    if row.mode == "ada":
        options["taps"] = min(options["taps"], LONGEST_DAUBECHIES)
    if as_published:
        options.update(padding="upstream", norm_mlp=False, boundary="upstream")
        if row.mode in ("ada", "ortho"):
            options["mirror_low"] = True
    return options


def _schedule(row: Released, as_published: bool) -> dict[str, Any]:
    warmup = warmup_there(row) if as_published else row.warmup
    if row.schedule == "rsqrt":
        return {"warmup": warmup, "lr_is_peak": not as_published}
    return {"warmup": warmup, "cycle": row.cycle if as_published else None}


def _peak(row: Released) -> float:
    """The peak rate: upstream's is a factor of its rsqrt, which begins at ``1 / sqrt(warm-up)``."""
    return float(f"{row.lr / math.sqrt(row.warmup):.4g}") if row.schedule == "rsqrt" else row.lr
