"""The original's models in NumPy float64, from a description of what it computes; no torch, none of our code.

``parameters(options, rng)`` names and sizes what its Flax modules would create, with random values;
``forward(params, options, tokens)`` is what they compute, with the original's defects or without.
"""

import numpy as np
import pywt

DEFAULTS = {"classifier": True, "classifier_pool": "CLS", "learn_pos_emb": False, "window": 512}
MODULE_OF_MODEL_TYPE = {
    "transformer": "SelfAttention_{}",
    "performer": "PerformerAttn_{}/SelfAttention_0",
    "linformer": "LinformerAttention_{}",
    "linear_attention": "LinearAttention_{}",
    "longformer": "LongformerAttention_{}",
}
LINFORMER_RANK, PORTED_LINFORMER_RANK = 128, 16


def is_dual(options):
    return "Dual" in options["kind"]


def has_cls(options):
    return options["classifier"] and options["classifier_pool"] == "CLS" and not is_dual(options)


def base(options):
    """The attention of a model, by the names of model_type."""
    if "model_type" in options:
        return options["model_type"]
    if "Transformer" in options["kind"]:
        return "transformer"
    name = options["kind"].removeprefix("ported ")
    return "linear_attention" if name == "linear_transformer" else name


# Parameters.


def parameters(options, rng, length=None):
    """Flax names and random float32 arrays; ``length`` is what FLATTEN was initialised with."""
    o = {**DEFAULTS, **options}
    dim, hidden, dual = o["emb_dim"], o["mlp_dim"], is_dual(o)
    p = {}

    def normal(name, *shape, std=0.1, mean=0.0):
        p[name] = (mean + std * rng.standard_normal(shape)).astype(np.float32)

    def dense(name, rows, columns, bias=True):
        normal(f"{name}/kernel", rows, columns, std=rows**-0.5)
        if bias:
            normal(f"{name}/bias", columns)

    def norm(name, width):
        normal(f"{name}/scale", width, mean=1.0)
        normal(f"{name}/bias", width)

    def attention(name, ported):
        kind, heads = base(o), o["num_heads"]
        width = o["qkv_dim"] // heads
        biased = kind in ("linformer", "linear_attention") and not ported
        inner = ["query", "key", "value"]
        if kind == "longformer":
            inner = [f"{part}_{where}" for part in inner for where in ("sliding_window", "global")]
        for part in inner:
            normal(f"{name}/{part}/kernel", dim, heads, width, std=dim**-0.5)
            if biased:
                normal(f"{name}/{part}/bias", heads, width)
        normal(f"{name}/out/kernel", heads, width, dim, std=o["qkv_dim"] ** -0.5)
        if biased:
            normal(f"{name}/out/bias", dim)
        if kind == "linformer":
            rows = o["max_len"] + has_cls(o)
            rank = PORTED_LINFORMER_RANK if ported else LINFORMER_RANK
            normal(f"{name}/lr_kernel", rows, rank, std=rows**-0.5)
        if kind == "performer" and not ported:
            for i in range(3):
                norm(f"{name}/LayerNorm_{i}", width)

    prefix = "encoder/" if dual else ""
    normal(f"{prefix}Embed_0/embedding", o["vocab_size"], dim, std=1.0)
    if has_cls(o):
        normal("cls", 1, 1, dim, std=0.5)
    if o["learn_pos_emb"] and not dual:
        normal("posembed_input/pos_embedding", 1, o["max_len"] + has_cls(o), dim, std=0.5)
    for i in range(o["num_layers"]):
        block = f"{prefix}encoderblock_{i}"
        norm(f"{block}/LayerNorm_0", dim)
        dense(f"{block}/MlpBlock_0/Dense_0", dim, hidden)
        dense(f"{block}/MlpBlock_0/Dense_1", hidden, dim)
        if "wavelet" not in o:
            norm(f"{block}/LayerNorm_1", dim)
            ported = o["kind"].startswith("ported")
            attention(f"{block}/{'attn' if ported else 'SelfAttention_0'}", ported)
            continue
        for j in range(o["level"] + 1):
            attention(f"{block}/{MODULE_OF_MODEL_TYPE[base(o)].format(j)}", ported=False)
        wavelet, taps = o["wavelet"], o["wlen"]
        if "lift" in wavelet:
            normal(f"{block}/adawave_est", taps, dim, std=0.3)
            normal(f"{block}/adawave_pred", taps, dim, std=0.3)
        elif "ortho" in wavelet:
            angles = rng.uniform(0, 2 * np.pi, (taps // 2, dim))
            p[f"{block}/thetas"] = angles.astype(np.float32)
        elif "db" in wavelet:
            normal(f"{block}/adawave", taps, dim, std=(8 * taps) ** -0.5)
            if taps <= 76:
                p[f"{block}/adawave"] += daubechies(taps, dim).astype(np.float32)
    norm(f"{prefix}encoder_norm", dim)
    pooled = dim * (length or o["max_len"]) if o["classifier_pool"] == "FLATTEN" else dim
    if dual:
        dense("mlp", pooled * (4 if o.get("interaction") == "NLI" else 2), hidden)
        dense("mlp2", hidden, hidden // 2)
        dense("logits", hidden // 2, o["num_classes"])
    elif o["classifier"]:
        dense("mlp", pooled, hidden)
        dense("logits", hidden, o["num_classes"])
    return p


# Models.


def forward(params, options, *tokens, defects=True):
    """Logits [B, classes]; without a classifier the states [B, N, E]. One or two ``tokens [B, N]``."""
    p, o = {k: v.astype(np.float64) for k, v in params.items()}, {**DEFAULTS, **options}
    if not is_dual(o):
        states = encode(p, o, tokens[0], defects)
        if not o["classifier"]:
            return states
        return dense(below(p, "logits"), relu(dense(below(p, "mlp"), pool(states, o))))
    alone = {**o, "classifier": False, "learn_pos_emb": False}
    e1, e2 = (pool(encode(below(p, "encoder"), alone, t, defects), o) for t in tokens)
    joined = [e1, e2, e1 * e2, e1 - e2] if o.get("interaction") == "NLI" else [e1, e2]
    x = np.concatenate(joined, axis=1)
    for name in ("mlp", "mlp2"):
        x = relu(dense(below(p, name), x))
    return dense(below(p, "logits"), x)


def pool(x, o):
    """Pads count, and the middle of CLSM is half the *width*; an index past the end is the last."""
    first, last = x[:, 0], x[:, -1]
    return {
        "MEAN": lambda: x.mean(axis=1),
        "SUM": lambda: x.sum(axis=1),
        "FLATTEN": lambda: x.reshape(len(x), -1),
        "CLS": lambda: first,
        "CLS2": lambda: first + last,
        "CLSM": lambda: first + last + x[:, min(x.shape[2] // 2, x.shape[1] - 1)],
    }[o["classifier_pool"]]()


def encode(p, o, tokens, defects):
    x, mask = p["Embed_0/embedding"][tokens], tokens > 0
    if has_cls(o):
        x = np.concatenate([np.repeat(p["cls"], len(x), axis=0), x], axis=1)
        mask = np.concatenate([mask[:, :1], mask], axis=1)
    length, dim = x.shape[1:]
    if o["learn_pos_emb"]:
        x = x + p["posembed_input/pos_embedding"][:, :length]
    else:
        angle = np.arange(length)[:, None] * np.exp(-np.arange(0, dim, 2) * np.log(10_000) / dim)
        x[:, :, 0::2] += np.sin(angle)
        x[:, :, 1::2] += np.cos(angle)
    for i in range(o["num_layers"]):
        block = below(p, f"encoderblock_{i}")
        compute = wavspa_block if "wavelet" in o else baseline_block
        x = compute(block, o, x, mask, defects)
    return layer_norm(below(p, "encoder_norm"), x)


def wavspa_block(p, o, x, mask, defects):
    u = np.where(mask[..., None], x, 0)
    bands, inverse = transform(p, o, layer_norm(below(p, "LayerNorm_0"), u), defects)
    name = MODULE_OF_MODEL_TYPE[base(o)]
    attended = [
        attention(below(p, name.format(j)), o, band, ported=False) for j, band in enumerate(bands)
    ]
    y = inverse(attended)[:, : x.shape[1]] + u
    return y + mlp(below(p, "MlpBlock_0"), y)


def baseline_block(p, o, x, mask, defects):
    ported = o["kind"].startswith("ported")
    seen = None
    if base(o) in ("transformer", "longformer"):
        seen = mask[:, :, None] & mask[:, None, :]
    attn = below(p, "attn" if ported else "SelfAttention_0")
    x = x + attention(attn, o, layer_norm(below(p, "LayerNorm_0"), x), ported, seen)
    return x + mlp(below(p, "MlpBlock_0"), layer_norm(below(p, "LayerNorm_1"), x))


def below(p, name):
    return {k.removeprefix(f"{name}/"): v for k, v in p.items() if k.startswith(f"{name}/")}


def dense(p, x):
    return x @ p["kernel"] + p["bias"]


def relu(x):
    return np.maximum(x, 0)


def layer_norm(p, x):
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = (centred**2).mean(axis=-1, keepdims=True)
    return centred / np.sqrt(variance + 1e-6) * p["scale"] + p["bias"]


def mlp(p, x):
    x = dense(below(p, "Dense_0"), x)
    gelu = x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
    return dense(below(p, "Dense_1"), gelu)


# Attention.


def attention(p, o, x, ported, seen=None):
    """``x [B, N, E]``; ``seen [B, N, N]``: which key a query may attend to, None all."""
    kind, length = base(o), x.shape[1]
    suffix = "_sliding_window" if kind == "longformer" else ""
    q, k, v = (
        np.einsum("bne,ehk->bhnk", x, p[f"{name}{suffix}/kernel"])
        + p.get(f"{name}{suffix}/bias", np.zeros((1, 1)))[:, None]
        for name in ("query", "key", "value")
    )
    if kind == "performer" and not ported:
        q, k, v = (layer_norm(below(p, f"LayerNorm_{i}"), a) for i, a in enumerate((q, k, v)))
    if kind in ("performer", "linear_attention"):
        if kind == "performer":
            q, k, epsilon = relu(q) + 1e-3, relu(k) + 1e-3, 0
        else:
            q, k, epsilon = elu(q) + 1, elu(k) + 1, 1e-6
        weights = q @ k.swapaxes(2, 3)
        y = weights @ v / (weights.sum(axis=3, keepdims=True) + epsilon)
    else:
        if kind == "linformer":
            rows = p["lr_kernel"][:length]
            k, v = (np.einsum("nr,bhnk->bhrk", rows, a) for a in (k, v))
        scores = q @ k.swapaxes(2, 3) / np.sqrt(q.shape[3])
        if kind == "longformer":
            offset = np.arange(length) - np.arange(length)[:, None]
            window = o["window"]
            inside = (offset > window // 2 - window) & (offset <= window // 2)
            seen = inside if seen is None else seen & inside
        if seen is not None:
            # Replaced, not lowered: a query that sees nothing attends to everything alike.
            seen = seen if seen.ndim == 2 else seen[:, None]
            scores = np.where(seen, scores, -1e30)
        weights = np.exp(scores - scores.max(axis=3, keepdims=True))
        y = weights / weights.sum(axis=3, keepdims=True) @ v
    return np.einsum("bhnk,hke->bne", y, p["out/kernel"]) + p.get("out/bias", 0)


def elu(x):
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))


# Wavelets.


def transform(p, o, z, defects):
    """Coefficients ``[cA_J, cD_J, ..., cD_1]`` of ``z [B, N, E]``, and the function that inverts them."""
    wavelet, taps, level = o["wavelet"], o["wlen"], o["level"]
    if "lift" in wavelet:
        filters = p["adawave_est"], p["adawave_pred"]
        steps = adaptive_steps(*filters) if "adalift" in wavelet else fixed_steps()
        misaligned = defects and "adalift" not in wavelet
        return lift(z, level, *steps), lambda bands: unlift(bands, *steps, misaligned)
    if "ortho" in wavelet:
        h = lattice(p["thetas"])
    elif "db" in wavelet:
        h = p["adawave"]
    else:
        h = daubechies(taps, z.shape[2])
    assert len(h) == taps
    low = h[::-1, ::-1] if defects else h[::-1]
    high = h * (-1.0) ** np.arange(taps)[:, None]
    return wavedec(z, level, low, high), lambda bands: waverec(bands, low, high)


def daubechies(taps, dim):
    return np.repeat(np.array(pywt.Wavelet(f"db{taps // 2}").dec_lo)[:, None], dim, axis=1)


def lattice(thetas):
    c = np.zeros((2 * len(thetas), thetas.shape[1]))
    c[0] = 1
    for t in thetas:
        even, odd = c[0::2].copy(), c[1::2].copy()
        c[0::2] = np.sin(t) * even + np.cos(t) * odd
        c[1::2] = np.cos(t) * even - np.sin(t) * odd
        c = np.roll(c, 1, axis=0)
    return np.roll(c, -1, axis=0)


def wavedec(x, level, low, high):
    details, taps = [], len(low)
    for _ in range(level):
        pad = taps - 2
        x = np.pad(x, ((0, 0), (pad, pad + x.shape[1] % 2), (0, 0)), mode="reflect")
        half = x.shape[1] // 2
        place = (2 * np.arange(half)[:, None] + np.arange(taps)) % (2 * half)
        windows = x[:, place]
        details.append(np.einsum("bmke,ke->bme", windows, high))
        x = np.einsum("bmke,ke->bme", windows, low)
    return [x, *details[::-1]]


def waverec(bands, low, high):
    x, taps = bands[0], len(low)
    for step, detail in enumerate(bands[1:]):
        half = detail.shape[1]
        result = np.zeros((len(x), 2 * half, x.shape[2]))
        for k in range(taps):
            place = (2 * np.arange(half) + k) % (2 * half)
            result[:, place] += x * low[k] + detail * high[k]
        x = result[:, taps - 2 : 2 * half - (taps - 2)]
        if step + 2 < len(bands) and x.shape[1] != bands[step + 2].shape[1]:
            x = x[:, :-1]
    return x


def fixed_steps():
    return (
        lambda even: (even + np.roll(even, -1, axis=1)) / 2,
        lambda detail: (np.roll(detail, 1, axis=1) + detail) / 4,
    )


def adaptive_steps(predict, update):
    def circular(x, w):
        taps = min(len(w), x.shape[1])
        return sum(np.roll(x, -k, axis=1) * w[k] for k in range(taps))

    def silu(x):
        return x / (1 + np.exp(-x))

    return lambda e: silu(circular(e, predict)) / 2, lambda d: silu(circular(d, update)) / 4


def lift(x, level, predict, update):
    details = []
    for _ in range(level):
        x = np.pad(x, ((0, 0), (0, x.shape[1] % 2), (0, 0)))
        even, odd = x[:, 0::2], x[:, 1::2]
        details.append(odd - predict(even))
        x = even + update(details[-1])
    return [x, *details[::-1]]


def unlift(bands, predict, update, misaligned):
    x = bands[0]
    for detail in bands[1:]:
        if misaligned:
            detail = np.pad(detail, ((0, 0), (0, x.shape[1] - detail.shape[1]), (0, 0)))
        x = x[:, : detail.shape[1]]
        even = x - update(detail)
        odd = detail + predict(even)
        x = np.stack([even, odd], axis=2).reshape(len(x), -1, x.shape[2])
    return x
