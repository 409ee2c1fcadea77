"""How good guessed pronunciations are: python tests/benchmarks/guessing.py [--words 500].

Guesses words of the aligner's own dictionary as if they were not in it, and prints the share of phones that are wrong
(substituted, left out or added, against the nearest variant) and that of words without an error; of possessives, whose
word is in the dictionary, apart. The model may have learned from these words: of 500 words of another lexicon of
American English that this dictionary lacks it got 11.9 % of the phones wrong.
"""

from __future__ import annotations

import argparse
import random
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import jiwer
import pocketsphinx

from layerwise.alignments.guessed_pronunciations import Guesser
from layerwise.alignments.pronunciations import read_pronunciations

SEED = 1


def report(name: str, words: Sequence[str], dictionary: Mapping[str, Sequence[str]], guess: Guesser) -> None:
    """A line of the error rates of some words."""
    errors = phones = right = nothing = 0
    for word in words:
        guesses = guess(word)
        nothing += not guesses
        made = guesses[0] if guesses else ""
        wrong, true = min((_errors(variant, made), variant) for variant in dictionary[word])
        errors += wrong
        phones += len(true.split())
        right += wrong == 0
    share = f"{errors / phones:.1%} of {phones} phones wrong, {right / len(words):.1%} of words right"
    print(f"{len(words)} {name}: {share}; nothing made of {nothing}")


def _errors(true: str, made: str) -> int:
    counts = jiwer.process_words(true, made)
    return counts.substitutions + counts.deletions + counts.insertions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--words", type=int, default=500)
    arguments = parser.parse_args()
    dictionary = read_pronunciations(Path(pocketsphinx.get_model_path("en-us/cmudict-en-us.dict")))
    plain = [word for word in sorted(dictionary) if re.fullmatch("[a-z]{3,}", word)]
    possessive = [word for word in sorted(dictionary) if word.endswith("'s") and word[:-2] in dictionary]
    choose = random.Random(SEED).sample
    guess = Guesser(dictionary)
    report("words", choose(plain, arguments.words), dictionary, guess)
    report("possessives", choose(possessive, arguments.words), dictionary, guess)


if __name__ == "__main__":
    main()
