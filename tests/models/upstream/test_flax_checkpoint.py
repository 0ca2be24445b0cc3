"""Checkpoints of the original, written here as Flax writes them, whole and damaged."""

import pickle

import msgpack
import numpy as np
import pytest
import torch

from references import upstream_numpy
from wavspa.models.upstream import build_from_flax, load_flax_checkpoint

ARRAY, COMPLEX, SCALAR, UNKNOWN = 1, 2, 3, 9
OPTIONS = {
    "kind": "WavspaEncoder",
    "vocab_size": 7,
    "emb_dim": 8,
    "num_heads": 2,
    "num_layers": 1,
    "qkv_dim": 8,
    "mlp_dim": 12,
    "max_len": 10,
    "num_classes": 3,
    "model_type": "longformer",
    "wavelet": "adalift",
    "level": 2,
    "wlen": 4,
}
PARAMS = upstream_numpy.parameters(OPTIONS, np.random.default_rng(0))


def array(value, code=ARRAY, dtype=None):
    body = (value.shape, dtype or value.dtype.name, value.tobytes())
    return msgpack.ExtType(code, msgpack.packb(body, use_bin_type=True))


def chunked(value, size):
    """What Flax makes of an array of over a gigabyte."""
    pieces = [value.reshape(-1)[i : i + size] for i in range(0, value.size, size)]
    return {
        "__msgpack_chunked_array__": True,
        "shape": {str(i): n for i, n in enumerate(value.shape)},
        "chunks": {str(i): array(piece) for i, piece in enumerate(pieces)},
    }


def nested(arrays, encode=array):
    tree = {}
    for name, value in arrays.items():
        *folders, leaf = name.split("/")
        branch = tree
        for folder in folders:
            branch = branch.setdefault(folder, {})
        branch[leaf] = encode(value)
    return tree


def write(tmp_path, tree):
    path = tmp_path / "checkpoint_80000"
    path.write_bytes(msgpack.packb(tree, use_bin_type=True))
    return path


def optimizer_state():
    """Moments of the same names as the parameters; a counter; what optax leaves empty."""
    moments = {"mu": nested({k: v + 1 for k, v in PARAMS.items()}), "nu": nested(PARAMS)}
    return {"0": {"count": array(np.array(5, np.int32), SCALAR), **moments}, "1": {}, "2": None}


def same(loaded, expected=PARAMS):
    assert loaded.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(loaded[name], value)
        assert loaded[name].shape == value.shape


TREES = {
    "parameters": lambda: nested(PARAMS),
    "variables": lambda: {"params": nested(PARAMS)},
    "train state": lambda: {
        "step": 80_000,
        "params": nested(PARAMS),
        "opt_state": optimizer_state(),
    },
    "train state of variables": lambda: {
        "opt_state": optimizer_state(),
        "params": {"params": nested(PARAMS), "statistics": nested({"x": np.ones(3)})},
        "step": array(np.array(80_000), SCALAR),
    },
    "old optimizer": lambda: {"state": optimizer_state(), "target": {"params": nested(PARAMS)}},
    "chunked": lambda: {"params": nested(PARAMS, lambda value: chunked(value, 5))},
}


@pytest.mark.parametrize("tree", TREES.values(), ids=TREES)
def test_the_parameters_are_found(tmp_path, tree):
    same(load_flax_checkpoint(write(tmp_path, tree())))


def test_a_loaded_model_computes_what_the_original_would(tmp_path):
    path = write(tmp_path, TREES["train state"]())
    module = build_from_flax(load_flax_checkpoint(str(path)), OPTIONS, upstream_defects=True)
    tokens = np.array([[3, 1, 4, 1, 5, 6, 2, 0, 0, 0]])
    expected = upstream_numpy.forward(PARAMS, OPTIONS, tokens)
    np.testing.assert_allclose(module(torch.tensor(tokens)).detach(), expected, atol=1e-4)


def test_dtypes(tmp_path):
    values = {
        "half": np.array([[1.5, -2]], np.float16),
        "whole": np.array([3, -4], np.int64),
        "scalar": np.array(2.5, np.float32),
        "empty": np.zeros((0, 3), np.float32),
    }
    tree = nested(values)
    upper_halves = np.array([0x3FC0, 0xC000, 0x7F80], np.uint16)
    tree["brain"] = array(upper_halves, dtype="bfloat16")
    tree["complex"] = msgpack.ExtType(COMPLEX, msgpack.packb((1.0, 2.0)))
    brain = np.array([1.5, -2, np.inf], np.float32)
    same(load_flax_checkpoint(write(tmp_path, tree)), values | {"brain": brain})


def test_every_truncation(tmp_path):
    path = write(tmp_path, {"params": nested({"a": np.ones(3, np.float32), "b": np.zeros(1)})})
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(
            ValueError, match="checkpoint_80000: not a complete Flax msgpack checkpoint"
        ):
            load_flax_checkpoint(path)


def complaint_about(path):
    try:
        load_flax_checkpoint(path)
    except ValueError as error:
        return str(error)
    return None


def test_damaged_bytes_never_fail_otherwise(tmp_path):
    path = write(tmp_path, TREES["chunked"]())
    whole, rng = path.read_bytes(), np.random.default_rng(0)
    for _ in range(300):
        damaged = bytearray(whole)
        for place in rng.integers(0, 400, 3):
            damaged[place] = rng.integers(256)
        path.write_bytes(damaged)
        # Some damage is harmless; the rest is reported as damage and as nothing else.
        complaint = complaint_about(path)
        assert complaint is None or "not a complete Flax msgpack checkpoint" in complaint


WRONG = {
    "nothing": b"",
    "an empty tree": msgpack.packb({}),
    "no arrays": msgpack.packb({"params": {"step": 3, "x": None}}),
    "a list": msgpack.packb([1, 2]),
    "one array": msgpack.packb({"params": array(np.ones(3))}),
    "no parameters": msgpack.packb({"params": None}),
    "something after it": msgpack.packb({"a": array(np.ones(3))}) + b"\x00",
    "a NumPy file": b"\x93NUMPY\x01\x00v\x00{'descr': '<f4'}",
    "a zip archive": b"PK\x03\x04\x14\x00\x00\x00",
    "an unknown extension": msgpack.packb({"a": msgpack.ExtType(UNKNOWN, b"x")}),
    "an unknown dtype": msgpack.packb({"a": array(np.ones(3), dtype="quaternion")}),
    "an array of objects": msgpack.packb({"a": array(np.ones(3), dtype="object")}),
    "fewer bytes than the shape": msgpack.packb(
        {"a": msgpack.ExtType(ARRAY, msgpack.packb(((3,), "float32", b"\x00" * 8)))}
    ),
    "a shape past all bounds": msgpack.packb(
        {"a": msgpack.ExtType(ARRAY, msgpack.packb(((2**64 - 1,), "float32", b"\x00" * 8)))}
    ),
    "an array without its bytes": msgpack.packb({"a": msgpack.ExtType(ARRAY, b"\x93\x90")}),
    "a missing chunk": msgpack.packb({"a": chunked(np.ones(9), 4) | {"chunks": {"1": None}}}),
    "too few chunks": msgpack.packb(
        {"a": chunked(np.ones(9), 4) | {"chunks": {"0": array(np.ones(4))}}}
    ),
    "too deep a tree": b"\x81\xa1a" * 2000 + b"\xc0",
    "keys that are numbers": msgpack.packb({3: array(np.ones(3))}),
}


@pytest.mark.parametrize("content", WRONG.values(), ids=WRONG)
def test_something_else(tmp_path, content):
    path = tmp_path / "checkpoint"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="checkpoint: not a complete Flax msgpack checkpoint"):
        load_flax_checkpoint(path)


class Trap:
    """Unpickling this creates a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_is_never_executed(tmp_path, protocol):
    path, sprung = tmp_path / "checkpoint", tmp_path / "sprung"
    path.write_bytes(pickle.dumps(Trap(sprung), protocol))
    with pytest.raises(ValueError, match="not a complete Flax msgpack checkpoint"):
        load_flax_checkpoint(path)
    inside = msgpack.packb({"a": array(np.frombuffer(path.read_bytes(), np.uint8), dtype="object")})
    path.write_bytes(inside)
    with pytest.raises(ValueError, match="not a complete Flax msgpack checkpoint"):
        load_flax_checkpoint(path)
    assert not sprung.exists()
    pickle.loads(pickle.dumps(Trap(sprung), protocol)).close()
    assert sprung.exists()


def test_no_such_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        load_flax_checkpoint(tmp_path / "nowhere")
