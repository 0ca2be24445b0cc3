"""Attention with dropout on a CPU: fast, in little memory, with a mask that a seed repeats."""

from wavspa.attention.dropout.function import attend_with_dropout, runs_here

__all__ = ["attend_with_dropout", "runs_here"]
