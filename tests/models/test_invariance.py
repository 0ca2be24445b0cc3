"""A row's result depends on its own real positions alone: every base, mode, boundary and pool."""

import pytest
import torch

from wavspa import DualEncoder, Encoder, WavSpAttention
from wavspa.attention import BASES
from wavspa.models.pooling import POOLS
from wavspa.wavelets import BOUNDARIES, MODES

DIM, VOCABULARY, CLASSES, MAX_LEN = 8, 11, 3, 60
LENGTHS = torch.tensor([37, 1, 12, 5])
CLOSE = {"rtol": 1e-9, "atol": 1e-9}
OPTIONS = {"taps": 6, "level": 2, "window": 5, "rank": 7, "max_len": MAX_LEN}


def random(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, dtype=torch.float64, generator=generator)


def real_positions(lengths, length):
    return (torch.arange(length) < lengths[:, None])[..., None]


def make(kind, *arguments, **options):
    """A module in float64 whose parameters are all random, so that nothing vanishes by its start."""
    torch.manual_seed(0)
    module = kind(*arguments, **options).double().eval()
    for index, parameter in enumerate(module.parameters()):
        parameter.data += 0.1 * random(*parameter.shape, seed=index)
    return module


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("base", BASES)
def test_layer(base, mode, boundary):
    layer = make(WavSpAttention, DIM, 2, base, mode, boundary=boundary, **OPTIONS)
    batch, length = len(LENGTHS), 37
    real = real_positions(LENGTHS, length)
    x = (random(batch, length, DIM) * real).requires_grad_()
    y = layer(x, LENGTHS)
    assert (y.masked_select(~real) == 0).all()
    assert y[1, 0].abs().sum() > 0

    (gradient,) = torch.autograd.grad(y, [x], random(*y.shape, seed=1))
    assert (gradient.masked_select(~real) == 0).all()
    x = x.detach()

    more_pads = torch.where(
        real_positions(LENGTHS, length + 8),
        torch.nn.functional.pad(x, (0, 0, 0, 8)),
        100 * random(batch, length + 8, DIM, seed=2),
    )
    padded = layer(more_pads, LENGTHS)
    torch.testing.assert_close(padded[:, :length], y, **CLOSE)
    assert (padded[:, length:] == 0).all()

    order = torch.tensor([2, 0, 3, 1])
    torch.testing.assert_close(layer(x[order], LENGTHS[order]), y[order], **CLOSE)

    for row, n in enumerate(LENGTHS.tolist()):
        torch.testing.assert_close(layer(x[row : row + 1, :n])[0], y[row, :n], **CLOSE)
    others = torch.cat([x[:1], random(batch - 1, length, DIM, seed=3)])
    changed = layer(others, torch.tensor([37, 30, 2, 37]))
    torch.testing.assert_close(changed[0], y[0], **CLOSE)


@pytest.mark.parametrize("attention", [["softmax", "longformer", "linear"], ["performer"] * 3])
def test_a_list_of_bases(attention):
    layer = make(WavSpAttention, DIM, 2, attention, "ortho", **OPTIONS)
    assert [type(a).__name__.lower() for a in layer.attentions] == attention
    real = real_positions(LENGTHS, 37)
    x = random(4, 37, DIM)
    y = layer(x, LENGTHS)
    for row, n in enumerate(LENGTHS.tolist()):
        torch.testing.assert_close(layer(x[row : row + 1, :n])[0], y[row, :n], **CLOSE)
    assert (y.masked_select(~real) == 0).all()


def test_bases_of_a_list_stand_on_their_bands_coarsest_first():
    """Longformer with window 1 on the approximation mixes nothing there."""
    torch.manual_seed(0)
    layer = WavSpAttention(DIM, 2, ["longformer", "softmax", "softmax"], "ada", level=2, window=1)
    seen = []
    for attention in layer.attentions:
        attention.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0].shape[1]))
    layer(torch.randn(1, 50, DIM))
    assert seen == layer.wavelet.band_lengths(50)
    assert seen[0] < seen[2]


@pytest.mark.parametrize(
    ("wavelet", "bands"), [("ada", 3), ("lift", 3), ("none", 1), ("fourier", 1), ("conv", 1)]
)
def test_a_list_of_the_wrong_length(wavelet, bands):
    with pytest.raises(ValueError, match=f"lists 2 bases, but wavelet={wavelet} .* has {bands} ba"):
        WavSpAttention(DIM, 2, ["softmax", "linear"], wavelet, level=2)


def test_unknown_padding():
    with pytest.raises(ValueError, match="padding='crop' is unknown; choose one of mask, upstream"):
        WavSpAttention(DIM, 2, padding="crop")


@pytest.mark.parametrize("mode", MODES)
def test_upstream_padding_ignores_lengths(mode):
    layer = make(WavSpAttention, DIM, 2, "softmax", mode, padding="upstream", **OPTIONS)
    masked = make(WavSpAttention, DIM, 2, "softmax", mode, padding="mask", **OPTIONS)
    x = random(4, 37, DIM)
    torch.testing.assert_close(layer(x, LENGTHS), layer(x), rtol=0, atol=0)
    torch.testing.assert_close(layer(x), masked(x), rtol=0, atol=0)
    assert not torch.allclose(layer(x, LENGTHS)[1, 0], masked(x, LENGTHS)[1, 0])


def tokens(batch, length, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(1, VOCABULARY, (batch, length), generator=generator)


def refill(ids, lengths, pads, seed):
    """The same real tokens with other tokens, and more of them, at the pads."""
    garbage = tokens(len(ids), ids.shape[1] + pads, seed)
    real = real_positions(lengths, garbage.shape[1])[..., 0]
    return torch.where(real, torch.nn.functional.pad(ids, (0, pads)), garbage)


def encoder(**options):
    defaults = {"dim": DIM, "depth": 2, "heads": 2, "mlp_dim": 6, "dropout": 0.3}
    return make(Encoder, VOCABULARY, **(OPTIONS | defaults | options))


@pytest.mark.parametrize("mode", ["none", "ada", "ortho", "lift"])
@pytest.mark.parametrize("pool", POOLS)
def test_encoder(pool, mode):
    model = encoder(classes=CLASSES, pool=pool, wavelet=mode, positions="learned")
    ids = tokens(4, 37)
    logits = model(ids, LENGTHS)
    padded = model(refill(ids, LENGTHS, 6, seed=1), LENGTHS)
    assert (padded[1:] - padded[:1]).abs().max() > 1e-3
    if pool == "token":
        real = real_positions(LENGTHS, 37)
        assert logits.shape == (4, 37, CLASSES)
        torch.testing.assert_close(padded[:, :37] * real, logits * real, **CLOSE)
    else:
        assert logits.shape == (4, CLASSES)
        torch.testing.assert_close(padded, logits, **CLOSE)
    order = torch.tensor([3, 1, 0, 2])
    torch.testing.assert_close(model(ids[order], LENGTHS[order]), logits[order], **CLOSE)
    for row, n in enumerate(LENGTHS.tolist()):
        alone = model(ids[row : row + 1, :n])[0]
        expected = logits[row, :n] if pool == "token" else logits[row]
        torch.testing.assert_close(alone, expected, **CLOSE)


@pytest.mark.parametrize("base", [*BASES, ["softmax", "longformer", "linformer"]], ids=str)
def test_encoder_without_a_head_of_every_base(base):
    model, ids = encoder(attention=base), tokens(4, 37)
    states = model(ids, LENGTHS)
    assert states.shape == (4, 37, DIM)
    padded = model(refill(ids, LENGTHS, 6, seed=1), LENGTHS)
    for row, n in enumerate(LENGTHS.tolist()):
        torch.testing.assert_close(padded[row, :n], states[row, :n], **CLOSE)


@pytest.mark.parametrize("interaction", ["none", "nli"])
@pytest.mark.parametrize("pool", [p for p in POOLS if p != "token"])
def test_dual_encoder(pool, interaction):
    options = {"dim": DIM, "depth": 1, "heads": 2, "mlp_dim": 6, "interaction": interaction}
    model = make(DualEncoder, VOCABULARY, CLASSES, pool=pool, **(OPTIONS | options))
    first, second = tokens(4, 37), tokens(4, 20, seed=5)
    lengths1, lengths2 = LENGTHS, torch.tensor([4, 20, 1, 9])
    logits = model(first, second, lengths1, lengths2)
    padded = model(
        refill(first, lengths1, 6, seed=1), refill(second, lengths2, 9, seed=2), lengths1, lengths2
    )
    torch.testing.assert_close(padded, logits, **CLOSE)
    assert (logits[1:] - logits[:1]).abs().max() > 1e-3
    order = torch.tensor([3, 1, 0, 2])
    permuted = model(first[order], second[order], lengths1[order], lengths2[order])
    torch.testing.assert_close(permuted, logits[order], **CLOSE)
    for row in range(4):
        n1, n2 = lengths1[row], lengths2[row]
        alone = model(first[row : row + 1, :n1], second[row : row + 1, :n2])
        torch.testing.assert_close(alone[0], logits[row], **CLOSE)


def upstream_ids():
    return tokens(4, 37) * real_positions(LENGTHS, 37)[..., 0]


@pytest.mark.parametrize("pool", POOLS)
def test_upstream_encoder_ignores_lengths(pool):
    model = encoder(classes=CLASSES, pool=pool, padding="upstream")
    ids = upstream_ids()
    torch.testing.assert_close(model(ids, LENGTHS), model(ids), rtol=0, atol=0)
    padded = model(torch.nn.functional.pad(ids, (0, 6)))
    if pool == "token":
        padded = padded[:, :37]
    assert not torch.allclose(padded, model(ids))


@pytest.mark.parametrize("pool", ["mean", "cls"])
def test_upstream_encoder_zeroes_token_zero_but_counts_it(pool):
    """What the pad's embedding holds is wiped out in every block; another token's is not."""
    model = encoder(classes=CLASSES, pool=pool, padding="upstream")
    ids = upstream_ids()
    logits = model(ids)
    model.embedding.weight.data[0] = random(DIM, seed=7)
    torch.testing.assert_close(model(ids), logits, **CLOSE)
    model.embedding.weight.data[1] = random(DIM, seed=7)
    assert not torch.allclose(model(ids), logits)
