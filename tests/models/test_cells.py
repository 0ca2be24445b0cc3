"""Every cell (base x mode) compiles, exports, runs on meta tensors, trains, copies and casts."""

import copy
import itertools
import shutil

import pytest
import torch
import torch.nn.functional as F
from torch.export import Dim, export

from wavspa import Encoder
from wavspa.attention import BASES
from wavspa.wavelets import MODES

CELLS = list(itertools.product(BASES, ["none", "ada", "ortho", "lift"]))
WITH_ABLATIONS = list(itertools.product(BASES, MODES))
VOCABULARY, CLASSES = 11, 3


def encoder(base, mode, **options):
    torch.manual_seed(0)
    sizes = {"max_len": 310, "dim": 8, "depth": 1, "heads": 2, "mlp_dim": 8, "dropout": 0.0}
    layer = {"attention": base, "wavelet": mode, "taps": 6, "level": 2, "window": 5, "rank": 4}
    return Encoder(VOCABULARY, CLASSES, **(sizes | layer | options))


def batch(*lengths, pads=0):
    generator = torch.Generator().manual_seed(len(lengths) + max(lengths))
    shape = (len(lengths), max(lengths) + pads)
    return torch.randint(1, VOCABULARY, shape, generator=generator), torch.tensor(lengths)


def gradients(module, logits):
    F.cross_entropy(logits, torch.arange(len(logits)) % CLASSES).backward()
    found = {name: parameter.grad for name, parameter in module.named_parameters()}
    module.zero_grad()
    return found


@pytest.fixture
def dynamo():
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


@pytest.mark.slow
@pytest.mark.parametrize(("base", "mode"), CELLS)
def test_compiles_whole(base, mode, dynamo):
    """One graph, forward and backward, equal to the eager module."""
    module, inputs = encoder(base, mode), batch(37, 1, 12, 5)
    compiled = torch.compile(module, fullgraph=True, backend="aot_eager")
    expected = module(*inputs)
    logits = compiled(*inputs)
    torch.testing.assert_close(logits, expected)
    wanted = gradients(module, expected)
    torch.testing.assert_close(gradients(module, logits), wanted)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("c++") is None, reason="inductor needs a C++ compiler")
def test_compiles_with_inductor(dynamo):
    for base, mode in (("performer", "ada"), ("longformer", "lift")):
        module, inputs = encoder(base, mode, level=1), batch(37, 1, 12, 5)
        with torch.no_grad():
            compiled = torch.compile(module, fullgraph=True)
            torch.testing.assert_close(compiled(*inputs), module(*inputs), rtol=1e-4, atol=1e-5)


# The two bases that look at the length: what they do, not the mode, is in question (and it takes long).
@pytest.mark.slow
@pytest.mark.parametrize(("base", "mode"), [("softmax", "ada"), ("longformer", "ada")])
def test_compiled_once_for_several_lengths(base, mode, dynamo):
    """Length buckets change N: dynamo goes over to symbolic lengths and still makes one graph."""
    module = encoder(base, mode).eval()
    compiled = torch.compile(module, fullgraph=True, backend="eager")
    with torch.no_grad():
        for lengths in ((37, 1, 12), (100, 99), (65, 64, 3, 1)):
            inputs = batch(*lengths)
            torch.testing.assert_close(compiled(*inputs), module(*inputs))


@pytest.mark.slow
@pytest.mark.parametrize(("base", "mode"), CELLS)
def test_exports(base, mode):
    module, inputs = encoder(base, mode).eval(), batch(37, 1, 12, 5)
    program = export(module, inputs).module()
    torch.testing.assert_close(program(*inputs), module(*inputs))
    others = batch(9, 37, 2, 30)
    torch.testing.assert_close(program(*others), module(*others))


# Tokens of rows that an exported program with a free length takes, whose example has 257. Lifting needs more
# than 2^level (wavspa.exports.trace adds pads).
LENGTHS = [1, 2, 20, 66, 67, 128, 281, 300, 301]


@pytest.mark.slow
@pytest.mark.parametrize(("base", "mode"), CELLS)
def test_exports_with_dynamic_batch_and_length(base, mode):
    module = encoder(base, mode).eval()
    shapes = {"tokens": {0: Dim.AUTO, 1: Dim.AUTO}, "lengths": {0: Dim.AUTO}}
    program = export(module, batch(257, 1, 12, 5), dynamic_shapes=shapes).module()
    for length in LENGTHS if mode != "lift" else LENGTHS[2:]:
        inputs = batch(length, 1, max(1, length - 3))
        torch.testing.assert_close(program(*inputs), module(*inputs))


@pytest.mark.parametrize(("base", "mode"), WITH_ABLATIONS)
def test_runs_on_meta_tensors(base, mode):
    with torch.device("meta"):
        module = encoder(base, mode, pool="token")
    assert all(p.is_meta for p in itertools.chain(module.parameters(), module.buffers()))
    tokens, lengths = (t.to("meta") for t in batch(37, 1, 12, 5))
    logits = module(tokens, lengths)
    assert logits.is_meta
    assert logits.shape == (4, 37, CLASSES)
    assert module(tokens).shape == (4, 37, CLASSES)


@pytest.mark.parametrize("precision", ["float32", "bf16"])
@pytest.mark.parametrize(("base", "mode"), WITH_ABLATIONS)
def test_trains_one_step(base, mode, precision):
    module, (tokens, lengths) = encoder(base, mode, dropout=0.1).train(), batch(37, 1, 12, 5)
    before = copy.deepcopy(module.state_dict())
    optimizer = torch.optim.AdamW(module.parameters(), lr=1e-2)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bf16"):
        loss = F.cross_entropy(module(tokens, lengths).float(), torch.tensor([0, 1, 2, 0]))
    loss.backward()
    assert loss.isfinite()
    for name, parameter in module.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().sum() > 0, name
    optimizer.step()
    for name, parameter in module.named_parameters():
        assert parameter.isfinite().all(), name
        assert not torch.equal(parameter, before[name]), name


@pytest.mark.parametrize(("base", "mode"), WITH_ABLATIONS)
def test_autocast_stays_close_to_float32(base, mode):
    module, inputs = encoder(base, mode).eval(), batch(37, 1, 12, 5)
    expected = module(*inputs)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = module(*inputs)
    torch.testing.assert_close(logits.float(), expected, rtol=0, atol=0.1)


@pytest.mark.parametrize("features", ["relu", "favor"])
@pytest.mark.parametrize(("base", "mode"), WITH_ABLATIONS)
def test_copies_and_states(base, mode, features):
    if features == "favor" and base != "performer":
        pytest.skip("features are the performer's")
    module, inputs = encoder(base, mode, features=features).eval(), batch(37, 1, 12, 5)
    logits = module(*inputs)
    assert torch.equal(copy.deepcopy(module)(*inputs), logits)
    torch.manual_seed(1)
    other = copy.deepcopy(module)
    for tensor in other.state_dict().values():
        tensor.normal_()
    assert not torch.equal(other(*inputs), logits)
    other.load_state_dict(module.state_dict())
    assert torch.equal(other(*inputs), logits)


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-4), (torch.bfloat16, 0.2)], ids=str
)
@pytest.mark.parametrize(("base", "mode"), WITH_ABLATIONS)
def test_casts(base, mode, dtype, tolerance):
    module, inputs = encoder(base, mode).eval(), batch(37, 1, 12, 5)
    expected = module(*inputs)
    logits = module.to(dtype)(*inputs)
    assert logits.dtype == dtype
    torch.testing.assert_close(logits.float(), expected, rtol=0, atol=tolerance)
