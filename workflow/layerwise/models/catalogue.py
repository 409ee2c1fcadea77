"""What the name of a model means: where its checkpoint comes from, and which layers it has.

Read when the workflow is planned, so nothing here imports torch or uses the network.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from layerwise.addresses import identity_of
from layerwise.errors import LINE, shown
from layerwise.files.catalogues import CatalogueError, locate
from layerwise.files.shipped import IS_CHECKOUT
from layerwise.layers import layer_names
from layerwise.models.checkpoints import CheckpointError, read_config
from layerwise.models.families import modules_of
from layerwise.models.model_types import OutlineError, outline_of
from layerwise.models.originals.family import OriginalError
from layerwise.models.originals.pickled_values import PickleError
from layerwise.models.originals.reading import is_original, read_original
from layerwise.models.preprocessors import PreprocessorError, read_preprocessor
from layerwise.models.weights import AdapterError, refuse_adapters

RANDOM, BY_HAND = "random-init", "by-hand"  # sources that are not paths or addresses
WEIGHTS_SUFFIXES = (".pt", ".pth", ".ckpt", ".bin", ".safetensors")  # of files, never of a Hugging Face id
_LONGEST_ID = 96  # of the Hugging Face hub
OUTLINE = ("conv_layers", "blocks", "stride_seconds", "width")  # what a checkpoint says of itself

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
# Titles are looked at by `layerwise.models.names.told_apart`.
_TEXTS = ("family", "objective", "modality", "size", "training_data", "licence")


@dataclass(frozen=True)
class ModelEntry:
    """A model as the catalogue or `extra_models` describes it.

    Attributes:
        name: as in the configuration.
        title: as in plots.
        source: `random-init`, `by-hand`, a checkpoint folder or file, an https address, or a Hugging Face id.
        conv_layers, blocks: number of C layers, and of transformer blocks (T0…T<blocks>); None: not known before the
            checkpoint is here.
        stride_seconds: seconds per frame of the transformer; None: likewise.
        width: dimensions of a transformer layer, where known.
        normalise: whether the waveform is brought to zero mean and unit variance first; None: as its checkpoint says.
        revision: commit of the Hugging Face repository.
        sha256: of the file at an https address.
        page, files: of source `by-hand`: where the files are found, and their names.
        seed, architecture: of random weights: the configuration of transformers' model class.
        like: of random weights without an architecture, the name of the model whose checkpoint says it.
        original: the family of an original checkpoint that is here (`layerwise.models.families`).
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
    like: str | None = None
    original: str = ""
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
        return _kind(self.source, self.revision)

    @property
    def folder(self) -> Path:
        """Where a `folder` entry lies, be it one file.

        Raises:
            CatalogueError: its files must be fetched by hand, and are not there.
        """
        self.require_files()
        return _hand_folder(self.name) if self.source == BY_HAND else locate(self.source)

    def require_files(self) -> None:
        """Check that files which only the user may fetch are there.

        Raises:
            CatalogueError: they are not; the message says where to get them and where to put them.
        """
        folder = _hand_folder(self.name)
        missing = [file for file in self.files if not (folder / file).is_file()]
        if self.source == BY_HAND and missing:
            raise CatalogueError(
                f"models.{self.name}: {' and '.join(missing)} must be fetched by hand, from {self.page}, and put into "
                f"{folder.absolute()}/; or let a folder that holds {' and '.join(self.files)} be a model of "
                "your own: extra_models: {NAME: {source: FOLDER}}"
            )

    @property
    def origin(self) -> str:
        """Its source as it may be shown and stored: an address without its secrets."""
        return identity_of(self.source) if self.kind == "url" else self.source

    @property
    def modules(self) -> tuple[str, ...]:
        """Dotted names of the modules that read this model and no other kind: those of an original's family."""
        if self.original:
            return modules_of(self.original)
        may_be_original = self.kind == "url" or self.source == BY_HAND
        return modules_of(title=self.family) if may_be_original else ()

    @property
    def is_planned(self) -> bool:
        """Whether its layers are known without reading its checkpoint."""
        return None not in (self.conv_layers, self.blocks, self.stride_seconds)

    @property
    def layers(self) -> list[str]:
        """Names in order of depth: C1…, T0…."""
        if not self.is_planned:
            raise CatalogueError(f"models.{self.name}: its layers are not known before its checkpoint has been read")
        return layer_names(self.conv_layers, self.blocks)


def model_entry(name: str, description: dict, where: str | None = None) -> ModelEntry:
    """The entry `name` with what its checkpoint folder or architecture says about its layers filled in.

    Args:
        description: its fields; `like` names the model whose checkpoint has the architecture
            (`layerwise.models.names`).
        where: the key of the configuration, for messages; None: that of the catalogue.

    Raises:
        CatalogueError: a checkpoint that should be on this machine is missing, or cannot be read.
    """
    where = where or f"models.{name}"
    source, outline = description["source"], {}
    kind = _kind(source, description.get("revision"))
    known = {key: value for key, value in description.items() if key in ModelEntry.__dataclass_fields__}
    if "like" in description and source != RANDOM:
        raise CatalogueError(f"{where}.like: only random weights are like another model (source: {RANDOM})")
    if source == RANDOM:
        known.setdefault("seed", 1)
        if "architecture" in description:
            outline = _outline(f"{where}.architecture", description["architecture"])
    elif source == BY_HAND:
        if all((_hand_folder(name) / file).is_file() for file in description["files"]):
            known |= _outline_on_disk(where, _hand_folder(name))  # the files know better than the catalogue
    elif kind == "folder":
        outline = _outline_on_disk(where, locate(source))
    elif kind == "hub":
        known["source"], revision = hub_id(source)
        known["revision"] = known.get("revision") or revision
    # They go into tables, plots, pages and what Snakemake keeps: a stranger may have written them.
    known |= {key: shown(" ".join(known[key].split()), LINE) for key in _TEXTS if isinstance(known.get(key), str)}
    return ModelEntry(**{"name": name, "title": name, **outline, **known})


def with_outline(entry: ModelEntry, outline: Mapping) -> ModelEntry:
    """The entry completed by the outline that its checkpoint gave."""
    return replace(entry, **{key: outline[key] for key in OUTLINE})


def facts(entry: ModelEntry) -> dict:
    """What a table says of a model, its name first."""
    known = {key: getattr(entry, key) for key in (*_FACTS, *OUTLINE, "normalise")}
    places = {"source": shown(entry.origin, LINE), "revision": entry.revision and shown(entry.revision)}
    return {"model": entry.name} | known | places


def _kind(source: str, revision: str | None) -> str:
    if source == RANDOM:
        return "random"
    if is_url(source):
        return "url"
    is_on_hub = hub_id(source)[0] and revision  # whatever lies here under its name
    return "hub" if source != BY_HAND and (is_on_hub or not is_local(source)) else "folder"


def _hand_folder(name: str) -> Path:
    return locate(f"resources/models/{name}")


def is_url(source: str) -> bool:
    """Whether a source is the address of a file."""
    return re.match(r"https?://", source, re.IGNORECASE) is not None


def hub_id(source: str) -> tuple[str, str | None]:
    """The Hugging Face id that a source could be, else empty; and the revision, of `owner/name@revision`."""
    found = re.fullmatch(r"(\w[\w.-]*/\w[\w.-]*)(?:@([\w./-]+))?", source, re.ASCII)
    if not found or len(found[1]) > _LONGEST_ID or re.search(r"--|\.\.", found[1]):
        return "", None
    if found[1].lower().endswith(WEIGHTS_SUFFIXES):
        return "", None
    return found[1], found[2]


def is_local(source: str) -> bool:
    """Whether a source is a folder or file: it exists here, or cannot be a Hugging Face id."""
    return os.path.exists(locate(source)) or not hub_id(source)[0]


def _outline_on_disk(where: str, source: Path) -> dict:
    """Layers and stride of a checkpoint on this machine, and what it says of its input."""
    if not os.path.exists(source):
        is_demo = not IS_CHECKOUT and source.parts[:2] == ("resources", "demo")
        where_then = ": the demo is in a checkout of layerwise, not in the installed package" if is_demo else ""
        raise CatalogueError(f"{where}: {source} does not exist{where_then}")
    try:
        refuse_adapters(source)
        if not is_original(source):
            config = read_config(source)
            return _outline(f"{where}: {source / 'config.json'}", config) | _input_of(source, config)
        original = read_original(source)
    except (AdapterError, CheckpointError, OriginalError, PickleError, PreprocessorError) as error:
        raise CatalogueError(f"{where}: {error}") from error
    return {
        "conv_layers": original.conv_layers,
        "blocks": original.blocks,
        "stride_seconds": original.stride_seconds,
        "width": original.config["hidden_size"],
        "original": original.family,
    }


def _input_of(folder: Path, config: dict) -> dict:
    """`normalise` where a checkpoint folder says it."""
    said = read_preprocessor(folder, config)
    return {"normalise": said["do_normalize"]} if said and "do_normalize" in said else {}


def _outline(where: str, config: dict) -> dict:
    """Layers and stride from the configuration of a transformers model."""
    try:
        return outline_of(config)
    except OutlineError as error:
        raise CatalogueError(f"{where}: {error}") from error
