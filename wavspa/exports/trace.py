"""A model as one graph for every batch size and length, as ONNX and ``torch.export`` record it."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram, export
from torch.nn import functional as F

from wavspa.errors import UserError, first_line
from wavspa.models import DualEncoder
from wavspa.models.stem import Stem

# The length that a graph is traced with, and those it is then tried with: a single token, odd and even ones,
# some across the blocks of banded attention. Every length is also tried with a batch of one.
TRACED_LENGTH = 37
TRIED_LENGTHS = (1, 2, 3, 20, 65, 128, 701)
TOLERANCE = 1e-4

Inputs = dict[str, Tensor]


class Graph(NamedTuple):
    """A traced model and its inputs."""

    program: ExportedProgram
    module: Any
    """the traced module: the model as it answers in Python"""
    inputs: list[str]
    output: str
    smallest: int
    """the smallest number of tokens in a row, pads included"""
    largest: int


class _Module(nn.Module):
    """A model with one signature: ``tokens [B, N]``, ``lengths [B]``, both twice for pairs."""

    def __init__(self, model: Any, smallest: int) -> None:
        super().__init__()
        self.model, self.smallest = model, smallest

    def _padded(self, tokens: Tensor) -> Tensor:
        """Tokens [B, N] with at least ``smallest`` columns; their values do not matter."""
        length = tokens.shape[1]
        places = torch.arange(torch.sym_max(length, self.smallest), device=tokens.device)
        return tokens.index_select(1, places.clamp(max=length - 1))


class _Single(_Module):
    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """Logits, or for a model without a head the embeddings [B, D] of norm 1."""
        if self.smallest > 1:
            tokens = self._padded(tokens)
        answer: Tensor = self.model(tokens, lengths)
        if self.model.head is None:
            return F.normalize(self.model.pool(answer, lengths), dim=-1)
        return answer


class _Pair(_Module):
    def forward(
        self, tokens1: Tensor, lengths1: Tensor, tokens2: Tensor, lengths2: Tensor
    ) -> Tensor:
        """Logits [B, C]."""
        if self.smallest > 1:
            tokens1, tokens2 = self._padded(tokens1), self._padded(tokens2)
        logits: Tensor = self.model(tokens1, tokens2, lengths1, lengths2)
        return logits


def trace(model: nn.Module, max_len: int) -> Graph:
    """Trace a model with a free batch size and length.

    Args:
        model: An encoder or a dual encoder, in evaluation mode on the CPU.
        max_len: The longest sequence that it accepts.

    Raises:
        UserError: A part of it cannot be traced.
    """
    pair = isinstance(model, DualEncoder)
    encoder: Any = model.encoder if pair else model
    level = encoder.blocks[0].attention.wavelet.level
    # Lifting cannot be traced if a band is a single coefficient. A few more pads help if they do not matter;
    # logits of every position would show them.
    padded = encoder.padding == "mask" and encoder.pool.kind != "token"
    module = (_Pair if pair else _Single)(model, min(2 ** (level + 1), max_len) if padded else 1)
    smallest = 1 if padded else min(2**level + 1, max_len)
    example = _inputs(model, [min(TRACED_LENGTH, max_len), 1, 2])
    shapes = {name: dict.fromkeys(range(x.dim()), Dim.AUTO) for name, x in example.items()}
    try:
        program = export(module.eval(), (), example, dynamic_shapes=shapes)
    except Exception as error:  # torch has many classes for this, without a common one
        raise UserError(
            f"this model cannot be traced by torch.export: {first_line(error)}"
        ) from error
    output = "logits" if model.head is not None else "embeddings"
    return Graph(program, module, list(example), output, smallest, max_len)


def largest_difference(graph: Graph, answer: Callable[[Inputs], Tensor]) -> float:
    """Compare a written graph with the model, at other sizes than those it was traced with.

    Args:
        graph: The traced model.
        answer: Runs the written graph on inputs.

    Returns:
        The largest difference of an output, in absolute value.

    Raises:
        UserError: It is more than ``TOLERANCE`` of the largest output, or some size is refused.
    """
    largest = 0.0
    for inputs in _trials(graph):
        shapes = ", ".join(f"{name} {list(x.shape)}" for name, x in inputs.items())
        with torch.inference_mode():
            expected = graph.module(**inputs)
        try:
            difference = (answer(inputs) - expected).abs().max().item()
        except Exception as error:  # from torch or onnxruntime
            raise UserError(f"the graph refuses {shapes}: {first_line(error)}") from error
        # A difference that is NaN is refused as well.
        if not difference <= TOLERANCE * max(1.0, expected.abs().max().item()):
            raise UserError(f"the graph differs from the model by {difference:.1e} on {shapes}")
        largest = max(largest, difference)
    return largest


def _trials(graph: Graph) -> Iterator[Inputs]:
    """Inputs of other lengths, with one row and with several of different lengths."""
    fitting = {n for n in (*TRIED_LENGTHS, graph.largest) if n <= TRIED_LENGTHS[-1]}
    for length in sorted(n for n in fitting if graph.smallest <= n <= graph.largest):
        yield _inputs(graph.module.model, [length])
        yield _inputs(graph.module.model, [length, 1, max(1, length - 3), max(1, length // 2)])


def _inputs(model: Any, lengths: Sequence[int]) -> Inputs:
    """Tokens [B, N], padded with token 0, and lengths [B], both twice for a pair."""
    if isinstance(model, DualEncoder):
        first, second = _inputs(model.encoder, lengths), _inputs(model.encoder, lengths[::-1])
        names = [f"{name}{side}" for side in (1, 2) for name in first]
        return dict(zip(names, [*first.values(), *second.values()], strict=True))
    generator = torch.Generator().manual_seed(sum(lengths))
    counted = torch.tensor(lengths)
    if isinstance(model.embedding, Stem):
        shape = (len(lengths), max(lengths), model.embedding.inputs)
        return {"tokens": torch.randn(shape, generator=generator), "lengths": counted}
    size = model.embedding.num_embeddings
    tokens = torch.randint(
        min(1, size - 1), size, (len(lengths), max(lengths)), generator=generator
    )
    return {
        "tokens": tokens.masked_fill(torch.arange(max(lengths)) >= counted[:, None], 0),
        "lengths": counted,
    }
