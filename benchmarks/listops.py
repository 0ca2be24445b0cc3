"""Statistics of 100,000 samples of ListOps at full specification: `python -m benchmarks.listops`."""

import numpy as np
import pyarrow as pa

from wavspa.data.lra.listops.datamodule import root_operator_control
from wavspa.data.lra.listops.generator import ListOpsRule, UniqueListOps
from wavspa.data.lra.listops.grammar import SYMBOLS
from wavspa.data.preparation import store

SAMPLES = 100_000
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def main() -> None:
    """Print one line for each statistic."""
    generator = UniqueListOps(ListOpsRule(), seed=0, threads=2)
    table = pa.concat_tables(generator.split(0, SAMPLES))
    labels = table["label"].to_numpy()
    lengths = store.lengths(table["tokens"])
    roots = np.array([tokens.values[0].as_py() for tokens in table["tokens"]])

    print(f"kept                   {generator.drawn / generator.tries:.4f}")
    print(f"drawn twice            {1 - SAMPLES / generator.drawn:.4f}")
    print(f"length, mean           {lengths.mean():.0f}")
    for quantile, length in zip(QUANTILES, np.quantile(lengths, QUANTILES), strict=True):
        print(f"length, {quantile:<14.0%} {length:.0f}")
    print(f"length, least and most {lengths.min()} {lengths.max()}")
    print("labels 0 to 9         ", *(f"{share:.3f}" for share in np.bincount(labels) / SAMPLES))
    for root in np.unique(roots):
        of_root = np.bincount(labels[roots == root]) / (roots == root).sum()
        print(
            f"root {SYMBOLS[root - 1]}: {(roots == root).mean():.3f} of the samples, of which "
            f"{of_root.max():.3f} have the label {of_root.argmax()}"
        )
    control = root_operator_control((roots, labels), (roots, labels))
    print(f"root-operator control  {control:.4f}")


if __name__ == "__main__":
    main()
