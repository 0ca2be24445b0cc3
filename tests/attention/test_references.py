"""Every base against its dense definition: values, gradients, key masks, and what it refuses."""

import pytest
import torch
import torch.nn.functional as F

from references import attention as reference
from support.attention_checks import (
    CLOSE,
    DIM,
    HEADS,
    MAX_LEN,
    WINDOWS,
    assert_matches,
    build,
    ragged,
    random,
)
from wavspa.attention import (
    BASES,
    AttentionOptions,
    Linformer,
    Performer,
    Softmax,
    build_attention,
)
from wavspa.attention.base import kernel_attention, real_positions
from wavspa.attention.longformer import attend_in_window
from wavspa.attention.performer import orthogonal_features
from wavspa.attention.rotary import rotate

VARIANTS = {
    "softmax": ("softmax", {}),
    "rotary": ("softmax", {"rotary": True}),
    "wide": ("softmax", {"qkv_dim": 12}),
    "longformer": ("longformer", {"window": 5}),
    "linformer": ("linformer", {"rank": 3}),
    "linear": ("linear", {}),
    "performer": ("performer", {}),
    "favor": ("performer", {"features": "favor", "random_features": 6}),
    "rotary longformer": ("longformer", {"window": 5, "rotary": True}),
    "rotary linformer": ("linformer", {"rank": 3, "rotary": True}),
    "rotary linear": ("linear", {"rotary": True}),
    "rotary performer": ("performer", {"rotary": True}),
    "rotary favor": ("performer", {"features": "favor", "random_features": 6, "rotary": True}),
}
ROTARY = [variant for variant in VARIANTS if "rotary" in variant]
# Favor's features have a floor of 1e-6 that the definition does not have.
LOOSE = {variant: {"rtol": 1e-4, "atol": 1e-4} for variant in ("favor", "rotary favor")}


@pytest.mark.parametrize("shape", [(3, 13), (1, 6), (1, 1), (2, 1)], ids=str)
@pytest.mark.parametrize("variant", VARIANTS)
def test_values_and_gradients(variant, shape):
    name, options = VARIANTS[variant]
    module = build(name, **options)
    for lengths in (None, ragged(*shape)):
        assert_matches(module, random(*shape, DIM), lengths, LOOSE.get(variant, CLOSE))


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("length", [1, 2, 7, 64, 65, 130])
def test_longformer_windows(window, length):
    """Windows on both sides of the length, and lengths on both sides of the blocks."""
    module = build("longformer", window=window)
    for lengths in (None, ragged(2, length)[1:]):
        assert_matches(module, random(1, length, DIM), lengths, CLOSE)


@pytest.mark.parametrize("window", [1, 8, 65])
def test_a_window_over_scattered_keys(window):
    """As upstream's plain baselines need it: pads are where tokens are 0."""
    q, k, v = (random(1, 2, 70, 4, seed=seed) for seed in range(3))
    real = random(1, 70, seed=9) > 0
    seen = real & reference.window(70, window) | torch.eye(70).bool()
    weights = reference.softmax_weights(q[0, 1], k[0, 1], seen)
    ours = attend_in_window(q, k, v, real, window)[0, 1]
    # A query that is no key itself sees itself all the same: only those that are have a meaning.
    torch.testing.assert_close(
        ours[real[0]], reference.weighted(weights, v[0, 1])[real[0]], **CLOSE
    )


def test_window_of_the_whole_sequence_is_softmax():
    longformer, softmax = build("longformer", window=40), build("softmax")
    x = random(2, 20, DIM)
    torch.testing.assert_close(longformer(x), softmax(x), **CLOSE)


def test_window_of_one_passes_values_through():
    module = build("longformer", window=1)
    x = random(2, 20, DIM)
    torch.testing.assert_close(module(x), module.out(module.value(x)), **CLOSE)


@pytest.mark.parametrize("variant", VARIANTS)
def test_pads_do_not_matter(variant):
    name, options = VARIANTS[variant]
    module = build(name, **options)
    x, lengths = random(2, 11, DIM), torch.tensor([7, 1])
    real = real_positions(lengths, 11)[..., None]
    huge = torch.where(real, x, 1e4 * random(2, 11, DIM, seed=3)).requires_grad_()
    y = module(huge, lengths)
    torch.testing.assert_close(y * real, module(x, lengths) * real, **CLOSE)
    assert y.isfinite().all()
    (gradient,) = torch.autograd.grad((y * real).sum(), [huge])
    assert gradient.isfinite().all()
    assert (gradient.masked_select(~real) == 0).all()
    alone = module(x[:1, :7])
    torch.testing.assert_close(y[:1, :7], alone, **CLOSE)
    assert not torch.allclose(module(huge)[:, :7], y[:, :7])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("variant", VARIANTS)
def test_half_types(variant, dtype):
    name, options = VARIANTS[variant]
    module, x = build(name, **options), random(2, 11, DIM)
    lengths = torch.tensor([7, 11])
    expected = module(x, lengths)[0, :7]
    y = module.to(dtype)(x.to(dtype), lengths)
    assert y.dtype == dtype
    torch.testing.assert_close(y[0, :7].to(expected.dtype), expected, rtol=0, atol=0.1)
    y.sum().backward()
    assert all(parameter.grad.isfinite().all() for parameter in module.parameters())


@pytest.mark.parametrize("variant", [v for v in VARIANTS if v not in (*ROTARY, "linformer")])
def test_bases_do_not_know_positions(variant):
    """Permuted inputs give permuted outputs, but for the window, the projection and rotation."""
    name, options = VARIANTS[variant]
    module = build(name, **(options if name != "longformer" else {"window": 40}))
    x, order = random(2, 9, DIM), torch.randperm(9)
    torch.testing.assert_close(module(x[:, order]), module(x)[:, order], **CLOSE)


def test_rotary_scores_depend_on_distances_only():
    module = build("softmax", rotary=True)
    q, k, v = (random(1, 1, 8, 4, seed=s) for s in (1, 2, 3))

    def late(t):
        return torch.cat([random(1, 1, 5, 4, seed=4), t], dim=2)

    scores = rotate(q) @ rotate(k).mT
    shifted = (rotate(late(q)) @ rotate(late(k)).mT)[..., 5:, 5:]
    torch.testing.assert_close(shifted, scores, **CLOSE)
    assert not torch.allclose(scores, q @ k.mT, atol=1e-3)
    attended = F.scaled_dot_product_attention(rotate(q), rotate(k), v)
    torch.testing.assert_close(module.attend(q, k, v, None), attended, **CLOSE)


def test_rotary_features_give_what_depends_on_distances_only():
    phi_q, phi_k, v = (random(1, 2, 8, 4, seed=s).abs() for s in (1, 2, 3))

    def late(t):
        # Keys without features have no weight.
        return torch.cat([torch.zeros(1, 2, 5, 4), t], dim=2)

    here = kernel_attention(phi_q, phi_k, v, rotary=True)
    later = kernel_attention(late(phi_q), late(phi_k), late(v), rotary=True)
    torch.testing.assert_close(later[:, :, 5:], here, rtol=0, atol=1e-5)
    assert not torch.allclose(here, kernel_attention(phi_q, phi_k, v), atol=1e-3)


def test_a_rotary_window_gives_what_depends_on_distances_only():
    module = build("longformer", window=5, rotary=True)
    q, k, v = (random(1, 2, 9, 4, seed=s) for s in (1, 2, 3))
    late = [torch.cat([random(1, 2, 6, 4, seed=4), t], dim=2) for t in (q, k, v)]
    # The first two see others than those that stood at the start of the row.
    here, later = module.attend(q, k, v, None), module.attend(*late, None)
    torch.testing.assert_close(later[:, :, 8:], here[:, :, 2:], rtol=0, atol=1e-5)


def favor(width, count):
    options = AttentionOptions(features="favor", random_features=count)
    return Performer(width, 1, options, norm=False).double()


def test_favor_comes_close_to_softmax():
    torch.manual_seed(1)
    width, count = 8, 8192
    performer = favor(width, count)
    softmax = Softmax(width, 1).double()
    q, k, v = (random(1, 1, 30, width, seed=s) / 2 for s in (1, 2, 3))
    lengths = torch.tensor([25])
    exact = softmax.attend(q, k, v, lengths)
    error = (performer.attend(q, k, v, lengths) - exact).abs().max()
    few = favor(width, 8)
    assert error < 0.1 * exact.abs().max()
    assert error < (few.attend(q, k, v, lengths) - exact).abs().max() / 3


def test_favor_directions_are_orthogonal_in_blocks():
    torch.manual_seed(0)
    features = orthogonal_features(20, 8).double()
    lengths = features.norm(dim=1)
    gram = (features / lengths[:, None]) @ (features / lengths[:, None]).t()
    for start in (0, 8, 16):
        block = gram[start : start + 8, start : start + 8]
        torch.testing.assert_close(block, torch.eye(len(block)).double(), rtol=0, atol=1e-6)
    assert len(set(lengths.tolist())) == 20
    many = orthogonal_features(4000, 8).square().sum(1)
    assert abs(many.mean() - 8) < 0.3


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_favor_is_built_in_a_half_type(dtype):
    torch.manual_seed(0)
    expected = orthogonal_features(20, 8)
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        torch.manual_seed(0)
        projection = orthogonal_features(20, 8)
    finally:
        torch.set_default_dtype(before)
    assert torch.equal(projection, expected.to(dtype))


def test_favor_features_are_kept_with_the_model():
    module = Performer(DIM, HEADS, AttentionOptions(features="favor"))
    assert "projection" in module.state_dict()
    assert module.projection.shape == (4 * 2, 4)  # K ceil(ln K)


def test_favor_survives_large_inputs():
    module = build("performer", features="favor").float()
    x = (100 * random(2, 9, DIM)).float().requires_grad_()
    y = module(x, torch.tensor([9, 4]))
    y.sum().backward()
    assert y.isfinite().all()
    assert x.grad.isfinite().all()


def train(name, **options):
    torch.manual_seed(0)
    return build(name, dropout=0.5, **options).train()


def assert_dropped(dropped, whole):
    """Each entry is either zero or doubled, and there are both."""
    kept = dropped != 0
    assert 0.2 < kept.double().mean() < 0.8
    torch.testing.assert_close(dropped[kept], 2 * whole[kept], **CLOSE)


@pytest.mark.parametrize("name", ["softmax", "longformer"])
def test_dropout_on_probabilities(name):
    module, length = train(name), 60
    q, k = random(1, 1, length, 4), random(1, 1, length, 4, seed=1)
    identity = torch.eye(length, dtype=torch.float64)[None, None]
    dropped = module.attend(q, k, identity, None)
    assert_dropped(dropped, module.eval().attend(q, k, identity, None))


def test_dropout_of_linformer_before_the_last_projection():
    module, seen = train("linformer"), []
    module.out.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
    x = random(2, 30, DIM)
    module(x)
    module.eval()(x)
    assert_dropped(*seen)


def test_dropout_of_linear_on_the_output():
    module, x = train("linear"), random(2, 30, DIM)
    assert_dropped(module(x), module.eval()(x))


def test_performer_has_no_dropout():
    module, x = train("performer"), random(2, 30, DIM)
    torch.testing.assert_close(module(x), module.eval()(x), rtol=0, atol=0)


@pytest.mark.parametrize("name", BASES)
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"heads": 3}, "dim must be a multiple of heads=3, got 8"),
        ({"heads": 0}, "heads must be at least 1, got 0"),
        ({"qkv_dim": 7}, "qkv_dim must be a multiple of heads=2, got 7"),
        ({"qkv_dim": 0}, "qkv_dim must be a multiple of heads=2, got 0"),
    ],
)
def test_heads_must_divide(name, options, message):
    others = {option: value for option, value in options.items() if option != "heads"}
    with pytest.raises(ValueError, match=message):
        build_attention(
            name, DIM, options.get("heads", HEADS), AttentionOptions(max_len=MAX_LEN, **others)
        )


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("lsh", {}, "attention='lsh' is unknown; choose one of softmax, longformer, linformer, l"),
        ("longformer", {"window": 0}, "window must be at least 1, got 0"),
        ("linformer", {"rank": 0}, "rank must be at least 1, got 0"),
        ("linformer", {"max_len": 0}, "max_len must be at least 1, got 0"),
        ("linformer", {"max_len": None}, "linformer needs max_len"),
        ("softmax", {"max_len": 0}, "max_len must be at least 1, got 0"),
        *[
            (name, {"dropout": rate}, f"dropout must be from 0 to 1, got {rate}")
            for name, rate in zip(BASES, (2.0, -0.5, 1.5, float("nan"), 2.0), strict=True)
        ],
        ("performer", {"features": "elu"}, "features='elu' is unknown; choose one of relu, favor"),
        (
            "performer",
            {"features": "favor", "random_features": 0},
            "random_features must be at least 1, got 0",
        ),
        *[
            (
                name,
                {"rotary": True, "qkv_dim": 6},
                "the head width must be even with rotary positions",
            )
            for name in BASES
        ],
        (
            "performer",
            {"features": "favor", "random_features": 7, "rotary": True},
            "random_features must be even with rotary positions, got 7",
        ),
    ],
)
def test_bases_refuse(name, options, message):
    with pytest.raises(ValueError, match=message):
        build_attention(name, DIM, HEADS, AttentionOptions(**{"max_len": MAX_LEN} | options))


def test_linformer_refuses_a_longer_sequence():
    module = Linformer(DIM, HEADS, AttentionOptions(max_len=5))
    assert module(torch.zeros(1, 5, DIM)).shape == (1, 5, DIM)
    with pytest.raises(ValueError, match="at most 5, got 6; raise max_len"):
        module(torch.zeros(1, 6, DIM))


def test_linformer_starts_with_lecun_variance():
    torch.manual_seed(0)
    module = Linformer(400, 4, AttentionOptions(max_len=900))
    assert abs(module.along_time.var() * 900 - 1) < 0.05
    for projection in (module.query, module.key, module.value, module.out):
        assert abs(projection.weight.var() * 400 - 1) < 0.05
        assert (projection.bias == 0).all()


@pytest.mark.parametrize("name", ["softmax", "longformer", "linear", "performer"])
def test_other_bases_start_with_xavier(name):
    module = build_attention(name, 300, 4, AttentionOptions(qkv_dim=100))
    bound = (6 / 400) ** 0.5
    for projection in (module.query, module.key, module.value, module.out):
        assert 0.99 * bound < projection.weight.abs().max() <= bound
        assert (projection.bias is None) == (name != "linear")


@pytest.mark.parametrize("base", ["linear", "performer"])
def test_sums_over_long_rows_stay_in_the_range_of_float16(base):
    torch.manual_seed(0)
    attention = build_attention(base, 64, 4).eval()
    x = torch.randn(1, 8192, 64) + 3
    with torch.no_grad():
        exact = attention(x)
        with torch.autocast("cpu", torch.float16):
            mixed = attention(x)
        halved = attention.half()(x.half())
    torch.testing.assert_close(mixed.float(), exact, rtol=2e-2, atol=2e-2)
    torch.testing.assert_close(halved.float(), exact, rtol=2e-2, atol=2e-2)
