"""The encoder–decoder: causal, indifferent to pads, and the same token by token as all at once."""

import pytest
import torch

from wavspa import Encoder, EncoderDecoder
from wavspa.attention import BASES
from wavspa.models.seq2seq.encoder_decoder import START
from wavspa.wavelets import MODES

SIZES = {"max_len": 24, "max_target_len": 12, "dim": 16, "depth": 2, "heads": 2, "mlp_dim": 24}
OPTIONS = {"taps": 4, "window": 8, "rank": 4, "dropout": 0.0}


def tiny_model(**options: object) -> EncoderDecoder:
    torch.manual_seed(1)
    return EncoderDecoder(20, **{**SIZES, **OPTIONS, **options}).double().eval()


@pytest.fixture(scope="module")
def batch():
    torch.manual_seed(2)
    tokens, targets = torch.randint(1, 20, (3, 17)), torch.randint(1, 20, (3, 9))
    return tokens, targets, torch.tensor([17, 5, 1])


def step_by_step(model, tokens, targets, lengths):
    memory = model.begin(tokens, lengths, targets.shape[1])
    before = torch.cat([torch.full_like(targets[:, :1], START), targets[:, :-1]], dim=1)
    return torch.stack([model.step(last, memory) for last in before.T], dim=1)


@pytest.mark.parametrize("attention", BASES)
@pytest.mark.parametrize("wavelet", MODES)
def test_the_cache_equals_the_whole_forward_pass(attention, wavelet, batch):
    model = tiny_model(attention=attention, wavelet=wavelet)
    tokens, targets, lengths = batch
    with torch.no_grad():
        whole = model(tokens, targets, lengths)
        torch.testing.assert_close(step_by_step(model, tokens, targets, lengths), whole)


@pytest.mark.parametrize("positions", ["sinusoidal", "learned", "rotary", "none"])
def test_it_is_causal_and_its_logits_do_not_depend_on_pads(positions, batch):
    model = tiny_model(positions=positions)
    tokens, targets, lengths = batch
    with torch.no_grad():
        logits = model(tokens, targets, lengths)
        changed = targets.clone()
        changed[:, 4:] = 7
        torch.testing.assert_close(model(tokens, changed, lengths)[:, :5], logits[:, :5])
        assert (model(tokens, changed, lengths)[:, 5:] - logits[:, 5:]).abs().max() > 1e-3
        alone = model(tokens[1:2, :5], targets[1:2])
        torch.testing.assert_close(alone, logits[1:2])
        padded = torch.nn.functional.pad(tokens, (0, 6), value=9)
        torch.testing.assert_close(model(padded, targets, lengths), logits)


def test_source_target_and_output_share_one_table():
    model = tiny_model()
    assert [name for name, p in model.named_parameters() if 20 in p.shape] == [
        "encoder.embedding.weight"
    ]
    table = model.encoder.embedding
    torch.testing.assert_close(table(torch.tensor([3])), 4 * table.weight[3:4])


def test_the_weights_of_an_encoder_give_its_states(batch):
    tokens, _, lengths = batch
    model = tiny_model()
    encoder = (
        Encoder(20, max_len=24, dim=16, depth=2, heads=2, mlp_dim=24, **OPTIONS).double().eval()
    )
    taken = model.weights_of_encoder(encoder.state_dict())
    assert taken.keys() == {name for name in model.state_dict() if name.startswith("encoder.")}
    model.load_state_dict(taken, strict=False)
    torch.testing.assert_close(model.encoder(tokens, lengths), encoder(tokens, lengths))


def test_it_learns_to_reverse():
    torch.manual_seed(0)
    model = EncoderDecoder(9, **{**SIZES, **OPTIONS, "dim": 32, "depth": 1})
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(150):
        tokens = torch.randint(1, 8, (64, 5))
        logits = model(tokens, tokens.flip(1))
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), tokens.flip(1).flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.5 < torch.log(torch.tensor(7.0))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_target_len": 0}, "max_target_len must be at least 1, got 0"),
        ({"decoder_depth": 0}, "decoder_depth must be at least 1, got 0"),
        ({"heads": 3}, "dim must be a multiple of heads=3, got 16"),
    ],
)
def test_impossible_values_are_named(options, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        tiny_model(**options)
