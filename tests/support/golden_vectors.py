"""Vectors computed by the original implementation, and how close we must come to them.

The folder is tests/golden, or WAVSPA_GOLDEN to check a larger set of the same layout.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

FOLDER = Path(os.environ.get("WAVSPA_GOLDEN", Path(__file__).parents[1] / "golden"))

TRANSFORM, LOGIT, GRADIENT = 1e-5, 1e-4, 1e-3
# Gradients that vanish up to rounding are compared absolutely.
VANISHING = 1e-5


def files(pattern: str) -> list[Path]:
    """Vector files by glob, sorted; none at all is a mistake, not a pass."""
    found = sorted(FOLDER.glob(pattern))
    assert found, f"no vectors match {FOLDER / pattern}"
    return found


def name(path: Path) -> str:
    return path.stem


def load(path: Path) -> tuple[dict[str, np.ndarray], dict]:
    """Arrays and options of one file."""
    with np.load(path) as archive:
        arrays = {key: archive[key] for key in archive.files if key != "options"}
        options = json.loads(str(archive["options"]))
    return arrays, options


def tensor(array: np.ndarray, grad: bool = False) -> torch.Tensor:
    return torch.tensor(array).requires_grad_(grad)


def parameters(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {k.removeprefix("param/"): v for k, v in arrays.items() if k.startswith("param/")}


def agree(actual: torch.Tensor, expected: np.ndarray, tolerance: float, what: str = "") -> None:
    """Assert that the largest difference is within ``tolerance`` of the largest expected value."""
    actual_array = actual.detach().numpy()
    assert actual_array.shape == expected.shape, (what, actual_array.shape, expected.shape)
    difference = np.abs(actual_array - expected).max()
    assert difference <= tolerance * np.abs(expected).max() + VANISHING * (tolerance == GRADIENT), (
        f"{what}: {difference:.2e} of {np.abs(expected).max():.2e}"
    )
