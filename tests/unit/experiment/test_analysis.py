"""What `layerwise.analyse` takes, and how it says no."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

import layerwise
from layerwise.alignments.phones import UnknownPhoneError
from layerwise.alignments.tiers import AlignmentError
from layerwise.errors import LayerwiseError
from layerwise.experiment.analysis import AnalysisError
from layerwise.experiment.configuration.problems import ConfigurationError
from layerwise.experiment.given_speech import SpeechError
from layerwise.scoring.folds import FoldError
from layerwise.tables.trends import COLUMNS
from tiny_models import speech

MODEL = "random-wav2vec2-tiny"
PHONES = ["AA", "B", "IY", "K", "S", "T"]
SMALL = {"samples": {"count": 1, "phones_per_type": 30}, "cca": {"trials": 1}}


@pytest.fixture(scope="module")
def utterances() -> dict[str, np.ndarray]:
    return {f"u{number:02}": speech(1.0, seed=number) for number in range(24)}


@pytest.fixture(scope="module")
def intervals(utterances) -> pd.DataFrame:
    """Ten phones of 0.1 s in each utterance, and two words."""
    rows = []
    for number, name in enumerate(utterances):
        for place in range(10):
            label = PHONES[(7 * number + place * place) % len(PHONES)]
            rows.append((name, "phone", label, place / 10, place / 10 + 0.1))
        rows += [(name, "word", "one", 0.0, 0.5), (name, "word", "two", 0.5, 1.0)]
    return pd.DataFrame(rows, columns=["utterance_id", "tier", "label", "start", "end"])


@pytest.fixture(scope="module")
def model():
    return layerwise.models.load(MODEL)


@pytest.fixture(scope="module")
def trends(model, utterances, intervals) -> pd.DataFrame:
    return layerwise.analyse(model, utterances, intervals, ["mel", "phone"], name=MODEL, **SMALL)


def test_it_is_a_table_of_trends(trends):
    assert list(trends.columns) == COLUMNS
    assert set(trends["property"]) == {"mel", "phone"}
    assert set(trends["model"]) == {MODEL}
    assert list(trends.loc[trends["property"] == "phone", "layer"].unique()) == ["T0", "T1", "T2", "T3", "T4"]
    assert trends["mean"].between(-1, 1.000001).all()


def test_a_name_and_a_loaded_model_give_the_same(trends, utterances, intervals):
    again = layerwise.analyse(MODEL, utterances, intervals, ["mel", "phone"], **SMALL)
    pd.testing.assert_frame_equal(again, trends, check_exact=True)


def test_neither_order_nor_threads_nor_the_kind_of_input_matter(trends, model, utterances, intervals):
    table = pd.DataFrame({"utterance_id": list(utterances), "waveform": list(utterances.values())})
    mixed = table.sample(frac=1, random_state=1), intervals.sample(frac=1, random_state=1)
    again = layerwise.analyse(model, *mixed, ["mel", "phone"], name=MODEL, threads=2, **SMALL)
    pd.testing.assert_frame_equal(again, trends, check_exact=True)


def test_labels_of_textgrids_are_cleaned(trends, model, utterances, intervals):
    raw = intervals.assign(
        tier=intervals["tier"] + "s",
        label=[label + "1" if label in ("AA", "IY") else label.upper() for label in intervals["label"]],
    )
    again = layerwise.analyse(model, utterances, raw, ["mel", "phone"], name=MODEL, **SMALL)
    pd.testing.assert_frame_equal(again, trends, check_exact=True)


def test_frames_need_no_intervals(trends, model, utterances):
    again = layerwise.analyse(model, utterances, properties=["mel"], name=MODEL, **SMALL)
    expected = trends[trends["property"] == "mel"].reset_index(drop=True)
    pd.testing.assert_frame_equal(again, expected, check_exact=True)


def test_some_layers(trends, model, utterances, intervals):
    again = layerwise.analyse(model, utterances, intervals, ["phone"], name=MODEL, layers=["T1", "T3"], **SMALL)
    expected = trends[(trends["property"] == "phone") & trends["layer"].isin(["T1", "T3"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(again, expected, check_exact=True)


def test_a_model_without_a_name_is_called_model(model, utterances):
    again = layerwise.analyse(model, utterances, properties=["intra"], layers=["T1"], **SMALL)
    assert set(again["model"]) == {"model"}


def test_speakers_are_counted_and_folds_are_by_speaker(model, utterances):
    table = pd.DataFrame({"utterance_id": list(utterances), "waveform": list(utterances.values())})
    table["speaker_id"] = [f"s{number % 12}" for number in range(len(table))]
    found = layerwise.analyse(
        model, table, properties=["mel"], layers=["T1"], cca={"folds_by": "speaker", "intervals": "speakers"}
    )
    assert set(found["n_speakers"]) == {12}
    assert "speakers" in set(found["interval"])


def test_questions_of_any_kind(model, utterances, intervals, tmp_path):
    """Speakers, an acoustic measure, another pooling, vectors of words, and a table of segments."""
    table = pd.DataFrame({"utterance_id": list(utterances), "waveform": list(utterances.values())})
    table["speaker_id"] = [f"s{number % 3}" for number in range(len(table))]
    vectors = tmp_path / "vectors.txt"
    vectors.write_text("one 1 0.5\ntwo 0 2\n")
    segments = tmp_path / "halves.csv"
    halves = [f"{name},{half / 2},{half / 2 + 0.5},{half}" for name in utterances for half in (0, 1)]
    segments.write_text("utterance_id,start,end,half\n" + "\n".join(halves) + "\n")
    found = layerwise.analyse(
        model,
        table,
        intervals,
        {
            "phone": None,
            "energy": None,
            "onsets": {"rows": "phone", "pool": "first", "target": {"label": "label"}},
            "meaning": {"rows": "word", "target": {"vectors": str(vectors)}},
            "which": {"rows": {"segments": str(segments)}, "target": {"columns": ["half"]}},
            "who": {"rows": "phone", "target": {"label": "speaker_id"}, "title": "who speaks"},
        },
        layers=["T1"],
        samples={"count": 2, "phones_per_type": 40, "word_types": 2, "words_per_type": 24},
        cca={"trials": 2},
    )
    best = found[found["metric"] == "mean_cca"].set_index("property")
    assert set(best.index) == {"phone", "energy", "onsets", "meaning", "which", "who"}
    assert best.loc["energy", "n_rows"] == 24 * 49
    assert best.loc["which", "n_rows"] == best.loc["meaning", "n_rows"] == 48
    assert (best["status"] == "skipped").to_dict() == {name: name in ("meaning", "which") for name in best.index}
    assert "training rows for 48 + 1 dimensions" in best.loc["which", "reason"]


def test_every_measure_of_speech_in_memory(model, utterances, intervals, tmp_path):
    """Rows, intervals and files reach each of them as in the workflow."""
    sayings = [
        ("apple", "bread", "chair", "dream", "eagle")[(number + half) % 5] for number in range(24) for half in (0, 1)
    ]
    spoken = intervals.assign(label=intervals["label"].where(intervals["tier"] == "phone"))
    spoken.loc[spoken["tier"] == "word", "label"] = sayings
    (tmp_path / "mine.item").write_text(
        "#file onset offset #phone prev-phone next-phone speaker\n"
        + "".join(
            f"{name} 0.1 0.5 {'AB'[number % 2]} S T {name}\n{name} 0.5 0.9 {'AB'[number % 2]} S T {name}\n"
            f"{name} 0.3 0.7 {'BA'[number % 2]} S T {name}\n"
            for number, name in enumerate(utterances)
        )
    )
    (tmp_path / "rated.csv").write_text(
        "word1,word2,rating\napple,bread,1\napple,chair,2\nbread,chair,3\nbread,dream,5\neagle,chair,4\n"
    )
    (tmp_path / "pairs.csv").write_text("a,b,rating\n" + "".join(f"u0{n},u1{n},{n % 4}\n" for n in range(9)))
    found = layerwise.analyse(
        model,
        utterances,
        spoken,
        {
            "clusters": {
                "rows": "phone",
                "target": {"label": "label"},
                "measure": {"mutual_information": {"clusters": 6}},
            },
            "word-discrimination": None,
            "word-discrimination-dtw": None,
            "word-segmentation": None,
            "phones": {"rows": "frame", "target": {"intervals": "phone"}, "measure": {"abx": {"context": "any"}}},
            "items": {"rows": "frame", "target": {"items": str(tmp_path / "mine.item")}, "measure": "abx"},
            "rated": {
                "rows": "word",
                "target": {"ratings": [str(tmp_path / "rated.csv")]},
                "measure": "word_similarity",
            },
            "pairs": {
                "rows": "utterance",
                "target": {"pairs": str(tmp_path / "pairs.csv")},
                "measure": "sentence_similarity",
            },
        },
        layers=["T1"],
        samples={"count": 1, "phones_per_type": 40},
        cca={"trials": 1},
    )
    shown = found.groupby("property").first()
    assert shown["status"].to_dict() == dict.fromkeys(shown.index, "ok")
    assert len(shown) == 8
    assert set(found.loc[found["interval"] == "items", "metric"]) >= {"ap", "f1", "abx_error", "similarity"}
    errors = found[found["metric"] == "abx_error"].set_index("property")
    assert errors["mean"].between(0, 1).all()
    assert errors.loc["items", "n_speakers"] == 24  # the file says so, and not the utterances


def test_measures_of_frames_need_intervals_too(model, utterances):
    refused(
        AnalysisError,
        "word-segmentation is asked of words, and intervals is None",
        model,
        utterances,
        None,
        ["mel", "word-segmentation"],
    )


def test_a_question_that_needs_another_model_or_a_download_is_refused(model, utterances):
    refused(AnalysisError, "here there is one", model, utterances, properties=["inter"])
    refused(AnalysisError, "name a local file", model, utterances, properties=["glove"])
    refused(
        AnalysisError,
        "rg-65.csv is not fetched here: name a local file",
        model,
        utterances,
        properties={"a": {"rows": "word", "target": {"ratings": "rg-65"}, "measure": "word_similarity"}},
    )
    refused(
        AnalysisError,
        "nothing.csv does not exist",
        model,
        utterances,
        properties={"a": {"rows": "word", "target": {"ratings": "nothing.csv"}, "measure": "word_similarity"}},
    )
    both = {"a": {"rows": "phone", "target": {"label": "label", "layer": "T0"}}}
    refused(AnalysisError, "a property has one target", model, utterances, properties=both)


def test_waveforms_at_another_rate_are_resampled(trends, model, utterances):
    twice = {name: np.repeat(waveform, 2) for name, waveform in utterances.items()}
    found = layerwise.analyse(model, twice, properties=["mel"], name=MODEL, sample_rate=32_000, **SMALL)
    expected = trends[trends["property"] == "mel"]
    assert found["n_rows"].tolist() == expected["n_rows"].tolist()


def test_threads_of_torch_are_as_before(model, utterances):
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        layerwise.analyse(model, utterances, properties=["mel"], layers=["T1"], **SMALL)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def refused(error: type[LayerwiseError], said: str, *arguments, **settings) -> None:
    with pytest.raises(error) as caught:
        layerwise.analyse(*arguments, **settings)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "error", "said"),
    [
        ({"properties": ["phoen"]}, AnalysisError, "properties: 'phoen' is not a property (did you mean phone?)"),
        ({"layers": ["T9"]}, AnalysisError, "layers: the model has no layer T9 (did you mean"),
        ({"properties": ["phone"], "layers": ["C1"]}, AnalysisError, "layers: phone is asked of none of C1"),
        ({"samples": {"utterancs": 3}}, ConfigurationError, "samples.utterancs: there is no such key (did you mean"),
        ({"cca": {"folds": "ten"}}, ConfigurationError, "cca.folds: found"),
        ({"cca": {"folds": 4, "trials": 3}}, FoldError, "3 trials need 6 folds"),
        ({"cca": {"folds_by": "speaker"}}, AnalysisError, "utterances have no column speaker_id"),
        ({"cca": {"intervals": "speakers"}}, AnalysisError, "cca.folds_by must be speaker"),
        ({"properties": []}, ConfigurationError, "properties"),
    ],
)
def test_wrong_settings(model, utterances, intervals, settings, error, said):
    refused(error, said, model, utterances, intervals, **settings)


def test_an_unknown_model(utterances, intervals):
    refused(LayerwiseError, "did you mean hubert-base?", "huber-base", utterances, intervals)


GOOD = np.zeros(16_000, np.float32)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "utterances: there are none"),
        ([GOOD], "a mapping from id to waveform is expected"),
        ({1: GOOD}, "an id is text, not 1"),
        ({"a": GOOD[None]}, "the waveform of a has the shape (1, 16000)"),
        ({"a": GOOD.astype(np.int16)}, "holds int16; floats from -1 to 1 are expected (divide int16 samples by 32768)"),
        ({"a": GOOD + 700}, "the waveform of a reaches 700"),
        ({"a": GOOD * np.nan}, "the waveform of a holds NaN or infinity"),
        ({"a": GOOD[:0]}, "the waveform of a is empty"),
        (pd.DataFrame({"utterance_id": ["a"], "waveforms": [GOOD]}), "waveform is missing (did you mean waveforms?)"),
        (pd.DataFrame({"utterance_id": ["a", "a"], "waveform": [GOOD, GOOD]}), "two are called a"),
        (pd.DataFrame({"utterance_id": ["a"], "waveform": [GOOD], "speaker_id": [7]}), "a speaker_id is text, not 7"),
    ],
)
def test_wrong_utterances(model, given, said):
    refused(SpeechError, said, model, given, properties=["mel"])


def test_an_utterance_that_is_too_short_is_named(model, utterances):
    refused(LayerwiseError, "short", model, utterances | {"short": GOOD[:100]}, properties=["mel"], **SMALL)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda table: table.drop(columns="end"), "intervals: the column end is missing"),
        (lambda table: table.rename(columns={"label": "labels"}), "label is missing (did you mean labels?)"),
        (lambda table: table.assign(utterance_id="u99"), "u99 is none of the 24 utterances (did you mean"),
        (lambda table: table.assign(end=table["end"] * 2), "'B' of u00 ends at 1.2 s, its waveform at 1 s"),
        (lambda table: table.assign(start=np.nan), "the column start must hold seconds, and in every row"),
        (lambda table: table.assign(start="0"), "the column start must hold seconds, and in every row"),
        (lambda table: table.assign(label=None), "the column label holds None, which is no text"),
        (lambda table: table.assign(tier="syllable"), "no tier is called phone or word; there are syllable"),
        (lambda table: table.to_dict("list"), "intervals: a DataFrame with the columns utterance_id, tier"),
    ],
)
def test_wrong_intervals(model, utterances, intervals, change, said):
    refused(SpeechError, said, model, utterances, change(intervals), ["phone"])


def test_properties_of_segments_need_intervals(model, utterances):
    refused(AnalysisError, "word is asked of words, and intervals is None", model, utterances, None, ["mel", "word"])


def test_a_phone_outside_of_the_set(model, utterances, intervals):
    strange = intervals.replace({"label": {"AA": "ɑ"}})
    refused((UnknownPhoneError, AlignmentError), "ɑ", model, utterances, strange, ["phone"])
    kept = layerwise.analyse(model, utterances, strange, ["phone"], phones="keep", layers=["T1"], **SMALL)
    assert set(kept["n_types"]) == {len(PHONES)}


def test_too_few_rows_are_told_with_the_numbers(model, utterances, intervals):
    few = {name: utterances[name] for name in list(utterances)[:1]}
    own = intervals[intervals["utterance_id"].isin(few)]
    refused(AnalysisError, "every score was skipped: ", model, few, own, ["phone"])


def test_strict_refuses_what_is_skipped(model, utterances, intervals):
    few = intervals.groupby("label").head(3)
    refused(LayerwiseError, "strict", model, utterances, few, ["mel", "phone"], strict=True, **SMALL)
