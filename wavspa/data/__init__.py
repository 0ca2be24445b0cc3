"""From data on disk to batches: what is prepared, how batches are cut, and the data sets.

Knows nothing of models. Only the DataModules need Lightning.
"""

from wavspa.data.batch import Batch, Example, collate
from wavspa.data.digits import Digits
from wavspa.data.listops import ListOps
from wavspa.data.module import SequenceDataModule

__all__ = ["Batch", "Digits", "Example", "ListOps", "SequenceDataModule", "collate"]
