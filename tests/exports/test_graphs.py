"""Every base and every mode gives the same logits in Python, safetensors, torch.export and onnxruntime."""

import onnxruntime
import pytest
import torch
from safetensors.torch import load_file, save_file

from wavspa import DualEncoder, Encoder
from wavspa.attention import BASES
from wavspa.errors import UserError
from wavspa.exports import trace as graphs
from wavspa.exports.graph_files import ONNX, PROGRAM, write_onnx, write_program
from wavspa.exports.trace import largest_difference, trace

pytestmark = pytest.mark.slow

# A graph takes long to write, and that of a base knows nothing of the mode: one model has every base, on a
# band of its own, and the others every mode (scripts/export_cells.py writes all 20 cells).
MODELS = [
    (list(BASES), "ada", len(BASES) - 1),
    ("softmax", "none", 1),
    ("softmax", "ortho", 1),
    ("softmax", "lift", 1),
    ("softmax", "conv", 1),
]
MAX_LEN = 160
SIZES = {"max_len": MAX_LEN, "dim": 8, "depth": 1, "heads": 2, "mlp_dim": 8, "taps": 4}
LAYER = {"window": 5, "rank": 4}
# None of them is a size of the example, or one that the export itself tries.
SHAPES = [(1, 1), (1, 63), (2, 64), (5, 30), (1, 129), (3, 159)]


def encoder(attention="softmax", wavelet="ada", classes=3, **options):
    torch.manual_seed(0)
    layer = {"attention": attention, "wavelet": wavelet}
    return Encoder(11, classes, **(SIZES | LAYER | layer | options)).eval()


def inputs(rows, length, seed=0):
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(1, length + 1, (rows,), generator=generator)
    lengths[0] = length
    tokens = torch.randint(1, 11, (rows, length), generator=generator)
    return {
        "tokens": tokens.masked_fill(torch.arange(length) >= lengths[:, None], 0),
        "lengths": lengths,
    }


def written(model, folder):
    """The two graphs of a model, as functions of inputs by name."""
    graph = trace(model, MAX_LEN)
    facts = [write_onnx(graph, folder), write_program(graph, folder)]
    assert all(fact["largest_difference"] < 1e-5 for fact in facts)
    session = onnxruntime.InferenceSession(folder / ONNX)
    program = torch.export.load(folder / PROGRAM).module()

    def run_onnx(feed):
        (answer,) = session.run(None, {name: x.numpy() for name, x in feed.items()})
        return torch.from_numpy(answer)

    return [run_onnx, lambda feed: program(**feed)]


def agree(model, folder, shapes=SHAPES):
    for answer in written(model, folder):
        for rows, length in shapes:
            feed = inputs(rows, length)
            torch.testing.assert_close(answer(feed), model(**feed), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("attention", "mode", "level"), MODELS)
def test_bases_and_modes(attention, mode, level, tmp_path):
    options = {"attention": attention, "wavelet": mode, "level": level}
    model = encoder(**options)
    save_file(model.state_dict(), tmp_path / "model.safetensors")
    agree(model, tmp_path)
    torch.manual_seed(1)
    again = Encoder(11, 3, **(SIZES | LAYER | options)).eval()
    again.load_state_dict(load_file(tmp_path / "model.safetensors"))
    feed = inputs(3, 40)
    assert torch.equal(again(**feed), model(**feed))


def test_two_levels_with_pads_that_count(tmp_path):
    options = {"level": 2, "padding": "upstream", "boundary": "upstream"}
    agree(encoder("longformer", "ada", **options), tmp_path, SHAPES[1:])


def test_a_token_of_its_own_for_the_class(tmp_path):
    agree(encoder("linear", "none", pool="cls"), tmp_path)


def test_pairs(tmp_path):
    torch.manual_seed(0)
    model = DualEncoder(11, 3, **SIZES, attention="linear", wavelet="none").eval()
    for answer in written(model, tmp_path):
        for rows, length in SHAPES:
            first, second = inputs(rows, length), inputs(rows, 7, seed=1)
            feed = {f"{name}1": x for name, x in first.items()}
            feed |= {f"{name}2": x for name, x in second.items()}
            torch.testing.assert_close(answer(feed), model(**feed), rtol=1e-4, atol=1e-5)


def test_embeddings_have_length_one(tmp_path):
    model = encoder("linear", "none", classes=None)
    for answer in written(model, tmp_path):
        feed = inputs(4, 33)
        expected = model.pool(model(**feed), feed["lengths"])
        expected = expected / expected.norm(dim=1, keepdim=True)
        torch.testing.assert_close(answer(feed), expected, rtol=1e-4, atol=1e-5)


def test_logits_of_every_place(tmp_path):
    agree(encoder("linear", "none", pool="token"), tmp_path, SHAPES[1:])


def test_what_onnx_cannot_say_is_one_line(tmp_path):
    graph = trace(encoder("linear", "fourier"), MAX_LEN)
    assert write_program(graph, tmp_path)["largest_difference"] < 1e-5
    with pytest.raises(
        UserError, match=r"onnx=true: this model cannot be written as ONNX: .*complex"
    ):
        write_onnx(graph, tmp_path)


def test_wrong_answers_are_seen():
    model = encoder("linear", "none")
    graph = trace(model, MAX_LEN)

    def at_the_traced_length(feed):
        right = feed["tokens"].shape[1] == graphs.TRACED_LENGTH
        return model(**feed) + (0 if right else 0.01)

    with pytest.raises(UserError, match=r"differs from the model by 1\.0e-02 on tokens \[1, 1\]"):
        largest_difference(graph, at_the_traced_length)
    with pytest.raises(UserError, match="differs from the model by nan"):
        largest_difference(graph, lambda feed: model(**feed) * torch.nan)
    with pytest.raises(UserError, match=r"refuses tokens \[1, 1\], lengths \[1\]: no such size"):
        largest_difference(graph, lambda feed: (_ for _ in ()).throw(RuntimeError("no such size")))
