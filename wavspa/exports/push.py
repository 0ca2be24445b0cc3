"""Uploading an exported folder to the model hub."""

from pathlib import Path

from huggingface_hub import get_token

from wavspa.errors import UserError
from wavspa.training.checkpoints.hub import hub, hub_errors_as_user_errors
from wavspa.training.checkpoints.read import is_hub_id


def check_push(hub_id: str) -> None:
    """Refuse an upload that is bound to fail, before anything is exported.

    Raises:
        UserError: The name cannot be that of a model on the hub, or nobody is logged in.
    """
    if not is_hub_id(hub_id):
        raise UserError(f"push={hub_id}: the name of a model on the hub is USER/NAME")
    if get_token() is None:
        raise UserError(
            f"push={hub_id}: not logged in to {hub().endpoint}: set HF_TOKEN, or run `hf auth login`"
        )


def push(folder: Path, hub_id: str, private: bool) -> str:
    """Create the repository if it is missing, and upload a folder's files to it.

    Args:
        folder: The exported folder.
        hub_id: ``user/name``.
        private: Whether a new repository is visible only to its owner.

    Returns:
        Its address.

    Raises:
        UserError: There is no network, or no permission to do this.
    """
    with hub_errors_as_user_errors(f"push={hub_id}"):
        address = hub().create_repo(hub_id, private=private, exist_ok=True)
        hub().upload_folder(
            repo_id=hub_id, folder_path=folder, commit_message="Export by wavspa-export"
        )
    return str(address)
