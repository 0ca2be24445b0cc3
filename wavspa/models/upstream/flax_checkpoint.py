"""Read an original (Flax msgpack) checkpoint. Nothing is unpickled: arrays are shape, type and bytes."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgpack
import numpy as np

# Extension types of Flax's msgpack format.
_ARRAY, _COMPLEX, _SCALAR = 1, 2, 3
# Errors that decoding other bytes can raise.
_DAMAGE = (ValueError, TypeError, KeyError, OverflowError, RecursionError, msgpack.UnpackException)


def load_flax_checkpoint(path: str | Path) -> dict[str, np.ndarray]:
    """Parameters of a Flax checkpoint file by flat name, ``encoderblock_0/LayerNorm_0/scale``.

    If the file holds a train state, its parameters (``params`` or ``target``) are used.

    Args:
        path: File written by ``flax.serialization.to_bytes`` or ``flax.training.checkpoints``.

    Returns:
        Arrays by name, ready for :func:`~wavspa.models.upstream.build_from_flax`.

    Raises:
        FileNotFoundError: No such file.
        ValueError: The file is not a complete Flax checkpoint.
    """
    path = Path(path)
    try:
        tree = msgpack.unpackb(path.read_bytes(), ext_hook=_decode, raw=False, strict_map_key=False)
        while isinstance(tree, dict) and (inner := tree.keys() & {"params", "target"}):
            tree = tree["params" if "params" in inner else "target"]
        if not isinstance(tree, dict):
            raise ValueError(f"it holds a {type(tree).__name__}, not a tree of parameters")
        if arrays := dict(_flatten(tree)):
            return arrays
        raise ValueError("it holds no arrays")
    except _DAMAGE as error:
        raise ValueError(f"{path}: not a complete Flax msgpack checkpoint ({error})") from error


def _decode(code: int, data: bytes) -> Any:
    if code in (_ARRAY, _SCALAR):
        shape, dtype, raw = msgpack.unpackb(data, raw=False)
        if dtype == "bfloat16":
            # NumPy has no bfloat16, which is the upper half of a float32.
            wide = np.frombuffer(raw, np.uint16).astype(np.uint32) << 16
            return wide.view(np.float32).reshape(shape)
        return np.frombuffer(raw, np.dtype(dtype)).reshape(shape)
    if code == _COMPLEX:
        return complex(*msgpack.unpackb(data))
    raise ValueError(f"unknown extension type {code}")


def _flatten(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, np.ndarray]]:
    for key, value in tree.items():
        if isinstance(value, Mapping) and "__msgpack_chunked_array__" in value:
            yield prefix + key, _join_chunks(value)
        elif isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{key}/")
        elif isinstance(value, np.ndarray):
            yield prefix + key, value


def _join_chunks(value: Mapping[str, Any]) -> np.ndarray:
    """An array of over a gigabyte, which Flax stores in pieces."""
    shape = [value["shape"][str(i)] for i in range(len(value["shape"]))]
    chunks = [value["chunks"][str(i)] for i in range(len(value["chunks"]))]
    return np.concatenate(chunks).reshape(shape)
