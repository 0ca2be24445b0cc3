"""Linear attention with the feature map elu + 1."""

import torch.nn.functional as F
from torch import Tensor, nn
from typing_extensions import override

from wavspa.attention.base import Attention, kernel_attention, real_factors
from wavspa.attention.options import AttentionOptions


class Linear(Attention):
    """``phi(q) (phi(k)^T v) / (phi(q) sum phi(k) + 1e-6)``, ``phi = elu + 1``.

    Projections have biases, initially normal(1e-6); dropout on the output. Source: Katharopoulos et
    al. 2020. Arguments: see :class:`~wavspa.attention.base.Attention`.
    """

    def __init__(
        self,
        dim: int,
        heads: int,
        options: AttentionOptions = AttentionOptions(),
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(dim, heads, options, bias=bias)
        if bias:
            for projection in (self.query, self.key, self.value, self.out):
                nn.init.normal_(projection.bias, std=1e-6)

    @override
    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        return F.dropout(super().forward(x, lengths), self.dropout, self.training)

    @override
    def attend(self, q: Tensor, k: Tensor, v: Tensor, lengths: Tensor | None) -> Tensor:
        phi_k = positive(k)
        if lengths is not None:
            phi_k = phi_k * real_factors(lengths, phi_k)
        return kernel_attention(positive(q), phi_k, v, epsilon=1e-6, rotary=self.rotary)


def positive(x: Tensor) -> Tensor:
    """``elu(x) + 1``, in operations whose gradients are right everywhere: that of elu is not on XLA."""
    return x.clamp(max=0).exp() + x.relu()
