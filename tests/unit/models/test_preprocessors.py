"""What a checkpoint folder says about its input: computed as transformers' own feature extractor does, or refused."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoFeatureExtractor, AutoModel, SeamlessM4TFeatureExtractor, WhisperFeatureExtractor

from layerwise.experiment.configuration.experiment import read_experiment
from layerwise.experiment.configuration.problems import ConfigurationError
from layerwise.models.catalogue import model_entry
from layerwise.models.loading import load_folder
from layerwise.models.preprocessors import PREPROCESSOR, PROCESSOR, PreprocessorError, read_preprocessor
from layerwise.models.random_weights import make_random_checkpoint
from tiny_architectures import ARCHITECTURES, make_architecture
from tiny_models import speech

pytestmark = pytest.mark.usefixtures("one_thread")

WAV2VEC2 = {"feature_extractor_type": "Wav2Vec2FeatureExtractor", "feature_size": 1, "sampling_rate": 16000}
WHISPER = {"feature_extractor_type": "WhisperFeatureExtractor", "feature_size": 20, "chunk_length": 2}
BERT = {"feature_extractor_type": "SeamlessM4TFeatureExtractor", "num_mel_bins": 80, "stride": 2}
QUIET = 0.01 * speech(0.4)  # of a variance at which a term that is added to it can be seen


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> dict[str, Path]:
    """Without a word on their input."""
    root = tmp_path_factory.mktemp("models")
    return {name: make_architecture(name, root / name) for name in ARCHITECTURES}


def saying(source: Path, folder: Path, **files: object) -> Path:
    """A copy that says something; of a file by the name of a keyword."""
    shutil.copytree(source, folder)
    for name, content in files.items():
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / f"{name}.json").write_text(text)
    return folder


def from_transformers(folder: Path, waveform: np.ndarray) -> np.ndarray:
    """What goes into the first block, of a folder's own feature extractor and model."""
    inputs = AutoFeatureExtractor.from_pretrained(folder)(waveform, sampling_rate=16_000, return_tensors="pt")
    inputs.pop("attention_mask", None)
    module, seen = AutoModel.from_pretrained(folder).eval(), []
    module = module.encoder if module.config.model_type == "whisper" else module
    blocks = getattr(module, "encoder", module).layers
    blocks[0].register_forward_pre_hook(lambda _part, args: seen.append(args[0]))
    with torch.inference_mode():
        module(**inputs)
    return seen[0][0].numpy()


# Obeyed


@pytest.mark.parametrize("do_normalize", [True, False, None], ids=["normalised", "as it is", "unsaid"])
@pytest.mark.parametrize(
    "name", [name for name, (kind, _) in ARCHITECTURES.items() if kind not in ("whisper", "wav2vec2-bert")]
)
def test_normalisation_is_that_of_the_folder(folders, name, do_normalize, tmp_path):
    """Whatever the norms of its conv blocks; where the file does not say it, transformers normalises."""
    said = WAV2VEC2 | ({} if do_normalize is None else {"do_normalize": do_normalize})
    folder = saying(folders[name], tmp_path / "model", preprocessor_config=said)
    model = load_folder(folder)
    assert model.normalise == (do_normalize is not False)
    assert model_entry("mine", {"source": str(folder)}).normalise == model.normalise
    layers = model.layers(QUIET)
    np.testing.assert_allclose(layers["T0"], from_transformers(folder, QUIET), atol=1e-5, rtol=0)
    if ARCHITECTURES[name][1].get("feat_extract_norm") != "group":  # whose first norm forgets how loud a waveform was
        opposite = load_folder(folder, normalise=not model.normalise).layers(QUIET)
        assert not np.allclose(layers["T0"], opposite["T0"], atol=0.1)


@pytest.mark.parametrize("stale", [None, WAV2VEC2 | {"do_normalize": True}], ids=["alone", "beside an older file"])
@pytest.mark.parametrize("key", ["feature_extractor", "audio_processor"])
def test_settings_inside_those_of_a_processor_count_first(folders, key, stale, tmp_path):
    nested = {key: WAV2VEC2 | {"do_normalize": False}, "processor_class": "Wav2Vec2Processor"}
    older = {"preprocessor_config": stale} if stale else {}
    folder = saying(folders["wav2vec2-large"], tmp_path / "model", processor_config=nested, **older)
    model = load_folder(folder)
    assert not model.normalise
    np.testing.assert_allclose(model.layers(QUIET)["T0"], from_transformers(folder, QUIET), atol=1e-5, rtol=0)


def test_a_processor_without_settings_of_the_input_leaves_them_to_the_other_file(folders, tmp_path):
    files = {
        "processor_config": {"processor_class": "Wav2Vec2Processor"},
        "preprocessor_config": {"do_normalize": False},
    }
    assert not load_folder(saying(folders["wav2vec2-large"], tmp_path / "model", **files)).normalise


@pytest.mark.parametrize(
    "said", [{}, {"n_fft": 512}, {"padding_value": 0.05}, {"mel_filters": [[0.0]], "n_samples": 9}]
)
def test_whisper_takes_the_frames_of_its_folder(folders, said, tmp_path):
    """Settings that transformers derives from others were written to older files, and are derived again."""
    folder = saying(folders["whisper"], tmp_path / "model", preprocessor_config=WHISPER | said)
    layers = load_folder(folder).layers(speech(0.4))
    np.testing.assert_allclose(layers["T0"], from_transformers(folder, speech(0.4))[:20], atol=1e-5, rtol=0)
    plain = load_folder(folders["whisper"]).layers(speech(0.4))["T0"]
    assert np.allclose(plain, layers["T0"], atol=1e-4) == (not {"n_fft", "padding_value"} & set(said))


def test_wav2vec2_bert_takes_the_frames_of_its_folder(folders, tmp_path):
    folder = saying(folders["bert"], tmp_path / "model", preprocessor_config=BERT | {"padding_value": 1})
    layers = load_folder(folder).layers(speech(0.5))
    np.testing.assert_allclose(layers["T0"], from_transformers(folder, speech(0.5))[: len(layers["T0"])], atol=1e-5)


@pytest.mark.parametrize("said", [True, False])
def test_what_a_configuration_says_counts_and_is_logged_where_the_folder_says_the_opposite(
    folders, said, tmp_path, caplog
):
    caplog.set_level(logging.INFO)
    folder = saying(folders["hubert-large"], tmp_path / "model", preprocessor_config=WAV2VEC2 | {"do_normalize": said})
    assert model_entry("mine", {"source": str(folder), "normalise": not said}).normalise is not said
    assert load_folder(folder, normalise=said).normalise is said
    assert "normalise is" not in caplog.text
    assert load_folder(folder, normalise=not said).normalise is not said
    assert (
        f"normalise is {not said}, as the configuration or the catalogue says; do_normalize of {folder} is {said}"
        in (caplog.text)
    )


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_random_weights_say_what_their_model_takes(name, tmp_path):
    model_type, values = ARCHITECTURES[name]
    make_random_checkpoint({"model_type": model_type, **values}, 1, tmp_path / "model")
    extractor = AutoFeatureExtractor.from_pretrained(tmp_path / "model")
    kinds = {"whisper": WhisperFeatureExtractor, "bert": SeamlessM4TFeatureExtractor}
    if name in kinds:
        assert type(extractor) is kinds[name]
    else:
        assert extractor.do_normalize == load_folder(tmp_path / "model").normalise
    assert from_transformers(tmp_path / "model", speech(0.4)).shape[1] == 32


# Refused

REFUSED = {
    "8 kHz": ("wav2vec2-large", PREPROCESSOR, WAV2VEC2 | {"sampling_rate": 8000}, "sampling_rate is 8000; 16000 is"),
    "a rate in words": ("hubert-base", PREPROCESSOR, WAV2VEC2 | {"sampling_rate": "16k"}, "sampling_rate is '16k'"),
    "8 kHz, nested": ("hubert-base", PROCESSOR, {"feature_extractor": {"sampling_rate": 8000}}, "rate is 8000"),
    "more dimensions": ("wavlm-base", PREPROCESSOR, WAV2VEC2 | {"feature_size": 80}, "feature_size is 80; 1 is"),
    "another extractor": ("wav2vec2-base", PREPROCESSOR, WHISPER, "'WhisperFeatureExtractor'; 'Wav2Vec2"),
    "an unknown one": ("sew", PREPROCESSOR, {"feature_extractor_type": "Mine"}, "feature_extractor_type is 'Mine'"),
    "normalised in words": ("wav2vec2-base", PREPROCESSOR, {"do_normalize": "yes"}, "is 'yes'; true or false"),
    "Whisper at 8 kHz": ("whisper", PREPROCESSOR, WHISPER | {"sampling_rate": 8000}, "sampling_rate is 8000"),
    "other bands": ("whisper", PREPROCESSOR, WHISPER | {"feature_size": 128}, "feature_size is 128; 20 is expected"),
    "another hop": ("whisper", PREPROCESSOR, WHISPER | {"hop_length": 80}, "hop_length is 80; 160 is expected"),
    "another length": ("whisper", PREPROCESSOR, WHISPER | {"chunk_length": 30}, "chunk_length is 30; 2 is expected"),
    "noise": ("whisper", PREPROCESSOR, WHISPER | {"dither": 1e-4}, "dither is 0.0001; 0.0 is expected"),
    "no window": ("whisper", PREPROCESSOR, WHISPER | {"n_fft": 0}, "n_fft is 0; a whole number from 2 is expected"),
    "padding in words": ("whisper", PREPROCESSOR, WHISPER | {"padding_value": "0"}, "is '0'; a number"),
    "Whisper with waveforms": ("whisper", PREPROCESSOR, WAV2VEC2, "feature_extractor_type is 'Wav2Vec2"),
    "other stacked bands": ("bert", PREPROCESSOR, BERT | {"num_mel_bins": 40, "stride": 4}, "mel_bins is 40; 80 is"),
    "another stack": ("bert", PREPROCESSOR, BERT | {"stride": 1}, "stride is 1; 2 is expected"),
    "BERT at 8 kHz": ("bert", PREPROCESSOR, BERT | {"sampling_rate": 8000}, "sampling_rate is 8000"),
    "BERT with waveforms": ("bert", PREPROCESSOR, WAV2VEC2, "'Wav2Vec2FeatureExtractor'; 'SeamlessM4T"),
    "half a file": ("hubert-base", PREPROCESSOR, '{"do_normalize": fal', "is no JSON"),
    "an empty file": ("hubert-base", PREPROCESSOR, "", "is no JSON"),
    "bytes": ("hubert-base", PREPROCESSOR, "\ud800", "is no JSON"),
    "a list": ("hubert-base", PREPROCESSOR, [], "holds no settings, but list"),
    "null": ("hubert-base", PREPROCESSOR, "null", "holds no settings, but NoneType"),
    "half a processor": ("hubert-base", PROCESSOR, "{", "is no JSON"),
    "a processor of words": ("hubert-base", PROCESSOR, {"feature_extractor": "Mine"}, "feature_extractor is 'Mine'"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "file", "said", "words"), REFUSED.values(), ids=REFUSED)
def test_another_input_is_refused_before_any_job(folders, name, file, said, words, tmp_path):
    folder = saying(folders[name], tmp_path / "model")
    text = said if isinstance(said, str) else json.dumps(said)
    (folder / file).write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(ConfigurationError) as error:
        read_experiment({"models": ["mine"], "extra_models": {"mine": {"source": str(folder)}}})
    assert f"extra_models.mine: {folder / file}" in str(error.value)
    assert words in str(error.value)
    with pytest.raises(PreprocessorError) as error:
        load_folder(folder)
    assert str(error.value).startswith(str(folder / file))
    assert words in str(error.value)


def test_a_folder_that_says_nothing(tmp_path):
    assert read_preprocessor(tmp_path, {"model_type": "wav2vec2"}) is None
    (tmp_path / PREPROCESSOR).write_text("{}")
    assert read_preprocessor(tmp_path, {"model_type": "wav2vec2"}) == {"do_normalize": True}
    assert read_preprocessor(tmp_path, {"model_type": "whisper"}) == {"n_fft": 400, "padding_value": 0.0}
    assert read_preprocessor(tmp_path, {"model_type": "wav2vec2-bert"}) == {}
