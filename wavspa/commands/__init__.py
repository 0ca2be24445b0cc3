"""The commands: thin; the only place that composes."""

import os
import sys
from importlib.util import find_spec

from wavspa.launching.lazy_transformers import defer_transformers

# What `wavspa[train]` installs, by the names that are imported.
FRAMEWORK = (
    "pytorch_lightning",
    "hydra",
    "omegaconf",
    "datasets",
    "torchmetrics",
    "numba",
    "scipy",
    "sklearn",
    "matplotlib",
    "plotly",
    "jinja2",
    "PIL",
    "msgpack",
    "rich",
    "requests",
    "huggingface_hub",
    "filelock",
    "pyarrow",
    "tokenizers",
    "wandb",
)

# The bare library comes without the framework: one line, not the traceback of the first import.
if missing := [name for name in FRAMEWORK if not find_spec(name)]:
    print(
        f"error: the commands need the framework, of which {missing[0]} is missing: "
        "pip install 'wavspa[train]'",
        file=sys.stderr,
    )
    sys.exit(2)

defer_transformers()

# OpenMP reads it when torch is loaded, which no command has done yet. Its threads would otherwise spin for
# milliseconds after each operation, on the cores that Numba's loops, loaders and other programs need.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
