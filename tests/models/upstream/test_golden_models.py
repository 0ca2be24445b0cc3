"""Whole models of the original: logits, activations, loss and the gradient of every parameter."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from support import golden_vectors as golden
from support.golden_vectors import agree, tensor
from wavspa.models.upstream import build_from_flax
from wavspa.models.upstream.weights import flax_names, from_flax

MODELS = [
    *golden.files("encoder/*.npz"),
    *golden.files("baseline/*.npz"),
    *golden.files("dual/*.npz"),
]


def inputs(arrays):
    keys = ("tokens",) if "tokens" in arrays else ("tokens1", "tokens2")
    return [tensor(arrays[key]).long() for key in keys]


def watch_activations(module):
    """Record what the original stores under act/."""
    seen = {}

    def record(name):
        return lambda _module, _inputs, output: seen.__setitem__(name, output)

    module.positions.register_forward_hook(record("posembed_input"))
    module.norm.register_forward_hook(record("encoder_norm"))
    for index, block in enumerate(module.blocks):
        block.register_forward_hook(record(f"encoderblock_{index}"))
    return seen


@pytest.mark.parametrize("path", MODELS, ids=golden.name)
@pytest.mark.parametrize("defects", [True, False], ids=["defects", "fixed"])
def test_model(path, defects):
    arrays, options = golden.load(path)
    prefix = "" if defects or not any(k.startswith("fix/") for k in arrays) else "fix/"
    module = build_from_flax(golden.parameters(arrays), options, upstream_defects=defects)
    dual = "tokens1" in arrays
    seen = {} if dual else watch_activations(module)
    output = module(*inputs(arrays))
    tolerance = 1e-3 if "performer" in path.stem else golden.LOGIT
    for name, activation in seen.items():
        if f"{prefix}act/{name}" in arrays:
            agree(activation, arrays[f"{prefix}act/{name}"], tolerance, name)
    if f"{prefix}logits" not in arrays:
        agree(output, arrays[f"{prefix}encoded"], golden.LOGIT, "encoded")
        return
    agree(output, arrays[f"{prefix}logits"], golden.LOGIT, "logits")
    loss = F.cross_entropy(output, tensor(arrays["labels"]))
    assert abs(loss.item() - arrays[f"{prefix}loss"]) <= golden.LOGIT * abs(arrays[f"{prefix}loss"])
    loss.backward()
    # The fixed lifting's gradient is wrong in the original (its wrap-around is dropped).
    gradients = "fix/grad" if options.get("wavelet") == "lift" else f"{prefix}grad"
    if options.get("wavelet") == "lift" and defects and "fix/logits" in arrays:
        same = np.allclose(arrays["logits"], arrays["fix/logits"], rtol=0, atol=1e-6)
        if not same:
            return
    for name, parameter in flax_names(module).items():
        expected = from_flax(name, tensor(arrays[f"{gradients}/{name}"]), parameter.shape)
        agree(parameter.grad, expected.numpy(), golden.GRADIENT, name)


@pytest.mark.parametrize("path", golden.files("train/*adamw5*.npz"), ids=golden.name)
def test_five_adamw_steps(path):
    arrays, options = golden.load(path)
    module = build_from_flax(golden.parameters(arrays), options, not options["fixed"])
    optimizer = torch.optim.AdamW(
        module.parameters(),
        lr=1.0,
        betas=(options["b1"], options["b2"]),
        eps=options["eps"],
        weight_decay=options["weight_decay"],
    )
    for step, (lr, expected) in enumerate(zip(arrays["lrs"], arrays["losses"], strict=True)):
        for group in optimizer.param_groups:
            group["lr"] = float(lr)
        optimizer.zero_grad()
        loss = F.cross_entropy(module(*inputs(arrays)), tensor(arrays["labels"]))
        assert abs(loss.item() - expected) <= 1e-4 * abs(expected), f"step {step}"
        loss.backward()
        optimizer.step()
    for name, parameter in flax_names(module).items():
        expected = from_flax(name, tensor(arrays[f"final/{name}"]), parameter.shape)
        agree(parameter, expected.numpy(), golden.GRADIENT, name)
