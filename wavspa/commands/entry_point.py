"""How a command ends badly: one line that names the option and the way out, or a traceback."""

import functools
import os
import signal
import sys
import traceback
from collections.abc import Callable

from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from wavspa.commands.hydra_errors import explain_composition
from wavspa.errors import RunFailed, RunInterrupted, UserError

MISTAKE = 2
FAILURE = 1
# A shell's code for a command that a signal ended is this and its number.
KILLED = 128


def command(main: Callable[[], None]) -> Callable[[], None]:
    """Wrap a command's main function.

    A mistake of the user (also one that Hydra or OmegaConf found) becomes one line on standard error
    and exit code 2, a run that failed for a known reason one line and exit code 1. Anything else is
    a defect and keeps its traceback. ``WAVSPA_DEBUG=1`` shows the traceback of all.
    """

    @functools.wraps(main)
    def wrapped() -> None:
        try:
            main()
        except (UserError, HydraException, OmegaConfBaseException) as error:
            _end(error, _line(error), MISTAKE)
        except RunFailed as error:
            _end(error, str(error), FAILURE)
        except RunInterrupted as error:
            _end(error, str(error), KILLED + error.signal)
        except KeyboardInterrupt as error:
            _end(error, "interrupted", KILLED + signal.SIGINT)

    return wrapped


def _line(error: Exception) -> str:
    message = str(error) if isinstance(error, UserError) else explain_composition(error)
    return " ".join(message.split())


def _end(error: BaseException, line: str, code: int) -> None:
    if os.environ.get("WAVSPA_DEBUG") == "1":
        traceback.print_exception(error)
    print(f"error: {line}", file=sys.stderr)
    sys.exit(code)
