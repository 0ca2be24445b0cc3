"""The parts of the encoders against plain formulas, and what they refuse."""

import math

import pytest
import torch
from torch import nn

from wavspa import DualEncoder, Encoder, WavSpAttention
from wavspa.attention import BASES
from wavspa.models.block import Block
from wavspa.models.pooling import POOLS, Pool
from wavspa.models.position_embeddings import AddPositions, sinusoids

SIZES = {"max_len": 20, "dim": 8, "depth": 2, "heads": 2, "mlp_dim": 12, "taps": 4}
LENGTHS = [7, 1, 4]


def encoder(classes=3, **options):
    torch.manual_seed(0)
    return Encoder(11, classes, **(SIZES | options))


def tokens(batch=3, length=7):
    return torch.randint(1, 11, (batch, length), generator=torch.Generator().manual_seed(0))


def pooled(kind, row, max_len=9):
    """The pool of one row of real states [n, D], by its definition."""
    n = len(row)
    if kind == "mean":
        return sum(row) / n
    if kind == "sum":
        return sum(row)
    if kind == "cls":
        return row[0]
    if kind == "cls2":
        return row[0] + row[-1]
    if kind == "clsm":
        return row[0] + row[-1] + row[n // 2]
    return torch.cat([*row, torch.zeros((max_len - n) * row.shape[1])])


@pytest.mark.parametrize("kind", [p for p in POOLS if p != "token"])
def test_pools(kind):
    states, pool = torch.randn(3, 7, 4), Pool(kind, 4, max_len=9)
    assert pool.out_dim == (36 if kind == "flatten" else 4)
    result = pool(states, torch.tensor(LENGTHS))
    expected = torch.stack([pooled(kind, s[:n]) for s, n in zip(states, LENGTHS, strict=True)])
    torch.testing.assert_close(result, expected)
    whole = torch.stack([pooled(kind, row) for row in states])
    torch.testing.assert_close(pool(states), whole)


@pytest.mark.parametrize("kind", [p for p in POOLS if p not in ("token", "clsm")])
def test_upstream_pools_count_pads(kind):
    states = torch.randn(3, 7, 4)
    result = Pool(kind, 4, max_len=9, upstream=True)(states, torch.tensor(LENGTHS))
    torch.testing.assert_close(result, torch.stack([pooled(kind, row) for row in states]))


def test_upstream_clsm_takes_the_middle_of_the_features():
    states = torch.randn(2, 9, 4)
    result = Pool("clsm", 4, max_len=9, upstream=True)(states)
    torch.testing.assert_close(result, states[:, 0] + states[:, 8] + states[:, 2])


def test_token_pool_keeps_states_and_zeroes_pads():
    states = torch.randn(3, 7, 4)
    result = Pool("token", 4, max_len=9)(states, torch.tensor(LENGTHS))
    for row, state, n in zip(result, states, LENGTHS, strict=True):
        assert torch.equal(row[:n], state[:n])
        assert (row[n:] == 0).all()


def test_sinusoids():
    for dim in (6, 7):
        expected = [
            [
                (math.cos if i % 2 else math.sin)(pos / 10_000 ** ((i - i % 2) / dim))
                for i in range(dim)
            ]
            for pos in range(5)
        ]
        torch.testing.assert_close(sinusoids(5, dim), torch.tensor(expected))


def test_positions():
    x = torch.randn(2, 5, 6)
    torch.testing.assert_close(AddPositions("sinusoidal", 9, 6)(x), x + sinusoids(5, 6))
    for kind in ("rotary", "none"):
        assert torch.equal(AddPositions(kind, 9, 6)(x), x)
    learned = AddPositions("learned", 900, 60)
    assert isinstance(learned.table, nn.Parameter)
    assert abs(learned.table.std() - 0.02) < 1e-3
    y = torch.randn(2, 5, 60)
    assert torch.equal(learned(y), y + learned.table[:5])


def test_a_model_built_without_memory_has_the_same_positions():
    model = encoder().eval()
    with torch.device("meta"):
        other = Encoder(11, 3, **SIZES).eval()
    other.to_empty(device="cpu").load_state_dict(model.state_dict())
    assert torch.equal(other(tokens()), model(tokens()))


def test_sinusoids_that_were_rounded_are_exact_again():
    positions = AddPositions("sinusoidal", 9, 6)
    assert torch.equal(positions.bfloat16().table, sinusoids(9, 6).bfloat16())
    assert torch.equal(positions.float().table, sinusoids(9, 6))
    learned = AddPositions("learned", 9, 6)
    before = learned.table.detach().clone()
    assert torch.equal(learned.double().table, before.double())


@pytest.mark.parametrize("positions", ["sinusoidal", "learned", "rotary", "none"])
def test_a_sequence_longer_than_max_len(positions):
    model = encoder(positions=positions)
    assert model(tokens(1, 20)).shape == (1, 3)
    with pytest.raises(ValueError, match="a sequence of 21 positions is longer than the 20"):
        model(tokens(1, 21))
    with_cls = encoder(positions=positions, pool="cls")
    assert with_cls(tokens(1, 20)).shape == (1, 3)
    with pytest.raises(ValueError, match="a sequence of 22 positions is longer than the 21"):
        with_cls(tokens(1, 21))


@pytest.mark.parametrize("positions", ["sinusoidal", "learned", "rotary"])
def test_positions_matter(positions):
    """Without positions softmax knows no order; with them it does."""
    ids, order = tokens(1, 7), torch.tensor([3, 0, 6, 5, 1, 4, 2])
    blind = encoder(wavelet="none", positions="none").eval()
    torch.testing.assert_close(blind(ids[:, order]), blind(ids))
    seeing = encoder(wavelet="none", positions=positions).eval()
    assert not torch.allclose(seeing(ids[:, order]), seeing(ids), atol=1e-5)


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("wavelet", ["none", "ada"])
def test_every_base_has_rotary_positions(base, wavelet):
    ids, order = tokens(1, 7), torch.tensor([3, 0, 6, 5, 1, 4, 2])
    options = {"attention": base, "wavelet": wavelet, "rank": 4}
    torch.manual_seed(1)
    rotary = encoder(positions="rotary", **options).eval()
    plain = encoder(positions="none", **options).eval()
    plain.load_state_dict(rotary.state_dict())
    assert not torch.allclose(rotary(ids), plain(ids), atol=1e-6)
    assert not torch.allclose(rotary(ids[:, order]), rotary(ids), atol=1e-6)


def test_per_token_head():
    model = encoder(pool="token").eval()
    ids, lengths = tokens(), torch.tensor(LENGTHS)
    logits = model(ids, lengths)
    states = encoder(classes=None, pool="token").eval()
    states.load_state_dict({k: v for k, v in model.state_dict().items() if "head" not in k})
    expected = model.head(states(ids, lengths))
    assert logits.shape == (3, 7, 3)
    for row, want, n in zip(logits, expected, LENGTHS, strict=True):
        torch.testing.assert_close(row[:n], want[:n])


def test_the_parts_in_their_order():
    """Embedding, positions, blocks, norm, pool, head; the block as its docstring says."""
    model = encoder(positions="learned").eval()
    ids, lengths = tokens(), torch.tensor(LENGTHS)
    x = model.embedding.weight[ids] + model.positions.table[:7]
    for block in model.blocks:
        x = x + block.attention(block.norm(x), lengths)
        h = block.before_mlp(x)
        h = nn.functional.gelu(h @ block.mlp[0].weight.t() + block.mlp[0].bias, approximate="tanh")
        x = x + h @ block.mlp[3].weight.t() + block.mlp[3].bias
    x = (x - x.mean(-1, keepdim=True)) / (x.var(-1, keepdim=True, correction=0) + 1e-6).sqrt()
    mean = torch.stack([row[:n].mean(0) for row, n in zip(x, LENGTHS, strict=True)])
    hidden = torch.relu(mean @ model.head[0].weight.t() + model.head[0].bias)
    logits = hidden @ model.head[2].weight.t() + model.head[2].bias
    torch.testing.assert_close(model(ids, lengths), logits, rtol=1e-5, atol=1e-5)


def test_cls_is_prepended():
    """The learned token stands first: with it as an ordinary first token nothing changes."""
    model = encoder(pool="cls").eval()
    assert model.cls.shape == (1, 1, 8)
    assert (model.cls == 0).all()
    model.cls.data.normal_()
    other = encoder(classes=None, max_len=21).eval()
    state = {k: v for k, v in model.state_dict().items() if k != "cls" and "head" not in k}
    other.load_state_dict(state)
    other.embedding.weight.data[0] = model.cls.data[0, 0]
    ids, lengths = tokens(), torch.tensor(LENGTHS)
    states = other(nn.functional.pad(ids, (1, 0)), lengths + 1)
    torch.testing.assert_close(model(ids, lengths), model.head(states[:, 0]))
    assert encoder(classes=None, pool="cls").cls is None
    assert encoder(pool="mean").cls is None


def test_norm_mlp():
    """Upstream's block has a dropout where ours has a LayerNorm, and none on its branch."""
    ours, upstream = (
        Block(8, 12, WavSpAttention(8, 2, taps=4), 0.5, norm_mlp=n) for n in (True, False)
    )
    assert isinstance(ours.before_mlp, nn.LayerNorm)
    assert ours.branch_dropout.p == 0.5
    assert isinstance(upstream.before_mlp, nn.Dropout)
    assert upstream.before_mlp.p == 0.5
    assert upstream.branch_dropout.p == 0
    upstream.load_state_dict(
        {k: v for k, v in ours.state_dict().items() if not k.startswith("before_mlp")}
    )
    x = torch.randn(2, 9, 8)
    ours.eval(), upstream.eval()
    branch = x + ours.attention(ours.norm(x))
    torch.testing.assert_close(ours(x), branch + ours.mlp(ours.before_mlp(branch)))
    torch.testing.assert_close(upstream(x), branch + ours.mlp(branch))


def test_dropout_rates():
    model = encoder(dropout=0.3, attention_dropout=0.2, attention="softmax")
    block = model.blocks[0]
    assert model.dropout.p == block.branch_dropout.p == block.mlp[2].p == block.mlp[4].p == 0.3
    assert [a.dropout for a in block.attention.attentions] == [0.2, 0.2]
    assert encoder(dropout=0.3).blocks[0].attention.attentions[0].dropout == 0.3


def test_dropout_is_for_training_only():
    model, ids = encoder(dropout=0.5), tokens()
    assert not torch.equal(model.train()(ids), model(ids))
    assert torch.equal(model.eval()(ids), model(ids))
    still = encoder(dropout=0.0).train()
    assert torch.equal(still(ids), still(ids))


def test_sizes_arrive():
    model = encoder(depth=3, qkv_dim=6, head_dim=5, attention="longformer", window=9, level=2)
    assert len(model.blocks) == 3
    layer = model.blocks[0].attention
    assert len(layer.attentions) == 3
    assert all(a.query.weight.shape == (6, 8) and a.window == 9 for a in layer.attentions)
    assert model.head[0].weight.shape == (5, 8)
    assert model.head[2].weight.shape == (3, 5)
    linformer = encoder(attention="linformer", rank=5, level=2, pool="cls").blocks[0].attention
    rows = linformer.wavelet.band_lengths(21)
    assert [a.along_time.shape for a in linformer.attentions] == [(n, 5) for n in rows]
    performer = encoder(attention="performer", features="favor", random_features=7)
    assert performer.blocks[0].attention.attentions[0].projection.shape == (7, 4)
    fixed = encoder(wavelet="fixed", wavelet_name="sym5").blocks[0].attention.wavelet
    assert fixed.num_taps == 10


@pytest.mark.parametrize("interaction", ["none", "nli"])
@pytest.mark.parametrize("pool", ["mean", "flatten", "cls"])
def test_dual_encoder(pool, interaction):
    torch.manual_seed(0)
    options = SIZES | {"pool": pool, "interaction": interaction, "head_dim": 10}
    dual = DualEncoder(11, 3, **options).eval()
    first, second = tokens(3, 7), tokens(3, 5) % 7 + 1
    lengths1, lengths2 = torch.tensor(LENGTHS), torch.tensor([2, 5, 1])
    e1 = vectors(dual.encoder(first, lengths1), lengths1, pool)
    e2 = vectors(dual.encoder(second, lengths2), lengths2, pool)
    parts = [e1, e2] if interaction == "none" else [e1, e2, e1 * e2, e1 - e2]
    h = torch.cat(parts, dim=1)
    first_layer, second_layer, last = (dual.head[i] for i in (0, 2, 4))
    assert [len(d.bias) for d in (first_layer, second_layer, last)] == [10, 5, 3]
    for layer in (first_layer, second_layer):
        h = torch.relu(h @ layer.weight.t() + layer.bias)
    logits = h @ last.weight.t() + last.bias
    torch.testing.assert_close(dual(first, second, lengths1, lengths2), logits)
    assert not torch.allclose(dual(first, second), logits)
    assert dual.encoder.cls is None
    assert dual.encoder.head is None


def vectors(states, lengths, pool):
    rows = zip(states, lengths.tolist(), strict=True)
    return torch.stack([pooled(pool, row[:n], SIZES["max_len"]) for row, n in rows])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pool": "max"}, "pool='max' is unknown; choose one of mean, sum, cls, cls2, clsm, fl"),
        ({"positions": "alibi"}, "positions='alibi' is unknown; choose one of sinusoidal, learned"),
        ({"padding": "left"}, "padding='left' is unknown; choose one of mask, upstream"),
        ({"attention": "lsh"}, "attention='lsh' is unknown; choose one of softmax, longformer"),
        ({"wavelet": "db2"}, "wavelet='db2' is unknown; choose one of none, ada, ortho, lift"),
        ({"boundary": "wrap"}, "boundary='wrap' is unknown; choose one of zero, reflect"),
        ({"features": "elu", "attention": "performer"}, "features='elu' is unknown; choose one of"),
        ({"wavelet": "fixed", "wavelet_name": "db0"}, "wavelet_name='db0' is not an orthogonal"),
        ({"taps": 5}, "taps must be even and at least 2, got 5"),
        ({"taps": 78}, "at most 76 .*got 78"),
        ({"level": 0}, "level must be at least 1, got 0"),
        ({"window": 0, "attention": "longformer"}, "window must be at least 1, got 0"),
        ({"heads": 3}, "dim must be a multiple of heads=3, got 8"),
        ({"max_len": 0}, "max_len must be at least 1, got 0"),
        ({"dim": 0}, "dim must be at least 1, got 0"),
        ({"mlp_dim": 0}, "mlp_dim must be at least 1, got 0"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
@pytest.mark.parametrize("kind", [Encoder, DualEncoder])
def test_impossible_options(kind, options, message):
    with pytest.raises(ValueError, match=message) as error:
        kind(11, 3, **(SIZES | options))
    assert "\n" not in str(error.value)


def test_dual_encoder_refuses():
    with pytest.raises(ValueError, match="interaction='sum' is unknown; choose one of none, nli"):
        DualEncoder(11, 3, **SIZES, interaction="sum")
    with pytest.raises(
        ValueError, match="pool must give one vector per sequence for pairs, got 'token'"
    ):
        DualEncoder(11, 3, **SIZES, pool="token")
    with pytest.raises(ValueError, match="classes must be at least 1, got 0"):
        DualEncoder(11, 0, **SIZES)
    for width in (0, 1):
        with pytest.raises(
            ValueError, match=f"head_dim must be at least 2 for a pair, got {width}"
        ):
            DualEncoder(11, 3, **SIZES, head_dim=width)
    with pytest.raises(ValueError, match="mlp_dim must be at least 2 for a pair, got 1"):
        DualEncoder(11, 3, **SIZES | {"mlp_dim": 1})
    assert DualEncoder(11, 3, **SIZES | {"mlp_dim": 1}, head_dim=2).head[2].out_features == 1


def test_vocabulary_must_not_be_empty():
    with pytest.raises(ValueError, match="vocab_size must be at least 1, got 0"):
        Encoder(0, 3, **SIZES)


def test_unknown_option():
    with pytest.raises(TypeError, match="wavelet_taps"):
        encoder(wavelet_taps=4)
