"""Checkpoint folders from the Hugging Face hub.

Apart from how checkpoints are read, so that a change here repeats no extraction.
"""

from __future__ import annotations

import logging
from fnmatch import fnmatchcase
from pathlib import Path

import httpx2
from huggingface_hub import HfApi, hf_hub_url
from huggingface_hub.errors import HfHubHTTPError, HFValidationError
from huggingface_hub.utils import build_hf_headers

from layerwise.checkpoints import ORIGIN
from layerwise.downloads import DownloadError, fetch
from layerwise.errors import LayerwiseError
from layerwise.fetching import write_manifest
from layerwise.files import resumed_folder
from layerwise.preprocessors import FILES as INPUT_FILES
from layerwise.weights import ADAPTER_FILES, NOT_APPLIED, PATTERNS

log = logging.getLogger(__name__)


class HubError(LayerwiseError):
    """A checkpoint cannot be fetched."""


def fetch_checkpoint(repository: str, revision: str | None, out: Path) -> None:
    """Fetch configuration and weights of a Hugging Face repository at one revision.

    `HF_ENDPOINT` and the token (`HF_TOKEN`, or that of `hf auth login`) are respected. Files are checked by the digests
    that the hub states; the hub's own client would not go on with a file that was interrupted.

    Raises:
        HubError: the hub does not know the repository or revision, cannot be reached, or gives another file than it
            announced.
    """
    try:
        # With the commit, where a branch was asked for.
        found = HfApi().model_info(repository, revision=revision, files_metadata=True)
        files = {file.rfilename: file for file in found.siblings}
        headers = build_hf_headers()
        with resumed_folder(out, ORIGIN, f"{repository}, commit {found.sha}\n") as folder:
            for name in _needed(list(files), repository):
                file = files[name]
                if not (file.lfs or file.blob_id):
                    log.warning("%s states no digest of %s: it is not checked", repository, name)
                if not (folder / name).exists():
                    fetch(
                        hf_hub_url(repository, name, revision=found.sha),
                        folder / name,
                        sha256=file.lfs.sha256 if file.lfs else None,
                        git_sha1=None if file.lfs else file.blob_id,
                        size=file.size,
                        headers=headers,
                    )
            write_manifest(folder, repository, found.sha)
    except (HfHubHTTPError, HFValidationError, DownloadError, httpx2.HTTPError, OSError) as error:
        raise HubError(
            f"{repository} (revision {revision or 'main'}) could not be fetched: {error}; a copy on this machine "
            "can be named under extra_models with `source: FOLDER`"
        ) from error


def _needed(names: list[str], repository: str) -> list[str]:
    """Files that loading the model takes, the small ones first."""
    if adapters := [name for name in ADAPTER_FILES if name in names]:
        raise HubError(f"{repository} holds an adapter ({adapters[0]}), and {NOT_APPLIED}")
    # Other files, such as adapters of single languages, are no part of the model.
    weights = [found for pattern in PATTERNS if (found := [name for name in names if fnmatchcase(name, pattern)])]
    if "config.json" not in names or not weights:
        raise HubError(
            f"{repository} holds no model of transformers (config.json, and model.safetensors or pytorch_model.bin) "
            f"but {', '.join(names[:10])}"
        )
    return ["config.json", *(name for name in INPUT_FILES if name in names), *weights[0]]
