"""Load a speech model by whatever names it: a name of the catalogue, a folder or file, or a Hugging Face id.

Apart from `loading`, so that an edit of what models are called repeats no extraction.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from layerwise.errors import did_you_mean, listed_names
from layerwise.files.catalogues import locate, read_yaml
from layerwise.files.shipped import ROOT
from layerwise.models.anatomy import ModelError
from layerwise.models.catalogue import hub_id
from layerwise.models.loading import load_folder
from layerwise.models.names import Models
from layerwise.models.preprocessors import FILES as INPUT_FILES
from layerwise.models.random_weights import make_random_checkpoint
from layerwise.models.speech_model import SpeechModel
from layerwise.models.weights import ADAPTER_CONFIG, PATTERNS


def load(source: str | Path, device: str = "cpu") -> SpeechModel:
    """A model from a name in resources/models.yaml, a local checkpoint folder or file, or a Hugging Face id.

    A catalogue name takes its fetched checkpoint folder resources/models/NAME where there is one.

    Raises:
        ModelError: nothing of that name or not fetched yet, wrong weights, or a type of model that cannot be read.
        CatalogueError: files that must be fetched by hand are not there.
        OriginalError, PickleError: an original checkpoint that cannot be read.
        PreprocessorError: the input that a folder describes is not given here.
        WeightsError: no weights, or those of an adapter.
    """
    source = str(source)
    if locate(source).exists():
        return load_folder(locate(source), device)
    catalogue = read_yaml(ROOT / "resources/models.yaml")
    if source not in catalogue:
        repository, revision = hub_id(source)
        if not repository:
            raise ModelError(
                f"{source!r} is no folder or file, no Hugging Face id (owner/name) and not in resources/models.yaml"
                f"{did_you_mean(catalogue, source)}; allowed: {listed_names(catalogue, source)}"
            )
        return load_folder(_cached(repository, revision), device)
    entry = Models(catalogue, {}).entry(source)
    if entry.kind == "random":
        with tempfile.TemporaryDirectory() as folder:
            make_random_checkpoint(entry.architecture, entry.seed, Path(folder) / source)
            return load_folder(Path(folder) / source, device, entry.normalise)
    fetched = entry.folder if entry.kind == "folder" else locate(f"resources/models/{source}")
    if fetched.exists():
        return load_folder(fetched, device, entry.normalise)
    if entry.kind == "url":
        raise ModelError(
            f"{source} has not been fetched: run the workflow with an experiment that names it, or "
            f"`snakemake --cores 1 resources/models/{source}` in a checkout, and load that folder"
        )
    return load_folder(_cached(entry.source, entry.revision), device, entry.normalise)


def _cached(repository: str, revision: str | None = None) -> Path:
    """The folder where the hub's client keeps a repository; what is missing of it is fetched."""
    from huggingface_hub import snapshot_download

    try:
        for weights in PATTERNS:
            wanted = ["config.json", ADAPTER_CONFIG, *INPUT_FILES, weights]
            folder = Path(snapshot_download(repository, revision=revision, allow_patterns=wanted))
            if any(folder.glob(weights)):
                break
    except Exception as error:  # of the hub, its client, the network or the disk
        raise ModelError(
            f"{repository} could not be fetched: {error} ({type(error).__name__}). Where there is no network, fetch it "
            "elsewhere (`hf download`) and load the folder"
        ) from error
    return folder
