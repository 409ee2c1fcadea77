"""What word and sentence similarity cost a layer: python tests/benchmarks/ratings.py [--instances 50 100 200].

Thirteen sets of the sizes of resources/ratings.yaml over made-up words, up to 200 instances of each in float16, as a
store holds them; rows are made when they are read, and making them is left out of the seconds. Sentences: 638 pairs,
four readings of each, both ways of combining. Memory is the highest resident memory above that of the imports and the
made-up tables; each line is a process of its own.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import time

import numpy as np

from layerwise.files.catalogues import read_yaml
from layerwise.files.shipped import ROOT
from layerwise.scoring.measures.rating_sets import RatedPairs
from layerwise.scoring.measures.sentence_similarity import COMBINED, sentence_similarity
from layerwise.scoring.measures.word_similarity import word_similarity

WORDS, PAIRS, READERS = 6000, 638, 4


class MadeUpRows:
    """A table of vectors that is made block by block, and knows how long that took."""

    def __init__(self, rows: int, dimensions: int) -> None:
        self.shape = (rows, dimensions)
        self.seconds = 0.0

    def __getitem__(self, block: slice) -> np.ndarray:
        started = time.process_time()
        stop = min(block.stop, self.shape[0])
        made = (
            np.random.default_rng(block.start).standard_normal((stop - block.start, self.shape[1]), "f4").astype("f2")
        )
        self.seconds += time.process_time() - started
        return made


def made_up_sets(rng: np.random.Generator, words: list[str]) -> list[RatedPairs]:
    sets = []
    for name, entry in read_yaml(ROOT / "resources/ratings.yaml")["ratings"].items():
        size = entry["pairs"]
        chosen = rng.permutation(words)[: max(8, size)]  # as in rw, where nearly every word stands once
        first, second = (tuple(rng.choice(chosen, size).tolist()) for _ in range(2))
        sets.append(RatedPairs(name, first, second, rng.normal(size=size)))
    return sets


def highest() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def words_of(instances: int, dimensions: int) -> tuple[float, float]:
    rng = np.random.default_rng(0)
    names = [f"word{number}" for number in range(WORDS)]
    sets, words = made_up_sets(rng, names), np.repeat(names, instances).tolist()
    vectors, before, started = MadeUpRows(len(words), dimensions), highest(), time.process_time()
    word_similarity(vectors, words, sets)
    return time.process_time() - started - vectors.seconds, highest() - before


def sentences_of(combined: str, dimensions: int) -> tuple[float, float]:
    rng = np.random.default_rng(0)
    rows = np.arange(2 * READERS * PAIRS).reshape(PAIRS, 2, READERS)
    vectors = rng.standard_normal((rows.size, dimensions), "f4")
    ratings, before, started = np.round(rng.uniform(0, 5, PAIRS), 1), highest(), time.process_time()
    sentence_similarity(vectors, rows[:, 0].tolist(), rows[:, 1].tolist(), ratings, combined=combined)
    return time.process_time() - started, highest() - before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--instances", type=int, nargs="+", default=[50, 100, 200], help="of each word")
    parser.add_argument("--dimensions", type=int, default=768)
    given = parser.parse_args()
    lines = [(f"words, {WORDS * n:,} instances", words_of, n) for n in given.instances]
    lines += [(f"sentences, {combined}", sentences_of, combined) for combined in COMBINED]
    print(f"{'':30} {'CPU s':>8} {'MB':>6}")
    for line, measured, value in lines:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            seconds, megabytes = pool.apply(measured, (value, given.dimensions))
        print(f"{line:30} {seconds:8.2f} {megabytes:6.0f}", flush=True)


if __name__ == "__main__":
    main()
