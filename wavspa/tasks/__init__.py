"""LightningModules: what a model is trained to do."""

from wavspa.tasks.classification import Classification

__all__ = ["Classification"]
