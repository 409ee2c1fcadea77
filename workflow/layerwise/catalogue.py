"""What the names in a configuration mean: models and corpora, and the layers that a model has.

Read when the workflow is planned, so nothing here imports torch or uses the network.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import yaml

from layerwise.errors import LayerwiseError
from layerwise.originals import is_original, read_original
from layerwise.preprocessors import PreprocessorError, read_preprocessor
from layerwise.shapes import ShapeError, shape_of
from layerwise.weights import AdapterError, refuse_adapters

ROOT = Path(__file__).resolve().parents[2]  # of the checkout: catalogues name files relative to it

RANDOM, BY_HAND = "random-init", "by-hand"  # sources that are no places
SHAPE = ("conv_layers", "blocks", "stride_seconds", "width")  # what a checkpoint says of itself

_FACTS = (
    "title",
    "family",
    "objective",
    "iteration",
    "modality",
    "size",
    "training_data",
    "hours",
    "licence",
    "source",
    "revision",
)


class CatalogueError(LayerwiseError):
    """A catalogue entry says too little, or something impossible."""


@dataclass(frozen=True)
class ModelEntry:
    """A model as the catalogue or `extra_models` describes it.

    Attributes:
        name: as in the configuration.
        title: as in plots.
        source: `random-init`, `by-hand`, a checkpoint folder or file, an https address, or a Hugging Face id.
        conv_layers, blocks: number of C layers, and of transformer blocks (T0…T<blocks>); None: the checkpoint, once it
            is here, will say.
        stride_seconds: seconds per frame of the transformer; None: likewise.
        width: dimensions of a transformer layer, where known.
        normalise: whether the waveform is brought to zero mean and unit variance first; None: as its checkpoint says.
        revision: commit of the Hugging Face repository.
        sha256: of the file at an https address.
        page, files: of source `by-hand`: where the files are found, and their names.
        seed, architecture: of random weights: the configuration of transformers' model class.
        family, objective, iteration, modality, size, training_data, hours, licence: what is known of it, for tables and
            plots; `iteration` 2 or more where targets were made by a model of the iteration before.
    """

    name: str
    title: str
    source: str
    conv_layers: int | None = None
    blocks: int | None = None
    stride_seconds: float | None = None
    width: int | None = None
    normalise: bool | None = None
    revision: str | None = None
    sha256: str | None = None
    page: str = ""
    files: list[str] = field(default_factory=list)
    seed: int | None = None
    architecture: dict = field(default_factory=dict)
    family: str = ""
    objective: str = ""
    iteration: int | None = None
    modality: str = ""
    size: str = ""
    training_data: str = ""
    hours: float | None = None
    licence: str = ""

    @property
    def kind(self) -> str:
        """`random` (weights are drawn), `folder` (a folder or file on this machine), `url` or `hub` (is fetched)."""
        if self.source == RANDOM:
            return "random"
        if is_url(self.source):
            return "url"
        return "folder" if self.source == BY_HAND or is_local(self.source) else "hub"

    @property
    def folder(self) -> Path:
        """Where a `folder` entry lies, be it one file: relative to the working directory, or else to the checkout.

        Raises:
            CatalogueError: its files must be fetched by hand, and are not there.
        """
        self.require_files()
        return _hand_folder(self.name) if self.source == BY_HAND else locate(self.source)

    def require_files(self) -> None:
        """Check that the files are there which nobody but the user may fetch.

        Raises:
            CatalogueError: they are not, with where they are to be had and where they belong.
        """
        folder = _hand_folder(self.name)
        missing = [file for file in self.files if not (folder / file).is_file()]
        if self.source == BY_HAND and missing:
            raise CatalogueError(
                f"models.{self.name}: {' and '.join(missing)} must be fetched by hand, from {self.page}, and put into "
                f"{folder}/; or let a folder that holds {' and '.join(self.files)} be a model of your own: "
                "extra_models: {NAME: {source: FOLDER}}"
            )

    @property
    def is_planned(self) -> bool:
        """Whether its layers are known; else its checkpoint has to be read first."""
        return None not in (self.conv_layers, self.blocks, self.stride_seconds)

    @property
    def layers(self) -> list[str]:
        """Names in order of depth: C1…, T0…."""
        if not self.is_planned:
            raise CatalogueError(f"models.{self.name}: its layers are not known before its checkpoint has been read")
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
        CatalogueError: a checkpoint that should be on this machine is missing, or cannot be read; random weights are
            like no model of the catalogue that has an architecture.
    """
    if "like" in description:
        if description["source"] != RANDOM:
            raise CatalogueError(f"models.{name}.like: only random weights are like another model (source: {RANDOM})")
        description = _inherited(name, description["like"]) | description
    source, shape = description["source"], {}
    known = {key: value for key, value in description.items() if key in ModelEntry.__dataclass_fields__}
    if source == RANDOM:
        shape = _shape(f"models.{name}.architecture", description.get("architecture", {}))
    elif source == BY_HAND:
        if all((_hand_folder(name) / file).is_file() for file in description["files"]):
            known |= _shape_of(name, _hand_folder(name))  # the files know better than the catalogue
    elif not is_url(source) and is_local(source):
        shape = _shape_of(name, locate(source))
    return ModelEntry(**{"name": name, "title": name, **shape, **known})


def with_shape(entry: ModelEntry, shape: Mapping) -> ModelEntry:
    """The entry with what its checkpoint said of its layers."""
    return replace(entry, **{key: shape[key] for key in SHAPE})


def facts(entry: ModelEntry) -> dict:
    """What a table says of a model, its name first."""
    return {"model": entry.name} | {key: getattr(entry, key) for key in (*_FACTS, *SHAPE, "normalise")}


def _hand_folder(name: str) -> Path:
    return locate(f"resources/models/{name}")


def _inherited(name: str, model: str) -> dict:
    """What random weights have in common with the trained model of the catalogue that they are like."""
    catalogue = read_yaml(ROOT / "resources/models.yaml")
    trained = catalogue.get(model, {})
    if "architecture" not in trained:
        able = ", ".join(key for key, entry in catalogue.items() if "architecture" in entry)
        raise CatalogueError(f"models.{name}.like: {model!r} has no architecture in resources/models.yaml; {able} have")
    return {
        "title": f"{trained['title']} (random weights)",
        "licence": "none needed",
        "objective": "none",
        "modality": "none",
        **{key: trained[key] for key in ("family", "size", "architecture", "normalise") if key in trained},
    }


def locate(path: str) -> Path:
    """A path of a configuration or catalogue: as it is, or relative to the checkout where it does not exist."""
    # os.path has no errors: a name that is too long, or in a folder that may not be read, is none that exists.
    given = Path(os.path.expanduser(path))
    return given if given.is_absolute() or os.path.exists(given) else ROOT / given


def is_url(source: str) -> bool:
    """Whether a source is the address of a file."""
    return re.match(r"https?://", source) is not None


def is_local(source: str) -> bool:
    """A Hugging Face id is `owner/name`; whatever exists here, or could not be an id, is a folder or file."""
    could_be_id = re.fullmatch(r"[\w-][\w.-]*/[\w.-]+", source) and not source.endswith((".pt", ".pth"))
    return os.path.exists(locate(source)) or not could_be_id


def _shape_of(name: str, source: Path) -> dict:
    """Layers and stride of a checkpoint on this machine, and what it says of its input."""
    if not os.path.exists(source):
        raise CatalogueError(f"models.{name}: {source} does not exist")
    try:
        refuse_adapters(source)
    except AdapterError as error:
        raise CatalogueError(f"models.{name}: {error}") from error
    if not is_original(source):
        config = _read_config(name, source)
        return _shape(f"models.{name}: {source / 'config.json'}", config) | _input_of(name, source, config)
    try:
        original = read_original(source)
    except LayerwiseError as error:
        raise CatalogueError(f"models.{name}: {error}") from error
    return {
        "conv_layers": original.conv_layers,
        "blocks": original.blocks,
        "stride_seconds": original.stride_seconds,
        "width": original.config["hidden_size"],
    }


def _read_config(name: str, folder: Path) -> dict:
    path = folder / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CatalogueError(
            f"models.{name}: {path} does not exist; a checkpoint folder holds config.json and the weights, as "
            "transformers' save_pretrained writes them, or a model's original .pt file"
        ) from None
    except OSError as error:
        raise CatalogueError(f"models.{name}: {path}: {error.strerror}") from error
    except ValueError as error:
        raise CatalogueError(f"models.{name}: {path} is no JSON: {error}") from error
    if not isinstance(config, dict):
        raise CatalogueError(f"models.{name}: {path} holds no configuration, but {type(config).__name__}")
    return config


def _input_of(name: str, folder: Path, config: dict) -> dict:
    """`normalise` where a checkpoint folder says it."""
    try:
        said = read_preprocessor(folder, config)
    except PreprocessorError as error:
        raise CatalogueError(f"models.{name}: {error}") from error
    return {"normalise": said["do_normalize"]} if said and "do_normalize" in said else {}


def _shape(where: str, config: dict) -> dict:
    """Layers and stride from the configuration of a transformers model."""
    try:
        return shape_of(config)
    except ShapeError as error:
        raise CatalogueError(f"{where}: {error}") from error
