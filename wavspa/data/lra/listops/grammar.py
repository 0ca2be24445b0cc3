"""The language of ListOps: its vocabulary, and a plain evaluator to check generated data with.

An expression is a digit or an operator, two or more expressions, and a closing bracket, for example
``[MAX 2 9 [MIN 4 7 ] 0 ]``. Its value is one digit.
"""

from collections.abc import Callable

import numpy as np

# Sorted and fixed: the id of a symbol is its place in this list, counted from 1; 0 is the pad.
SYMBOLS = (*"0123456789", "[MAX", "[MED", "[MIN", "[SM", "]")
IDS = {symbol: place for place, symbol in enumerate(SYMBOLS, start=1)}
VOCAB_SIZE = len(SYMBOLS) + 1

OPERATORS: dict[str, Callable[[list[int]], int]] = {
    "[MAX": max,
    "[MED": lambda values: int(np.median(values)),
    "[MIN": min,
    "[SM": lambda values: sum(values) % 10,
}


def encode(expression: str) -> np.ndarray:
    """The ids [N] uint8 of an expression whose symbols are separated by white space.

    Raises:
        KeyError: A symbol outside the vocabulary.
    """
    return np.array([IDS[symbol] for symbol in expression.split()], dtype=np.uint8)


def decode(tokens: np.ndarray) -> str:
    """The expression with these ids [N], none of them a pad."""
    return " ".join(SYMBOLS[token - 1] for token in tokens)


def evaluate(expression: str) -> int:
    """The value of an expression, by the book and slowly.

    Raises:
        ValueError: The text is not one complete expression.
    """
    open_lists: list[tuple[str, list[int]]] = [("", [])]
    for symbol in expression.split():
        if symbol in OPERATORS:
            open_lists.append((symbol, []))
        elif symbol == "]" and len(open_lists) > 1 and len(open_lists[-1][1]) > 1:
            operator, values = open_lists.pop()
            open_lists[-1][1].append(OPERATORS[operator](values))
        elif symbol.isdecimal() and len(symbol) == 1:
            open_lists[-1][1].append(int(symbol))
        else:
            raise ValueError(f"{symbol!r} is out of place in {expression!r}")
    if len(open_lists) > 1 or len(open_lists[0][1]) != 1:
        raise ValueError(f"not one complete expression: {expression!r}")
    return open_lists[0][1][0]
