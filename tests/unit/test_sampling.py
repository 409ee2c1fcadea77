import csv
import logging
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layerwise import sampling
from layerwise.sampling import (
    SamplingError,
    draw_sample,
    draw_sample_tables,
    rare_types,
    read_word_list,
    segment_frames,
    segments_of,
)
from layerwise.spans import BY_TABLE, SPANS, SampleSizes
from synthetic_views import DATA
from tiny_corpus import PHONE_SETS

SIZES = SampleSizes(utterances=12, phones_per_type=5, word_types=4, words_per_type=3, utterances_per_speaker=7)
TABLES = tuple(BY_TABLE)

WORDS = {"the": 30, "of": 20, "and": 20, "zebra": 20, "ant": 19, "bee": 4}
PHONES = {"AH": 60, "S": 25, "ZH": 6}


@pytest.fixture
def corpus():
    return corpus_tables()


def corpus_tables():
    """Utterances and intervals with the counts above, at times that are all different."""
    rng = np.random.default_rng(0)
    names = [f"{speaker}-1-{number:04d}" for speaker in (84, 1272) for number in range(15)]
    utterances = pd.DataFrame(
        {
            "utterance_id": names,
            "speaker_id": [name.split("-")[0] for name in names],
            "chapter_id": "1",
            "audio_path": [f"{name}.flac" for name in names],
            "sample_rate": 16000,
            "num_samples": 16000 * 9,
            "duration": 9.0,
            "text": "",
            "start": 0.0,
        }
    )
    rows = [
        (rng.choice(names), tier, label)
        for tier, counts in (("word", WORDS), ("phone", PHONES))
        for label, count in counts.items()
        for _ in range(count)
    ]
    intervals = pd.DataFrame(rows, columns=["utterance_id", "tier", "label"])
    intervals["start"] = np.round(rng.permutation(len(rows)) * 0.03, 2)
    intervals["end"] = np.round(intervals["start"] + 0.02, 2)
    return utterances, intervals.sort_values(["utterance_id", "tier", "start"], ignore_index=True)


def assert_same_sample(left, right, names=TABLES):
    for name in names:
        pd.testing.assert_frame_equal(getattr(left, name), getattr(right, name))


# --- what a sample holds ------------------------------------------------------------------------------------------


def test_a_sample_has_the_sizes_that_were_asked_for(corpus):
    drawn = draw_sample(*corpus, 1, 1, SIZES)
    assert len(drawn.utterances) == 12
    assert drawn.phones["label"].value_counts().to_dict() == {"AH": 5, "S": 5, "ZH": 5}
    assert drawn.words["label"].value_counts().to_dict() == {"the": 3, "of": 3, "and": 3, "zebra": 3}
    assert list(drawn.phones.columns) == list(drawn.words.columns) == ["utterance_id", "label", "start", "end"]
    assert list(drawn.utterances.columns) == list(corpus[0].columns)


def test_a_sample_takes_rows_of_the_corpus_once_and_in_order(corpus):
    _, intervals = corpus
    drawn = draw_sample(*corpus, 1, 1, SIZES)
    assert drawn.utterances["utterance_id"].is_monotonic_increasing
    assert drawn.utterances["utterance_id"].is_unique
    for tier, table in (("phone", drawn.phones), ("word", drawn.words)):
        assert not table.duplicated().any()
        there = intervals[intervals["tier"] == tier]
        assert len(table.merge(there)) == len(table)
        pd.testing.assert_frame_equal(table, table.sort_values(["utterance_id", "start"], ignore_index=True))
    # Segments come from the whole corpus, not from the utterances of the frame sample alone.
    assert not set(drawn.phones["utterance_id"]) <= set(drawn.utterances["utterance_id"])


def test_the_most_frequent_words_are_taken_and_ties_go_by_the_alphabet(corpus):
    def words_of(types):
        sizes = SampleSizes(utterances=1, phones_per_type=1, word_types=types, words_per_type=1)
        return set(draw_sample(*corpus, 1, 1, sizes).words["label"])

    assert words_of(1) == {"the"}
    assert words_of(2) == {"the", "and"}
    assert words_of(3) == {"the", "and", "of"}
    assert words_of(5) == {"the", "and", "of", "zebra", "ant"}


def test_a_shortage_takes_all_and_warns_with_the_counts(corpus, caplog):
    sizes = SampleSizes(utterances=31, phones_per_type=25, word_types=7, words_per_type=20)
    with caplog.at_level(logging.WARNING, logger="layerwise.sampling"):
        drawn = draw_sample(*corpus, 4, 1, sizes)
    assert len(drawn.utterances) == 30
    assert drawn.phones["label"].value_counts().to_dict() == {"AH": 25, "S": 25, "ZH": 6}
    assert drawn.words["label"].value_counts().to_dict() == {"the": 20, "of": 20, "and": 20, "zebra": 20} | {
        "ant": 19,
        "bee": 4,
    }
    said = [record.getMessage() for record in caplog.records]
    assert "sample 4: 31 utterances asked for, the corpus has 30: all are taken" in said
    assert "sample 4: 7 word types asked for, the corpus has 6: all are taken" in said
    assert "sample 4: 1 of 3 labels have fewer than 25 instances, all are taken: ZH 6" in said
    assert "sample 4: 2 of 6 labels have fewer than 20 instances, all are taken: bee 4, ant 19" in said
    assert "sample 4: 2 of 2 speakers have fewer than 50 utterances, all are taken: 1272 15, 84 15" in said
    assert len(said) == 5


def test_rare_types_are_left_out_and_counted(corpus, caplog):
    utterances, intervals = corpus
    sizes = SampleSizes(1, 5, 6, 3, min_per_type=20)
    with caplog.at_level(logging.INFO, logger="layerwise.sampling"):
        drawn = draw_sample(utterances, intervals, 1, 1, sizes)
    assert set(drawn.phones["label"]) == {"AH", "S"}
    assert set(drawn.words["label"]) == {"the", "of", "and", "zebra"}
    assert set(drawn.whole_utterances["label"]) == {"84", "1272"}
    said = [record.getMessage() for record in caplog.records]
    assert "sample 1: 2 of 6 word types occur fewer than 20 times, and are left out (samples.min_per_type)" in said
    words = segments_of(SPANS["word"], utterances, intervals)
    rare, types = rare_types(words, SPANS["word"], sizes)
    assert (rare.to_dict(), types) == ({"bee": 4, "ant": 19}, 6)
    assert list(rare) == [4, 19]
    assert rare_types(segments_of(SPANS["utterance"], *corpus), SPANS["utterance"], sizes)[0].empty


def test_a_corpus_of_rare_types_alone_gives_no_rows(corpus, caplog):
    drawn = draw_sample(*corpus, 1, 1, SampleSizes(1, 5, 6, 3, min_per_type=1000))
    assert [len(drawn.phones), len(drawn.words), len(drawn.whole_utterances)] == [0, 0, 30]
    warned = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert any(said.startswith("sample 1: 3 of 3 phone types occur fewer than 1000 times") for said in warned)


def test_common_types_are_drawn_as_if_there_were_no_rare_ones(corpus):
    few, all_types = (
        draw_sample(*corpus, 1, 1, SampleSizes(1, 25, 6, 3, min_per_type=least)).words for least in (20, 1)
    )
    assert set(few["label"]) < set(all_types["label"])
    assert few["label"].value_counts().to_dict() == dict.fromkeys(["the", "of", "and", "zebra"], 3)


def test_a_shortage_of_what_nobody_asks_about_is_no_warning(corpus, caplog):
    utterances, intervals = corpus
    phones = intervals[intervals["tier"] == "phone"]
    sizes = SampleSizes(3, 1, 70, 15, 1)
    with caplog.at_level(logging.INFO, logger="layerwise.sampling"):
        draw_sample(utterances, phones, 1, 0, sizes, wanted={"frame", "phone", "utterance"})
    said = {record.getMessage(): record.levelno for record in caplog.records}
    assert said["sample 1: 70 word types asked for, the corpus has 0: all are taken"] == logging.INFO
    with caplog.at_level(logging.WARNING, logger="layerwise.sampling"):
        caplog.clear()
        draw_sample(utterances, phones, 1, 0, sizes, wanted={"word"})
    assert [message for message in caplog.messages if "word types" in message]


def test_enough_of_everything_warns_of_nothing(corpus, caplog):
    just_enough = SampleSizes(30, 6, 6, 4, utterances_per_speaker=15)
    with caplog.at_level(logging.WARNING, logger="layerwise.sampling"):
        draw_sample(*corpus, 1, 1, just_enough)
    assert caplog.records == []


def test_phones_and_words_are_drawn_apart(corpus):
    """The same intervals in both tiers: one stream of random numbers for both would draw the same ones."""
    utterances, intervals = corpus
    words = intervals[intervals["tier"] == "word"]
    sizes = SampleSizes(utterances=1, phones_per_type=3, word_types=6, words_per_type=3)
    drawn = draw_sample(utterances, pd.concat([words, words.assign(tier="phone")]), 1, 1, sizes)
    assert len(drawn.phones) == len(drawn.words) == 18
    assert len(drawn.phones.merge(drawn.words)) < 18


def test_a_corpus_without_alignments_has_empty_segment_tables(corpus):
    utterances, intervals = corpus
    drawn = draw_sample(utterances, intervals.iloc[:0], 1, 1, SIZES)
    assert (len(drawn.utterances), len(drawn.phones), len(drawn.words)) == (12, 0, 0)
    assert list(drawn.words.columns) == ["utterance_id", "label", "start", "end"]


@pytest.mark.parametrize(("labels", "more"), [(10, ""), (11, ", …")])
def test_the_ten_rarest_of_many_short_labels_are_named(corpus, caplog, labels, more):
    utterances, intervals = corpus
    names = [f"P{number:02d}" for number in range(labels)]
    few = intervals.iloc[: 2 * labels].assign(tier="phone", label=names + names[::-1])
    with caplog.at_level(logging.WARNING, logger="layerwise.sampling"):
        draw_sample(utterances, few, 1, 1, SampleSizes(1, 3, 0, 1, 1))
    (said,) = caplog.messages
    assert said.endswith(": " + ", ".join(f"{name} 2" for name in names[:10]) + more)


# --- what a sample depends on -------------------------------------------------------------------------------------


def test_samples_are_these(corpus):
    """The same on every machine: times in hundredths, which are different for all intervals."""
    drawn = draw_sample(*corpus, 2, 1, SIZES)
    numbers = [3, 5, 8, 9, 10, 13, 14], [4, 6, 7, 10, 11]
    names = [
        f"{who}-1-{number:04d}" for who, of in zip(("1272", "84"), numbers, strict=True) for number in of
    ]  # fmt: skip
    phones, words = ((100 * table["start"]).round().astype(int).tolist() for table in (drawn.phones, drawn.words))
    assert drawn.utterances["utterance_id"].tolist() == names
    assert phones == [456, 327, 129, 417, 426, 246, 513, 81, 45, 75, 240, 516, 366, 468, 489]
    assert words == [351, 510, 189, 321, 444, 165, 153, 249, 225, 408, 312, 573]


def test_samples_differ_by_number_and_by_seed(corpus):
    draws = [draw_sample(*corpus, sample, seed, SIZES) for sample, seed in ((1, 1), (2, 1), (1, 2), (2, 2))]
    for name in TABLES:
        assert len({getattr(drawn, name).to_csv() for drawn in draws}) == 4, name


@settings(max_examples=10, deadline=None)
@given(order=st.integers(0, 2**32))
def test_the_order_of_the_input_tables_does_not_matter(order):
    utterances, intervals = corpus_tables()
    shuffled = (table.sample(frac=1, random_state=np.random.default_rng(order)) for table in (utterances, intervals))
    assert_same_sample(draw_sample(*shuffled, 1, 1, SIZES), draw_sample(utterances, intervals, 1, 1, SIZES))


@pytest.mark.parametrize(
    ("changed", "others"),
    [
        ({"utterances": 5}, ("phones", "words", "whole_utterances")),
        ({"phones_per_type": 2}, ("utterances", "words", "whole_utterances")),
        ({"words_per_type": 2}, ("utterances", "phones", "whole_utterances")),
        ({"word_types": 2}, ("utterances", "phones", "whole_utterances")),
        ({"utterances_per_speaker": 2}, ("utterances", "phones", "words")),
    ],
)
def test_one_size_changes_one_table(corpus, changed, others):
    before = draw_sample(*corpus, 1, 1, SIZES)
    after = draw_sample(*corpus, 1, 1, SampleSizes(**(vars(SIZES) | changed)))
    assert_same_sample(before, after, others)
    (name,) = set(TABLES) - set(others)
    assert len(getattr(after, name)) < len(getattr(before, name))


def test_tables_are_the_same_bytes_each_time_and_whatever_else_was_drawn(corpus, tmp_path):
    sources = tmp_path / "utterances.parquet", tmp_path / "intervals.parquet"
    for table, path in zip(corpus, sources, strict=True):
        table.to_parquet(path, index=False)

    def bytes_of(folder, samples):
        for sample in samples:
            out = {name: tmp_path / folder / str(sample) / f"{name}.parquet" for name in TABLES}
            draw_sample_tables(*sources, sample, 7, SIZES, out)
        return {path.relative_to(tmp_path / folder): path.read_bytes() for path in (tmp_path / folder).rglob("*.*")}

    few, many = bytes_of("few", [1, 2]), bytes_of("many", [3, 2, 1])
    assert len(few) == 2 * len(TABLES)
    assert len(many) == 3 * len(TABLES)
    assert few.items() <= many.items()
    read = pd.read_parquet(tmp_path / "few" / "2" / "words.parquet")
    pd.testing.assert_frame_equal(read, draw_sample(*corpus, 2, 7, SIZES).words)


# --- lists of words -----------------------------------------------------------------------------------------------


def test_words_are_the_first_of_a_list_whatever_the_corpus_has_more_of(corpus, caplog):
    """As the paper ranks by the training data: a word of the list that is not in the corpus takes a place."""
    with caplog.at_level(logging.WARNING, logger="layerwise.sampling"):
        drawn = draw_sample(*corpus, 1, 1, SIZES, ["bee", "unheard", "zebra", "of", "the"])
    assert drawn.words["label"].value_counts().to_dict() == {"bee": 3, "zebra": 3, "of": 3}
    assert "sample 1: 4 word types asked for, the corpus has 3: all are taken" in caplog.messages


def test_the_corpus_own_ranking_as_a_list_changes_nothing(corpus):
    ranking = ["the", "and", "of", "zebra", "ant", "bee"]
    assert_same_sample(draw_sample(*corpus, 1, 1, SIZES), draw_sample(*corpus, 1, 1, SIZES, ranking))


def test_a_list_of_other_words_is_refused(corpus):
    with pytest.raises(SamplingError, match=r"'THE', is in the alignments, which have 'the', .*case count"):
        draw_sample(*corpus, 1, 1, SIZES, ["THE", "OF"])


@pytest.mark.parametrize(
    "content",
    [
        "the\nit's\n",
        "\ufeffthe\n\n it's \n",
        "word,count\nthe,9\nit's,3\n",
        "word,count\nthe,9\n,5\nit's,3\n",
        'count,word\n9,the\n3,"it\'s"\n',
        "word,count\nthe,9,\nit's,3,\n",
        '"word","count"\n"the",9\n"it\'s",3\n',
        "count;word\n9;the\n3;it's\n",
        "count\tword\n9\tthe\n3\tit's\n",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_word_lists_are_lines_or_a_table(content, encoding, tmp_path):
    (tmp_path / "words").write_bytes(content.removeprefix("\ufeff" if encoding == "utf-16" else "").encode(encoding))
    assert read_word_list(tmp_path / "words") == ["the", "it's"]


def test_words_of_a_list_become_lower_case_as_those_of_the_alignments(tmp_path, caplog):
    (tmp_path / "words").write_text("The\ncafe\u0301\nthe\nA\n")
    with caplog.at_level(logging.INFO, logger="layerwise.sampling"):
        assert read_word_list(tmp_path / "words", lower_case=False) == ["The", "caf\u00e9", "the", "A"]
        assert not caplog.messages
        assert read_word_list(tmp_path / "words") == ["the", "caf\u00e9", "a"]
    assert caplog.messages == [f"{tmp_path / 'words'}: 2 words put into lower case, 3 are left"]


@pytest.mark.parametrize(("options", "drawn"), [({}, {"the", "of"}), ({"lower_case": False}, {"of"})])
def test_a_word_list_is_read_as_the_alignments_were(corpus, tmp_path, options, drawn):
    sources, out = (tmp_path / "u.parquet", tmp_path / "i.parquet"), tmp_path / "words.parquet"
    for table, path in zip(corpus, sources, strict=True):
        table.to_parquet(path, index=False)
    (tmp_path / "list.txt").write_text("The\nof\n")
    draw_sample_tables(*sources, 1, 1, SIZES, {"words": out}, tmp_path / "list.txt", **options)
    assert set(pd.read_parquet(out)["label"]) == drawn
    assert pq.read_schema(out).names == ["utterance_id", "label", "start", "end"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no word in it"),
        (b"word,count\n", "no word in it"),
        (b"a\nb\na\n", "'a' stands there twice"),
        (b"word,count\nthe,9,8\n", "line 2 has 3 cells, the header 2"),
        ("caf\u00e9\ncafe\u0301".encode(), "'caf\u00e9' stands there twice"),
        (b"\xff", "read"),
    ],
)
def test_other_word_lists_are_refused(content, message, tmp_path):
    (tmp_path / "words").write_bytes(content)
    with pytest.raises(SamplingError, match=message):
        read_word_list(tmp_path / "words")


# --- the paper's sizes --------------------------------------------------------------------------------------------

PHONE_NAMES = PHONE_SETS["arpabet"].phones
PAPER = SampleSizes(utterances=500, phones_per_type=200, word_types=500, words_per_type=15)


@pytest.fixture(scope="module")
def dev_clean():
    """Tables of the size of LibriSpeech dev-clean, labels as frequent as in any language, and a ranking."""
    rng = np.random.default_rng(0)
    names = np.array([f"{speaker}-1-{number:04d}" for speaker in range(40) for number in range(68)][:2703])
    words, phones, tokens = 8333, 39, 54402
    zipf = 1 / (np.arange(words) + 2.7)
    labels = np.concatenate([np.arange(words), rng.choice(words, tokens - words, p=zipf / zipf.sum())])
    tiers = {"word": [f"w{label:04d}" for label in labels]}
    rare = 1.2 ** -np.arange(phones)
    tiers["phone"] = [PHONE_NAMES[i] for i in rng.choice(phones, 190_000, p=rare / rare.sum())]
    intervals = pd.concat(
        pd.DataFrame(
            {
                "utterance_id": rng.choice(names, len(labels)),
                "tier": tier,
                "label": labels,
                "start": (start := np.round(rng.uniform(0, 30, len(labels)), 2)),
                "end": np.round(start + 0.1, 2),
            }
        )
        for tier, labels in tiers.items()
    ).sort_values(["utterance_id", "tier", "start", "label"], ignore_index=True)
    utterances = pd.DataFrame({"utterance_id": names, "speaker_id": [name.split("-")[0] for name in names]})
    utterances["duration"] = 7.0
    return utterances, intervals, [f"w{label:04d}" for label in range(words)]


@pytest.mark.parametrize("sample", [1, 2, 3])
def test_samples_of_the_papers_size(dev_clean, sample):
    utterances, intervals, ranking = dev_clean
    drawn = draw_sample(utterances, intervals, sample, 1, PAPER, ranking)
    assert len(drawn.utterances) == 500
    there = intervals.groupby(["tier", "label"]).size()
    for table, tier, types, most in ((drawn.phones, "phone", 39, 200), (drawn.words, "word", 500, 15)):
        counts = table["label"].value_counts()
        assert len(counts) == types
        assert counts.to_dict() == {label: min(most, there[tier, label]) for label in counts.index}
    assert set(drawn.words["label"]) == set(ranking[:500])
    assert 7000 < len(drawn.words) <= 7500
    assert 6000 < len(drawn.phones) < 7800  # rare phones have fewer than 200


def test_samples_of_the_papers_size_are_the_same_bytes_on_every_run(dev_clean, tmp_path):
    utterances, intervals, ranking = dev_clean
    utterances.to_parquet(tmp_path / "utterances.parquet")
    intervals.to_parquet(tmp_path / "intervals.parquet")
    (tmp_path / "words.txt").write_text("\n".join(ranking))
    code = (
        "import sys; from pathlib import Path; from layerwise.sampling import SampleSizes, draw_sample_tables as draw\n"
        "here, run = Path(sys.argv[1]), sys.argv[2]\n"
        "for k in (1, 2, 3):\n"
        "    out = {n: here / run / str(k) / f'{n}.parquet' for n in ('utterances', 'words', 'whole_utterances')}\n"
        "    draw(here / 'utterances.parquet', here / 'intervals.parquet', k, 1, SampleSizes(500, 200, 500, 15), out, "
        "here / 'words.txt')\n"
    )
    package = str(Path(sampling.__file__).parents[1])
    for run in ("a", "b"):  # other processes: nothing may depend on the order of a set
        environment = os.environ | {"PYTHONPATH": package, "PYTHONHASHSEED": {"a": "1", "b": "2"}[run]}
        subprocess.run([sys.executable, "-c", code, str(tmp_path), run], env=environment, check=True)
    written = [
        {path.relative_to(tmp_path / run): path.read_bytes() for path in (tmp_path / run).rglob("*.parquet")}
        for run in ("a", "b")
    ]
    assert len(written[0]) == 9
    assert written[0] == written[1]


def test_a_corpus_without_utterances_is_refused(corpus, tmp_path):
    utterances, intervals = corpus
    utterances.iloc[:0].to_parquet(tmp_path / "u.parquet")
    intervals.iloc[:0].to_parquet(tmp_path / "i.parquet")
    with pytest.raises(SamplingError, match=r"u\.parquet holds no utterance"):
        draw_sample_tables(
            tmp_path / "u.parquet", tmp_path / "i.parquet", 1, 1, SIZES, {"words": tmp_path / "w.parquet"}
        )
    assert not (tmp_path / "w.parquet").exists()


# --- frames of a segment ------------------------------------------------------------------------------------------


def test_segments_take_the_published_frames():
    with (DATA / "pooling" / "segments.csv").open(encoding="utf-8") as stream:
        cases = list(csv.DictReader(stream))
    assert len(cases) == 300
    for case in cases:
        start, end, stride = (float(case[name]) for name in ("start", "end", "stride_seconds"))
        frames = segment_frames(start, end, stride, int(case["num_frames"]), case["span"])
        assert frames == (int(case["first_frame"]), int(case["last_frame"]) + 1), case


@pytest.mark.parametrize(
    ("start", "end", "span", "frames"),
    [
        (0.58, 0.60, "word", (29, 30)),  # 0.58 / 0.02 is 28.999… in floats
        (0.10, 0.58, "word", (5, 29)),
        (0.14, 0.28, "word", (7, 14)),  # 0.14 / 0.02 is 7.000000000000001, 0.28 / 0.02 is 14.000000000000002
        (0.11, 0.13, "word", (5, 7)),  # every frame that it touches
        (0.00, 0.06, "phone", (1, 2)),  # the middle third of three
        (0.00, 0.04, "phone", (1, 2)),  # the second of two
        (0.00, 0.02, "phone", (0, 1)),
        (0.00, 0.12, "phone", (2, 4)),
        (0.00, 0.10, "phone", (2, 3)),
        (1.96, 2.02, "word", (98, 100)),  # the last interval may end after the last frame
        (2.00, 2.04, "word", (99, 100)),
        (7.00, 7.04, "phone", (99, 100)),
    ],
)
def test_segments_take_these_frames_of_a_hundred(start, end, span, frames):
    assert segment_frames(start, end, 0.02, 100, span) == frames


@settings(max_examples=300, deadline=None)
@given(
    start=st.integers(0, 3000),
    length=st.integers(0, 300),
    stride=st.sampled_from([0.01, 0.02, 0.04]),
    num_frames=st.integers(1, 2000),
)
def test_segments_keep_frames_of_the_utterance(start, length, stride, num_frames):
    """Times in hundredths; whole numbers give the exact answer for a word, without floats."""
    hop = round(stride * 100)
    word, phone = (
        segment_frames(start / 100, (start + length) / 100, stride, num_frames, span) for span in ("word", "phone")
    )
    for first, last in (word, phone):
        assert 0 <= first < last <= num_frames
    touched = start // hop, -(-(start + length) // hop)
    if touched[0] < touched[1] <= num_frames:
        assert word == touched
        assert word[0] <= phone[0]
        assert phone[1] <= word[1]
        count = word[1] - word[0]
        assert phone[1] - phone[0] == max(1, count - 2 * ((count + 1) // 3))


def test_other_spans_and_utterances_without_frames_are_refused():
    with pytest.raises(ValueError, match="'frame' is neither"):
        segment_frames(0.0, 0.1, 0.02, 10, "frame")
    with pytest.raises(ValueError, match="without frames"):
        segment_frames(0.0, 0.1, 0.02, 0, "word")
