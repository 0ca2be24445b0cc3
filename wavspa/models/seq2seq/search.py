"""Greedy and beam search with an encoder–decoder, many sources at a time.

Shapes: B sources, W beams, V vocabulary, T tokens written so far.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from wavspa.models.seq2seq.decoder import Memory
from wavspa.models.seq2seq.encoder_decoder import START, EncoderDecoder


class Written(NamedTuple):
    """The targets written for B sources.

    Attributes:
        tokens: int64 [B, T], 0 after the end of each target.
        lengths: int64 [B], the number of tokens in each target, including its end.
        scores: Float [B], sums of the tokens' log probabilities, divided by ``length ** length_penalty``.
        ended: bool [B], whether each target has an end; False if it was cut at the maximum length.
    """

    tokens: Tensor
    lengths: Tensor
    scores: Tensor
    ended: Tensor


@torch.no_grad()
def generate(
    model: EncoderDecoder,
    tokens: Tensor,
    lengths: Tensor | None = None,
    *,
    end: int | None,
    max_length: int | None = None,
    beam_width: int = 1,
    length_penalty: float = 1.0,
) -> Written:
    """Write the target of each source.

    Args:
        model: The model, in evaluation mode.
        tokens: Ids of the sources, int64 [B, N].
        lengths: Number of real tokens in each source, int64 [B]; None means all N.
        end: The token that ends a target, not the pad 0; None: every target has the maximum length.
        max_length: Largest number of tokens in a target; None means as many as the model can write.
        beam_width: Number of targets followed in parallel for each source; 1 takes the likeliest
            token each time.
        length_penalty: Exponent of the length by which a target's log probability is divided: 0 favours
            short targets, 1 compares means.

    Raises:
        ValueError: An option is out of range, or the model is in training mode.
    """
    if model.training:
        raise ValueError("the model must be in evaluation mode, without dropout: call model.eval()")
    vocab_size = model.encoder.embedding.num_embeddings
    if end is not None and not 1 <= end < vocab_size:
        raise ValueError(f"end must be a token in [1, {vocab_size - 1}] or None, got {end}")
    longest = model.max_target_len if max_length is None else max_length
    if not 1 <= longest <= model.max_target_len:
        raise ValueError(f"max_length must be in [1, {model.max_target_len}], got {longest}")
    if beam_width < 1:
        raise ValueError(f"beam_width must be at least 1, got {beam_width}")
    if not length_penalty >= 0:
        raise ValueError(f"length_penalty must be at least 0, got {length_penalty}")
    if beam_width == 1:
        return _greedy(model, tokens, lengths, end, longest, length_penalty)
    return _beam(model, tokens, lengths, end, longest, beam_width, length_penalty)


def _log_probabilities(model: EncoderDecoder, last: Tensor, memory: Memory) -> Tensor:
    """Log probabilities [B, V] of the next token; the pad's is -inf."""
    logits = model.step(last, memory)
    logits = logits if logits.dtype == torch.float64 else logits.float()
    logits[:, START] = -torch.inf
    return logits.log_softmax(dim=-1)


def _greedy(
    model: EncoderDecoder,
    tokens: Tensor,
    lengths: Tensor | None,
    end: int | None,
    longest: int,
    penalty: float,
) -> Written:
    batch, device = len(tokens), tokens.device
    memory = model.begin(tokens, lengths, longest)
    written = torch.zeros(batch, longest, dtype=torch.int64, device=device)
    counts = torch.zeros(batch, dtype=torch.int64, device=device)
    ended = torch.zeros(batch, dtype=torch.bool, device=device)
    scores: Tensor | None = None
    # Sources whose targets have not ended: only these are computed further.
    rows = torch.arange(batch, device=device)
    last = torch.full((batch,), START, device=device)
    for place in range(longest):
        best, last = _log_probabilities(model, last, memory).max(dim=-1)
        scores = torch.zeros(batch, dtype=best.dtype, device=device) if scores is None else scores
        written[rows, place] = last
        counts[rows] += 1
        scores[rows] += best
        if end is None:
            continue
        done = last == end
        if done.any():
            ended[rows[done]] = True
            stay = (~done).nonzero().squeeze(1)
            if not len(stay):
                break
            rows, last = rows[stay], last[stay]
            memory.take(stay)
    assert scores is not None
    used = max(counts.tolist(), default=0)
    return Written(written[:, :used], counts, scores / counts**penalty, ended)


class _Best:
    """The best target of each source so far, and the scores of its best complete ones, in falling order."""

    def __init__(
        self, batch: int, width: int, longest: int, device: torch.device, dtype: torch.dtype
    ) -> None:
        self.scores = torch.full((batch,), -torch.inf, dtype=dtype, device=device)
        self.tokens = torch.zeros(batch, longest, dtype=torch.int64, device=device)
        self.lengths = torch.zeros(batch, dtype=torch.int64, device=device)
        self.ended = torch.zeros(batch, dtype=torch.bool, device=device)
        self.complete = torch.full((batch, width), -torch.inf, dtype=dtype, device=device)

    def complete_all(self, rows: Tensor, scores: Tensor, targets: Tensor, end: int) -> None:
        """Record targets that end here and keep the better ones; the arguments are those of :meth:`offer`."""
        known = torch.cat([self.complete[rows], scores], dim=1)
        self.complete[rows] = known.topk(self.complete.shape[1], dim=1).values
        self.offer(rows, scores, targets, end)

    def offer(self, rows: Tensor, scores: Tensor, targets: Tensor, end: int | None) -> None:
        """Keep each source's best candidate if it is better than before.

        Args:
            rows: Sources [R].
            scores: Scores of their W candidates, [R, W].
            targets: Tokens of the candidates, int64 [R, W, T], without the end.
            end: The token that follows them; None: they are cut.
        """
        values, beams = scores.max(dim=1)
        better = values > self.scores[rows]
        rows, beams = rows[better], beams[better]
        chosen = targets[better.nonzero().squeeze(1), beams]
        length = chosen.shape[1]
        self.scores[rows] = values[better]
        self.tokens[rows, :length] = chosen
        self.tokens[rows, length:] = 0
        if end is not None:
            self.tokens[rows, length] = end
        self.lengths[rows] = length + (end is not None)
        self.ended[rows] = end is not None


def _beam(
    model: EncoderDecoder,
    tokens: Tensor,
    lengths: Tensor | None,
    end: int | None,
    longest: int,
    width: int,
    penalty: float,
) -> Written:
    """The best of all targets that ``width`` beams encounter.

    At every position each beam may end; the ``width`` likeliest continuations are followed. A source is done
    when the ``width`` best of its complete targets all score at least as high as the best followed one at its
    current length. With a penalty of 0 nothing better can follow.
    """
    batch, device = len(tokens), tokens.device
    memory = model.begin(tokens, lengths, longest)
    memory.take(torch.arange(batch, device=device).repeat_interleave(width))
    rows = torch.arange(batch, device=device)
    last = torch.full((batch * width,), START, device=device)
    targets = torch.empty(batch, width, 0, dtype=torch.int64, device=device)
    scores: Tensor | None = None
    best: _Best | None = None
    for place in range(1, longest + 1):
        following = _log_probabilities(model, last, memory).unflatten(0, (len(rows), width))
        if scores is None or best is None:
            # Only one beam at first: the others would be copies of it.
            scores = following.new_full((batch, width), -torch.inf)
            scores[:, 0] = 0
            best = _Best(batch, width, longest, device, following.dtype)
        totals = scores[:, :, None] + following
        if end is not None:
            best.complete_all(rows, totals[:, :, end] / place**penalty, targets, end)
            totals[:, :, end] = -torch.inf
        # A small vocabulary may have fewer targets than there are beams; impossible ones score -inf.
        scores, chosen = totals.flatten(1).topk(width, dim=1)
        beams, following_tokens = chosen // totals.shape[2], chosen % totals.shape[2]
        origin = torch.arange(len(rows), device=device)[:, None] * width + beams
        before = targets.flatten(0, 1)[origin.flatten()].unflatten(0, (len(rows), width))
        targets = torch.cat([before, following_tokens[:, :, None]], dim=2)
        if place == longest:
            best.offer(rows, scores / longest**penalty, targets, None)
            break
        open_ = scores[:, 0] / place**penalty > best.complete[rows, -1]
        if not open_.any():
            break
        stay = open_.nonzero().squeeze(1)
        if len(stay) < len(rows):
            rows, scores, targets = rows[stay], scores[stay], targets[stay]
            memory.take(origin[stay].flatten())
        else:
            memory.take_written(origin.flatten())
        last = targets[:, :, -1].flatten()
    assert best is not None
    used = max(best.lengths.tolist(), default=0)
    return Written(best.tokens[:, :used], best.lengths, best.scores, best.ended)
