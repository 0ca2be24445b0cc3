"""LightningModules: what a model is trained to do."""

from wavspa.tasks.classification import Classification
from wavspa.tasks.embedding import Embedding
from wavspa.tasks.lego import Lego
from wavspa.tasks.matching import Matching

__all__ = ["Classification", "Embedding", "Lego", "Matching"]
