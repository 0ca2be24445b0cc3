"""Pickles of numpy arrays and plain containers, and of nothing else: no code in them is ever run."""

import pickle
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np

from wavspa.errors import UserError

_RECONSTRUCT: Any = np.empty(0).__reduce__()[0]
# By the names that old and new versions of numpy write.
_ALLOWED: dict[tuple[str, str], Callable[..., Any]] = {
    ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Callable[..., Any]:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it names {module}.{name}, and may hold only arrays")
        return _ALLOWED[module, name]


def load_arrays(file: BinaryIO, name: str) -> Any:
    """What a pickle holds: numbers, strings, lists, dicts and numpy arrays; strings of Python 2 as bytes.

    Args:
        file: The pickle.
        name: How a message names it.

    Raises:
        UserError: It is damaged, or holds anything else.
    """
    try:
        return _Unpickler(file, encoding="bytes").load()
    # What a damaged pickle raises is not bounded.
    except Exception as error:
        raise UserError(f"{name} is incomplete or cannot be trusted: {error}") from error
