"""Checkpoint folders from the Hugging Face hub.

Apart from how checkpoints are read, so that a change here repeats no extraction.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import httpx2
from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

from layerwise.checkpoints import ORIGIN
from layerwise.errors import LayerwiseError
from layerwise.files import replaced_folder


class HubError(LayerwiseError):
    """A checkpoint cannot be fetched."""


def fetch_checkpoint(repository: str, revision: str | None, out: Path) -> None:
    """Fetch configuration and weights of a Hugging Face repository at one revision (`HF_ENDPOINT` and token respected).

    Raises:
        HubError: the hub does not know the repository or revision, or cannot be reached.
    """
    try:
        found = HfApi().model_info(repository, revision=revision)  # with the commit, where a branch was asked for
        safe = any(file.rfilename.endswith(".safetensors") for file in found.siblings)
        patterns = ["config.json", "preprocessor_config.json", "*.safetensors*" if safe else "pytorch_model*.bin*"]
        with replaced_folder(out) as folder:
            snapshot_download(repository, revision=found.sha, local_dir=folder, allow_patterns=patterns)
            shutil.rmtree(folder / ".cache", ignore_errors=True)
            (folder / ORIGIN).write_text(f"{repository}, commit {found.sha}\n", encoding="utf-8")
    except (HfHubHTTPError, LocalEntryNotFoundError, httpx2.HTTPError, OSError) as error:
        raise HubError(
            f"{repository} (revision {revision or 'main'}) could not be fetched: {error}; a copy on this machine "
            "can be named under extra_models with `source: FOLDER`"
        ) from error
