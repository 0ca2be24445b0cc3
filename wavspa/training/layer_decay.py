"""Learning rates that fall towards the input, for a model that starts from trained weights."""

import re
from collections.abc import Callable

from torch import nn
from torch.optim import Optimizer

from wavspa.training.checkpoints.carry import short

_BLOCK = re.compile(r"blocks\.(\d+)\.")
_INPUT = ("embedding.", "positions.", "cls")


def with_layer_decay(
    make_optimizer: Callable[[nn.Module], Optimizer], decay: float
) -> Callable[[nn.Module], Optimizer]:
    """An optimizer whose rates fall by a factor from each layer to the one below.

    Layers after the last block have the full rate, that block ``decay`` times as much, and so on down to the
    embedding. Other options of a group, such as the rate of wavelet filters, still apply.

    Args:
        make_optimizer: Builds the optimizer of a model.
        decay: The factor, above 0 and at most 1.
    """

    def make(model: nn.Module) -> Optimizer:
        depth = _depth(model)
        layer_of = {id(p): layer(name, depth) for name, p in model.named_parameters()}
        optimizer = make_optimizer(model)
        groups, optimizer.param_groups = optimizer.param_groups, []
        # From the top: the rate that is logged is that of the first group.
        for number in range(depth + 1, -1, -1):
            for group in groups:
                chosen = [p for p in group["params"] if layer_of[id(p)] == number]
                if chosen:
                    rate = group["lr"] * decay ** (depth + 1 - number)
                    optimizer.add_param_group({**group, "params": chosen, "lr": rate})
        return optimizer

    return make


def layer(name: str, depth: int) -> int:
    """The layer of a parameter: 0 is the embedding, 1 the first block, ``depth + 1`` the rest."""
    name = short(name)
    if found := _BLOCK.match(name):
        return 1 + int(found[1])
    return 0 if name.startswith(_INPUT) else depth + 1


def _depth(model: nn.Module) -> int:
    found = (_BLOCK.match(short(name)) for name, _ in model.named_parameters())
    return max((1 + int(match[1]) for match in found if match), default=0)
