"""A model as one graph for every batch size and length: what ONNX and ``torch.export`` record."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram, export
from torch.nn import functional as F

from wavspa.errors import UserError, first_line
from wavspa.models import DualEncoder
from wavspa.models.stem import Stem

# What a graph is traced with, and then tried with: single tokens, odd and even, across the blocks of banded
# attention. Every length is tried with a batch of one as well.
TRACED_LENGTH = 37
TRIED_LENGTHS = (1, 2, 3, 20, 65, 128, 701)
TOLERANCE = 1e-4

Inputs = dict[str, Tensor]


class Graph(NamedTuple):
    """A traced model, and what it takes."""

    program: ExportedProgram
    module: Any
    """what was traced: the model as it answers in Python"""
    inputs: list[str]
    output: str
    smallest: int
    """tokens that a row has to have, pads among them"""
    largest: int


class _Module(nn.Module):
    """A model with one signature: ``tokens [B, N]``, ``lengths [B]``, of pairs twice."""

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
        """Logits, or of a model without a head the embeddings [B, D] of length 1."""
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
        max_len: The longest sequence that it takes.

    Raises:
        UserError: Some part of it cannot be traced.
    """
    pair = isinstance(model, DualEncoder)
    encoder: Any = model.encoder if pair else model
    level = encoder.blocks[0].attention.wavelet.level
    # Lifting cannot be traced where a band is a single coefficient. Where pads do not matter, a few more
    # help; logits of every place would show them.
    padded = encoder.padding == "mask" and encoder.pool.kind != "token"
    module = (_Pair if pair else _Single)(model, min(2 ** (level + 1), max_len) if padded else 1)
    smallest = 1 if padded else min(2**level + 1, max_len)
    example = _inputs(model, [min(TRACED_LENGTH, max_len), 1, 2])
    shapes = {name: dict.fromkeys(range(x.dim()), Dim.AUTO) for name, x in example.items()}
    try:
        program = export(module.eval(), (), example, dynamic_shapes=shapes)
    except Exception as error:  # torch has many, and none in common
        raise UserError(
            f"this model cannot be traced by torch.export: {first_line(error)}"
        ) from error
    output = "logits" if model.head is not None else "embeddings"
    return Graph(program, module, list(example), output, smallest, max_len)


def largest_difference(graph: Graph, answer: Callable[[Inputs], Tensor]) -> float:
    """Hold what was written down to the model, at other sizes than those it was traced with.

    Args:
        graph: The traced model.
        answer: What the written graph makes of inputs.

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
        except Exception as error:  # of torch or of onnxruntime
            raise UserError(f"the graph refuses {shapes}: {first_line(error)}") from error
        # A difference that is NaN is refused as well.
        if not difference <= TOLERANCE * max(1.0, expected.abs().max().item()):
            raise UserError(f"the graph differs from the model by {difference:.1e} on {shapes}")
        largest = max(largest, difference)
    return largest


def _trials(graph: Graph) -> Iterator[Inputs]:
    """Inputs of other lengths, of one row and of several that are not equally long."""
    fitting = {n for n in (*TRIED_LENGTHS, graph.largest) if n <= TRIED_LENGTHS[-1]}
    for length in sorted(n for n in fitting if graph.smallest <= n <= graph.largest):
        yield _inputs(graph.module.model, [length])
        yield _inputs(graph.module.model, [length, 1, max(1, length - 3), max(1, length // 2)])


def _inputs(model: Any, lengths: Sequence[int]) -> Inputs:
    """Tokens [B, N] and lengths [B], of a pair twice, padded with token 0."""
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
