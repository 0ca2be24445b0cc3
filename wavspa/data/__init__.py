"""Data from disk to batches: preparation, loading, and the data sets.

Independent of models. Only the DataModules need Lightning.
"""

from wavspa.data.codexglue.bigclonebench import BigCloneBench
from wavspa.data.codexglue.devign import Devign
from wavspa.data.codexglue.poj104 import Poj104
from wavspa.data.codexglue.summarization import Summarization
from wavspa.data.codexglue.translation import Translation
from wavspa.data.custom import Files
from wavspa.data.d2a.datamodule import D2A
from wavspa.data.datamodule import SequenceDataModule
from wavspa.data.digits import Digits
from wavspa.data.file_pairs import FilePairs
from wavspa.data.lego import Lego, LegoBatch
from wavspa.data.loading.collate import (
    Batch,
    Example,
    PairBatch,
    PairExample,
    Seq2SeqBatch,
    Seq2SeqExample,
    collate,
    collate_pairs,
    collate_seq2seq,
)
from wavspa.data.lra.aan import Aan
from wavspa.data.lra.cifar10 import Cifar10
from wavspa.data.lra.imdb import Imdb
from wavspa.data.lra.listops.datamodule import ListOps
from wavspa.data.lra.pathfinder.datamodule import Pathfinder
from wavspa.data.seq2seq.datamodule import SourceTargets
from wavspa.data.seq2seq.docstrings import Docstrings
from wavspa.data.seq2seq.files import FileSeq2Seq
from wavspa.data.series.datamodule import Series
from wavspa.data.tagging.collate import TagBatch, TagExample
from wavspa.data.tagging.datamodule import Tagging
from wavspa.data.text_datamodule import TextPairs, Texts

__all__ = [
    "D2A",
    "Aan",
    "Batch",
    "BigCloneBench",
    "Cifar10",
    "Devign",
    "Digits",
    "Docstrings",
    "Example",
    "FilePairs",
    "FileSeq2Seq",
    "Files",
    "Imdb",
    "Lego",
    "LegoBatch",
    "ListOps",
    "PairBatch",
    "PairExample",
    "Pathfinder",
    "Poj104",
    "Seq2SeqBatch",
    "Seq2SeqExample",
    "SequenceDataModule",
    "Series",
    "SourceTargets",
    "Summarization",
    "TagBatch",
    "TagExample",
    "Tagging",
    "TextPairs",
    "Texts",
    "Translation",
    "collate",
    "collate_pairs",
    "collate_seq2seq",
]
