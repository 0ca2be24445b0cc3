"""A single layer, other than trained: exported, differentiated twice and forwards, run in bfloat16."""

import copy
import itertools

import pytest
import torch
from torch.export import Dim, export
from torch.func import functional_call
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from wavspa import WavSpAttention, WavSpMultiheadAttention
from wavspa.attention import BASES, performer
from wavspa.wavelets import MODES

CELLS = list(itertools.product(BASES, ["none", "ada", "ortho", "lift", "fourier", "conv"]))


def layer(base, mode, dim=8, heads=2):
    torch.manual_seed(0)
    options = {"max_len": 310, "window": 5, "rank": 4, "taps": 4, "level": 2}
    return WavSpAttention(dim, heads, attention=base, wavelet=mode, **options)


@pytest.mark.slow
@pytest.mark.parametrize(("base", "mode"), CELLS)
def test_a_layer_is_exported_with_a_free_length(base, mode):
    module = layer(base, mode).eval()
    example = (torch.randn(2, 16, 8), torch.tensor([16, 9]))
    program = export(module, example, dynamic_shapes=({1: Dim.AUTO}, None)).module()
    for length in (16, 23, 33, 5, 300):
        x, lengths = torch.randn(2, length, 8), torch.tensor([length, length // 2])
        torch.testing.assert_close(program(x, lengths), module(x, lengths))


@pytest.mark.slow
@pytest.mark.parametrize(("base", "mode"), [("softmax", "ada"), ("performer", "lift")])
def test_a_named_length_is_exported_as_a_multiple(base, mode):
    module = layer(base, mode).eval()
    example = (torch.randn(2, 16, 8), torch.tensor([16, 9]))
    named = 4 * Dim("n", min=2, max=70)  # 4 is 2 ** level
    program = export(module, example, dynamic_shapes=({1: named}, None)).module()
    for length in (16, 24, 276):
        x, lengths = torch.randn(2, length, 8), torch.tensor([length, length // 2])
        torch.testing.assert_close(program(x, lengths), module(x, lengths))


def second_derivative(module, x):
    (gradient,) = torch.autograd.grad(module(x).square().sum(), x, create_graph=True)
    return torch.autograd.grad(gradient.square().sum(), x)


def forward_derivative(module, x):
    return torch.func.jvp(module, (x.detach(),), (torch.ones_like(x),))


@pytest.mark.slow
@pytest.mark.parametrize("derivative", [second_derivative, forward_derivative])
@pytest.mark.parametrize("mode", ["none", "ada", "lift"])
def test_softmax_is_differentiated_twice_and_forwards_by_plain_attention(derivative, mode):
    module = layer("softmax", mode).double()
    x = torch.randn(1, 9, 8, dtype=torch.float64, requires_grad=True)
    with sdpa_kernel(SDPBackend.MATH):
        derivative(module, x)
        assert torch.autograd.gradcheck(module, x)
        assert torch.autograd.gradgradcheck(module, x)
        output, change = forward_derivative(module, x)
        step = 1e-6
        torch.testing.assert_close(
            change, (module(x + step) - module(x - step)) / (2 * step), rtol=1e-5, atol=1e-7
        )
    torch.testing.assert_close(output, module(x))


def gradient_of(module, x, weights):
    x = x.clone().requires_grad_()
    (module(x).float() * weights).sum().backward()
    return x.grad.float()


@pytest.mark.parametrize("mode", ["none", "ada", "lift"])
def test_performer_in_bfloat16_differs_by_the_features_that_rounding_switches(monkeypatch, mode):
    """With the gates that relu has in float32, the gradient is as close as that of the other bases."""
    module = layer("performer", mode, dim=32, heads=4)
    x, weights = torch.randn(2, 2, 64, 32)
    relu, gates = F.relu, []

    def recorded(x):
        gates.append(x > 0)
        return relu(x)

    monkeypatch.setattr(performer.F, "relu", recorded)
    expected = gradient_of(module, x, weights)
    monkeypatch.setattr(performer.F, "relu", lambda x: x * gates.pop(0))
    low = gradient_of(copy.deepcopy(module).bfloat16(), x.bfloat16(), weights)
    assert not gates
    assert (low - expected).norm() < 0.02 * expected.norm()


IMPOSSIBLE = {
    "floats": [12.0, 9.0],
    "zero": [12, 0],
    "longer": [13, 9],
    "another batch": [12, 9, 9],
}


# torch, of its kernels under vmap.
@pytest.mark.filterwarnings("ignore:There is a performance drop")
@pytest.mark.parametrize(("base", "mode"), CELLS)
def test_the_door_of_a_layer_is_the_same_for_all_cells(base, mode):
    module, x = layer(base, mode).eval(), torch.randn(2, 12, 8)
    for given in IMPOSSIBLE.values():
        with pytest.raises(ValueError, match=r"^lengths"):
            module(x, torch.tensor(given))
    assert module(x[:0], torch.zeros(0, dtype=torch.int64)).shape == (0, 12, 8)
    lengths = torch.tensor([12, 9])
    mapped = torch.vmap(module)(torch.stack([x, x]), torch.stack([lengths, lengths]))
    torch.testing.assert_close(mapped[1], module(x, lengths))


def parameters_apart(mode):
    """Three layers whose filters differ too."""
    layers = []
    for seed in range(3):
        layers.append(layer("softmax", mode).double())
        torch.manual_seed(seed)
        for values in layers[-1].state_dict().values():
            values += 0.1 * torch.randn_like(values)
    return layers


# torch, of its kernels under vmap.
@pytest.mark.filterwarnings("ignore:There is a performance drop")
@pytest.mark.parametrize("mode", MODES)
def test_an_ensemble_is_mapped_over_its_parameters(mode):
    layers, lengths = parameters_apart(mode), torch.tensor([12, 9])
    x = torch.randn(2, 12, 8, dtype=torch.float64)
    state = torch.func.stack_module_state(layers)
    for real in (None, lengths):
        mapped = torch.func.vmap(lambda *own: functional_call(layers[0], own, (x, real)))(*state)  # noqa: B023
        torch.testing.assert_close(mapped, torch.stack([module(x, real) for module in layers]))


# torch, of its kernels under vmap.
@pytest.mark.filterwarnings("ignore:There is a performance drop")
@pytest.mark.parametrize("mode", ["ada", "ortho", "lift", "conv"])
def test_filters_have_a_jacobian_forwards_and_a_hessian(mode):
    (module, *_), x = parameters_apart(mode), torch.randn(1, 12, 8, dtype=torch.float64)
    filters = {
        name: values for name, values in module.state_dict().items() if name.startswith("wavelet")
    }

    def loss(filters):
        return functional_call(module, filters, (x,)).square().sum()

    with sdpa_kernel(SDPBackend.MATH):
        backwards = torch.func.jacrev(loss)(filters)
        torch.testing.assert_close(torch.func.jacfwd(loss)(filters), backwards)
        twice = torch.func.jacrev(torch.func.jacrev(loss))(filters)
        torch.testing.assert_close(torch.func.hessian(loss)(filters), twice)


@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
@pytest.mark.parametrize("mode", ["none", "ada", "lift", "fourier"])
def test_a_traced_layer_is_right_at_another_length(mode):
    module = layer("softmax", mode).eval()
    traced, other = torch.jit.trace(module, (torch.randn(2, 12, 8),)), torch.randn(2, 9, 8)
    torch.testing.assert_close(traced(other), module(other))


def test_a_mask_of_integers_is_refused():
    x, mask = torch.randn(2, 12, 8), torch.ones(2, 12, dtype=torch.int64)
    module = WavSpMultiheadAttention(8, 2, batch_first=True)
    with pytest.raises(ValueError, match="key_padding_mask"):
        module(x, x, x, key_padding_mask=mask)
