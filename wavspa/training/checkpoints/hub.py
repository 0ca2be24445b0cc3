"""The model hub: names of its models, and downloads of their files.

``HF_ENDPOINT`` and ``HF_TOKEN`` set its address and the user, as for every program of ``huggingface_hub``.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from huggingface_hub import HfApi
from huggingface_hub.errors import (
    HfHubHTTPError,
    HFValidationError,
    HTTPError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from wavspa.errors import UserError, first_line
from wavspa.run_folder import layout


def hub() -> HfApi:
    """The hub's interface."""
    return HfApi(endpoint=os.environ.get("HF_ENDPOINT"))


def fetch(hub_id: str, revision: str | None = None) -> Path:
    """Get the weights and the configuration of a model on the hub, or find them in the cache.

    Args:
        hub_id: ``user/name``.
        revision: A branch, tag or commit; None is the main branch.

    Returns:
        The folder that holds them.

    Raises:
        UserError: There is no such model or revision, or the hub cannot be reached.
    """
    with hub_errors_as_user_errors(f"{hub_id} (no folder here, so a model on the hub)"):
        folder = hub().snapshot_download(
            hub_id,
            revision=revision,
            allow_patterns=[layout.EXPORT_CONFIG, layout.EXPORT_WEIGHTS],
        )
    return Path(folder)


@contextmanager
def hub_errors_as_user_errors(what: str) -> Iterator[None]:
    """Turn errors on the way to the hub into one line.

    Args:
        what: The beginning of the line.

    Raises:
        UserError: Something went wrong.
    """
    where = hub().endpoint
    try:
        yield
    except RevisionNotFoundError as error:
        raise UserError(f"{what}: {where} has no such revision") from error
    except RepositoryNotFoundError as error:
        raise UserError(
            f"{what}: {where} has none of this name that you may see; of a private one, HF_TOKEN (or "
            "`hf auth login`) identifies you"
        ) from error
    except HFValidationError as error:
        raise UserError(f"{what}: {first_line(error)}") from error
    # An empty cache is only reported where the hub could not be asked.
    except (LocalEntryNotFoundError, ConnectionError) as error:
        raise UserError(f"{what}: {where} cannot be reached") from error
    except HfHubHTTPError as error:
        raise UserError(f"{what}: {where} refuses: {_reason(error)}") from error
    except HTTPError as error:
        raise UserError(f"{what}: {where} cannot be reached ({first_line(error)})") from error


def _reason(error: HfHubHTTPError) -> str:
    status = error.response.status_code
    if status in (401, 403):
        return f"{status}, HF_TOKEN (or `hf auth login`) is not allowed to do this"
    return f"{status}, {error.server_message or first_line(error)}"
