"""LightningModules: what a model is trained to do."""

from wavspa.tasks.classification import Classification, Matching
from wavspa.tasks.embedding import Embedding
from wavspa.tasks.lego import Lego
from wavspa.tasks.masked import Masked

__all__ = ["Classification", "Embedding", "Lego", "Masked", "Matching"]
