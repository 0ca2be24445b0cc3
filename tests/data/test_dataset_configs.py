from collections.abc import Callable
from pathlib import Path

import pytest
import wavspa.conf
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import DictConfig

from wavspa.data import SequenceDataModule

CONF = Path(wavspa.conf.__file__).parent
NAMES = [
    path.relative_to(CONF / "dataset").with_suffix("").as_posix()
    for path in sorted((CONF / "dataset").rglob("*.yaml"))
]

# The user's own files have to be named.
NAMED = {
    name: ["dataset.train=train.csv"]
    for name in ("files", "file_pairs", "file_seq2seq", "series", "tagging")
}

Compose = Callable[..., DictConfig]


@pytest.fixture
def composed(tmp_path: Path) -> Compose:
    """Composes one data set under the two keys that it takes from the top, and the task it may choose."""
    (tmp_path / "tiny.yaml").write_text(
        f"hydra: {{searchpath: ['file://{CONF}']}}\n"
        "defaults:\n- _self_\n- model: small\n- task: classification\n- tokenizer: null\n- dataset: ???\n"
        f"data_root: {tmp_path / 'root'}\n"
        "seed: 3\n"
    )

    def _compose(name: str, *overrides: str) -> DictConfig:
        with initialize_config_dir(str(tmp_path), version_base="1.3"):
            return compose("tiny", [f"dataset={name}", *overrides])

    return _compose


@pytest.mark.parametrize("name", NAMES)
def test_every_data_set_composes_and_instantiates(composed: Compose, name: str) -> None:
    config = composed(name, *NAMED.get(name, []))
    assert set(config) == {"data_root", "seed", "model", "task", "dataset"}
    data = instantiate(config.dataset)
    assert isinstance(data, SequenceDataModule)
    assert data.name == config.dataset.name
    assert data.seed == 3
    assert data.data_root == Path(config.data_root)


@pytest.mark.parametrize(
    ("name", "fewer"),
    [
        ("digits", []),
        ("listops_short", ["train_examples=300", "val_examples=40", "test_examples=40"]),
        ("lra/listops", ["train_examples=60", "val_examples=20", "test_examples=20"]),
    ],
)
def test_every_data_set_fits_its_own_options(
    composed: Compose, name: str, fewer: list[str]
) -> None:
    data = instantiate(composed(name, *(f"dataset.{option}" for option in fewer)).dataset)
    data.prepare_data()
    data.setup()
    assert len(next(iter(data.train_dataloader())).tokens) == data.batch_size


def test_listops_is_the_benchmark(composed: Compose) -> None:
    data = instantiate(composed("lra/listops").dataset)
    assert data.cache_key() == {
        "data": "listops",
        "version": 1,
        "max_depth": 10,
        "max_args": 10,
        "min_length": 500,
        "max_length": 2000,
        "examples": {"train": 96_000, "val": 2_000, "test": 2_000},
        "data_seed": 0,
    }
