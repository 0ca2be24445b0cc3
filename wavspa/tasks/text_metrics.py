"""The metrics of each kind of generation, as functions that a task's configuration names.

Each returns fresh metrics of texts by their logged name: ``update(predictions, references)``.
"""

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from wavspa.checks import one_of, true_or_false
from wavspa.errors import UserError
from wavspa.tasks.bleu import (
    ORDERS,
    NgramCounts,
    corpus_bleu,
    count_ngrams,
    is_exact,
    sentence_bleu,
    words_and_signs,
)

Texts = Sequence[str | None]

# CodeBLEU is compared through syntax trees: other grammars, other scores.
CODEBLEU_VERSIONS = {
    "codebleu": "0.7.0",
    "tree-sitter": "0.22.3",
    "tree-sitter-java": "0.21.0",
    "tree-sitter-c-sharp": "0.21.3",
}
CODEBLEU_LANGUAGES = ("java", "c_sharp")


def summarization(sacrebleu: bool = False) -> dict[str, Metric]:
    """CodeXGLUE's ``sentence_bleu``, ``exact_match``, and the share of texts that are ``empty``.

    Args:
        sacrebleu: Also ``sacrebleu``.
    """
    return {
        "sentence_bleu": SentenceBleu(),
        "exact_match": ExactMatch(),
        "empty": Empty(),
        **_second_opinion(sacrebleu),
    }


def translation(sacrebleu: bool = False, codebleu: str | None = None) -> dict[str, Metric]:
    """CodeXGLUE's ``bleu`` and ``exact_match``, and the share of texts that are ``empty``.

    Args:
        sacrebleu: Also ``sacrebleu``.
        codebleu: Also ``codebleu``, of targets in this language: ``java`` or ``c_sharp``.

    Raises:
        UserError: The language is unknown, or a package is missing or of another version.
    """
    return {
        "bleu": CorpusBleu(),
        "exact_match": ExactMatch(),
        "empty": Empty(),
        **_second_opinion(sacrebleu),
        **_code_bleu(codebleu),
    }


def _code_bleu(language: str | None) -> dict[str, Metric]:
    if language is None:
        return {}
    one_of("codebleu", language, CODEBLEU_LANGUAGES)
    for package, tested in CODEBLEU_VERSIONS.items():
        try:
            found = version(package)
        except PackageNotFoundError:
            found = "none"
        if found != tested:
            raise UserError(
                f"codebleu={language} needs {package} {tested} (other versions change the score), found "
                f"{found}: pip install 'wavspa[codebleu]'"
            )
    return {"codebleu": CodeBleu(language)}


def _second_opinion(wanted: bool) -> dict[str, Metric]:
    if not true_or_false("sacrebleu", wanted):
        return {}
    if find_spec("sacrebleu") is None:
        raise UserError(
            "sacrebleu=true needs the package sacrebleu: pip install 'wavspa[generation]'"
        )
    return {"sacrebleu": SacreBleu()}


class _MeanOfTexts(Metric):
    """The mean of a number over examples; NaN without examples."""

    full_state_update = False
    total: Tensor
    count: Tensor

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.add_state("total", torch.zeros(()), dist_reduce_fx="sum")
        self.add_state("count", torch.zeros(()), dist_reduce_fx="sum")

    def value(self, prediction: str | None, reference: str) -> float:
        """The number of one example."""
        raise NotImplementedError

    def update(self, predictions: Texts, references: Sequence[str]) -> None:
        """Count texts and their references."""
        pairs = zip(predictions, references, strict=True)
        # Added up in Python first: 15,000 single additions to a float32 would show in the last digits.
        self.total += sum(self.value(prediction, reference) for prediction, reference in pairs)
        self.count += len(predictions)

    def compute(self) -> Tensor:
        """The mean, a scalar."""
        return self.total / self.count


class SentenceBleu(_MeanOfTexts):
    """The mean of the sentences' BLEU-4 (see :func:`wavspa.tasks.bleu.sentence_bleu`)."""

    def value(self, prediction: str | None, reference: str) -> float:
        """BLEU-4 of one summary."""
        return sentence_bleu(prediction, reference)


class ExactMatch(_MeanOfTexts):
    """The share of texts that are equal to their reference except for blanks at their ends."""

    def value(self, prediction: str | None, reference: str) -> float:
        """1 if they are equal."""
        return float(is_exact(prediction, reference))


class Empty(_MeanOfTexts):
    """The share of texts without a word, and of examples without a text."""

    def value(self, prediction: str | None, reference: str) -> float:
        """1 if there is nothing."""
        return float(not words_and_signs(prediction or ""))


class CorpusBleu(Metric):
    """BLEU-4 of all texts together (see :func:`wavspa.tasks.bleu.corpus_bleu`)."""

    full_state_update = False
    counts: Tensor

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        zeros = torch.zeros(2 * ORDERS + 2, dtype=torch.int64)
        self.add_state("counts", zeros, dist_reduce_fx="sum")

    def update(self, predictions: Texts, references: Sequence[str]) -> None:
        """Count texts and their references."""
        for prediction, reference in zip(predictions, references, strict=True):
            counts = count_ngrams((prediction or "").split(), reference.split())
            row = [*counts.matches, *counts.possible, counts.predicted, counts.expected]
            self.counts += torch.tensor(row, device=self.counts.device)

    def compute(self) -> Tensor:
        """The score, a scalar."""
        *ngrams, predicted, expected = self.counts.tolist()
        matches, possible = tuple(ngrams[:ORDERS]), tuple(ngrams[ORDERS:])
        return torch.tensor(corpus_bleu(NgramCounts(matches, possible, predicted, expected)))


class _AllTexts(Metric):
    """A score of all texts together, which are collected until it is computed."""

    full_state_update = False
    texts: list[Tensor]

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        # Bytes, each plus 1; a text ends with 0. Ranks can gather tensors, but not texts.
        self.add_state("texts", default=[], dist_reduce_fx="cat")

    def update(self, predictions: Texts, references: Sequence[str]) -> None:
        """Collect texts and their references."""
        for pair in zip(predictions, references, strict=True):
            for text in pair:
                content = [*(byte + 1 for byte in (text or "").encode("utf-8", "replace")), 0]
                self.texts.append(torch.tensor(content, dtype=torch.int16, device=self.device))

    def score(self, predictions: list[str], references: list[str]) -> float:
        """The score between 0 and 1."""
        raise NotImplementedError

    def compute(self) -> Tensor:
        """The score, a scalar."""
        texts, current = [], bytearray()
        for value in dim_zero_cat(self.texts).tolist():
            if value:
                current.append(value - 1)
            else:
                texts.append(current.decode("utf-8"))
                current = bytearray()
        return torch.tensor(self.score(texts[::2], texts[1::2]))


class SacreBleu(_AllTexts):
    """Sacrebleu's score of all texts together, as they are split already (``tokenize=none``)."""

    def score(self, predictions: list[str], references: list[str]) -> float:
        """Sacrebleu's score, which is over 100, between 0 and 1."""
        from sacrebleu import corpus_bleu as bleu

        found = bleu(predictions, [references], tokenize="none", force=True)
        return float(found.score) / 100


class CodeBleu(_AllTexts):
    """CodeBLEU (Ren et al. 2020): n-grams, weighted n-grams, syntax trees and data flow, a quarter each.

    Args:
        language: Language of the texts, as the package codebleu names it.
        **options: Options of :class:`torchmetrics.Metric`.
    """

    def __init__(self, language: str, **options: Any) -> None:
        super().__init__(**options)
        self.language = language

    def score(self, predictions: list[str], references: list[str]) -> float:
        """The score of the package codebleu."""
        from codebleu import calc_codebleu

        return float(calc_codebleu(references, predictions, lang=self.language)["codebleu"])
