"""Encoders of transformers whose attentions are swapped for wavelet space attention, by one call."""

import pytest
import torch
import transformers
from torch import nn

from wavspa.errors import UserError
from wavspa.exports.swap import SWAPPED, SwappedSelfAttention, load_swapped, swap

SIZES = {
    "vocab_size": 100,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "max_position_embeddings": 64,
}
DISTILBERT = {"dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 16}
FAMILIES = sorted(name.removesuffix("SelfAttention") for name in SWAPPED)
LAYER = {"attention": "linear", "wavelet": "ada", "taps": 4, "level": 2}
TOKENS = torch.randint(5, 100, (2, 30), generator=torch.Generator().manual_seed(0))
MASK = (torch.arange(30) < torch.tensor([30, 17])[:, None]).long()


def built(family, head="ForSequenceClassification", **changes):
    config = getattr(transformers, f"{family}Config")
    sizes = {**SIZES, **(DISTILBERT if family == "DistilBert" else {}), **changes}
    if family == "DistilBert":
        for name in ("hidden_size", "num_hidden_layers", "num_attention_heads"):
            del sizes[name]
        del sizes["intermediate_size"]
    return getattr(transformers, f"{family}{head}")(config(**sizes)).eval()


def logits(model, tokens=TOKENS, mask=MASK):
    with torch.no_grad():
        return model(tokens, attention_mask=mask).logits


@pytest.fixture(scope="module")
def bert():
    return swap(built("Bert"), **LAYER)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_is_swapped_trained_saved_and_loaded(family, tmp_path):
    model = built(family)
    assert swap(model, **LAYER) is model
    layers = [module for module in model.modules() if isinstance(module, SwappedSelfAttention)]
    assert len(layers) == 2
    assert layers[0].attention.num_heads == 2
    answer = logits(model)
    # Pads count for nothing, as tokens and as places.
    torch.testing.assert_close(answer[1:], logits(model, TOKENS[1:, :17], None))
    model(TOKENS, attention_mask=MASK, labels=torch.tensor([0, 1])).loss.backward()
    assert all(weight.grad is not None for weight in model.parameters())
    model.save_pretrained(tmp_path)
    loaded = load_swapped(tmp_path)
    assert type(loaded).__name__ == type(model).__name__
    assert torch.equal(logits(loaded), answer)


@pytest.mark.parametrize("base", ["softmax", "longformer", "linformer", "performer"])
@pytest.mark.parametrize("mode", ["ortho", "lift", "fixed"])
def test_other_cells(base, mode, tmp_path):
    model = swap(built("Bert"), attention=base, wavelet=mode, taps=4)
    model.save_pretrained(tmp_path)
    assert torch.equal(logits(load_swapped(tmp_path)), logits(model))


@pytest.mark.parametrize("mask", [MASK, MASK.bool(), MASK.float()], ids=["int", "bool", "float"])
def test_masks_of_any_type(bert, mask):
    assert torch.equal(logits(bert, mask=mask), logits(bert))


def test_padding_on_the_left(bert):
    mask = MASK.flip(1)
    others = torch.where(mask == 1, TOKENS, TOKENS.flip(0))
    torch.testing.assert_close(
        bert.bert(TOKENS, attention_mask=mask).last_hidden_state[mask == 1],
        bert.bert(others, attention_mask=mask).last_hidden_state[mask == 1],
    )


def test_no_mask_over_pairs_is_made(bert):
    seen = []
    layer = bert.bert.encoder.layer[0].attention.self
    hook = layer.register_forward_pre_hook(
        lambda _, args, kwargs: seen.append(kwargs["attention_mask"].shape), with_kwargs=True
    )
    logits(bert)
    hook.remove()
    assert seen == [MASK.shape]


def test_dropout_dtype_and_mode_stay():
    model = built("Bert", attention_probs_dropout_prob=0.3).to(torch.bfloat16).train()
    layer = swap(model, **LAYER).bert.encoder.layer[0].attention.self
    assert layer.training
    assert layer.attention.attention.attentions[0].dropout == 0.3
    assert {weight.dtype for weight in layer.parameters()} == {torch.bfloat16}


def test_gradient_checkpointing_changes_nothing():
    torch.manual_seed(0)
    model = swap(
        built("Roberta", hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0), **LAYER
    )
    model.train()

    def gradients():
        model.zero_grad()
        model(TOKENS, attention_mask=MASK, labels=torch.tensor([0, 1])).loss.backward()
        return [weight.grad.clone() for weight in model.parameters()]

    plain = gradients()
    model.activation_checkpointing_enable()
    for one, other in zip(plain, gradients(), strict=True):
        torch.testing.assert_close(one, other)


def test_a_pre_trained_encoder_gets_another_head(tmp_path):
    model = swap(built("Bert", "ForMaskedLM"), **LAYER)
    model.save_pretrained(tmp_path)
    classifier = load_swapped(tmp_path, transformers.BertForSequenceClassification, num_labels=3)
    assert logits(classifier).shape == (2, 3)
    old, new = (m.bert.encoder.layer[0].attention.self.state_dict() for m in (model, classifier))
    assert all(torch.equal(old[name], new[name]) for name in old)


def test_a_process_that_swapped_nothing_loads(bert, tmp_path, monkeypatch):
    bert.save_pretrained(tmp_path)
    # transformers remembers by class what it read in a class's source.
    for place in type(bert).__mro__:
        monkeypatch.delattr(place, "_can_set_attn_implementation_cached_value", raising=False)
    assert load_swapped(tmp_path).config._attn_implementation == "wavspa"


class Other(nn.Module):
    """Of nobody's registry."""


@pytest.mark.parametrize(
    ("model", "layer", "message"),
    [
        (lambda: built("Bert", "LMHeadModel", is_decoder=True), {}, "config.is_decoder=False"),
        (
            lambda: transformers.T5EncoderModel(
                transformers.T5Config(vocab_size=9, d_model=8, d_kv=4, d_ff=8, num_layers=1)
            ),
            {},
            "T5EncoderModel holds none of BertSelfAttention",
        ),
        (
            lambda: built("Bert"),
            {"wavelet": Other},
            "name your own class with wavspa.register_wavelet",
        ),
        (lambda: built("Bert"), {"attention": ["linear", Other]}, "attention must be a name"),
        (lambda: built("Bert"), {"wavelet": "adda"}, "wavelet='adda' is unknown"),
    ],
)
def test_what_is_refused_stays_as_it_was(model, layer, message):
    model = model()
    before = [type(module) for module in model.modules()]
    with pytest.raises(ValueError, match=message):
        swap(model, **layer)
    assert [type(module) for module in model.modules()] == before
    assert not hasattr(model.config, "wavspa")


def test_a_mask_over_pairs_is_refused():
    model = swap(built("Bert"), **LAYER)
    with pytest.raises(ValueError, match=r"must be \[batch, length\]"):
        model(TOKENS, attention_mask=torch.ones(2, 1, 30, 30, dtype=torch.bool))
    model.set_attn_implementation("eager")
    with pytest.raises(ValueError, match="call it again with 'wavspa'"):
        logits(model)


def test_the_implementation_alone_is_no_swap():
    model = built("Bert")
    model.set_attn_implementation("wavspa")
    with pytest.raises(ValueError, match=r"only wavspa\.exports\.swap\.swap may set"):
        logits(model)


def test_what_was_not_swapped_is_not_loaded(tmp_path):
    built("Bert").save_pretrained(tmp_path)
    with pytest.raises(UserError, match="holds no swapped model"):
        load_swapped(tmp_path)


def test_what_is_swapped_already_is_refused_as_such(bert):
    with pytest.raises(
        ValueError, match="BertForSequenceClassification is already swapped: create it again"
    ):
        swap(bert, wavelet="ortho")
    assert bert.config.wavspa == {"max_len": 64, **LAYER}


def test_a_model_of_torch_is_referred_to_its_own_function():
    with pytest.raises(
        ValueError, match=r"got a TransformerEncoderLayer: wavspa\.swap_attention swaps"
    ):
        swap(nn.TransformerEncoderLayer(8, 2))


def test_a_swapped_model_in_a_subfolder_is_loaded(bert, tmp_path):
    bert.save_pretrained(tmp_path / "best")
    loaded = load_swapped(tmp_path, subfolder="best", local_files_only=True)
    torch.testing.assert_close(logits(loaded), logits(bert), rtol=0, atol=0)
