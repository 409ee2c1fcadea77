"""What a checkpoint folder of transformers says about its input, read without torch: followed, or refused.

It is in preprocessor_config.json, or, as transformers 5 writes it, under `feature_extractor` in processor_config.json;
if both exist the latter counts, as in transformers.
"""

from __future__ import annotations

from pathlib import Path

from layerwise.constants import SAMPLE_RATE
from layerwise.errors import LayerwiseError
from layerwise.files.limits import Limit
from layerwise.models.checkpoints import read_object
from layerwise.models.model_types import input_of

FFT = Limit("LAYERWISE_MAX_FFT", SAMPLE_RATE, "samples in a window (n_fft)")  # a second: forty times what Whisper has

FILES = PREPROCESSOR, PROCESSOR = "preprocessor_config.json", "processor_config.json"


class PreprocessorError(LayerwiseError):
    """A folder's description of its input cannot be read, or is of an input that models are not given here."""


def read_preprocessor(folder: Path, config: dict) -> dict | None:
    """The settings of a folder's feature extractor that may differ between checkpoints and change the layers.

    Args:
        config: of its model, as in config.json.

    Returns:
        `do_normalize` of models that take a waveform, `n_fft` and `padding_value` of Whisper, nothing of wav2vec2-BERT;
        what the folder does not say is transformers' default. None: it says nothing of its input.

    Raises:
        PreprocessorError: a file is no JSON of settings; it names another feature extractor than the model's; it
            describes an input that the model cannot take, or is not given here, such as another sample rate.
    """
    path, said = _settings(Path(folder))
    if said is None:
        return None
    for key, wanted in expected_settings(config).items():
        if key in said and (said[key] != wanted or isinstance(said[key], bool)):
            raise PreprocessorError(f"{path}: {key} is {said[key]!r}; {wanted!r} is expected of this model")
    left = {}
    for key, (default, is_valid, words) in input_of(config).choices.items():
        left[key] = said.get(key, default)
        if not is_valid(left[key]):
            raise PreprocessorError(f"{path}: {key} is {left[key]!r}; {words} is expected")
    if "n_fft" in left:
        FFT.require(left["n_fft"], str(path), PreprocessorError)
    return left


def takes_waveform(config: dict) -> bool:
    """Whether a model takes the waveform itself; else log-mel frames of it."""
    return input_of(config).is_waveform


def expected_settings(config: dict) -> dict:
    """The feature extractor that a model takes: settings that a folder may leave out, but not contradict."""
    return input_of(config).expected(config)


def _settings(folder: Path) -> tuple[Path, dict | None]:
    """The file that describes the input, and what it says."""
    nested = read_object(folder / PROCESSOR, PreprocessorError, "settings") or {}
    for key in ("feature_extractor", "audio_processor"):  # transformers takes either
        if key in nested:
            if not isinstance(nested[key], dict):
                raise PreprocessorError(f"{folder / PROCESSOR}: {key} is {nested[key]!r}; its settings are expected")
            return folder / PROCESSOR, nested[key]
    return folder / PREPROCESSOR, read_object(folder / PREPROCESSOR, PreprocessorError, "settings")
