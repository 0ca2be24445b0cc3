"""An exported folder, put on the model hub."""

from pathlib import Path

from huggingface_hub import get_token

from wavspa.errors import UserError
from wavspa.training.checkpoints.hub import hub, hub_errors_as_user_errors
from wavspa.training.checkpoints.read import is_hub_id


def check_push(hub_id: str) -> None:
    """Refuse what can be seen to fail before anything is exported.

    Raises:
        UserError: The name is none of a model on the hub, or nobody is logged in.
    """
    if not is_hub_id(hub_id):
        raise UserError(f"push={hub_id}: a model on the hub is called USER/NAME")
    if get_token() is None:
        raise UserError(
            f"push={hub_id}: nobody is logged in at {hub().endpoint}: set HF_TOKEN, or `hf auth login`"
        )


def push(folder: Path, hub_id: str, private: bool) -> str:
    """Create the repository if it is missing, and put a folder's files into it.

    Args:
        folder: The exported folder.
        hub_id: ``user/name``.
        private: Whether a repository that is made is seen by its owner alone.

    Returns:
        Its address.

    Raises:
        UserError: There is no network, or no right to do this.
    """
    with hub_errors_as_user_errors(f"push={hub_id}"):
        address = hub().create_repo(hub_id, private=private, exist_ok=True)
        hub().upload_folder(
            repo_id=hub_id, folder_path=folder, commit_message="Export by wavspa-export"
        )
    return str(address)
