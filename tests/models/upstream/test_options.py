"""Every option of the original, in combination, against a NumPy implementation of its description."""

import re
from itertools import combinations, product

import numpy as np
import pytest
import torch

from references import upstream_numpy
from support import golden_vectors as golden
from support.golden_vectors import agree
from wavspa.models.upstream import build_from_flax
from wavspa.models.upstream.weights import flax_names, from_flax

SIZES = {"vocab_size": 11, "emb_dim": 16, "num_layers": 2, "mlp_dim": 12, "num_classes": 3}
FORMS = ("classifier", "states", "pair", "nli")
PORTED = tuple(
    f"ported {name}" for name in ("linear_transformer", "linformer", "longformer", "performer")
)
POOLS = ("MEAN", "SUM", "CLS", "CLS2", "CLSM", "FLATTEN")
ANY_MODEL = {
    "classifier_pool": POOLS,
    "learn_pos_emb": (False, True),
    "qkv_dim": (16, 8),
    "num_heads": (1, 2),
    "max_len": (40, 41),
    "window": (512, 7),
    "tokens": ("whole", "shorter", "three", "first pad", "holes", "single row"),
}
WAVSPA = ANY_MODEL | {
    "form": FORMS,
    "model_type": ("transformer", "longformer", "linformer", "linear_attention", "performer"),
    "wavelet": ("db2", "ortho", "lift", "adalift", "fix", "life"),
    "level": (1, 2, 3),
    "wlen": (2, 4, 8, 16, 42),
}
BASELINES = ANY_MODEL | {
    "form": FORMS,
    "kind": ("Transformer", *PORTED),
}
# Pairs that fail in the original: the band is longer than linformer's projection, and so on.
IMPOSSIBLE = [
    {"model_type": "linformer", "wlen": 42},
    {"form": "pair", "classifier_pool": "CLSM"},
    {"form": "nli", "classifier_pool": "CLSM"},
    *({"form": form, "kind": kind} for form in ("pair", "nli") for kind in PORTED),
]
USUAL = {name: values[0] for name, values in WAVSPA.items()} | {"wlen": 8}
BEYOND = [
    USUAL | {"model_type": "longformer", "max_len": 600},
    {name: values[0] for name, values in BASELINES.items()}
    | {"kind": "ported longformer", "max_len": 600},
    USUAL | {"wlen": 256, "wavelet": "db128"},
    USUAL | {"wlen": 256, "wavelet": "ortho", "level": 2},
    USUAL | {"wlen": 76, "wavelet": "fix"},
]


def covering(factors, seed):
    """Cases in which every possible pair of two factors' values occurs, and not many more."""
    rng = np.random.default_rng(seed)

    def possible(case):
        return not any(bad.items() <= case.items() for bad in IMPOSSIBLE)

    def pairs(case):
        return {frozenset(pair) for pair in combinations(case.items(), 2)}

    todo = set()
    for (a, values), (b, others) in combinations(factors.items(), 2):
        both = [{a: x, b: y} for x, y in product(values, others)]
        todo |= {frozenset(pair.items()) for pair in both if possible(pair)}
    cases = []
    while todo:
        needed = dict(min(todo, key=lambda pair: sorted(map(str, pair))))
        candidates = []
        while len(candidates) < 30:
            case = {k: v[rng.integers(len(v))] for k, v in factors.items()} | needed
            if possible(case):
                candidates.append(case)
        best = max(candidates, key=lambda case: len(pairs(case) & todo))
        todo -= pairs(best)
        cases.append(best)
    return cases


def case_name(case):
    return "-".join(str(value).replace(" ", "_") for value in case.values())


def options_of(case):
    """The original's options for a case, and how its tokens look."""
    options = SIZES | case
    form, tokens = options.pop("form"), options.pop("tokens")
    kind = options.get("kind", "Wavspa")
    if not kind.startswith("ported"):
        kind += "DualEncoder" if form in ("pair", "nli") else "Encoder"
        kind += " (upstream)" if kind.startswith("Transformer") else ""
    options |= {"kind": kind, "classifier": form != "states"}
    if form in ("pair", "nli"):
        options["interaction"] = "NLI" if form == "nli" else None
    return options, tokens


def draw_tokens(options, look, rng):
    length = {"shorter": 27, "three": 3}.get(look, options["max_len"])
    tokens = rng.integers(1, options["vocab_size"], (1 if look == "single row" else 3, length))
    for row, pads in zip(tokens, (5, 0, 8), strict=False):
        row[max(1, length - pads) :] = 0
    if look == "first pad":
        tokens[:, 0] = 0
    if look == "holes":
        tokens[rng.random(tokens.shape) < 0.3] = 0
        tokens[1] = 0
    return tokens


def draw(case):
    options, look = options_of(case)
    rng = np.random.default_rng(sum(map(ord, case_name(case))))
    count = 2 if upstream_numpy.is_dual(options) else 1
    tokens = [draw_tokens(options, look, rng) for _ in range(count)]
    params = upstream_numpy.parameters(options, rng, length=tokens[0].shape[1])
    return params, options, tokens


def check(case):
    params, options, tokens = draw(case)
    for defects in (True, False):
        if defects and options.get("wavelet") in ("fix", "life") and options["wlen"] > 40:
            continue
        module = build_from_flax(params, options, upstream_defects=defects)
        output = module(*map(torch.tensor, tokens))
        expected = upstream_numpy.forward(params, options, *tokens, defects=defects)
        agree(output, expected, golden.LOGIT, f"defects={defects}")
        check_gradient(module, output, params, options, tokens, defects)


def check_gradient(module, output, params, options, tokens, defects):
    """The slope of a random sum of the output along a random direction in parameter space."""
    rng, step = np.random.default_rng(0), 1e-8
    weights = rng.standard_normal(output.shape)
    direction = {name: rng.standard_normal(value.shape) for name, value in params.items()}
    ends = []
    for sign in (1, -1):
        moved = {name: params[name] + sign * step * direction[name] for name in params}
        ends.append(
            (weights * upstream_numpy.forward(moved, options, *tokens, defects=defects)).sum()
        )
    expected = (ends[0] - ends[1]) / (2 * step)
    (output * torch.tensor(weights)).sum().backward()
    slope, size = 0.0, 0.0
    for name, parameter in flax_names(module).items():
        along = from_flax(name, torch.tensor(direction[name]), parameter.shape)
        slope += (parameter.grad * along).sum().item()
        size += parameter.grad.double().square().sum().item()
    assert abs(slope - expected) <= golden.GRADIENT * size**0.5, (slope, expected, size**0.5)


@pytest.mark.parametrize(
    "path",
    [p for kind in ("encoder", "baseline", "dual") for p in golden.files(f"{kind}/*.npz")],
    ids=golden.name,
)
def test_the_reference_is_the_original(path):
    arrays, options = golden.load(path)
    params = golden.parameters(arrays)
    shapes = {k: v.shape for k, v in params.items()}
    tokens = [arrays[key] for key in ("tokens", "tokens1", "tokens2") if key in arrays]
    rng, length = np.random.default_rng(0), tokens[0].shape[1]
    drawn = upstream_numpy.parameters(options, rng, length)
    assert {k: v.shape for k, v in drawn.items()} == shapes
    for key in arrays.keys() & {"logits", "fix/logits", "encoded", "fix/encoded"}:
        defects = not key.startswith("fix/")
        output = upstream_numpy.forward(params, options, *tokens, defects=defects)
        agree(torch.tensor(output), arrays[key], 1e-5, key)


WAVSPA_CASES = [case for seed in range(3) for case in covering(WAVSPA, seed)]


@pytest.mark.parametrize("case", WAVSPA_CASES, ids=case_name)
def test_wavspa(case):
    check(case)


@pytest.mark.slow
@pytest.mark.parametrize("case", BEYOND, ids=case_name)
def test_long_rows_and_long_filters(case):
    check(case)


@pytest.mark.parametrize("case", covering(BASELINES, 0), ids=case_name)
def test_baseline(case):
    check(case)


def test_interaction_is_matched_by_its_exact_name():
    params, options, tokens = draw(USUAL | {"form": "pair"})
    module = build_from_flax(params, options | {"interaction": "nli"}, upstream_defects=True)
    agree(
        module(*map(torch.tensor, tokens)), upstream_numpy.forward(params, options, *tokens), 1e-4
    )


@pytest.mark.parametrize(
    ("change", "defects", "message"),
    [
        ({"classifier_pool": "LEGO"}, False, "classifier_pool 'LEGO' has no usable definition"),
        ({"classifier_pool": "RDM"}, True, "classifier_pool 'RDM' has no usable definition"),
        ({"wavelet": "sin"}, False, "wavelet 'sin' cannot be run in upstream"),
        ({"wavelet": "fix", "wlen": 42}, True, "fixed filters of wlen 42 are not wavelets"),
        ({"wavelet": "fix", "wlen": 256}, False, "at most 76 .*got 256"),
        ({"wavelet": "db2", "wlen": 7}, False, "taps must be even and at least 2, got 7"),
        ({"model_type": "longformer", "window": 0}, True, "window must be at least 1, got 0"),
        ({"level": 0}, True, "level must be at least 1, got 0"),
        ({"num_heads": 3}, True, "qkv_dim must be a multiple of heads=3, got 16"),
        ({"model_type": "hippo"}, True, "model_type='hippo' is unknown; choose one of transformer"),
    ],
)
def test_options_without_a_meaning(change, defects, message):
    params, options, _ = draw(USUAL)
    with pytest.raises(ValueError, match=message):
        build_from_flax(params, options | change, upstream_defects=defects)


def test_clsm_of_a_pair():
    params, options, _ = draw(USUAL | {"form": "pair"})
    with pytest.raises(ValueError, match="CLSM is undefined in upstream's dual encoder"):
        build_from_flax(params, options | {"classifier_pool": "CLSM"}, upstream_defects=True)


def test_unknown_kind_of_baseline():
    params, options, _ = draw(covering(BASELINES, 0)[0])
    with pytest.raises(ValueError, match="kind='ported reformer' is unknown"):
        build_from_flax(params, options | {"kind": "ported reformer"}, upstream_defects=True)


@pytest.mark.parametrize("wavelet", ["db2", "ortho", "fix"])
def test_band_longer_than_linformers_projection(wavelet):
    params, options, _ = draw(USUAL | {"model_type": "linformer", "wlen": 40, "wavelet": wavelet})
    rows = options["max_len"]
    with pytest.raises(ValueError, match=f"lr_kernel has {rows} rows, but its band can be 58 long"):
        build_from_flax(params, options, upstream_defects=False)


@pytest.mark.parametrize(
    "name",
    ["vocab_size", "emb_dim", "mlp_dim", "max_len", "num_classes", "wlen", "level", "model_type"],
)
def test_an_option_that_is_missing(name):
    params, options, _ = draw(USUAL)
    del options[name]
    with pytest.raises(ValueError, match=f"the options lack {name}"):
        build_from_flax(params, options, upstream_defects=True)


def without(params, name):
    return {key: value for key, value in params.items() if key != name}


@pytest.mark.parametrize("pool", ["CLS", "FLATTEN"])
@pytest.mark.parametrize(
    "name",
    [
        "Embed_0/embedding",
        "encoderblock_1/adawave",
        "encoderblock_0/SelfAttention_1/out/kernel",
        "encoderblock_0/LayerNorm_0/bias",
        "mlp/kernel",
        "logits/bias",
    ],
)
def test_a_parameter_that_is_missing(name, pool):
    params, options, _ = draw(USUAL | {"classifier_pool": pool})
    with pytest.raises(ValueError, match=name):
        build_from_flax(without(params, name), options, upstream_defects=True)


@pytest.mark.parametrize(
    ("of", "read_as", "surplus"),
    [
        ({}, {"level": 2}, "missing .*SelfAttention_2/query/kernel"),
        ({"level": 2}, {"level": 1}, "not expected .*SelfAttention_2/"),
        ({}, {"num_layers": 1}, "not expected .*encoderblock_1/"),
        ({}, {"learn_pos_emb": True}, "missing .*posembed_input/pos_embedding"),
        ({"classifier_pool": "CLS"}, {"classifier_pool": "MEAN"}, "not expected .*cls"),
        ({"wavelet": "lift"}, {"wavelet": "fix"}, "not expected .*adawave_est"),
        ({"wavelet": "adalift"}, {"wavelet": "db2"}, "missing .*adawave'.*adawave_est"),
        ({"model_type": "longformer"}, {"model_type": "transformer"}, "not expected .*_global"),
        ({"form": "pair"}, {"kind": "WavspaEncoder", "wavelet": "fix"}, "encoder/.*adawave"),
        ({}, {"kind": "WavspaDualEncoder"}, "missing .*encoder/Embed_0/embedding"),
    ],
)
def test_parameters_of_another_model(of, read_as, surplus):
    params, options, _ = draw(USUAL | of)
    with pytest.raises(ValueError, match=surplus):
        build_from_flax(params, options | read_as, upstream_defects=True)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("Embed_0/embedding", (16, 11)),
        ("encoderblock_0/adawave", (16, 8)),
        ("encoderblock_0/adawave", (10, 16)),
        ("encoderblock_0/SelfAttention_0/query/kernel", (16, 2, 8)),
        ("encoderblock_0/SelfAttention_0/query/kernel", (16, 16)),
        ("encoderblock_0/SelfAttention_0/out/kernel", (16, 1, 16)),
        ("encoderblock_0/MlpBlock_0/Dense_0/kernel", (12, 16)),
        ("encoder_norm/scale", (1, 16)),
        ("logits/bias", (4,)),
        ("logits/kernel", ()),
    ],
)
def test_a_parameter_of_another_shape(name, shape):
    params, options, _ = draw(USUAL)
    params[name] = np.zeros(shape, np.float32)
    with pytest.raises(ValueError, match=re.escape(f"{name} has the shape {list(shape)}")):
        build_from_flax(params, options, upstream_defects=True)


@pytest.mark.parametrize("shape", [(16,), (27,), (16, 2, 128)])
def test_a_linformer_projection_that_is_no_matrix(shape):
    params, options, _ = draw(USUAL | {"model_type": "linformer"})
    name = "encoderblock_0/LinformerAttention_0/lr_kernel"
    with pytest.raises(ValueError, match=name):
        build_from_flax(params | {name: np.zeros(shape)}, options, upstream_defects=True)


@pytest.mark.parametrize("rows", [16 * 27 + 1, 16 * 41, 8])
def test_a_head_that_no_flattened_sequence_fits(rows):
    params, options, _ = draw(USUAL | {"classifier_pool": "FLATTEN"})
    params["mlp/kernel"] = np.zeros((rows, 12), np.float32)
    with pytest.raises(ValueError, match=f"mlp/kernel has {rows} rows"):
        build_from_flax(params, options, upstream_defects=True)


def test_flattening_more_than_the_head_has_seen():
    params, options, _ = draw(USUAL | {"classifier_pool": "FLATTEN", "tokens": "shorter"})
    module = build_from_flax(params, options, upstream_defects=True)
    with pytest.raises(ValueError, match="flatten takes at most 27 positions, got 28"):
        module(torch.ones(1, 28, dtype=torch.long))


def test_a_sequence_longer_than_the_table_of_positions():
    params, options, _ = draw(USUAL)
    module = build_from_flax(params, options, upstream_defects=True)
    with pytest.raises(ValueError, match="a sequence of 41 positions is longer than the 40"):
        module(torch.ones(1, 41, dtype=torch.long))
