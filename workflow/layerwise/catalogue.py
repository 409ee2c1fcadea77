"""What the names in a configuration mean: models and corpora, and the layers that a model has.

Read when the workflow is planned, so nothing here imports torch or uses the network.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from layerwise.errors import LayerwiseError
from layerwise.originals import is_original, read_original
from layerwise.shapes import ShapeError, shape_of

ROOT = Path(__file__).resolve().parents[2]  # of the checkout: catalogues name files relative to it


class CatalogueError(LayerwiseError):
    """A catalogue entry says too little, or something impossible."""


@dataclass(frozen=True)
class ModelEntry:
    """A model as the catalogue or `extra_models` describes it.

    Attributes:
        name: as in the configuration.
        title: as in plots.
        source: `random-init`, a checkpoint folder or file, or a Hugging Face id.
        conv_layers, blocks: number of C layers, and of transformer blocks (T0…T<blocks>).
        stride_seconds: seconds per frame of the transformer.
        normalise: whether the waveform is brought to zero mean and unit variance first; None: as the architecture asks.
        revision: commit of the Hugging Face repository.
        seed, architecture: of random weights: the configuration of transformers' model class.
    """

    name: str
    title: str
    source: str
    conv_layers: int
    blocks: int
    stride_seconds: float
    normalise: bool | None = None
    revision: str | None = None
    seed: int | None = None
    architecture: dict = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """`random` (weights are drawn), `folder` (a folder or file on this machine) or `hub` (is fetched)."""
        if self.source == "random-init":
            return "random"
        return "folder" if is_local(self.source) else "hub"

    @property
    def folder(self) -> Path:
        """Where a `folder` entry lies, be it one file: relative to the working directory, or else to the checkout."""
        return locate(self.source)

    @property
    def layers(self) -> list[str]:
        """Names in order of depth: C1…, T0…."""
        return layer_names(self.conv_layers, self.blocks)


def layer_names(conv_layers: int, blocks: int) -> list[str]:
    """C1…C<conv_layers>, T0…T<blocks>."""
    return [f"C{i}" for i in range(1, conv_layers + 1)] + [f"T{i}" for i in range(blocks + 1)]


def read_yaml(path: Path) -> dict:
    """A YAML file's mapping, with the file named in what goes wrong."""
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise CatalogueError(f"{path}: {error}") from error
    if not isinstance(content, dict):
        raise CatalogueError(f"{path}: a mapping of names is expected, not {type(content).__name__}")
    return content


def model_entry(name: str, description: dict) -> ModelEntry:
    """The entry `name` with what its checkpoint folder or architecture says about its layers filled in.

    Raises:
        CatalogueError: the number of layers or the stride is neither given nor to be read from the checkpoint.
    """
    known = {key: value for key, value in description.items() if key in ModelEntry.__dataclass_fields__}
    shape = {}
    if description["source"] == "random-init":
        shape = _shape(name, description.get("architecture", {}))
    elif is_local(description["source"]):
        shape = _shape_of(name, locate(description["source"]))
    known = {"title": name, **shape, **known}
    missing = [key for key in ("conv_layers", "blocks", "stride_seconds") if key not in known]
    if missing:
        raise CatalogueError(
            f"extra_models.{name}: {', '.join(missing)} must be given: {description['source']!r} is no checkpoint "
            "on this machine that could say so"
        )
    return ModelEntry(name=name, **known)


def locate(path: str) -> Path:
    """A path of a configuration or catalogue: as it is, or relative to the checkout where it does not exist."""
    given = Path(path).expanduser()
    return given if given.is_absolute() or given.exists() else ROOT / given


def is_local(source: str) -> bool:
    """A Hugging Face id is `owner/name`; whatever exists here, or could not be an id, is a folder or file."""
    could_be_id = re.fullmatch(r"[\w-][\w.-]*/[\w.-]+", source) and not source.endswith((".pt", ".pth"))
    return locate(source).exists() or not could_be_id


def _shape_of(name: str, source: Path) -> dict:
    """Layers and stride of a checkpoint on this machine."""
    if not source.exists():
        raise CatalogueError(f"models.{name}: {source} does not exist")
    if not is_original(source):
        return _shape(name, _read_config(name, source))
    try:
        original = read_original(source)
    except LayerwiseError as error:
        raise CatalogueError(f"models.{name}: {error}") from error
    return {
        "conv_layers": original.conv_layers,
        "blocks": original.blocks,
        "stride_seconds": original.stride_seconds,
    }


def _read_config(name: str, folder: Path) -> dict:
    path = folder / "config.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CatalogueError(
            f"models.{name}: {path} does not exist; a checkpoint folder holds config.json and the weights, as "
            "transformers' save_pretrained writes them, or a model's original .pt file"
        ) from None
    except ValueError as error:
        raise CatalogueError(f"models.{name}: {path} is no JSON: {error}") from error


def _shape(name: str, config: dict) -> dict:
    """Layers and stride from the configuration of a transformers model."""
    try:
        return shape_of(config)
    except ShapeError as error:
        raise CatalogueError(f"models.{name}: {error}") from error
