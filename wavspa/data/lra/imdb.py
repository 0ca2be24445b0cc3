"""Text of the Long Range Arena: film reviews of IMDB, positive or negative."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from wavspa.checks import one_of, share, whole_number
from wavspa.data.lra.imdb_files import LABELS, SPLITS, find_reviews
from wavspa.data.preparation import store
from wavspa.data.preparation.holdout import hold_out
from wavspa.data.sources.downloads import File
from wavspa.data.text_datamodule import TextRow, Texts, TextSplit
from wavspa.errors import UserError

REVIEWS_PER_LABEL = 12_500
ARCHIVE = File(
    "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",
    md5="7c2ac02c03563afcf9b574c7e56c153a",
)


class Imdb(Texts):
    """25,000 reviews to train on and 25,000 to test on, half of them positive.

    There is no validation split. By default, a part of train is held out for it, the same for any
    files the reviews were read from; equal reviews stay together. Upstream validates on test.

    Args:
        protocol: ``default``, or ``upstream``: train on all of train, validate on test.
        drop_shared: Leave out of train the reviews that are in test as well.
        complete: Refuse files that hold fewer or more reviews than the benchmark.
        val_share: Share of train that is held out for validation.
        data_seed: Seed of the hold-out, independent of the training seed.
        **options: See :class:`wavspa.data.Texts`.

    Raises:
        UserError: An option is out of range.
    """

    downloads = (ARCHIVE,)

    def __init__(
        self,
        *,
        protocol: str = "default",
        drop_shared: bool = False,
        complete: bool = True,
        val_share: float = 0.1,
        data_seed: int = 0,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.protocol = one_of("protocol", protocol, ("default", "upstream"))
        self.drop_shared = drop_shared
        self.complete = complete
        self.val_share = share("val_share", val_share)
        self.data_seed = whole_number("data_seed", data_seed, least=0)

    def source_cache_key(self) -> Mapping[str, Any]:
        """What makes the splits."""
        return {
            "data": "imdb",
            "version": 1,
            "protocol": self.protocol,
            "drop_shared": self.drop_shared,
            "complete": self.complete,
            "val_share": self.val_share,
            "data_seed": self.data_seed,
        }

    def read(self) -> Mapping[str, TextSplit]:
        """The reviews, read into memory and put in order, so that all layouts give the same."""
        reviews, self._place = find_reviews(self.data_root)
        self._lack = _lack(reviews)
        if self.complete and self._lack:
            raise UserError(
                f"{self._place} holds {self._lack}: unpack or download it again, or set "
                "dataset.complete=false to take what is there"
            )
        train, test = (sorted(reviews[split], key=_by_label) for split in SPLITS)
        self._shared = {row.texts for row in train} & {row.texts for row in test}
        if self.drop_shared:
            train = [row for row in train if row.texts not in self._shared]
        if self.protocol == "upstream":
            return {"train": _split(train), "val": _split(test), "test": _split(test)}
        kept, held = hold_out(
            [row.label for row in train],
            self.val_share,
            self.data_seed,
            groups=[row.texts for row in train],
        )
        return {
            "train": _split([train[i] for i in kept]),
            "val": _split([train[i] for i in held]),
            "test": _split(test),
        }

    def card_facts(self, splits: store.Splits) -> store.Facts:
        """Source, licence, what val is, and the reviews that two splits share."""
        validation = {
            "default": f"val is {self.val_share:.0%} of the benchmark's train, held out by label, "
            f"equal reviews together (seed {self.data_seed})",
            "upstream": "val is the test split, as in upstream's training",
        }
        return {
            **({"name": f"{self.name} (incomplete)"} if self._lack else {}),
            "source": "Large Movie Review Dataset v1.0 (Maas et al., 2011), "
            f"https://ai.stanford.edu/~amaas/data/sentiment, read from {self._place}",
            "licence": "none stated; for research, cite Maas et al. (2011)",
            "label_names": list(LABELS),
            "protocol": self.protocol,
            "validation": validation[self.protocol],
            "shared_with_test": f"{len(self._shared)} reviews of train are in test as well; they are "
            + ("left out of train" if self.drop_shared else "in both"),
        }


def _lack(reviews: Mapping[str, Sequence[TextRow]]) -> str:
    """In what the reviews are not as many as the benchmark has; empty if they are."""
    for split, rows in reviews.items():
        counts = Counter(row.label for row in rows)
        for label, name in enumerate(LABELS):
            if counts[label] != REVIEWS_PER_LABEL:
                return f"{counts[label]:,} reviews of {split}/{name}, not {REVIEWS_PER_LABEL:,}"
    return ""


def _by_label(row: TextRow) -> tuple[int, str]:
    return row.label, row.texts[0]


def _split(rows: list[TextRow]) -> TextSplit:
    return TextSplit(partial(iter, rows), len(rows))
