"""Readers of text get files with changed bytes."""

import json
from pathlib import Path

import pytest
from fuzzing import fuzz

from layerwise.alignments.cleaning import clean, count_words
from layerwise.alignments.columns import Utterance
from layerwise.alignments.pronunciations import read_pronunciations
from layerwise.alignments.sources import Aligned, File, read_alignments
from layerwise.alignments.tiers import AlignmentError
from layerwise.alignments.transcript_words import words_of
from layerwise.corpus.utterances import index_utterances
from layerwise.files.csv_files import read_csv
from layerwise.probes.index import index_task
from layerwise.probes.readers import slurp_items, table_items
from layerwise.sampling import read_word_list
from layerwise.tables.external import read_external
from tiny_corpus import (
    LAYOUTS,
    MARKS,
    PHONE_SETS,
    TIERS,
    label_file_timit,
    label_file_xwaves,
    noise,
    textgrid_long,
    textgrid_short,
    write_audio,
)

NAMES = {"phone": ["phones"], "word": ["words"]}


def read_alignment(path: Path) -> None:
    """As jobs do it: read, cleaned, words counted."""
    (tiers,) = read_alignments(path.parent, [Aligned(path.name, (File(path.name, str(path)),))])
    if isinstance(tiers, AlignmentError):
        raise tiers
    clean([Utterance("u", path.name, 1.0, tiers)], NAMES, PHONE_SETS["arpabet"], MARKS)
    count_words([Utterance("u", path.name, 1.0, tiers)], NAMES, MARKS, lower_case=True)


def index_table(path: Path) -> None:
    if not (path.parent / "d.wav").exists():
        for name in "abcd":
            write_audio(path.parent / f"{name}.wav", noise(0.2))
    index_task(table_items(path, ["word"]), "labels", path.parent / "t.parquet", path.parent / "p.csv", threads=1)


def index_slurp(path: Path) -> None:
    tables = dict.fromkeys(("train", "train_synthetic", "devel", "test"), path)
    for _ in slurp_items(tables, [path.parent], ["intent"]):
        pass


def index_transcripts(path: Path) -> None:
    """The file is a chapter's transcripts."""
    recording = path.parent / "1-2-0000.wav"
    if not recording.exists():
        write_audio(recording, noise(0.2))
    index_utterances(path.parent, "all", path.parent / "u.parquet", path.parent / "p.csv", layout=CHAPTER, threads=1)


def pronounce_words(path: Path) -> None:
    """The words of a transcript, as the aligner looks them up."""
    words_of(path.read_text(encoding="utf-8", errors="replace"), {"hello", "a.m.", "world"})


CHAPTER = LAYOUTS["flat"].__class__(
    **{**vars(LAYOUTS["flat"]), "transcripts": "chapters", "recordings": LAYOUTS["flat"].recordings}
)
PHONES, WORDS = dict(TIERS)["phones"], dict(TIERS)["words"]
TABLE = 'path,word,speaker,part\na.wav,yes,s1,train\nb.wav,"n,""o",s1,train\n./c.wav,yes,s2,dev\nd.wav,yes,s3,test\n'
SENTENCE = {"slurp_id": 1, "sentence": "wake me", "intent": "alarm", "recordings": [{"file": "a.flac", "wer": 0.1}]}
EXTERNAL = "task,model,layer,metric,value,low,high\nasr,m,T3,wer,0.0574,0.05,0.06\n"

READERS = {
    "textgrid": (
        read_alignment,
        [textgrid_long(TIERS).encode(), textgrid_short(TIERS).encode(), textgrid_long(TIERS).encode("utf-16")],
        "a.TextGrid",
    ),
    "timit": (read_alignment, [label_file_timit(PHONES).encode()], "a.PHN"),
    "buckeye": (read_alignment, [label_file_xwaves(WORDS, "; x").encode()], "a.words"),
    "csv": (lambda path: read_csv(path, ["path"]), [TABLE.encode(), TABLE.replace(",", ";").encode("utf-16")], "a.csv"),
    "task table": (index_table, [TABLE.encode()], "a.csv"),
    "external results": (lambda path: read_external(path, {"m": None}), [EXTERNAL.encode()], "a.csv"),
    "word list": (read_word_list, [b"word,count\nthe,3\nof,2\n", b"the\nof\n", "über\nß\n".encode()], "a.txt"),
    "pronunciations": (read_pronunciations, [b";;; x\nHELLO  HH AH0 L OW1\nHELLO(2)  HH EH L OW # y\n"], "a.dict"),
    "slurp": (index_slurp, [(json.dumps(SENTENCE) + "\n").encode() * 2], "a.jsonl"),
    "transcripts": (index_transcripts, [b"1-2-0000 HELLO WORLD\n1-2-0001 A\n"], "1-2.trans.txt"),
    "words": (pronounce_words, ["Hello, “world” — it's 5 a.m., U.S.A. well-known [noise] naïve!\n".encode()], "a.txt"),
}


@pytest.mark.parametrize("reader", READERS)
def test_a_changed_file_is_read_or_refused(reader, tmp_path):
    read, samples, name = READERS[reader]
    assert fuzz(read, samples, tmp_path, name)
