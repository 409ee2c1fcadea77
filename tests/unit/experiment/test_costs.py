"""What an experiment takes, by hand for the paper's, and for kinds of corpora and models."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from layerwise.constants import MEL_SECONDS
from layerwise.experiment.configuration.experiment import read_experiment
from layerwise.experiment.configuration.sharing import Sharing
from layerwise.experiment.costs import costs_of, read_calibration
from layerwise.experiment.costs_page import render
from layerwise.experiment.model_costs import BASE, Encoder
from layerwise.experiment.score_costs import SECONDS as SECONDS_OF
from layerwise.files.catalogues import read_yaml
from layerwise.layers import layer_names
from layerwise.models.catalogue import model_entry
from layerwise.models.loading import load_folder
from layerwise.representations.size import Drawn, layer_sizes, representation_bytes
from layerwise.scoring.measure import MEASURES
from layerwise.scoring.targets import Layer
from tiny_corpus import write_archive
from tiny_models import make

ROOT = Path(__file__).parents[3]
NOTHING = defaultdict(bool)


def preset(name: str, **changes) -> dict:
    return yaml.safe_load((ROOT / f"resources/experiments/{name}.yaml").read_text()) | changes


def estimated(config: dict, here=NOTHING):
    return costs_of(read_experiment(config), here, read_calibration())


def test_papers_experiment_by_hand():
    found = estimated(preset("icassp2023"))
    # 500 of 2,703 utterances that last 19,396 s: rows of 20 ms, 40 ms and 10 ms.
    seconds = 500 / 2703 * 19_396
    rows, slow, fine = seconds / 0.02, seconds / 0.04, seconds / 0.01
    segments = 39 * 200 + 500 * 15 + 40 * 50  # of each phone, of each word, of each speaker
    base = 13 * 768 * (rows + segments) + 512 * (rows + 6 * fine) + 80 * (rows + fine)
    large = 25 * 1024 * (rows + segments) + 512 * (rows + 6 * fine) + 80 * (rows + fine)
    heard = [blocks * width * (slow + segments) + 80 * slow for blocks, width in ((13, 768), (25, 1024))]
    by_hand = {
        **dict.fromkeys(["wav2vec2-base", "hubert-base", "wavlm-base"], base),
        **dict.fromkeys(["wav2vec2-large", "xlsr-53", "hubert-large", "wavlm-large"], large),
        "avhubert-base": heard[0],
        "avhubert-large": heard[1],
    }
    stored = {cost.name: cost.representations for cost in found.models}
    assert stored == {name: pytest.approx(3 * 2 * numbers, rel=0.01) for name, numbers in by_hand.items()}
    assert found.utterances == 2703  # 17 segments for each
    assert found.forward_passes == 9 * 2703
    assert found.seconds == pytest.approx(19_396, rel=1e-3)
    assert found.absent == 2
    # T0…T12 or T24 for three properties, and these with C1…C7 (AV-HuBERT has none) for mel; three sample sets.
    layers = 3 * (4 * 13 + 7) + 4 * (4 * 25 + 7) + 4 * 13 + 4 * 25
    assert found.scores == 3 * layers
    assert found.archives == 337926286 + 623023332
    assert [item.certainty for item in found.downloads][:2] == ["", ""]
    # Two CPU threads: 0.12 to 0.18 and 0.35 to 0.39 times as long as the audio.
    assert found.cpu_seconds == pytest.approx(
        (19_396 * (4 * 0.12 + 5 * 0.35), 19_396 * (4 * 0.18 + 5 * 0.39)), rel=1e-3
    )


def test_size_of_a_model_is_that_of_its_shape(tmp_path):
    """wav2vec 2.0 Base and Large as published: 95 and 317 million parameters."""
    catalogue = read_yaml(ROOT / "resources/models.yaml")
    assert Encoder.of(model_entry("b", catalogue["wav2vec2-base"])).parameters == pytest.approx(95e6, rel=0.01)
    assert Encoder.of(model_entry("l", catalogue["wav2vec2-large"])).parameters == pytest.approx(317e6, rel=0.01)
    tiny = load_folder(make("random-wav2vec2-tiny", tmp_path / "model"))
    weights = sum(parameter.numel() for parameter in tiny.module.parameters())
    assert Encoder.of(model_entry("t", catalogue["random-wav2vec2-tiny"])).parameters == pytest.approx(
        weights, rel=0.03
    )


def test_operations_are_those_of_the_matrices():
    """Of Base: conv blocks at their rates; 85 million weights in blocks and 5 for positions, at 50 Hz; attention."""
    convs = 2 * (5_120 * 3200 + 786_432 * (1600 + 800 + 400 + 200) + 524_288 * (100 + 50))
    blocks = 2 * 50 * (12 * 7_077_888 + 768**2 // 16 * 128)
    attention = 12 * 50 * 2 * 2 * 500 * 768  # with the 500 frames of 10 s, on average
    assert BASE.operations_per_second == pytest.approx(convs + blocks + attention, rel=1e-6)


def test_what_is_here_is_not_fetched_again():
    config = preset("base-models")
    found = estimated(config, NOTHING | {"audio": True, "hubert-base": True})
    here = {item.name for item in found.downloads if item.here}
    assert here == {"audio", "hubert-base"}
    assert found.to_fetch == estimated(config).to_fetch - sum(item.size for item in found.downloads if item.here)


def test_choices_change_what_they_should():
    first = estimated(preset("base-models"))
    larger = estimated(preset("base-models", representations={"dtype": "float32"}))
    assert larger.representations == pytest.approx(2 * first.representations, rel=0.01)
    fewer = estimated(preset("base-models", properties=["phone"]))
    assert (fewer.scores, fewer.representations) == (3 * 3 * 13, first.representations)
    kept = estimated(preset("base-models", corpus={"name": "librispeech", "keep": True}))
    assert "kept (corpus.keep)" in render(kept)
    assert "deleted when no job needs it" in render(first)


@pytest.mark.parametrize(("layer", "width"), [("T1", 768), ("C2", 512)])
def test_property_of_any_layer(layer, width):
    own = {"other": {"rows": "frame", "target": {"layer": layer}}}
    assert estimated(preset("base-models", properties=["other"], extra_properties=own)).scores == 3 * 3 * 13
    assert Layer(layer).width(BASE.width_of, types=39) == width


OF_FRAMES, OF_WORDS, LABELS = {"rows": "frame"}, {"rows": "word"}, {"target": {"label": "label"}}
SECONDS = 500 / 2703 * 19_396  # of frames that are drawn
# A question by each measure, and seconds for a layer of Base by the figures of the calibration.
BY_HAND = [
    (OF_WORDS | LABELS, {"mutual_information": {"clusters": 5000, "batch": 4000}}, 3 * 1.7e-8 * 4000 * 5000 * 768),
    (OF_WORDS | LABELS, "word_discrimination", 1.9e-7 * 7500**2 / 2),
    (
        OF_FRAMES | {"target": {"intervals": "word"}},
        {"word_discrimination": {"segments": 1000}},
        9e-8 * 768 * 1000**2 / 2,
    ),
    (OF_FRAMES | {"target": {"intervals": "phone"}}, "abx", 2 * 2e-3 * SECONDS),
    (OF_FRAMES | {"target": {"intervals": "phone"}}, {"abx": {"pooling": "dtw"}}, 2 * 2e-2 * SECONDS),
    (OF_WORDS | {"target": {"ratings": ["mc-30"]}}, "word_similarity", 4e-8 * 7500 * 768),
    (OF_FRAMES | {"target": {"intervals": "word"}}, "word_segmentation", 2e-8 * SECONDS / 0.02 * 768),
]


@pytest.mark.parametrize(("asked", "measure", "seconds"), BY_HAND, ids=lambda part: str(part)[:60])
def test_scores_of_other_measures_by_hand(asked, measure, seconds):
    own = {"mine": asked | {"measure": measure}}
    found = estimated(preset("base-models", models=["hubert-base"], properties=["mine"], extra_properties=own))
    jobs = 3 * math.ceil(13 / 4)  # three sample sets, four layers in a job
    assert (found.scores, found.score_jobs) == (39, jobs)
    assert found.score_seconds == pytest.approx(39 * seconds + 0.5 * jobs, rel=0.01)


def test_every_measure_has_its_figure():
    assert SECONDS_OF.keys() == MEASURES.keys()


def test_files_of_ratings_and_vectors_are_fetched_once():
    config = preset("base-models", properties=["word-similarity", "glove"])
    found = estimated(config)
    files = {item.name: item for item in found.downloads if "word-benchmarks" in item.source or item.name == "glove"}
    assert len(files) == 13 + 1
    assert {item.here for item in files.values()} == {False}
    assert files["glove"].size == 2_176_768_927
    here = estimated(config, NOTHING | {files["men"].source: True})
    assert [item.name for item in here.downloads if item.here] == ["men"]


def test_other_poolings_are_one_more_pass_for_all_of_them():
    first = estimated(preset("base-models"))
    more = estimated(preset("base-models", properties=["phone", "word-first", "word-last"]))
    assert (first.passes, more.passes) == (1, 2)
    assert more.forward_passes == 2 * first.forward_passes
    assert more.cpu_seconds[0] == pytest.approx(2 * first.cpu_seconds[0])
    words = 3 * 3 * 13 * 768 * 2 * 500 * 15 * 2  # models, samples, layers, dimensions, bytes, words, poolings
    assert more.representations - first.representations == pytest.approx(words, rel=0.05)  # and names, in whole chunks
    assert "a pass of their own" in render(more)
    assert "a pass of their own" not in render(first)


def test_rows_are_of_the_phone_set_of_the_corpus():
    sets = [{"aa": "a"}, {"aa": "a", "bb": "b"}]
    one, two = (estimated(preset("base-models", corpus={"name": "librispeech", "phones": labels})) for labels in sets)
    assert one.representations < two.representations


def test_model_of_another_size_is_calculated():
    entry = {"source": "owner/name", "conv_layers": 7, "blocks": 48, "stride_seconds": 0.02, "width": 1280}
    found = estimated({"models": ["big", "hubert-base"], "extra_models": {"big": entry}})
    big, base = found.models
    assert (big.measured, base.measured) == (False, True)
    assert big.cpu_seconds[0] == pytest.approx(base.cpu_seconds[0] * big.operations / base.operations)
    assert "by calculation" in render(found)


def test_model_whose_layers_are_not_known():
    found = estimated({"models": ["mine", "hubert-base"], "extra_models": {"mine": {"source": "owner/name"}}})
    assert found.models[0].representations is None
    assert found.downloads[0].size is None
    assert found.scores == estimated({"models": ["hubert-base"]}).scores
    assert "not known before its checkpoint has been read" in render(found)


@pytest.mark.parametrize("kind", ["folder", "archive"])
def test_corpus_of_ones_own_is_assumed_from_its_bytes(tmp_path, kind):
    data = bytes(17_422)
    if kind == "archive":
        audio = write_archive(tmp_path / "a.tar.gz", {})
        audio.write_bytes(100 * data)
    else:
        audio = tmp_path / "audio/1/2"
        audio.mkdir(parents=True)
        for number in range(100):
            (audio / f"1-2-{number:04}.flac").write_bytes(data)
        audio = tmp_path / "audio"
    (tmp_path / "alignments").mkdir()
    corpus = {"name": "mine", "audio": str(audio), "alignments": str(tmp_path / "alignments")}
    found = estimated({"corpus": corpus, "models": ["random-wavlm-tiny"]})
    assert not found.known
    assert found.seconds == pytest.approx(100, rel=0.01)
    assert found.downloads == ()
    assert found.unpacked == (0 if kind == "folder" else round(1.1 * 100 * len(data)))
    assert "assumed" in render(found).splitlines()[0]


def test_archive_of_unknown_size():
    corpus = {"name": "mine", "audio": "https://example.org/a.tar.gz", "alignments": "https://example.org/b.zip"}
    found = estimated({"corpus": corpus, "models": ["random-wavlm-tiny"]})
    assert (found.archives, found.unpacked) == (None, None)
    assert "not known" in render(found)


def test_more_samples_hear_more_utterances_but_never_more_than_there_are():
    heard = []
    for count in (1, 2, 30):
        samples = {"count": count, "utterances": 30, "phones_per_type": 1, "word_types": 2, "words_per_type": 1}
        samples["utterances_per_speaker"] = 1
        heard.append(estimated({"samples": samples, "models": ["random-wavlm-tiny"]}).utterances)
    assert 30 < heard[0] < heard[1] < heard[2] <= 390
    assert heard[0] == round(390 * (1 - (1 - 30 / 390) * math.exp(-(41 + 18) / 390)))


def test_page_says_what_was_not_measured():
    page = render(estimated(preset("icassp2023")))
    assert "on a GPU: not measured. Assuming 10 × 10¹² operations a second" in page
    assert "at least" in page  # of the files of AV-HuBERT's authors
    assert all(line == line.rstrip() for line in page.splitlines())
    assert "nothing" in render(replace(estimated({"models": ["random-wavlm-tiny"]}), archives=0))


def test_bytes_of_representations_by_hand():
    sizes = layer_sizes(layer_names(2, 1), 48, 32, 0.02)
    assert [(size.width, size.seconds_per_row, size.segments) for size in sizes] == [
        (32, MEL_SECONDS, False),
        (32, 0.02, False),
        (48, 0.02, True),
        (48, 0.02, True),
    ]
    # 100 s: chunks of 256 KiB hold 4,096, 2,730 (of 48) and 1,638 (of 80) rows.
    frames = 3 * 4096 * 64 + 2 * 4096 * 64 + 2 * 2 * 2730 * 96 + (4 + 7) * 1638 * 160
    segments = 2 * (2730 * 96 + 0)
    columns = 2 * 2**18 + 3 * 2**18 + 3 * 2**18  # of names, numbers (row, start, end), and names again: one chunk each
    assert (
        representation_bytes(sizes, [Drawn(100, {"phone": 10, "word": 0})], 0.02, "float16")
        == frames + segments + columns
    )


# What another experiment has made


def sharing_with(config: dict, **shared):
    found = Sharing("all", **shared)
    return costs_of(read_experiment(config), NOTHING, read_calibration(), found)


def test_models_and_scores_that_are_shared_take_nothing():
    config = preset("base-models")
    whole = estimated(config)
    found = sharing_with(config, models=frozenset({"hubert-base"}), questions=frozenset({"phone", "mel"}))
    assert found.forward_passes == whole.forward_passes * 2 / 3
    of_hubert = {cost.name: cost for cost in found.models}["hubert-base"]
    assert (of_hubert.representations, of_hubert.cpu_seconds) == (0, (0, 0))
    assert found.taken == (1, whole.scores - found.scores, 0)
    assert found.taken[1] == 3 * (13 + 20)  # of phone T layers, of mel those of the encoder too
    assert f"Taken from all: representations of 1 model, {found.taken[1]} scores\n" in render(found)
    assert [download.name for download in found.downloads if download.name == "alignments"] == []
    assert [download.name for download in found.downloads if download.name == "audio"] == ["audio"]


def test_a_view_hears_no_audio_and_says_so():
    config = preset("base-models", properties=["phone", "word-centre"])
    models = frozenset(config["models"])
    passes = {name: {"word.centre": "word.centre"} for name in models}
    found = sharing_with(config, models=models, passes=passes)
    assert (found.forward_passes, found.representations, found.archives, found.unpacked) == (0, 0, 0, 0)
    assert "Extraction: none" in render(found)
    assert not {download.name for download in found.downloads} & {"audio", "alignments"}
    # Rows that are not there are one pass, and acoustic measures need the audio themselves.
    one = sharing_with(config, models=models)
    assert (one.passes, one.forward_passes) == (1, 3 * one.utterances)
    assert 0 < one.representations < estimated(config).representations / 2
    measured = sharing_with(config | {"properties": ["f0"]}, models=models)
    assert (measured.forward_passes, measured.unpacked > 0) == (0, True)


def test_heads_that_are_shared_are_not_trained():
    config = {"probes": {"tasks": ["demo-intent"]}, "models": ["demo-hubert-1", "demo-hubert-2"]}
    (whole,) = estimated(config).tasks
    found = sharing_with(config, models=frozenset({"demo-hubert-1"}), tasks=frozenset({"demo-intent"}))
    (half,) = found.tasks
    assert (half.models, half.heads) == (1, whole.heads / 2)
    assert found.taken == (1, 0, 1)
    assert sharing_with(config, models=frozenset(config["models"]), tasks=frozenset({"demo-intent"})).tasks == ()
