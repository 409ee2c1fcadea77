"""Checkpoint folders: drawn from a seed, or fetched from the Hugging Face hub."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

from layerwise.errors import LayerwiseError
from layerwise.files import replaced_folder

log = logging.getLogger(__name__)


class CheckpointError(LayerwiseError):
    """A checkpoint cannot be made or fetched."""


def make_random_checkpoint(architecture: dict, seed: int, out: Path) -> None:
    """A checkpoint folder of transformers' format whose weights are the initial ones of this seed.

    The control of the paper: what an architecture shows before any training. The same seed gives the same bytes.

    Args:
        architecture: `model_type` and the other values of the model's transformers configuration.

    Raises:
        CheckpointError: transformers knows no such architecture.
    """
    import torch
    from transformers import AutoConfig, AutoModel, Wav2Vec2FeatureExtractor

    values = dict(architecture)
    try:
        config = AutoConfig.for_model(values.pop("model_type"), **values)
        torch.manual_seed(seed)
        model = AutoModel.from_config(config)
    except (KeyError, ValueError) as error:
        raise CheckpointError(f"no model can be made from the architecture {architecture}: {error}") from error
    with replaced_folder(out) as folder:
        model.save_pretrained(folder)
        # The originals normalise the waveform for layer-norm encoders only.
        Wav2Vec2FeatureExtractor(do_normalize=config.feat_extract_norm == "layer").save_pretrained(folder)
    log.info("%s: %.2f million random weights, seed %d", out, model.num_parameters() / 1e6, seed)


def fetch_checkpoint(repository: str, revision: str | None, out: Path) -> None:
    """Fetch configuration and weights of a Hugging Face repository at one revision (`HF_ENDPOINT` and token respected).

    Raises:
        CheckpointError: the hub does not know the repository or revision, or cannot be reached.
    """
    import httpx2
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        files = HfApi().list_repo_files(repository, revision=revision)
        safe = any(name.endswith(".safetensors") for name in files)
        patterns = ["config.json", "preprocessor_config.json", "*.safetensors*" if safe else "pytorch_model*.bin*"]
        with replaced_folder(out) as folder:
            snapshot_download(repository, revision=revision, local_dir=folder, allow_patterns=patterns)
            shutil.rmtree(folder / ".cache", ignore_errors=True)
    except (HfHubHTTPError, LocalEntryNotFoundError, httpx2.HTTPError, OSError) as error:
        raise CheckpointError(
            f"{repository} (revision {revision or 'main'}) could not be fetched: {error}; a copy on this machine "
            "can be named under extra_models with `source: FOLDER`"
        ) from error
