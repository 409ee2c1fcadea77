"""Speech models, opened up: a waveform goes in, every layer comes out.

Models of the wav2vec 2.0 design (wav2vec 2.0, HuBERT, WavLM, data2vec-audio and their kin) are loaded by transformers.
Layers are read by hooks on the blocks themselves: what `hidden_states` holds has changed between versions of
transformers (the last one with or without a final LayerNorm), what a block returns has not.
"""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from transformers import AutoModel
from transformers.utils import logging as transformers_logging

from layerwise import SAMPLE_RATE
from layerwise.catalogue import ROOT, layer_names, locate, model_entry, read_yaml
from layerwise.checkpoints import ORIGIN, make_random_checkpoint, uses_layer_norm
from layerwise.errors import LayerwiseError

# Weights that only pre-training uses: absent from some published checkpoints, and no layer depends on them.
UNUSED_WEIGHTS = {"masked_spec_embed"}


class ModelError(LayerwiseError):
    """A model cannot be loaded, or is not what it was said to be."""


class WaveformError(LayerwiseError):
    """A waveform that a model cannot take."""


class SpeechModel:
    """A model of the wav2vec 2.0 design with its layers laid open.

    Attributes:
        layer_names: C1…, T0…TL, in order of depth.
        stride_seconds: seconds per frame of the transformer.
        definitions: layer → what its values are, in words.
        windows_10ms: conv layer → (window, hop) in frames of that layer whose means are 10 ms apart and see 25 ms each
            (for wav2vec 2.0's encoder 79, 39, 19, 9, 4, 2 and 32, 16, 8, 4, 2, 1), for layers finer than the last.
        origin: where the weights come from, as the folder says: repository and commit, or a seed; else empty.
    """

    def __init__(self, module: torch.nn.Module, normalise: bool, device: str = "cpu", origin: str = "") -> None:
        self.module = module.eval().to(device)
        self.normalise = normalise
        self.device = device
        self.origin = origin
        config = module.config
        self.layer_names = layer_names(len(config.conv_stride), config.num_hidden_layers)
        self.stride_seconds = float(np.prod(config.conv_stride)) / SAMPLE_RATE
        self._last_conv = f"C{len(config.conv_stride)}"
        self.definitions = _definitions(config)
        self._strides, self._fields = _geometry(config.conv_kernel, config.conv_stride)
        self.min_samples = self._fields[-1]
        self._captured = threading.local()  # utterances may pass through in several threads at once
        for number, layer in enumerate(module.feature_extractor.conv_layers, start=1):
            layer.register_forward_hook(self._capture_output(f"C{number}", channels_first=True))
        module.encoder.layers[0].register_forward_pre_hook(self._capture_input("T0"), with_kwargs=True)
        for number, layer in enumerate(module.encoder.layers, start=1):
            layer.register_forward_hook(self._capture_output(f"T{number}"))

    @property
    def windows_10ms(self) -> dict[str, tuple[int, int]]:
        hop, field = SAMPLE_RATE // 100, self._fields[-1]
        finer = zip(self._strides[:-1], self._fields[:-1], strict=True)
        return {
            f"C{number}": ((field - own_field) // stride + 1, hop // stride)
            for number, (stride, own_field) in enumerate(finer, start=1)
            if hop % stride == 0
        }

    def layers(self, waveform: np.ndarray) -> dict[str, np.ndarray]:
        """Every layer of one utterance.

        Args:
            waveform: (samples,) mono at 16 kHz, values in [-1, 1], not normalised.

        Returns:
            layer name → (frames × dimensions) float32.

        Raises:
            WaveformError: more than one dimension, NaN or infinity, or too short for one frame.
            ModelError: the transformer's frames are not those of the conv encoder.
        """
        waveform = np.asarray(waveform, np.float32)
        if waveform.ndim != 1:
            raise WaveformError(f"a mono waveform has one dimension, not the shape {waveform.shape}")
        if waveform.size < self.min_samples:
            raise WaveformError(
                f"{waveform.size} samples are too short for one frame: this model needs {self.min_samples} "
                f"({self.min_samples / SAMPLE_RATE:g} s)"
            )
        if not np.isfinite(waveform).all():
            raise WaveformError("the waveform holds NaN or infinity")
        values = torch.from_numpy(waveform).to(self.device)[None]
        if self.normalise:
            # As the originals do; the feature extractor of transformers adds 1e-7 instead of 1e-5 to the variance.
            values = torch.nn.functional.layer_norm(values, values.shape[1:])
        with torch.inference_mode():
            self.module(values)
        captured = self._captured.__dict__
        layers = {name: captured.pop(name)[0].float().cpu().numpy() for name in self.layer_names}
        conv, first = len(layers[self._last_conv]), len(layers["T0"])
        if conv != first:
            raise ModelError(
                f"the transformer has {first} frames where the conv encoder has {conv}: its rate, which decides the "
                "frames of a segment, is not that of the conv strides in config.json"
            )
        return layers

    def _capture_output(self, name: str, channels_first: bool = False):
        def hook(_module, _inputs, output):
            values = output[0] if isinstance(output, tuple) else output
            self._captured.__dict__[name] = values.transpose(1, 2) if channels_first else values

        return hook

    def _capture_input(self, name: str):
        def hook(_module, args, kwargs):
            self._captured.__dict__[name] = args[0] if args else kwargs["hidden_states"]

        return hook


def load(source: str | Path, device: str = "cpu") -> SpeechModel:
    """A model from a name in resources/models.yaml, a local checkpoint folder, or a Hugging Face id.

    A catalogue name takes its fetched checkpoint folder resources/models/NAME where there is one.

    Raises:
        ModelError: nothing of that name, missing weights, or another architecture than wav2vec 2.0's design.
    """
    source = str(source)
    if locate(source).is_dir():
        return load_folder(locate(source), device)
    catalogue = read_yaml(ROOT / "resources/models.yaml")
    if source not in catalogue:
        if "/" not in source:
            raise ModelError(f"{source!r} is no folder, no Hugging Face id (owner/name) and not in {sorted(catalogue)}")
        return _from_pretrained(source, None, device)
    entry = model_entry(source, catalogue[source])
    if entry.kind == "random":
        with tempfile.TemporaryDirectory() as folder:
            make_random_checkpoint(entry.architecture, entry.seed, Path(folder) / source)
            return load_folder(Path(folder) / source, device, entry.normalise)
    fetched = entry.folder if entry.kind == "folder" else ROOT / "resources/models" / source
    if fetched.is_dir():
        return load_folder(fetched, device, entry.normalise)
    return _from_pretrained(entry.source, entry.normalise, device, revision=entry.revision)


def load_folder(folder: Path, device: str = "cpu", normalise: bool | None = None) -> SpeechModel:
    """A model from a checkpoint folder (config.json and weights); nothing is fetched.

    Args:
        normalise: whether the waveform is normalised first; None: where the conv encoder uses LayerNorm, as the
            original wav2vec 2.0, HuBERT and WavLM do.

    Raises:
        ModelError: as `load`.
    """
    if not (Path(folder) / "config.json").is_file():
        raise ModelError(f"{folder} holds no config.json: not a checkpoint folder of transformers")
    origin = Path(folder) / ORIGIN
    said = origin.read_text(encoding="utf-8").strip() if origin.is_file() else ""
    return _from_pretrained(str(folder), normalise, device, said, local_files_only=True)


def _from_pretrained(source: str, normalise: bool | None, device: str, origin: str = "", **options) -> SpeechModel:
    transformers_logging.set_verbosity_error()  # it would list the unused heads of every pre-training checkpoint
    transformers_logging.disable_progress_bar()
    try:
        module, report = AutoModel.from_pretrained(
            source,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # they are refused below, by name
            trust_remote_code=False,
            dtype=torch.float32,
            **options,
        )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise ModelError(f"{source} could not be loaded: {error}") from error
    _check_weights(source, module, report)
    if not (hasattr(module, "feature_extractor") and hasattr(getattr(module, "encoder", None), "layers")):
        raise ModelError(
            f"{source} is a {type(module).__name__}: only models with a convolutional waveform encoder and transformer "
            "blocks, as wav2vec 2.0, HuBERT, WavLM and data2vec-audio, can be read"
        )
    if normalise is None:
        normalise = uses_layer_norm(module.config)
    return SpeechModel(module, normalise, device, origin)


def _check_weights(source: str, module: torch.nn.Module, report: dict) -> None:
    """Refuse a checkpoint whose weights are not those of the model: transformers would fill in random numbers.

    Surplus weights of other parts, such as the heads of pre-training, are no layer's business.

    Raises:
        ModelError: weights are missing, misshapen, or belong to layers that the configuration does not have.
    """
    parts = {name for name, _ in module.named_children()}
    surplus = [key.removeprefix(f"{module.base_model_prefix}.") for key in report["unexpected_keys"]]
    problems = {
        "missing": report["missing_keys"],
        "of another shape": [key if isinstance(key, str) else key[0] for key in report["mismatched_keys"]],
        "surplus": [key for key in surplus if key.split(".")[0] in parts],
    }
    for problem, names in problems.items():
        wrong = sorted(name for name in names if name.split(".")[-1] not in UNUSED_WEIGHTS)
        if wrong:
            listed = ", ".join(wrong[:10]) + (", …" if len(wrong) > 10 else "")
            raise ModelError(f"{source}: {len(wrong)} weights are {problem}: {listed} (compared with its config.json)")


def _geometry(kernels, strides) -> tuple[list[int], list[int]]:
    """Samples between the frames of each conv layer, and samples that one frame sees."""
    stride, field = 1, 1
    all_strides, fields = [], []
    for kernel, step in zip(kernels, strides, strict=True):
        field += (kernel - 1) * stride
        stride *= step
        all_strides.append(stride)
        fields.append(field)
    return all_strides, fields


def _definitions(config) -> dict[str, str]:
    norm = "before any LayerNorm" if getattr(config, "do_stable_layer_norm", False) else "after the encoder's LayerNorm"
    names = layer_names(len(config.conv_stride), config.num_hidden_layers)
    words = {"C": "output of conv block {}, after its norm and GELU", "T": "output of transformer block {}"}
    definitions = {name: words[name[0]].format(name[1:]) for name in names}
    definitions["T0"] = f"input of transformer block 1: projected features with positional convolution, {norm}"
    last = names[-1]
    definitions[last] += ", without a final LayerNorm" if "before" in norm else ""
    return definitions
