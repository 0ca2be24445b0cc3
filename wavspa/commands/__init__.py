"""The commands: thin; the only place that composes."""

import sys
from importlib.util import find_spec

# The bare library comes without the framework: one line, not the traceback of the first import.
if not (find_spec("hydra") and find_spec("pytorch_lightning")):
    print("error: the commands need the framework: pip install 'wavspa[train]'", file=sys.stderr)
    sys.exit(2)
