"""Speech models, opened up: a waveform goes in, every layer comes out.

Models of the wav2vec 2.0 design (wav2vec 2.0, HuBERT, WavLM, data2vec-audio and their kin), Whisper's encoder and
wav2vec2-BERT are loaded by transformers, or converted to its modules from the files of their authors; AV-HuBERT and
FaST-VGS are modules of this package. Layers are read by hooks on the blocks themselves: what `hidden_states` holds has
changed between versions of transformers (the last one with or without a final LayerNorm), what a block returns has not.
"""

from __future__ import annotations

import logging
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from transformers import PretrainedConfig, PreTrainedModel
from transformers.initialization import no_init_weights
from transformers.utils import logging as transformers_logging

from layerwise.constants import SAMPLE_RATE
from layerwise.errors import did_you_mean, listed_names
from layerwise.files.catalogues import locate, read_yaml
from layerwise.files.shipped import ROOT
from layerwise.models.architectures import anatomy_of, model_class, require_supported
from layerwise.models.catalogue import hub_id
from layerwise.models.checkpoints import (
    CheckpointError,
    make_random_checkpoint,
    origin_of,
    read_config,
    transformers_config,
)
from layerwise.models.families import family
from layerwise.models.names import Models
from layerwise.models.originals.reading import is_original, read_original
from layerwise.models.preprocessors import FILES as INPUT_FILES
from layerwise.models.preprocessors import read_preprocessor
from layerwise.models.shapes import shape_of
from layerwise.models.taps import Anatomy, ModelError, Tap, WaveformError
from layerwise.models.weights import ADAPTER_CONFIG, PATTERNS, Weights, adapters_below, refuse_adapters, stored_weights

log = logging.getLogger(__name__)

_DRAWN = 100_000_000  # parameters: the whole of a Base model, so that the names of what is missing are told of most

# Parts that no layer depends on, and that some published checkpoints lack: of pre-training, or after the blocks.
UNUSED_PARTS = {"masked_spec_embed", "adapter", "intermediate_ffn"}


class SpeechModel:
    """A speech model with its layers laid open.

    Attributes:
        layer_names: C1…, T0…TL, in order of depth.
        stride_seconds: seconds per frame of the transformer.
        definitions: layer → what its values are, in words.
        windows_10ms: conv layer → (window, hop) in frames of that layer whose means are 10 ms apart and see 25 ms each
            (for wav2vec 2.0's encoder 79, 39, 19, 9, 4, 2 and 32, 16, 8, 4, 2, 1), for layers finer than the last.
        windows_squeezed: conv layer → (window, hop) whose means stand beside the transformer's frames, where it has
            fewer than the conv encoder.
        normalise: whether the input is brought to zero mean and unit variance first.
        min_samples: of the shortest waveform that has a frame.
        origin: where the weights come from, as the folder says: repository and commit, or a seed; else empty.
    """

    def __init__(self, anatomy: Anatomy, device: str = "cpu", origin: str = "") -> None:
        self.module = anatomy.module.eval().to(device)
        self.device = device
        self.origin = origin
        self.layer_names = list(anatomy.taps)
        self.definitions = {name: tap.definition for name, tap in anatomy.taps.items()}
        self.stride_seconds = anatomy.stride_seconds
        self.normalise = anatomy.normalise
        self.min_samples = anatomy.min_samples
        self.windows_10ms = dict(anatomy.windows_10ms)
        self.windows_squeezed = dict(anatomy.windows_squeezed)
        self._anatomy = anatomy
        self._pass = _Pass()
        self._device_type = torch.device(device).type
        for name, tap in anatomy.taps.items():
            if tap.at_input:
                tap.part.register_forward_pre_hook(self._capture_input(name, tap), with_kwargs=True)
            else:
                tap.part.register_forward_hook(self._capture_output(name, tap))
        for part in self.module.modules():
            if isinstance(part, torch.nn.Conv1d):
                part.register_forward_pre_hook(self._prepare_convolution)
                # Always in float32: on CPUs, torch 2.13 gives wrong numbers for some grouped convolutions in bfloat16.
                part.forward = torch.autocast(self._device_type, enabled=False)(part.forward)

    def layers(self, waveform: np.ndarray) -> dict[str, np.ndarray]:
        """Every layer of one utterance.

        Args:
            waveform: (samples,) mono at 16 kHz, values in [-1, 1], not normalised.

        Returns:
            layer name → (frames × dimensions) float32.

        Raises:
            WaveformError: more than one dimension, NaN or infinity, or too short for one frame.
        """
        return self.layers_of([waveform])[0]

    def layers_of(self, waveforms: Sequence[np.ndarray], compute: str = "float32") -> list[dict[str, np.ndarray]]:
        """Every layer of several utterances, whose blocks are computed together: what `layers` gives of each.

        Up to the blocks each utterance is alone, as a GroupNorm over time asks. In the blocks the shorter ones are
        padded, and padding is kept out of attention and convolutions; a model that squeezes time is given utterances
        of as many frames only. A waveform longer than the model can take is computed in parts of equal length.

        Args:
            waveforms: as `layers` takes them, best of similar length.
            compute: `float32`, or `bfloat16` for the products in the blocks. What comes before them stays in float32:
                eight bits are too few for the quiet parts of a waveform.

        Raises:
            WaveformError: as `layers`.
        """
        parts = [self._parts(self._checked(waveform)) for waveform in waveforms]
        with torch.inference_mode():
            computed = iter(self._compute([part for utterance in parts for part in utterance], compute))
        return [_joined([next(computed) for _ in utterance], self.layer_names) for utterance in parts]

    def tensors_of(
        self, waveforms: Sequence[np.ndarray], layers: Sequence[str], compute: str = "float32"
    ) -> list[torch.Tensor]:
        """Some layers of several utterances, as `layers_of`, but left on the device and without gradients.

        Args:
            layers: of the same number of frames, such as T layers.

        Returns:
            For each utterance (layers, frames, dimensions) float32.

        Raises:
            WaveformError: as `layers`.
        """
        parts = [self._parts(self._checked(waveform)) for waveform in waveforms]
        with torch.no_grad():
            flat = [part for utterance in parts for part in utterance]
            computed = iter(self._compute(flat, compute, wanted=set(layers), take=_stay))
            joined = [[next(computed) for _ in utterance] for utterance in parts]
            return [torch.stack([torch.cat([part[name] for part in own]) for name in layers]) for own in joined]

    def computed_samples(self, samples: int) -> int:
        """Samples that are computed for so many: Whisper completes every part of a waveform to 30 s."""
        longest = self._anatomy.max_samples
        return -(-samples // longest) * longest if longest else samples

    def _checked(self, waveform: np.ndarray) -> np.ndarray:
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
        return waveform

    def _parts(self, waveform: np.ndarray) -> list[np.ndarray]:
        """The waveform, or as few parts of equal length as the model can take; all but the last are whole frames."""
        longest = self._anatomy.max_samples or waveform.size
        count = -(-waveform.size // longest)
        frame = round(self.stride_seconds * SAMPLE_RATE)
        size = -(-waveform.size // (count * frame)) * frame
        return [waveform[start : start + size] for start in range(0, waveform.size, size)] if count > 1 else [waveform]

    def _compute(self, waveforms: list[np.ndarray], compute: str, wanted: set[str] | None = None, take=None) -> list:
        """The layers of each waveform, all or the wanted ones; `take`: what is done with each, (frames, dimensions)."""
        wanted, take = set(self.layer_names) if wanted is None else wanted, take or _on_host
        layers, features = [], []
        for waveform in waveforms:
            features.append(self._anatomy.embed(self._anatomy.front_end(waveform).to(self.device))[0])
            layers.append({name: take(values[0]) for name, values in self._pass.take() if name in wanted})
        for batch in self._batches([len(frames) for frames in features]):
            self._encode([features[i] for i in batch], compute)
            for name, values in self._pass.take():
                tap = self._anatomy.taps[name]
                for i, rows in zip(batch, values, strict=True) if name in wanted else ():
                    known = tap.samples_per_frame
                    frames = waveforms[i].size // known if known else len(features[i]) - tap.skipped
                    layers[i][name] = take(rows[:frames])
        return layers

    def _batches(self, lengths: list[int]) -> list[list[int]]:
        """Which utterances are encoded together: all, or those of as many frames where padding would be seen."""
        keys = [0 if self._anatomy.pads else length for length in lengths]
        return [[i for i, other in enumerate(keys) if other == key] for key in dict.fromkeys(keys)]

    def _encode(self, features: list[torch.Tensor], compute: str) -> None:
        lengths = torch.tensor([len(frames) for frames in features], device=self.device)
        padded = torch.nn.utils.rnn.pad_sequence(features, batch_first=True)  # (batch, frames, width)
        mask = torch.arange(padded.shape[1], device=self.device) < lengths[:, None]  # (batch, frames)
        self._pass.mask = None if mask.all() else mask
        half = torch.autocast(self._device_type, torch.bfloat16, enabled=compute == "bfloat16")
        try:
            with half:
                self._anatomy.encode(padded, self._pass.mask)
        finally:
            self._pass.mask = None

    def _prepare_convolution(self, part, args):
        """A convolution that completes its input by zeros has to find zeros after a shorter utterance too.

        The encoder's own mask reaches the first one only: data2vec stacks them with norms between, and a norm gives
        padding values; so does HuBERT's batch norm before it.
        """
        values, mask = args[0].float(), self._pass.mask
        if mask is not None and part.padding not in ((0,), "valid"):
            values = values.masked_fill(~mask[:, None], 0)
        return (values, *args[1:])

    def _capture_output(self, name: str, tap: Tap):
        def hook(_part, _inputs, output):
            values = output[0] if isinstance(output, tuple) else output
            values = tap.then(values) if tap.then else values
            self._pass.layers[name] = values.transpose(1, 2) if tap.channels_first else values[:, tap.skipped :]

        return hook

    def _capture_input(self, name: str, tap: Tap):
        def hook(_part, args, kwargs):
            self._pass.layers[name] = (args[0] if args else kwargs["hidden_states"])[:, tap.skipped :]

        return hook


class _Pass(threading.local):
    """What hooks see of the forward pass of a thread: utterances may pass through in several threads at once."""

    def __init__(self) -> None:
        self.layers: dict[str, torch.Tensor] = {}
        self.mask: torch.Tensor | None = None

    def take(self) -> list[tuple[str, torch.Tensor]]:
        """The layers captured since the last call, one after the other, so that each is freed before the next."""
        taken, self.layers = self.layers, {}
        return list(taken.items())


def _on_host(values: torch.Tensor) -> np.ndarray:
    return values.float().cpu().numpy()


def _stay(values: torch.Tensor) -> torch.Tensor:
    return values.float()


def _joined(parts: list[dict[str, np.ndarray]], names: list[str]) -> dict[str, np.ndarray]:
    """The layers of an utterance from those of its parts, in order of depth."""
    if len(parts) == 1:
        return {name: parts[0][name] for name in names}
    return {name: np.concatenate([part[name] for part in parts]) for name in names}


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


def load_folder(folder: Path, device: str = "cpu", normalise: bool | None = None) -> SpeechModel:
    """A model from a checkpoint folder of transformers (config.json and weights), or its authors' own file or folder.

    Nothing is fetched.

    Args:
        normalise: whether the waveform is normalised first; None: as the checkpoint says (an original in itself, a
            folder in preprocessor_config.json), or, where a folder does not say it, where the conv encoder uses
            LayerNorm, as the original wav2vec 2.0, HuBERT and WavLM do.

    Raises:
        ModelError, OriginalError, PickleError, PreprocessorError, WeightsError: as `load`.
    """
    folder = Path(folder)
    refuse_adapters(folder)
    said = origin_of(folder if folder.is_dir() else folder.parent)
    if is_original(folder):
        return _from_original(folder, normalise, device, said)
    if not (folder / "config.json").is_file():
        raise ModelError(
            f"{folder} holds no config.json, as transformers' checkpoint folders do, and no original .pt file"
        )
    return _from_folder(folder, normalise, device, said)


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


def _from_original(source: Path, normalise: bool | None, device: str, origin: str) -> SpeechModel:
    original = read_original(source)
    if normalise is None:
        normalise = original.normalise
    if normalise is None:
        raise ModelError(f"{original.path} does not say whether its input was normalised: say it with normalise")
    _log_choice(normalise, original.normalise, f"{original.path}: normalize")
    return SpeechModel(family(original.family).anatomy(original, normalise), device, origin)


def _log_choice(chosen: bool | None, said: bool | None, what: str) -> None:
    """The configuration's `normalise` counts; where the checkpoint says the opposite, the log tells."""
    if None not in (chosen, said) and chosen != said:
        log.info("normalise is %s, as the configuration or the catalogue says; %s is %s", chosen, what, said)


def _from_folder(folder: Path, normalise: bool | None, device: str, origin: str) -> SpeechModel:
    transformers_logging.set_verbosity_error()  # it would list what is refused below, by name
    transformers_logging.disable_progress_bar()
    with _explained(folder):
        values = read_config(folder)
        if "model_type" not in values:
            raise CheckpointError("its config.json lacks the key `model_type`")
        require_supported(values["model_type"], str(folder))
        config = transformers_config(values, layers_only=True)
        values = config.to_dict()
        shape_of(values)  # what is none is refused before anything is computed with it
    module_type, prefix = model_class(config)
    said = read_preprocessor(folder, values)
    _log_choice(normalise, said and said.get("do_normalize"), f"do_normalize of {folder}")
    _tell_of_adapters(folder, values)
    weights = stored_weights(folder)
    # In a model with heads, names of the inner model's weights begin with its own; in the inner model alone they don't.
    inner = {name.removeprefix(prefix): name for name in weights.places if name.startswith(prefix)}
    names = inner or {name: name for name in weights.places}
    found = weights.read(names.values())
    with _explained(folder):
        _require_enough(folder, module_type, config, found)
        module, report = module_type.from_pretrained(
            None,
            config=config,
            state_dict={name: found[stored] for name, stored in names.items()},
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # they are refused below, by name
            dtype=torch.float32,
        )
    _check_weights(folder, module, report, weights)
    return SpeechModel(anatomy_of(module, normalise, said, str(folder)), device, origin)


def _require_enough(folder: Path, module_type: type[PreTrainedModel], config: PretrainedConfig, found: Mapping) -> None:
    """Check that weights are about enough for the model: transformers would draw what they lack, in memory of any size.

    Raises:
        ModelError: they are not. (What a smaller gap lacks, `_check_weights` names.)
    """
    with torch.device("meta"), no_init_weights():
        needed = module_type(config).num_parameters()
    given = sum(value.numel() for value in found.values())
    if needed - given > _DRAWN:
        raise ModelError(
            f"{folder}: its config.json is of a model of {needed} parameters, its weights have {given} numbers"
        )


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except ModelError:
        raise
    except Exception as error:  # a stranger's config.json can make transformers raise almost any kind, in lines
        said = " ".join(str(error).split())
        raise ModelError(
            f"{folder} could not be loaded: {said} ({type(error).__name__}). Expected are a config.json and weights "
            "that belong together, whole, as transformers' save_pretrained writes them"
        ) from error


def _tell_of_adapters(folder: Path, config: dict) -> None:
    """Warn of adapters that a folder offers, none of which is chosen here."""
    if below := adapters_below(folder):
        log.warning("%s: the adapters in %s are not applied", folder, ", ".join(below[:10]))
    if config.get("adapter_attn_dim"):
        languages = sorted({path.name.split(".")[1] for path in folder.glob("adapter.*.*")})
        log.warning(
            "%s: its blocks hold the adapters of one language (adapter_attn_dim): they are used as they stand in its "
            "weights, %s",
            folder,
            f"and adapter files ({', '.join(languages)}) are not" if languages else "and no others",
        )


def _check_weights(folder: Path, module: torch.nn.Module, report: dict, weights: Weights) -> None:
    """Refuse a checkpoint whose weights are not those of the model: transformers would fill in random numbers.

    Surplus weights of other parts, such as the heads of pre-training, are no layer's business.

    Raises:
        ModelError: weights are missing, misshapen, not finite, or belong to layers that the configuration does not
            have.
    """
    parts = {name for name, _ in module.named_children()}
    problems = {
        "missing": report["missing_keys"],
        "of another shape": [key if isinstance(key, str) else key[0] for key in report["mismatched_keys"]],
        "surplus": [key for key in report["unexpected_keys"] if _part(key) in parts],
    }
    for problem, names in problems.items():
        wrong = sorted(name for name in names if _part(name) not in UNUSED_PARTS)
        if wrong:
            listed = ", ".join(wrong[:10]) + (", …" if len(wrong) > 10 else "")
            raise ModelError(
                f"{folder}: {len(wrong)} weights are {problem}: {listed} (compared with its config.json; of the "
                f"weights that it holds, the first are {', '.join(sorted(weights.places)[:3])})"
            )
    computed = {name: weight for name, weight in module.state_dict().items() if _part(name) not in UNUSED_PARTS}
    if infinite := [name for name, weight in computed.items() if not weight.isfinite().all()]:
        raise ModelError(f"{folder}: {len(infinite)} weights hold NaN or infinity: {', '.join(infinite[:10])}")


def _part(name: str) -> str:
    return name.split(".")[0]
