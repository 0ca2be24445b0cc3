"""What the data sets of CodeXGLUE share: where users have them, and in which files."""

from wavspa.data.sources.downloads import HubFiles
from wavspa.data.sources.locate import below

LICENCE = "C-UDA 1.0 (Computational Use of Data Agreement)"

# Of each split: the file that the benchmark's own scripts make, and those of the hub.
JSONL = {"train": "train.jsonl", "val": "valid.jsonl", "test": "test.jsonl"}
PARQUET = {"train": "train-*.parquet", "val": "validation-*.parquet", "test": "test-*.parquet"}


def places(name: str, task: str, hub: str) -> list[str]:
    """Folders below the data root that may hold a data set.

    Args:
        name: what it is called here.
        task: the folder of the task in a checkout of CodeXGLUE.
        hub: the name of the data set on the hub.
    """
    checkout = f"Code-Code/{task}/dataset"
    folders = [
        f"codexglue/{name}",
        name,
        checkout,
        f"CodeXGLUE/{checkout}",
        f"{task}/dataset",
        hub,
        f"google/{hub}",
        f"datasets--google--{hub}/snapshots/*",
    ]
    return below(folders, "", "data")


def hub_files(name: str, task: str, hub: str) -> HubFiles:
    """What to download; the arguments are those of :func:`places`."""
    return HubFiles(f"google/{hub}", ("*.parquet",), f"codexglue/{name}")


def remedy(name: str, task: str, hub: str) -> str:
    """What to do when a data set is nowhere; the arguments are those of :func:`places`."""
    return (
        f"put them there into codexglue/{name}: make them as Code-Code/{task} of "
        "https://github.com/microsoft/CodeXGLUE says, or take the parquet files of the hub's data "
        f"set google/{hub}"
    )
