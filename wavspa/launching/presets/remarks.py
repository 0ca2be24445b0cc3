"""Remarks on upstream's released configurations: what its code ignores or gets wrong."""

from collections.abc import Iterator

from wavspa.launching.presets.released import Released

LONGEST_DAUBECHIES = 76
"""Taps of PyWavelets' longest Daubechies wavelet."""

LISTOPS_WARMUP = 1000
"""Upstream's warm-up on ListOps, where its code ignores its files."""

BASELINE_RANK = 16
"""Upstream's rank of the Linformer baseline, where its code ignores its files."""

# Neither the other baselines nor these files start in upstream's code.
_RUNS_AS_BASELINE = "softmax"
_UNKNOWN_MODELS = (
    ("d2a", "wavspa_base"),
    ("d2a", "wavspa_base_devign"),
    ("text", "longformer_base_4k"),
)


def remarks(row: Released) -> list[str]:
    """Remarks on a row, a few words each.

    Args:
        row: The released configuration.
    """
    return [*_of_training(row), *_of_data(row), *_of_model(row)]


def warmup_there(row: Released) -> int:
    """The warm-up that upstream really uses."""
    return LISTOPS_WARMUP if row.task == "listops" else row.warmup


def pool_there(row: Released) -> str:
    """The pool that upstream really uses."""
    return "CLS" if row.task == "listops" else row.pool


def _of_training(row: Released) -> Iterator[str]:
    if warmup_there(row) != row.warmup:
        yield f"its warm-up of {row.warmup:,} is ignored upstream: always {warmup_there(row):,}"
    if row.warmup >= row.steps:
        yield f"its warm-up of {row.warmup:,} outlasts the {row.steps:,} steps"
    if row.cycle is not None and row.cycle < row.steps:
        yield f"the cosine restarts every {row.cycle:,} steps upstream"


def _of_data(row: Released) -> Iterator[str]:
    if row.task == "text":
        yield "validates on test upstream"
    if row.task == "d2a" and not row.name.endswith("devign"):
        yield "validates and tests on dev upstream"
    if row.task == "image" or row.task.startswith("pathfinder"):
        yield "black pixels are pads upstream"


def _of_model(row: Released) -> Iterator[str]:
    if pool_there(row) != row.pool:
        yield f"its pool {row.pool} is ignored upstream: always {pool_there(row)}"
    if row.is_plain:
        if row.attention != _RUNS_AS_BASELINE:
            yield "cannot run upstream"
        if row.attention == "linformer":
            yield f"its rank 32 is ignored upstream: always {BASELINE_RANK}"
    if (row.task, row.name) in _UNKNOWN_MODELS:
        yield "names a model that upstream refuses"
    if row.wavelet == "life":
        yield f"`life`, a typo, is the fixed db{row.taps and row.taps // 2} upstream; learned lifting here"
    elif row.is_lifting:
        yield "its lifting is not learned upstream; it is here"
    if not row.is_plain:
        yield "pads are attended to upstream"
    if row.mode in ("ada", "ortho"):
        yield "the low pass is flipped along channels upstream"
    if row.mode == "ada" and (row.taps or 0) > LONGEST_DAUBECHIES:
        yield f"{row.taps} taps are not a wavelet upstream; {LONGEST_DAUBECHIES} here"
    if not row.is_plain and row.taps is None:
        yield f"its taps are not stated; {row.filter_length} here"
