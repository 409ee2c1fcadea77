"""What reading alignments costs: python tests/benchmarks/alignments.py readers | corpus [options].

readers  files per second of the package's two readers of TextGrids beside those of PyPI that are installed
         (gridio, praat-textgrids, textgrid, praatio), on the same files
corpus   seconds, seconds of all processors, and peak memory of all processes together (what they share counts once)
         for the table of intervals of each split of a corpus of LibriSpeech's size, and for ranking the words of its
         training splits; the zip is made up first, in a temporary folder (1 GB)

--splits     of the corpus, instead of all
--words      mean number of words of an utterance, instead of LibriSpeech's: about 20 in dev and test, 34 in training
--processes  2
"""

from __future__ import annotations

import argparse
import random
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from layerwise.alignments.index import index_alignments
from layerwise.alignments.marks import marks_of
from layerwise.alignments.phones import phone_set
from layerwise.alignments.textgrids import parse_any, parse_regular
from layerwise.alignments.word_ranking import rank_words
from layerwise.corpus.layouts import layout_of
from layerwise.files.catalogues import read_yaml

REPOSITORY = Path(__file__).resolve().parents[2]
LAYOUT = layout_of(read_yaml(REPOSITORY / "resources/layouts.yaml")["librispeech"])
PHONES = phone_set("arpabet", read_yaml(REPOSITORY / "resources/phones.yaml"))
MARKS = marks_of({}, read_yaml(REPOSITORY / "resources/marks.yaml"))

# Utterances of LibriSpeech's splits (Panayotov et al. 2015), and words in one of them.
SPLITS = {
    **{"dev-clean": (2703, 20), "dev-other": (2864, 18), "test-clean": (2620, 20), "test-other": (2939, 18)},
    **{"train-clean-100": (28539, 35), "train-clean-360": (104014, 34), "train-other-500": (148688, 33)},
}
VOCABULARY, TEMPLATES, FILES = 20_000, 300, 600


# A corpus that is made up


def textgrid(rng: random.Random, words: int, pronunciations: dict[str, list[str]]) -> tuple[str, float]:
    """A TextGrid as the Montreal Forced Aligner writes it, of about so many words, and its seconds."""
    names = list(pronunciations)
    tiers: dict[str, list[tuple[float, float, str]]] = {"words": [], "phones": []}
    now = 0  # hundredths of a second

    def add(tier: str, label: str, start: int, end: int) -> None:
        tiers[tier].append((start / 100, end / 100, label))

    for _ in range(max(1, round(rng.gauss(words, words / 3)))):
        if rng.random() < 0.15:
            pause = rng.randint(5, 40)
            add("words", "", now, now + pause)
            add("phones", rng.choice(["sil", "sp"]), now, now + pause)
            now += pause
        word, start = names[int(VOCABULARY ** rng.random()) - 1], now  # as frequent as one over its rank
        for phone in pronunciations[word]:
            length = rng.randint(3, 14)
            add("phones", phone, now, now + length)
            now += length
        add("words", word, start, now)
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0.0", f"xmax = {now / 100}"]
    lines += ["tiers? <exists>", "size = 2", "item []:"]
    for number, (name, rows) in enumerate(tiers.items(), 1):
        lines += [f"    item [{number}]:", '        class = "IntervalTier"', f'        name = "{name}"']
        lines += ["        xmin = 0.0", f"        xmax = {now / 100}", f"        intervals: size = {len(rows)}"]
        for index, (begin, end, label) in enumerate(rows, 1):
            lines += [f"        intervals [{index}]:", f"            xmin = {begin}", f"            xmax = {end}"]
            lines += [f'            text = "{label}"']
    return "\n".join(lines) + "\n", now / 100


def templates(words: int, number: int = TEMPLATES) -> list[tuple[str, float]]:
    rng = random.Random(words)
    vowels = {"AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW"}
    pronunciations = {
        f"word{rank}": [
            phone + rng.choice("012") * (phone in vowels)
            for phone in rng.choices(PHONES.phones, k=min(9, 2 + rank.bit_length() // 3))
        ]
        for rank in range(1, VOCABULARY + 1)
    }
    return [textgrid(rng, words, pronunciations) for _ in range(number)]


def make_corpus(folder: Path, splits: list[str], words: int | None) -> Path:
    """The zip of some splits, and beside it a table of utterances for each, `<split>.parquet`."""
    path = folder / "alignments.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for split in splits:
            utterances, usual_words = SPLITS[split]
            of_split = templates(words or usual_words)
            durations = {}
            for number in range(utterances):
                utterance_id = f"{1000 + number // 110}-{100000 + number // 55}-{number % 55:04d}"
                text, durations[utterance_id] = of_split[number % len(of_split)]
                chapter = "/".join(utterance_id.split("-")[:2])
                archive.writestr(f"LibriSpeech/{split}/{chapter}/{utterance_id}.TextGrid", text)
            table = {"utterance_id": list(durations), "duration": list(durations.values())}
            pq.write_table(pa.table(table), folder / f"{split}.parquet")
    return path


# Readers


def readers() -> Iterator[tuple[str, Callable[[str], object]]]:
    """Every reader by name: a function of a path."""
    yield "layerwise, regular form", lambda path: parse_regular(Path(path).read_text("utf-8"))
    yield "layerwise, any form", lambda path: parse_any(Path(path).read_text("utf-8"), path)
    calls = {
        "gridio": lambda module: module.textgrid_to_data,
        "textgrids": lambda module: module.TextGrid,  # praat-textgrids
        "textgrid": lambda module: module.TextGrid.fromFile,
        "praatio.textgrid": lambda module: lambda path: module.openTextgrid(path, includeEmptyIntervals=True),
    }
    for name, call in calls.items():
        try:
            yield name, call(import_module(name))
        except ImportError:
            print(f"{name:26} not installed")


def compare_readers(folder: Path, words: int | None) -> None:
    paths = []
    for number, (text, _) in enumerate(templates(words or 20, FILES)):
        paths.append(str(folder / f"{number}.TextGrid"))
        Path(paths[-1]).write_text(text)
    size = sum(Path(path).stat().st_size for path in paths) / len(paths)
    print(f"{len(paths)} files of {size / 1e3:.1f} kB on average, one process")
    for name, read in readers():
        seconds = []
        for _ in range(3):
            started = time.perf_counter()
            for path in paths:
                read(path)
            seconds.append(time.perf_counter() - started)
        print(f"{name:26} {len(paths) / min(seconds):8.0f} files/s")


# The whole corpus


def memory_of_tree(pid: int) -> int:
    """Bytes of a process and all below it; what they share is counted once (Linux)."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:  # it has ended
        return 0
    own = next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
    return 1024 * own + sum(memory_of_tree(int(child)) for child in children)


def measured(what: str, *arguments: str) -> float:
    """Run a part of this program, print what it took, and return its seconds."""
    peak, started, before = 0, time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    process = subprocess.Popen([sys.executable, __file__, *arguments], stderr=subprocess.DEVNULL)
    while process.poll() is None:
        peak = max(peak, memory_of_tree(process.pid))
        time.sleep(0.2)
    if process.returncode:
        raise SystemExit(f"{' '.join(arguments)} failed")
    seconds, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{what:30} {seconds:7.1f} s, processors {busy:7.1f} s, memory {peak / 1e6:5.0f} MB", flush=True)
    return seconds


def whole_corpus(folder: Path, splits: list[str], words: int | None, processes: int) -> None:
    started = time.perf_counter()
    path = make_corpus(folder, splits, words)
    number = sum(SPLITS[split][0] for split in splits)
    print(
        f"{number} alignments, {path.stat().st_size / 1e6:.0f} MB, made in {time.perf_counter() - started:.0f} s; "
        f"{processes} processes"
    )
    measured("start", "start")
    total, rows = 0.0, 0
    for split in splits:
        total += measured(f"index {split}", "index", str(folder), split, str(processes))
        rows += pq.ParquetFile(folder / "intervals.parquet").metadata.num_rows
    print(f"index all: {total / 60:.1f} minutes, {number / total:.0f} files/s, {rows} intervals")
    if training := [split for split in splits if split.startswith("train")]:
        measured(f"rank words of {len(training)} splits", "rank", str(folder), ",".join(training), str(processes))


def part(what: str, *arguments: str) -> None:
    """What `measured` runs."""
    if what == "index":
        folder, split, processes = Path(arguments[0]), arguments[1], int(arguments[2])
        index_alignments(
            folder / "alignments.zip",
            split,
            folder / f"{split}.parquet",
            folder / "intervals.parquet",
            folder / "problems.csv",
            layout=LAYOUT.of_split(split),
            phones=PHONES,
            marks=MARKS,
            processes=processes,
        )
    elif what == "rank":
        folder, splits, processes = Path(arguments[0]), arguments[1].split(","), int(arguments[2])
        out = folder / "words.csv"
        rank_words(folder / "alignments.zip", splits, out, layout=LAYOUT, marks=MARKS, processes=processes)


def main() -> None:
    if sys.argv[1:2] in (["start"], ["index"], ["rank"]):
        part(*sys.argv[1:])
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["readers", "corpus"])
    parser.add_argument("--splits", nargs="+", choices=SPLITS, default=list(SPLITS))
    parser.add_argument("--words", type=int)
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if arguments.what == "readers":
            compare_readers(Path(folder), arguments.words)
        else:
            whole_corpus(Path(folder), arguments.splits, arguments.words, arguments.processes)


if __name__ == "__main__":
    main()
