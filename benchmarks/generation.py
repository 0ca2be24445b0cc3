"""Time saved by the key/value cache: `python -m benchmarks.generation` (a minute).

Both write the same 128 tokens for each source, greedily: token by token with the cache, or with a decoder
that rereads everything written so far for each token, but keeps its source's states.
"""

import torch
from torch import Tensor

from benchmarks.measure import alternate, keep_memory, machine
from wavspa import EncoderDecoder
from wavspa.models.seq2seq.encoder_decoder import START
from wavspa.models.seq2seq.search import generate

BATCH, SOURCE, TARGET, VOCABULARY = 8, 128, 128, 4096
ROUNDS = 3


def small_model() -> EncoderDecoder:
    """An encoder–decoder of ``model=small``'s sizes."""
    torch.manual_seed(0)
    sizes = {"dim": 128, "depth": 4, "heads": 4, "mlp_dim": 256}
    return EncoderDecoder(VOCABULARY, max_len=SOURCE, max_target_len=TARGET, **sizes).eval()


@torch.no_grad()
def cached(model: EncoderDecoder, tokens: Tensor) -> Tensor:
    """Greedy search with the cache."""
    return generate(model, tokens, end=None).tokens


@torch.no_grad()
def without_cache(model: EncoderDecoder, tokens: Tensor) -> Tensor:
    """Greedy search without the cache; the source is read only once."""
    written = tokens.new_full((len(tokens), 1), START)
    states = model.encoder(tokens)
    table = model.encoder.embedding
    for _ in range(TARGET):
        last = model.decoder(table(written), states)[:, -1]
        logits = torch.nn.functional.linear(last, table.weight)
        logits[:, START] = -torch.inf
        written = torch.cat([written, logits.argmax(dim=-1, keepdim=True)], dim=1)
    return written[:, 1:]


def main() -> None:
    """Print the figures."""
    keep_memory()
    model = small_model()
    tokens = torch.randint(1, VOCABULARY, (BATCH, SOURCE))
    contestants = {
        "cached": lambda: cached(model, tokens),
        "decoder run again for each token": lambda: without_cache(model, tokens),
    }
    results = [contestant() for contestant in contestants.values()]
    assert all(torch.equal(result, results[0]) for result in results), "the tokens differ"
    print(f"{machine()}; {BATCH} sources of {SOURCE} tokens, {TARGET} tokens written of each")
    seconds = alternate(contestants, ROUNDS)
    for name, taken in seconds.items():
        print(f"{name:30} {taken:8.3f} s  {taken / seconds['cached']:5.1f} x")


if __name__ == "__main__":
    main()
