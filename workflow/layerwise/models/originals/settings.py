"""Checkpoints in the files of their authors: which model a file holds, and what its configuration says.

wav2vec 2.0 (XLSR, XLS-R), HuBERT and AV-HuBERT of fairseq, the WavLM of its authors, and FaST-VGS. Read when the
workflow is planned too, so nothing here imports torch: weights stay in the file, until `conversion` fills a module.
"""

from __future__ import annotations

import ast
import logging
import math
import re
from collections import ChainMap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from reprlib import Repr

import numpy as np

from layerwise.constants import SAMPLE_RATE
from layerwise.errors import LayerwiseError
from layerwise.models.originals import pickles
from layerwise.models.originals.pickles import Pickled, Record, StoredTensor
from layerwise.models.shapes import LAYERS, SIZE, STRIDE, require_possible
from layerwise.models.weights import WeightsError, plain_names

log = logging.getLogger(__name__)

FAST_VGS_FILES = ("args.pkl", "best_bundle.pth")
FILTERBANK_SECONDS = 0.01  # hop of the filterbank frames that AV-HuBERT takes
FILTERBANKS = 26
_CONV_TEXT = 2000  # characters of conv_feature_layers: the published ones have 60
_WRAPPED = 10  # nodes of omegaconf around a value: one or two
_SCALARS = (str, int, float)
_SHOWN = Repr()  # of values: a pickle may hold one that contains itself, or is endless by what it repeats
_SHOWN.maxlevel = 3
_SHOWN.maxstring = _SHOWN.maxother = 200


class OriginalError(LayerwiseError):
    """A file holds no original checkpoint that can be read, or one that contradicts itself."""


@dataclass(frozen=True)
class Original:
    """An original checkpoint.

    Attributes:
        path: the file with the weights.
        family: wav2vec2, hubert, wavlm, av_hubert or fast_vgs.
        config: of the conv encoder (AV-HuBERT's has none) and the blocks, by the names of transformers' configurations.
        normalise: whether its input had zero mean and unit variance; None where the file does not say.
        stack: of AV-HuBERT, filterbank frames in a frame of the model.
        fusion: of AV-HuBERT, how audio and video are joined: concat or add.
        weights: their names in the model, without a prefix that all have, and where they are.
    """

    path: Path
    family: str
    config: dict
    normalise: bool | None
    pickled: Pickled
    weights: Mapping[str, StoredTensor]
    stack: int = 1
    fusion: str = "concat"

    @property
    def conv_layers(self) -> int:
        return len(self.config.get("conv_stride", []))

    @property
    def blocks(self) -> int:
        return self.config["num_hidden_layers"]

    @property
    def stride_seconds(self) -> float:
        """Seconds per frame of the transformer."""
        if self.family == "av_hubert":
            return self.stack * FILTERBANK_SECONDS
        return math.prod(self.config["conv_stride"]) / SAMPLE_RATE


def is_original(source: Path) -> bool:
    """Whether a path should hold an original checkpoint: any file, and a folder with such files but no config.json."""
    source = Path(source)
    return source.is_file() or bool(source.is_dir() and not (source / "config.json").is_file() and _torch_files(source))


def read_original(source: Path) -> Original:
    """Recognise the original checkpoint in a file, or in a folder that has one such file or the two of FaST-VGS.

    Of several `.pt` files in a folder `checkpoint.pt` is taken, fairseq's own name.

    Raises:
        PickleError: a file is damaged, or tries to run something.
        OriginalError: there is none, or of a model that cannot be read, or its settings are no settings of the model.
    """
    source = Path(source)
    if source.is_dir() and all((source / name).is_file() for name in FAST_VGS_FILES):
        return _read_fast_vgs(*(source / name for name in FAST_VGS_FILES))
    path = _file_in(source) if source.is_dir() else source
    if path.name in FAST_VGS_FILES or path.suffix in (".json", ".safetensors", ".bin"):
        raise OriginalError(f"{path} is one part of a checkpoint: name its folder")
    pickled = pickles.read(path)
    content = pickled.content if isinstance(pickled.content, dict) else {}
    if "model" not in content:
        found = ", ".join(map(str, list(content)[:8])) or type(pickled.content).__name__
        raise OriginalError(
            f"{path} holds no checkpoint of fairseq (args or cfg, and model) or of WavLM (cfg and model), but {found} "
            "(weights of transformers are read from a folder: pytorch_model.bin beside their config.json)"
        )
    whole = _as_values(content.get("cfg")) or _as_values(content.get("args"))
    if not whole:
        raise OriginalError(f"{path} holds weights without a configuration (cfg or args) to say of what model they are")
    weights = _weights(path, content["model"])
    if "encoder_layers" in whole and "_name" not in whole and "arch" not in whole:
        return _read_wavlm(path, pickled, whole, weights)
    # fairseq: sections under cfg since version 0.11, a flat Namespace before.
    model = _Settings(path, _as_values(whole["model"]) if "model" in whole else whole)
    task = _Settings(path, _as_values(whole.get("task")) if "model" in whole else whole)
    name = next((model.values[key] for key in ("_name", "arch") if isinstance(model.values.get(key), str)), None)
    _refuse_contradictions(path, content, model, task)
    if name in ("wav2vec2", "hubert"):
        config = _blocks(model) | _conv_encoder(model)
        _require_sample_rate(task)
        return Original(path, name, config, _normalise(task), pickled, weights)
    if name == "av_hubert":
        return _read_av_hubert(path, pickled, model, task, weights)
    raise OriginalError(
        f"{path} is a fairseq checkpoint of {_shown(name)}: wav2vec2, hubert and av_hubert can be read, as they are "
        "after pre-training (a fine-tuned model, or another one, can be where transformers has it)"
    )


def _torch_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix in (".pt", ".pth") and path.is_file())


def _file_in(folder: Path) -> Path:
    files = _torch_files(folder)
    if folder / "checkpoint.pt" in files:
        return folder / "checkpoint.pt"
    if len(files) != 1:
        raise OriginalError(
            f"{folder} holds {', '.join(path.name for path in files) or 'no .pt file'}: name the one that is meant"
        )
    return files[0]


def _read_wavlm(path: Path, pickled: Pickled, values: Mapping, weights: dict) -> Original:
    # The original fills in what its file does not say.
    settings = _Settings(
        path,
        ChainMap(
            values,
            {
                "extractor_mode": "default",
                "encoder_layers": 12,
                "encoder_embed_dim": 768,
                "encoder_ffn_embed_dim": 3072,
                "encoder_attention_heads": 12,
                "activation_fn": "gelu",
                "layer_norm_first": False,
                "conv_feature_layers": "[(512,10,5)] + [(512,3,2)] * 4 + [(512,2,2)] * 2",
                "conv_bias": False,
                "normalize": False,
                "conv_pos": 128,
                "conv_pos_groups": 16,
                "relative_position_embedding": False,
                "num_buckets": 320,
                "max_distance": 1280,
                "gru_rel_pos": False,
            },
        ),
    )
    settings.only("relative_position_embedding", True)
    settings.only("gru_rel_pos", True)
    positions = {
        "num_buckets": settings.number("num_buckets"),
        "max_bucket_distance": settings.number("max_distance"),
    }
    config = _blocks(settings) | _conv_encoder(settings) | positions
    require_possible(config, OriginalError, f"{path}: ")
    _require_sample_rate(settings)
    return Original(path, "wavlm", config, _normalise(settings), pickled, weights)


def _read_av_hubert(path: Path, pickled: Pickled, model: _Settings, task: _Settings, weights: dict) -> Original:
    model.only("sub_encoder_layers", 0)
    stack = task.number("stack_order_audio")
    if model.number("audio_feat_dim") != stack * FILTERBANKS:
        raise OriginalError(
            f"{path}: audio_feat_dim is {_shown(model.values['audio_feat_dim'])}, stack_order_audio is {stack}: "
            f"{stack} frames of {FILTERBANKS} filterbanks are {stack * FILTERBANKS}"
        )
    STRIDE.require(stack * round(FILTERBANK_SECONDS * SAMPLE_RATE), f"{path}: stack_order_audio", OriginalError)
    fusion = model.choice("modality_fuse", {"concat": "concat", "add": "add"})
    return Original(path, "av_hubert", _blocks(model), _normalise(task), pickled, weights, stack, fusion)


def _read_fast_vgs(arguments: Path, bundle: Path) -> Original:
    """The audio branch: `args.pkl` is an argparse.Namespace; `best_bundle.pth` holds both branches under dual_encoder.

    FaST-VGS has the blocks up to the one whose output goes on (layer_use), whatever encoder_layers says; FaST-VGS+,
    which was also trained to predict masked frames from the last block, has them all (Peng & Harwath 2022).
    """
    settings = _Settings(arguments, _as_values(pickles.read(arguments).content))
    _require_sample_rate(settings)
    pickled = pickles.read(bundle)
    content = pickled.content
    if not isinstance(content, dict) or "dual_encoder" not in content:
        raise OriginalError(f"{bundle} holds no dual_encoder, as FaST-VGS saves its weights")
    prefix = "conv1_trm1_trm3."  # every other part is of the visual branch, or joins the two
    weights = {
        name.removeprefix(prefix): stored
        for name, stored in _weights(bundle, content["dual_encoder"]).items()
        if name.startswith(prefix)
    }
    config = _blocks(settings) | _conv_encoder(settings)
    used, named = settings.number("layer_use", least=0) + 1, config["num_hidden_layers"]
    predicts = any(settings.values.get(weight) for weight in ("libri_w2v2_weight", "caption_w2v2_weight"))
    held = held_blocks(weights)
    possible = [named] if predicts else sorted({min(used, named), named})
    if held not in [list(range(blocks)) for blocks in possible]:
        raise OriginalError(
            f"{bundle} holds the blocks {', '.join(map(str, held)) or 'of no number'}; by {arguments.name} (layer_use "
            f"{used - 1}, encoder_layers {named}) it should hold 0 to {' or 0 to '.join(str(n - 1) for n in possible)}"
        )
    if len(held) > used and not predicts:
        log.warning(
            "%s: %s names no loss that would train the blocks after number %d", bundle, arguments.name, used - 1
        )
    return Original(bundle, "fast_vgs", config | {"num_hidden_layers": len(held)}, True, pickled, weights)


def held_blocks(weights: Mapping[str, StoredTensor]) -> list[int]:
    """Numbers of the transformer blocks that weights belong to."""
    found = (re.match(r"encoder\.layers\.([0-9]{1,6})\.", name) for name in weights)
    return sorted({int(match[1]) for match in found if match})


def _weights(path: Path, state: object) -> dict[str, StoredTensor]:
    if not isinstance(state, dict) or not state:
        raise OriginalError(f"{path}: its model is no dict of weights")
    if others := [_shown(name) for name in state if not isinstance(name, str)]:
        raise OriginalError(f"{path}: {', '.join(others[:5])} in its model should be names")
    others = [str(name) for name, value in state.items() if not isinstance(value, StoredTensor)]
    if others:
        raise OriginalError(f"{path}: {', '.join(others[:5])} in its model should be tensors")
    try:
        plain = plain_names(map(str, state), path)
    except WeightsError as error:
        raise OriginalError(str(error)) from error
    weights = {_before_parametrizations(name): state[written] for name, written in plain.items()}
    if len(weights) < len(state):
        raise OriginalError(
            f"{path}: its model has the weights of a weight norm twice, by their old and by their new names"
        )
    return weights


def _before_parametrizations(name: str) -> str:
    """The name of a weight norm's part in versions of torch below 2.0, which all published checkpoints have."""
    for new, old in (("original0", "weight_g"), ("original1", "weight_v")):
        name = name.replace(f".parametrizations.weight.{new}", f".{old}")
    return name


# Settings


class _Values(Mapping):
    """A section of a configuration; a value is taken out of what it is wrapped in when it is asked for."""

    def __init__(self, written: dict) -> None:
        self._written = written

    def __getitem__(self, name: str) -> object:
        return _plain(self._written[name])

    def __iter__(self) -> Iterator:
        return iter(self._written)

    def __len__(self) -> int:
        return len(self._written)


class _Settings:
    """Values of a configuration, each of which must be there and of the type that it has in the original."""

    def __init__(self, path: Path, values: Mapping | None) -> None:
        self.path = path
        self.values = values or {}

    def number(self, name: str, least: int = 1) -> int:
        value = self._value(name)
        if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
            raise self._wrong(name, f"a whole number from {least} is expected")
        SIZE.require(value, f"{self.path}: {name}", OriginalError)
        return int(value)

    def flag(self, name: str) -> bool:
        value = self._value(name)
        if not isinstance(value, bool):
            raise self._wrong(name, "true or false is expected")
        return value

    def choice(self, name: str, meanings: Mapping[str, str]) -> str:
        value = self._value(name)
        if not isinstance(value, str) or value not in meanings:
            raise self._wrong(name, f"{', '.join(meanings)} can be read")
        return meanings[value]

    def only(self, name: str, value: object) -> None:
        """Refuse a variant of the model that changes its layers; versions before it existed don't have the setting."""
        found = self.values.get(name)
        if found is not None and not (isinstance(found, _SCALARS) and found == value):
            raise self._wrong(name, f"only {value!r} can be read")

    def _value(self, name: str) -> object:
        if self.values.get(name) is None:
            raise OriginalError(
                f"{self.path}: its configuration lacks {name}, without which its layers are not defined"
            )
        return self.values[name]

    def _wrong(self, name: str, wanted: str) -> OriginalError:
        return OriginalError(f"{self.path}: {name} is {_shown(self.values[name])} in its configuration; {wanted}")


# fairseq's names of activations, and those of transformers
_ACTIVATIONS = {
    "gelu": "gelu",
    "gelu_fast": "gelu_new",
    "gelu_accurate": "gelu_new",
    "relu": "relu",
    "swish": "silu",
    "tanh": "tanh",
    "linear": "linear",
}


def _blocks(settings: _Settings) -> dict:
    """Settings of positional convolution and transformer blocks, which every family has."""
    for name, value in (
        ("layer_type", "transformer"),
        ("attn_type", ""),
        ("pos_enc_type", "abs"),
        ("pos_conv_depth", 1),
        ("conv_pos_batch_norm", False),
        ("crop_seq_to_multiple", 1),
    ):
        settings.only(name, value)
    width, heads = settings.number("encoder_embed_dim"), settings.number("encoder_attention_heads")
    groups = settings.number("conv_pos_groups")
    for parts, name in ((heads, "encoder_attention_heads"), (groups, "conv_pos_groups")):
        if width % parts:
            raise OriginalError(f"{settings.path}: encoder_embed_dim {width} is no multiple of {name} {parts}")
    config = {
        "hidden_size": width,
        "num_hidden_layers": settings.number("encoder_layers"),
        "num_attention_heads": heads,
        "intermediate_size": settings.number("encoder_ffn_embed_dim"),
        "hidden_act": settings.choice("activation_fn", _ACTIVATIONS),
        "do_stable_layer_norm": settings.flag("layer_norm_first"),
        "num_conv_pos_embeddings": settings.number("conv_pos"),
        "num_conv_pos_embedding_groups": groups,
    }
    require_possible(config, OriginalError, f"{settings.path}: ")
    return config


def _conv_encoder(settings: _Settings) -> dict:
    settings.only("quantize_input", False)
    try:
        layers = parse_conv_layers(settings.values.get("conv_feature_layers"))
    except ValueError:
        raise OriginalError(
            f"{settings.path}: conv_feature_layers is {_shown(settings.values.get('conv_feature_layers'))} in its "
            "configuration; a list of (dimensions, kernel, stride) is expected, or a sum of such lists and multiples"
        ) from None
    config = {
        "feat_extract_norm": settings.choice("extractor_mode", {"default": "group", "layer_norm": "layer"}),
        "conv_bias": settings.flag("conv_bias"),
        "conv_dim": [dim for dim, _kernel, _stride in layers],
        "conv_kernel": [kernel for _dim, kernel, _stride in layers],
        "conv_stride": [stride for _dim, _kernel, stride in layers],
    }
    require_possible(config, OriginalError, f"{settings.path}: ")
    return config


def _normalise(settings: _Settings) -> bool | None:
    return settings.flag("normalize") if settings.values.get("normalize") is not None else None


def _require_sample_rate(settings: _Settings) -> None:
    """Older files do not say it. (AV-HuBERT's is the rate of its frames, not of the waveform.)"""
    settings.only("sample_rate", SAMPLE_RATE)


def _refuse_contradictions(path: Path, content: dict, model: _Settings, task: _Settings) -> None:
    """fairseq says how its input was prepared in the task; a file may say it again elsewhere."""
    start = _as_values(model.values.get("w2v_args")) or {}  # of the model that training began with
    said = {"task": task.values, "model": model.values, "args": _as_values(content.get("args")) or {}}
    said |= {"w2v_args": start, "w2v_args.task": _as_values(start.get("task")) or {}}
    for key in ("normalize", "sample_rate"):
        found = {f"{part}.{key}": values[key] for part, values in said.items() if values.get(key) is not None}
        texts = {name: value if isinstance(value, str) else _shown(value) for name, value in found.items()}
        texts = {name: text for name, text in texts.items() if not text.startswith("${")}  # as said elsewhere
        if len(set(texts.values())) > 1:
            listed = ", ".join(f"{name} is {_shown(found[name])}" for name in texts)
            raise OriginalError(f"{path} contradicts itself: {listed} in its configuration")


def parse_conv_layers(given: object) -> list[tuple[int, int, int]]:
    """(dimensions, kernel, stride) of each conv block, from a list or the text `[(512, 10, 5)] + [(512, 3, 2)] * 4`.

    The originals evaluate that text as Python; here lists of numbers, their sums and multiples are all that it may be.

    Raises:
        ValueError: it is something else.
    """
    if isinstance(given, str) and len(given) > _CONV_TEXT:
        raise ValueError(f"{len(given)} characters")
    try:
        layers = _list_of(ast.parse(given, mode="eval").body) if isinstance(given, str) else given
        if len(layers) > LAYERS.value or any(len(layer) != 3 for layer in layers):
            raise ValueError("no list of three numbers each")
        layers = [tuple(layer) for layer in layers]
    except (SyntaxError, TypeError, RecursionError, MemoryError) as error:
        raise ValueError(str(error)) from None
    numbers = [type(number) is int and number > 0 for layer in layers for number in layer]
    if not layers or not all(numbers):
        raise ValueError("no list of three positive numbers each")
    return layers


def _list_of(node: ast.expr) -> list:
    match node:
        case ast.BinOp(left, ast.Add(), right):
            return _list_of(left) + _list_of(right)
        case ast.BinOp(left, ast.Mult(), ast.Constant(int(times))) if 0 < times * len(part := _list_of(left)) <= 1000:
            return part * times
        case ast.List(_):
            return ast.literal_eval(node)
    raise ValueError("neither a list nor a sum or multiple of lists")


def _as_values(section: object) -> _Values | None:
    """A section of a configuration by its names: from a dict, an argparse.Namespace, or omegaconf's dict."""
    section = _plain(section)
    if isinstance(section, Record) and isinstance(section.state, dict):
        section = section.state
    return _Values(section) if isinstance(section, dict) else None


def _plain(value: object, depth: int = 0) -> object:
    """What omegaconf wraps in nodes, and what an enumeration is made from; what numpy has, as Python has it."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist() if value.size <= 3 * LAYERS.value else _shown(value)
    if isinstance(value, Record) and depth < _WRAPPED:
        state = value.state if isinstance(value.state, dict) else {}
        for content in ("_content", "_val"):
            if content in state:
                content = state[content]
                if isinstance(content, list):
                    most = 3 if depth else LAYERS.value  # conv_feature_layers is a list of lists of three numbers
                    return [_plain(item, depth + _WRAPPED // 2) for item in content[: most + 1]]
                return _plain(content, depth + 1)
        if value.items:
            return value.items
        if value.state is None and len(value.args) == 1:
            return value.args[0]
    return value


def _shown(value: object) -> str:
    """A value for a message, however large it is, or deep, or in itself."""
    return _SHOWN.repr(value)
