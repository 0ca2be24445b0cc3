"""The attention bases by their definitions: a dense matrix of weights for every row and head.

``attention(module, x, lengths)`` reads the parameters of our module and nothing else of it, so that
gradients of both computations can be compared.
"""

import cmath
import math

import torch
import torch.nn.functional as F

from wavspa.attention import Linear, Linformer, Longformer, Performer, Softmax


def attention(module, x, lengths=None):
    """``x [B, N, D]`` -> [B, N, D], one row and one head after the other."""
    length = x.shape[1]
    reals = [length] * len(x) if lengths is None else lengths.tolist()
    return torch.stack(
        [
            one_row(module, row, torch.arange(length) < real)
            for row, real in zip(x, reals, strict=True)
        ]
    )


def one_row(module, x_ND, real_N):
    q, k, v = (F.linear(x_ND, p.weight, p.bias) for p in (module.query, module.key, module.value))
    width = len(module.query.weight) // module.heads
    heads = []
    for head in range(module.heads):
        columns = slice(head * width, (head + 1) * width)
        heads.append(one_head(module, q[:, columns], k[:, columns], v[:, columns], real_N))
    return F.linear(torch.cat(heads, dim=1), module.out.weight, module.out.bias)


def one_head(module, q, k, v, real):
    """Queries, keys and values [N, K] -> [N, K]; ``real [N]`` are the keys that count."""
    length = len(q)
    everywhere = real.expand(length, length)
    turn = rotate if module.rotary else torch.clone
    if isinstance(module, Softmax):
        q, k = turn(q), turn(k)
        return weighted(softmax_weights(q, k, everywhere), v)
    if isinstance(module, Longformer):
        seen = everywhere & window(length, module.window)
        q, k = turn(q), turn(k)
        # A masked query may see no key at all; what it gives has no meaning, but must be finite.
        return weighted(softmax_weights(q, k, seen | torch.eye(length).bool() & ~real), v)
    if isinstance(module, Linformer):
        rows = module.along_time[:length] * real[:, None]
        q, k = turn(q), turn(k)
        mixed_k, mixed_v = rows.t() @ k, rows.t() @ v
        all_mixtures = torch.ones(length, len(mixed_k), dtype=torch.bool)
        return weighted(softmax_weights(q, mixed_k, all_mixtures), mixed_v)
    if isinstance(module, Linear):
        return kernel(F.elu(q) + 1, F.elu(k) + 1, v, everywhere, turn, epsilon=1e-6)
    assert isinstance(module, Performer)
    q, k, v = (
        layer_norm(t, n.weight, n.bias) for t, n in zip((q, k, v), module.norms, strict=True)
    )
    if module.features == "relu":
        return kernel(F.relu(q) + 1e-3, F.relu(k) + 1e-3, v, everywhere, turn)
    q, k = favor(q, module.projection), favor(k, module.projection)
    return kernel(q, k, v, everywhere, turn)


def kernel(q, k, v, seen, turn, epsilon=0.0):
    """Features [N, F] and values [N, K] -> [N, K]: turned above, as they are below the line."""
    above, below = turn(q) @ turn(k).t() * seen, q @ k.t() * seen
    return (above @ v) / (below.sum(1, keepdim=True) + epsilon)


def weighted(weights, v):
    return (weights / weights.sum(1, keepdim=True)) @ v


def softmax_weights(q, k, allowed):
    return torch.exp(q @ k.t() / math.sqrt(q.shape[1])) * allowed


def window(length, size):
    """Key j is seen by query i at offsets j - i from -(size - size // 2) + 1 to size // 2."""
    left, right = size - size // 2, size // 2
    rows = [[-left < j - i <= right for j in range(length)] for i in range(length)]
    return torch.tensor(rows)


def layer_norm(x, scale, bias):
    centred = x - x.mean(-1, keepdim=True)
    return centred / (centred.square().mean(-1, keepdim=True) + 1e-6).sqrt() * scale + bias


def favor(x, directions):
    """``exp(w x' - |x'|^2 / 2)``, x' = x / K^(1/4): in the mean ``exp(q k / sqrt(K))``."""
    x = x / x.shape[1] ** 0.25
    return torch.exp(x @ directions.t() - x.square().sum(1, keepdim=True) / 2)


def rotate(x):
    """Turn the pairs (x_i, x_{i + K/2}), as complex numbers, by position times 10000^(-2i/K)."""
    length, width = x.shape
    half = width // 2
    turns = torch.tensor(
        [
            [cmath.exp(1j * n * 10_000 ** (-2 * i / width)) for i in range(half)]
            for n in range(length)
        ],
        dtype=torch.complex128,
    )
    turned = torch.complex(x[:, :half], x[:, half:]) * turns
    return torch.cat([turned.real, turned.imag], dim=1)
