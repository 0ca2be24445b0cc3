"""The attention that is called as nn.MultiheadAttention is, alone and inside torch's encoder."""

import pytest
import torch
from torch import nn

from wavspa import WavSpMultiheadAttention, swap_attention
from wavspa.attention import BASES
from wavspa.wavelets import MODES

DIM, HEADS, MAX_LEN = 8, 2, 40
OPTIONS = {"taps": 4, "level": 2, "window": 5, "rank": 7, "max_len": MAX_LEN}
LENGTHS = torch.tensor([19, 1, 6])
PADS = torch.arange(19) >= LENGTHS[:, None]
CLOSE = {"rtol": 1e-9, "atol": 1e-9}


def random(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, dtype=torch.float64, generator=generator)


def attention(**options):
    torch.manual_seed(0)
    return WavSpMultiheadAttention(DIM, HEADS, **{**OPTIONS, **options}).double().eval()


def encoder_layer(**options):
    torch.manual_seed(0)
    return nn.TransformerEncoderLayer(
        DIM, HEADS, 16, batch_first=True, dtype=torch.float64, **options
    )


def call(module, x, pads=None):
    return module(x, x, x, key_padding_mask=pads)[0]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("base", BASES)
def test_it_is_the_layer(base, mode):
    module = attention(batch_first=True, attention=base, wavelet=mode)
    x = random(3, 19, DIM)
    assert torch.equal(call(module, x), module.attention(x))
    padded = call(module, x, PADS)
    torch.testing.assert_close(padded, module.attention(x, LENGTHS), **CLOSE)
    assert module(x, x, x)[1] is None


def test_every_shape_that_torch_takes():
    module = attention(batch_first=True)
    x = random(3, 19, DIM)
    y = call(module, x, PADS)
    assert torch.equal(call(module, x[2], PADS[2]), y[2])
    module.batch_first = False
    across = x.transpose(0, 1)
    assert torch.equal(call(module, across, PADS).transpose(0, 1), y)
    assert torch.equal(call(module, x[2], PADS[2]), y[2])


def test_masks_of_numbers_mean_the_same():
    module = attention(batch_first=True)
    x = random(3, 19, DIM)
    for low in (float("-inf"), torch.finfo(torch.float64).min):
        mask = torch.zeros(3, 19, dtype=torch.float64).masked_fill(PADS, low)
        assert torch.equal(call(module, x, mask), call(module, x, PADS))


@pytest.mark.parametrize("mode", ["none", "ada", "ortho", "lift"])
def test_pads_may_stand_anywhere(mode):
    module = attention(batch_first=True, wavelet=mode)
    sequence = random(1, 11, DIM)
    alone = call(module, sequence)[0]
    for places in (range(11), range(8, 19), [0, 1, 3, 4, 5, 9, 10, 11, 14, 17, 18]):
        places = torch.tensor(list(places))
        x, pads = 100 * random(1, 19, DIM, seed=1), torch.ones(1, 19, dtype=torch.bool)
        x[0, places], pads[0, places] = sequence, False
        y = call(module, x, pads)[0]
        torch.testing.assert_close(y[places], alone, **CLOSE)
        assert (y[pads[0]] == 0).all()


@pytest.mark.parametrize("value", [1.0, float("nan"), float("inf")])
@pytest.mark.parametrize("mode", ["none", "ada", "lift", "fourier"])
def test_a_row_of_pads_alone_harms_nobody(mode, value):
    module = attention(batch_first=True, wavelet=mode)
    x = torch.stack([random(9, DIM), torch.full((9, DIM), value)]).double().requires_grad_()
    pads = torch.tensor([[False] * 9, [True] * 9])
    y = call(module, x, pads)
    torch.testing.assert_close(y[0], call(module, x[:1])[0], **CLOSE)
    assert (y[1] == 0).all()
    y.sum().backward()
    assert y.isfinite().all()
    assert all(z.grad.isfinite().all() for z in (x, *module.parameters()))


def test_gradients():
    module = attention(batch_first=True, level=1)
    x = random(2, 7, DIM).requires_grad_()
    pads = torch.tensor([[False] * 7, [True, False, False, True, False, True, True]])
    assert torch.autograd.gradcheck(lambda x: call(module, x, pads), [x])


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_backward_hooks_see_its_gradients(device):
    module, seen = attention(batch_first=True).to(device), []
    x = random(2, 9, DIM).to(device).requires_grad_()
    (expected,) = torch.autograd.grad(call(module, x).square().sum(), x)
    module.register_full_backward_hook(lambda module, inputs, outputs: seen.append(inputs[0]))
    by_name = module(x, key=x, value=x)[0].square().sum()
    for loss in (call(module, x).square().sum(), by_name):
        (gradient,) = torch.autograd.grad(loss, x)
        assert gradient.shape == seen[-1].shape == x.shape
        if device == "cpu":
            assert torch.equal(gradient, expected)
            assert torch.equal(seen[-1], expected)


def test_what_it_cannot_do_is_said():
    module = attention(batch_first=True)
    x, other = random(2, 9, DIM), random(2, 9, DIM, seed=1)
    both = random(2, 2, 9, DIM)
    for apart in (
        (x, other, other),
        (x, x, x.clone()),
        (x.requires_grad_(), x.detach(), x),
        (*both, both[0]),
    ):
        with pytest.raises(ValueError, match="query, key and value must be one tensor"):
            module(*apart)
    with pytest.raises(ValueError, match="key_padding_mask"):
        module(x, x, x, attn_mask=torch.zeros(9, 9))
    with pytest.raises(ValueError, match="is_causal"):
        module(x, x, x, is_causal=True)


@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize("mode", ["none", "ada", "ortho", "lift"])
@pytest.mark.parametrize("base", BASES)
def test_in_torchs_encoder_a_row_is_as_alone(base, mode, norm_first):
    options = {**OPTIONS, "attention": base, "wavelet": mode}
    layer = swap_attention(encoder_layer(norm_first=norm_first), **options)
    encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False).eval()
    x = random(3, 19, DIM)
    y = encoder(x, src_key_padding_mask=PADS)
    for row, n in enumerate(LENGTHS.tolist()):
        torch.testing.assert_close(encoder(x[row : row + 1, :n])[0], y[row, :n], **CLOSE)
    with torch.no_grad():  # where torch would take its fused path
        torch.testing.assert_close(encoder(x, src_key_padding_mask=PADS), y, **CLOSE)
        assert torch.equal(encoder(x), encoder(x))


def test_a_whole_encoder_is_swapped():
    encoder = nn.TransformerEncoder(encoder_layer(), 3).eval()
    assert encoder.use_nested_tensor
    assert swap_attention(encoder, wavelet="ortho", taps=4) is encoder
    for layer in encoder.layers:
        new = layer.self_attn
        assert isinstance(new, WavSpMultiheadAttention)
        assert new.batch_first
        assert not new.training
        assert {p.dtype for p in new.parameters()} == {torch.float64}
        assert new.attention.wavelet.num_taps == 4
    x = random(3, 19, DIM)
    with torch.no_grad():
        y = encoder(x, src_key_padding_mask=PADS)
        alone = encoder(x[2:, :6])[0]
    torch.testing.assert_close(y[2, :6], alone, **CLOSE)
    assert not any(isinstance(module, nn.MultiheadAttention) for module in encoder.modules())


def test_an_attention_of_two_names_stays_one():
    model = nn.ModuleDict({"first": nn.MultiheadAttention(DIM, HEADS)})
    model["second"] = model["first"]
    swap_attention(model, taps=4)
    assert isinstance(model["first"], WavSpMultiheadAttention)
    assert model["second"] is model["first"]


def test_torchs_fused_path_cannot_leave_it_out_unseen():
    encoder = nn.TransformerEncoder(encoder_layer(), 1).eval()
    encoder.layers[0].self_attn = attention(batch_first=True)
    with torch.no_grad(), pytest.raises(RuntimeError, match="swap_attention"):
        encoder(random(3, 19, DIM), src_key_padding_mask=PADS)


def test_it_learns_inside_torchs_encoder():
    """Which of two tokens comes first in the sequence: no single position tells."""
    torch.manual_seed(0)
    embedding, head = nn.Embedding(3, DIM), nn.Linear(DIM, 2)
    layer = nn.TransformerEncoderLayer(DIM, HEADS, 16, dropout=0.0, batch_first=True)
    encoder = swap_attention(nn.TransformerEncoder(layer, 1), taps=4)
    model = nn.ModuleList([embedding, encoder, head])
    optimizer = torch.optim.Adam(model.parameters(), 3e-2)
    tokens = torch.zeros(16, 12, dtype=torch.long)
    places = torch.rand(16, 12).argsort(dim=1)[:, :2].sort(dim=1).values
    labels = torch.arange(16) % 2
    tokens.scatter_(1, places, torch.stack([1 + labels, 2 - labels], dim=1))
    losses = []
    for _ in range(60):
        logits = head(encoder(embedding(tokens)).mean(dim=1))
        losses.append(nn.functional.cross_entropy(logits, labels))
        optimizer.zero_grad()
        losses[-1].backward()
        optimizer.step()
    assert losses[0] > 0.6
    assert losses[-1] < 0.3


def test_what_cannot_be_swapped_is_said():
    with pytest.raises(ValueError, match="only the attention of the encoder"):
        swap_attention(nn.TransformerDecoder(nn.TransformerDecoderLayer(DIM, HEADS, 16), 1))
    with pytest.raises(ValueError, match=r"holds no nn\.MultiheadAttention"):
        swap_attention(nn.Linear(2, 2))
    with pytest.raises(ValueError, match="holds no"):
        swap_attention(nn.MultiheadAttention(DIM, HEADS))
    with pytest.raises(TypeError, match="tapz"):
        swap_attention(encoder_layer(), tapz=4)


@pytest.mark.slow
def test_compiles_and_exports():
    module = attention(batch_first=True)
    x = random(3, 19, DIM)
    compiled = torch.compile(module, backend="eager", fullgraph=True)
    torch.testing.assert_close(call(compiled, x, PADS), call(module, x, PADS), **CLOSE)
