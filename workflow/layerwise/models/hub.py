"""Fetch checkpoint folders from the Hugging Face hub.

Apart from reading checkpoints, so that a change here repeats no extraction.
"""

from __future__ import annotations

import logging
import re
from fnmatch import fnmatchcase
from pathlib import Path

import httpx2
from huggingface_hub import HfApi, get_token, hf_hub_url
from huggingface_hub.errors import HfHubHTTPError, HFValidationError
from huggingface_hub.hf_api import RepoSibling
from huggingface_hub.utils import build_hf_headers

from layerwise.errors import LayerwiseError, shown
from layerwise.files.atomic import resumed_folder
from layerwise.files.digests import DownloadError
from layerwise.files.download_failures import malformed
from layerwise.files.downloads import fetch
from layerwise.files.links import LinkError
from layerwise.models.checkpoints import ORIGIN
from layerwise.models.fetch import keep_expected, write_manifest
from layerwise.models.preprocessors import FILES as INPUT_FILES
from layerwise.models.weights import ADAPTER_FILES, NOT_APPLIED, PATTERNS

log = logging.getLogger(__name__)

_TIMEOUT_SECONDS = 30
_COPY = "a copy on this machine can be named under extra_models with `source: FOLDER`"


class HubError(LayerwiseError):
    """A checkpoint cannot be fetched."""


def fetch_checkpoint(repository: str, revision: str | None, out: Path) -> None:
    """Fetch configuration and weights of a Hugging Face repository at one revision.

    `HF_ENDPOINT` and the token (`HF_TOKEN`, or that of `hf auth login`) are respected. Files are checked by the digests
    that the hub states; the hub's own client would not go on with a file that was interrupted.

    Raises:
        HubError: the hub does not know the repository or revision, cannot be reached, gives another file than it
            announced, or answers nonsense; or another checkpoint lies in `out`.
    """
    asked = f"{repository} (revision {revision or 'main'})"
    try:
        # With the commit, where a branch was asked for.
        commit, files = _listed(repository, revision)
        expected = {name: _checks(repository, files[name]) for name in _needed(list(files), repository)}
        headers = build_hf_headers()
        with resumed_folder(out, ORIGIN, f"{repository}, commit {commit}\n") as folder:
            keep_expected(folder, expected, is_finished=folder == out)
            for name, checks in expected.items():
                if not (checks["sha256"] or checks["git_sha1"]):
                    log.warning("%s states no digest of %s: it is not checked", repository, name)
                if not (folder / name).exists():
                    fetch(hf_hub_url(repository, name, revision=commit), folder / name, **checks, headers=headers)
            write_manifest(folder, repository, commit)
    except (HfHubHTTPError, HFValidationError, DownloadError, LinkError, httpx2.HTTPError, OSError) as error:
        raise HubError(f"{asked} could not be fetched: {_plain(error)}; {_COPY}") from error


def _listed(repository: str, revision: str | None) -> tuple[str, dict[str, RepoSibling]]:
    """The commit of a revision, and its files by name; every part of the answer is checked."""
    token = get_token()
    if token is not None and not re.fullmatch(r"[!-~]+", token):  # the client would say so, and name it
        raise HubError(f"{repository}: the token of the hub (HF_TOKEN) holds a character that no token has")
    try:
        found = HfApi().model_info(repository, revision=revision, files_metadata=True, timeout=_TIMEOUT_SECONDS)
        commit, files = str(found.sha), {str(file.rfilename): file for file in found.siblings}
    except (HfHubHTTPError, HFValidationError, httpx2.HTTPError, OSError):
        raise
    except Exception as error:  # of the hub's client, for an answer that it does not know
        raise HubError(
            f"{repository}: the hub's answer cannot be read: {_plain(error)} ({type(error).__name__}); {_COPY}"
        ) from error
    is_commit = re.compile(r"[0-9a-f]{40}")
    if not is_commit.fullmatch(commit) or (is_commit.fullmatch(revision or "") and commit != revision):
        raise HubError(
            f"{repository}: the hub answers with commit {commit!r} for revision {revision or 'main'}; {_COPY}"
        )
    return commit, files


def _checks(repository: str, file: RepoSibling) -> dict:
    """Size and digests that the hub states for a file, as arguments of `downloads.verify`."""
    sha256, blob, size = (file.lfs.sha256 if file.lfs else None), (None if file.lfs else file.blob_id), file.size
    for said, form in ((sha256, r"[0-9a-f]{64}"), (blob, r"[0-9a-f]{40}"), (size, r"[0-9]{1,18}")):
        if said is not None and not re.fullmatch(form, str(said)):
            raise HubError(
                f"{repository}: the hub says {said!r} of {file.rfilename}, which is no size or digest; {_COPY}"
            )
    return {"sha256": sha256, "git_sha1": blob, "size": None if size is None else int(size)}


def _plain(error: Exception) -> str:
    """The beginning of a message: the hub's client appends advice for its own users."""
    if isinstance(error, httpx2.ProtocolError):
        return malformed(error)
    return shown(" ".join(str(error).split()), 600)


def _needed(names: list[str], repository: str) -> list[str]:
    """The files needed to load the model, small ones first."""
    if adapters := [name for name in ADAPTER_FILES if name in names]:
        raise HubError(f"{repository} holds an adapter ({adapters[0]}), and {NOT_APPLIED}")
    # Other files, such as adapters of single languages, are no part of the model.
    weights = [found for pattern in PATTERNS if (found := [name for name in names if fnmatchcase(name, pattern)])]
    if "config.json" not in names or not weights:
        raise HubError(
            f"{repository} holds no model of transformers (config.json, and model.safetensors or pytorch_model.bin) "
            f"but {', '.join(names[:10])}"
        )
    needed = ["config.json", *(name for name in INPUT_FILES if name in names), *weights[0]]
    for name in needed:
        if not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}", name):
            raise HubError(f"{repository} lists {name!r}, which is no plain name of a file; {_COPY}")
    return needed
