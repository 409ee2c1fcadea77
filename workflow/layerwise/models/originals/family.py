"""What a family of original checkpoints is, and what is read of a checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from layerwise.errors import LayerwiseError
from layerwise.models.originals.pickled_values import StoredTensor
from layerwise.models.originals.pickles import Pickled

if TYPE_CHECKING:
    from layerwise.models.anatomy import Anatomy
    from layerwise.models.originals.settings import Settings


class OriginalError(LayerwiseError):
    """A file holds no original checkpoint that can be read, or one that contradicts itself."""


@dataclass(frozen=True)
class Original:
    """An original checkpoint.

    Attributes:
        path: the file with the weights.
        family: a name in `layerwise.models.families`.
        config: of the conv encoder, where there is one, and the blocks, by the names of transformers' configurations.
        normalise: whether its input had zero mean and unit variance; None where the file does not say.
        weights: their names in the model, without a prefix that all have, and where they are.
        stride_seconds: seconds per frame of the transformer.
        own: settings that only its family has.
    """

    path: Path
    family: str
    config: dict
    normalise: bool | None
    pickled: Pickled
    weights: Mapping[str, StoredTensor]
    stride_seconds: float
    own: Mapping[str, object] = field(default_factory=dict)

    @property
    def conv_layers(self) -> int:
        return len(self.config.get("conv_stride", []))

    @property
    def blocks(self) -> int:
        return self.config["num_hidden_layers"]


@dataclass(frozen=True)
class Opened:
    """A checkpoint of one file, before it is known of which family it is.

    Attributes:
        name: of the model in fairseq, where its configuration says one.
        model, task: the sections of the configuration; both are all of it where it has none.
        content: of the file, as it is.
    """

    path: Path
    name: str | None
    model: Settings
    task: Settings
    weights: Mapping[str, StoredTensor]
    pickled: Pickled
    content: dict


@dataclass(frozen=True)
class Family:
    """A family of original checkpoints.

    Attributes:
        name: as `Original.family` has it.
        title: as people and the catalogue call it.
        read: an opened file, or the paths of its `files`, to the checkpoint.
        anatomy: the checkpoint and whether the waveform is normalised to a module and its layers, T0 among them; it
            imports torch.
        unused: the first part of the names of weights that no layer depends on: of pre-training, of another modality.
        fairseq_name: of its models, where fairseq has them.
        claims: whether an opened file is of this family; None: by its `fairseq_name`, or its `files`.
        files: names of its files in a folder, where there are several.
        model_type: of transformers' models of the same architecture; None: there are none.
        renamed: patterns of names of transformers' parameters and what this family calls them, before those of all.
    """

    name: str
    title: str
    read: Callable[..., Original]
    anatomy: Callable[[Original, bool], Anatomy]
    unused: frozenset[str]
    fairseq_name: str | None = None
    claims: Callable[[Opened], bool] | None = None
    files: tuple[str, ...] = ()
    model_type: str | None = None
    renamed: tuple[tuple[str, str], ...] = ()

    def is_of(self, opened: Opened) -> bool:
        if self.claims is not None:
            return self.claims(opened)
        return self.fairseq_name is not None and opened.name == self.fairseq_name
