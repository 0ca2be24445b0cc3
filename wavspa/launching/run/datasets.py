"""Preparation of the data sets of several runs, each only once."""

from collections.abc import Iterable, Iterator

from omegaconf import DictConfig

from wavspa.data import SequenceDataModule
from wavspa.data.preparation import store
from wavspa.launching.run.build import build


def prepare_each(configs: Iterable[DictConfig]) -> Iterator[SequenceDataModule]:
    """Prepare the data of several runs; data that runs share are prepared once.

    Args:
        configs: Configurations of runs.

    Yields:
        Each data set, as soon as it is prepared.

    Raises:
        UserError: An option or a file cannot be used, or prepared data are damaged.
    """
    for data in distinct(configs):
        if data.folder.is_dir():
            store.verify(data.folder)
        data.prepare_data()
        yield data


def distinct(configs: Iterable[DictConfig]) -> list[SequenceDataModule]:
    """The data sets of some runs, one for each folder of prepared data, existing or not.

    Args:
        configs: Configurations of runs.
    """
    found: dict[object, SequenceDataModule] = {}
    for config in configs:
        data: SequenceDataModule = build(config, "dataset")
        found.setdefault(data.folder, data)
    return list(found.values())
