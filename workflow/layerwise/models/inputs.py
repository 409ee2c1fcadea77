"""What types of models take as input, read without torch: the settings of their feature extractors."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from layerwise.constants import SAMPLE_RATE

MEL_HOP = 160  # samples between the log-mel frames of Whisper and wav2vec2-BERT
BERT_BANDS = 80  # of wav2vec2-BERT's log-mel frames


@dataclass(frozen=True)
class Input:
    """What a type of model takes.

    Attributes:
        is_waveform: whether it takes the waveform itself; else log-mel frames of it.
        expected: its configuration to the settings of its feature extractor that a folder may leave out, but not
            contradict.
        choices: setting that a folder may choose → transformers' default, whether a value is one, and what is expected.
    """

    is_waveform: bool
    expected: Callable[[dict], dict]
    choices: Mapping[str, tuple[object, Callable[[object], bool], str]] = field(default_factory=dict)


def stacked_frames(config: dict) -> int:
    """Log-mel frames in a frame of wav2vec2-BERT."""
    return config.get("feature_projection_input_dim", 2 * BERT_BANDS) // BERT_BANDS


def _expected_of_waveforms(_config: dict) -> dict:
    return {"feature_extractor_type": "Wav2Vec2FeatureExtractor", "sampling_rate": SAMPLE_RATE, "feature_size": 1}


def _expected_of_whisper(config: dict) -> dict:
    seconds = (config.get("max_source_positions") or 1500) * 2 * MEL_HOP / SAMPLE_RATE
    return {
        "feature_extractor_type": "WhisperFeatureExtractor",
        "sampling_rate": SAMPLE_RATE,
        "feature_size": config.get("num_mel_bins") or 80,
        "hop_length": MEL_HOP,
        "chunk_length": int(seconds) if seconds.is_integer() else seconds,
        "dither": 0.0,  # noise would be other noise in every run
    }


def _expected_of_bert(config: dict) -> dict:
    return {
        "feature_extractor_type": "SeamlessM4TFeatureExtractor",
        "sampling_rate": SAMPLE_RATE,
        "feature_size": BERT_BANDS,
        "num_mel_bins": BERT_BANDS,
        "stride": stacked_frames(config),
    }


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_size(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 1


WAVEFORM = Input(
    True, _expected_of_waveforms, {"do_normalize": (True, lambda value: isinstance(value, bool), "true or false")}
)
WHISPER = Input(
    False,
    _expected_of_whisper,
    {
        "n_fft": (400, _is_size, "a whole number from 2"),
        "padding_value": (0.0, _is_number, "a number"),
    },
)
BERT = Input(False, _expected_of_bert)
