"""LightningModules: the tasks that a model is trained on."""

from wavspa.tasks.classification import Classification, Matching
from wavspa.tasks.embedding import Embedding
from wavspa.tasks.lego import Lego
from wavspa.tasks.masked import Masked
from wavspa.tasks.seq2seq import Seq2Seq
from wavspa.tasks.targets.multilabel import Multilabel
from wavspa.tasks.targets.regression import Regression
from wavspa.tasks.targets.tagging import Tagging

__all__ = [
    "Classification",
    "Embedding",
    "Lego",
    "Masked",
    "Matching",
    "Multilabel",
    "Regression",
    "Seq2Seq",
    "Tagging",
]
