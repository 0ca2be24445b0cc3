"""From data on disk to batches: what is prepared, how batches are cut, and the data sets.

Knows nothing of models. Only the DataModules need Lightning.
"""

from wavspa.data.codexglue.bigclonebench import BigCloneBench
from wavspa.data.codexglue.devign import Devign
from wavspa.data.codexglue.poj104 import Poj104
from wavspa.data.custom import FilePairs, Files
from wavspa.data.d2a.datamodule import D2A
from wavspa.data.datamodule import SequenceDataModule
from wavspa.data.digits import Digits
from wavspa.data.lego import Lego, LegoBatch
from wavspa.data.loading.collate import (
    Batch,
    Example,
    PairBatch,
    PairExample,
    collate,
    collate_pairs,
)
from wavspa.data.lra.aan import Aan
from wavspa.data.lra.cifar10 import Cifar10
from wavspa.data.lra.imdb import Imdb
from wavspa.data.lra.listops.datamodule import ListOps
from wavspa.data.lra.pathfinder.datamodule import Pathfinder
from wavspa.data.text_datamodule import TextPairs, Texts

__all__ = [
    "D2A",
    "Aan",
    "Batch",
    "BigCloneBench",
    "Cifar10",
    "Devign",
    "Digits",
    "Example",
    "FilePairs",
    "Files",
    "Imdb",
    "Lego",
    "LegoBatch",
    "ListOps",
    "PairBatch",
    "PairExample",
    "Pathfinder",
    "Poj104",
    "SequenceDataModule",
    "TextPairs",
    "Texts",
    "collate",
    "collate_pairs",
]
