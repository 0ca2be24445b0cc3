"""The schedules against the original's learning rates."""

from functools import partial

import pytest

from support import golden_vectors as golden
from wavspa.training.schedules import cosine, rsqrt

ARRAYS, OPTIONS = golden.load(golden.files("train/lr_schedules.npz")[0])
TOTAL = 1_000_000


def schedule(options):
    """Ours for the original's options; "as run", ListOps ignored its own factors and warm-up."""
    warmup = options.get("warmup_steps", 1000)
    if "cosine_decay" in options.get("factors", "rsqrt_decay"):
        return partial(cosine, warmup=warmup, cycle=options["steps_per_cycle"])
    return partial(rsqrt, warmup=warmup, lr_is_peak=False)


@pytest.mark.parametrize("name", OPTIONS)
def test_learning_rates(name):
    factor = schedule(OPTIONS[name])
    base = OPTIONS[name]["base_learning_rate"]
    expected = ARRAYS[f"lr/{name}"]
    rates = [base * factor(int(step), TOTAL) for step in ARRAYS["steps"]]
    assert len(rates) == len(expected) == 16
    assert rates == pytest.approx(expected.tolist(), rel=1e-5, abs=1e-9)
