"""From data on disk to batches: what is prepared, how batches are cut, and the data sets.

Knows nothing of models. Only the DataModules need Lightning.
"""

from wavspa.data.aan import Aan
from wavspa.data.batch import Batch, Example, collate
from wavspa.data.bigclonebench import BigCloneBench
from wavspa.data.cifar10 import Cifar10
from wavspa.data.d2a import D2A
from wavspa.data.devign import Devign
from wavspa.data.digits import Digits
from wavspa.data.files import FilePairs, Files
from wavspa.data.imdb import Imdb
from wavspa.data.lego import Lego, LegoBatch
from wavspa.data.listops import ListOps
from wavspa.data.module import SequenceDataModule
from wavspa.data.pairs import PairBatch, PairExample, collate_pairs
from wavspa.data.pathfinder import Pathfinder
from wavspa.data.poj104 import Poj104
from wavspa.data.texts import TextPairs, Texts

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
