"""The weights of a checkpoint folder of transformers, by the names that its model gives them.

Training programs wrap a model, and the wrapper's name is saved with the weights: names of wrappers that change nothing
are removed. Adapters change the layers and are refused by name. Torch is imported only when values are read.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import dropwhile
from pathlib import Path
from typing import TYPE_CHECKING

from safetensors import safe_open

from layerwise.errors import LayerwiseError, shown
from layerwise.files.atomic import impostor
from layerwise.files.json_files import read_json
from layerwise.files.limits import Limit
from layerwise.files.plain_files import open_plain
from layerwise.models.originals import pickles
from layerwise.models.originals.pickled_values import StoredTensor

if TYPE_CHECKING:
    import torch

# One file, or several with an index: in this order, as transformers takes them.
FILES = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")
PATTERNS = ("model*.safetensors*", "pytorch_model*.bin*")  # all of these; of a repository, the first that it has
ADAPTER_CONFIG = "adapter_config.json"
# Of peft, and of the library `adapters`.
ADAPTER_FILES = (ADAPTER_CONFIG, "adapter_model.safetensors", "adapter_model.bin", "pytorch_adapter.bin")
NOT_APPLIED = (
    "adapters are not applied: merge it first, in Python `PeftModel.from_pretrained(BASE, ADAPTER).merge_and_unload()"
    ".save_pretrained(FOLDER)` of peft, and name that folder; or name a folder of the base model alone"
)

# What torch.compile, data-parallel training and recomputed activations put into names, anywhere; a module of one's own
# that holds the model as its `model` puts it in front.
_WRAPPERS = {"_orig_mod", "module", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"}
_HOLDER = "model"
_STATES = ("state_dict", "model_state_dict", "model", "module")  # where a training state keeps its weights

# Of safetensors, without the numbers: 100 bytes for each weight. The library itself has a limit of 100 MB, and takes
# ten times that to read it.
HEADER = Limit("LAYERWISE_MAX_SAFETENSORS_HEADER", 1 << 24, "bytes in its header")

# Parts of adapters that are not merged, as peft and `adapters` call them.
_ADAPTER_PART = re.compile(
    r"(^|\.)(base_model\.model|base_layer|modules_to_save|original_module|adapters|loras"
    r"|(lora|loha|hada|lokr|vera|ia3|oft|boft)_\w+)\."
)


class WeightsError(LayerwiseError):
    """A folder holds no weights that can be read."""


class AdapterError(WeightsError):
    """Weights of an adapter, which changes the layers of a model and is not applied."""


@dataclass(frozen=True)
class Weights:
    """Weights that are still in their files.

    Attributes:
        places: name in the model → file, and name there.
    """

    places: Mapping[str, tuple[Path, str]]

    def read(self, names: Iterable[str]) -> dict[str, torch.Tensor]:
        """The values of some of them, by their names in the model.

        Raises:
            WeightsError, PickleError: a file is damaged.
        """
        files: dict[Path, dict[str, str]] = {}  # file → name there → name in the model
        for name in names:
            path, written = self.places[name]
            files.setdefault(path, {})[written] = name
        values = {}
        for path, wanted in files.items():
            values |= {wanted[written]: value for written, value in _values(path, wanted).items()}
        return values


def refuse_adapters(folder: Path) -> None:
    """Refuse a folder that holds an adapter: alone, beside a model's weights or among them. Other faults are left.

    Raises:
        AdapterError: with what has to be done.
    """
    for name in ADAPTER_FILES:
        if (Path(folder) / name).exists():
            raise AdapterError(f"{folder} holds an adapter ({name}), and {NOT_APPLIED}")
    try:
        stored_weights(folder)
    except AdapterError:
        raise
    except LayerwiseError:  # loading reports what is wrong
        pass


def adapters_below(folder: Path) -> list[str]:
    """Subfolders that hold adapters; they are no part of the model in the folder."""
    found = {path.parent for name in ADAPTER_FILES for depth in ("*", "*/*") for path in folder.glob(f"{depth}/{name}")}
    return sorted(str(path.relative_to(folder)) for path in found)


def plain_name(name: str) -> str:
    """The name of a weight in its model, without what wrappers put into it."""
    parts = [part for part in name.split(".") if part not in _WRAPPERS]
    if parts[:1] == [_HOLDER]:
        parts = [*dropwhile(_HOLDER.__eq__, parts[:-1]), parts[-1]]
    return ".".join(parts)


def plain_names(names: Iterable[str], path: Path) -> dict[str, str]:
    """Name in the model → name in the file `path`.

    Raises:
        AdapterError: they are of a model with an adapter that is not merged.
        WeightsError: two have one name in the model.
    """
    plain: dict[str, str] = {}
    for name in names:
        short = plain_name(name)
        if _ADAPTER_PART.search(f"{short}."):
            raise AdapterError(f"{path} holds the weights of an adapter ({shown(name)}), and {NOT_APPLIED}")
        if (other := plain.setdefault(short, name)) != name:
            raise WeightsError(
                f"{path} holds one weight twice: {shown(other)} and {shown(name)} are both {shown(short)}"
            )
    return plain


def stored_weights(folder: Path) -> Weights:
    """Where the weights of a folder lie.

    Raises:
        AdapterError: they are those of an adapter.
        WeightsError: there are none, or a file is damaged or missing.
        PickleError: as `pickles.read`.
    """
    files = require_files(folder)
    places: dict[str, tuple[Path, str]] = {}
    for path in files:
        places |= {plain: (path, name) for plain, name in plain_names(_names(path), path).items()}
    return Weights(places)


def require_files(folder: Path) -> list[Path]:
    """The files of a folder's weights. None of them is opened but an index.

    Raises:
        WeightsError: there are none, or an index names others than are there.
    """
    folder = Path(folder)
    for name in FILES:
        if (folder / name).is_file():
            return _listed(folder / name) if name.endswith(".json") else [folder / name]
    raise WeightsError(
        f"{folder} holds no weights: {FILES[0]} or {FILES[2]} is expected, or several files and their index"
    )


def _listed(index: Path) -> list[Path]:
    """The files that an index names, which lie beside it."""
    content = read_json(index, WeightsError, "index of weights")
    named = content.get("weight_map") if isinstance(content, dict) else None
    if not (isinstance(named, dict) and named and all(isinstance(name, str) for name in named.values())):
        raise WeightsError(f"{index} is no index of weights, with a weight_map from names to files")
    names = sorted(set(named.values()))
    if elsewhere := [name for name in names if name in ("", ".", "..") or re.search(r"[/\\\0]", name)]:
        raise WeightsError(f"{index} names {_some(elsewhere)}; names of files beside it are expected")
    if others := [name for name in names if not name.endswith((".safetensors", ".bin"))]:
        raise WeightsError(
            f"{index} names {_some(others)}; files of weights are expected, which end in .safetensors or .bin"
        )
    files = [index.parent / name for name in names]
    if missing := [path.name for path in files if not os.path.isfile(path)]:  # has no errors
        raise WeightsError(f"{index} names {_some(missing)}, which the folder does not hold")
    return files


def _some(names: list[str]) -> str:
    return ", ".join(map(shown, names[:5]))


def _names(path: Path) -> list[str]:
    if path.suffix != ".safetensors":
        return list(_pickled(path)[1])
    try:
        with open_plain(path) as file:
            start, size = file.read(40), os.fstat(file.fileno()).st_size
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {error.strerror}") from error
    if remark := impostor(start):
        raise WeightsError(f"{path} holds no weights: it begins with {start!r}{remark}")
    if (header := int.from_bytes(start[:8], "little")) <= size:  # else the library says what is wrong
        HEADER.require(header, str(path), WeightsError)
    return list(_opened(path, "np", lambda file: file.keys()))


def _values(path: Path, names: Iterable[str]) -> dict[str, torch.Tensor]:
    if path.suffix != ".safetensors":
        pickled, state = _pickled(path)
        return pickled.tensors({name: state[name] for name in names})
    return _opened(path, "pt", lambda file: {name: file.get_tensor(name) for name in names})


def _opened(path: Path, framework: str, take: Callable[[safe_open], Iterable]) -> Iterable:
    try:
        with safe_open(path, framework=framework) as file:
            return take(file)
    except Exception as error:  # the library raises almost any kind on damaged bytes
        raise WeightsError(f"{path} cannot be read: {error}; is it whole, as save_pretrained wrote it?") from error


def _pickled(path: Path) -> tuple[pickles.Pickled, dict[str, StoredTensor]]:
    pickled = pickles.read(path)
    state = pickled.content
    for _ in _STATES:  # a state may lie in a state, but not in itself
        inner = [state[key] for key in _STATES if isinstance(state, dict) and isinstance(state.get(key), dict)]
        state = inner[0] if inner else state
    if not isinstance(state, dict) or not state:
        raise WeightsError(f"{path} holds no weights by their names, but {type(state).__name__}")
    if others := [str(name) for name, value in state.items() if not isinstance(value, StoredTensor)]:
        raise WeightsError(f"{path}: {_some(others)} in it should be tensors")
    named = {str(name): value for name, value in state.items()}
    if len(named) < len(state):
        raise WeightsError(f"{path} holds two weights of one name")
    return pickled, named
