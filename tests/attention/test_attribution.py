import pytest
import torch

from wavspa.attention import BASES, AttentionOptions, attention_received, build_attention

LENGTH, DIM = 40, 8
OPTIONS = {"longformer": {"window": 5}, "linformer": {"rank": 3}}


def build(name, **options):
    torch.manual_seed(0)
    return (
        build_attention(name, DIM, 2, AttentionOptions(max_len=LENGTH, **options)).double().eval()
    )


def x():
    generator = torch.Generator().manual_seed(1)
    return torch.randn(3, LENGTH, DIM, dtype=torch.float64, generator=generator)


def ones(*shape):
    return torch.ones(*shape, dtype=torch.float64)


@pytest.mark.parametrize("lengths", [None, [LENGTH, 20, 1]], ids=["all", "ragged"])
@pytest.mark.parametrize("name", [*BASES, "favor"])
def test_it_is_the_mean_of_the_weights_over_the_queries(name, lengths):
    options = {"features": "favor"} if name == "favor" else OPTIONS.get(name, {})
    module = build("performer" if name == "favor" else name, **options)
    real = None if lengths is None else torch.tensor(lengths)
    received = attention_received(module, x(), real)
    q, k, _ = module.project(x())
    identity = torch.eye(LENGTH, dtype=torch.float64).expand(3, 2, -1, -1)
    weights = module.attend(q, k, identity, real).detach()
    rows = [LENGTH] * 3 if lengths is None else lengths
    expected = [of_row[:, :n].mean(dim=1) for of_row, n in zip(weights, rows, strict=True)]
    torch.testing.assert_close(received, torch.stack(expected), rtol=1e-9, atol=1e-12)
    if name != "linformer":
        torch.testing.assert_close(received.sum(-1), ones(3, 2), rtol=1e-4, atol=0)


def test_a_layer_in_training_stays_so_and_loses_nothing_to_dropout():
    module = build("softmax", dropout=0.9).train()
    received = attention_received(module, x())
    torch.testing.assert_close(received.sum(-1), ones(3, 2), rtol=1e-9, atol=0)
    assert module.training
