"""Sentences of a small grammar, drawn so that words and phones occur as evenly as it allows."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from layerwise.demo.flite import SynthesisError


@dataclass(frozen=True)
class Grammar:
    """Sentence patterns with `{slot}` in them, and the words that can fill each slot."""

    patterns: tuple[str, ...]
    slots: Mapping[str, tuple[str, ...]]

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """All words that a sentence can hold, sorted."""
        fixed = (word for pattern in self.patterns for word in pattern.split() if not word.startswith("{"))
        return tuple(sorted({*fixed, *(word for words in self.slots.values() for word in words)}))

    def sentence(self, draw: random.Random) -> str:
        """One sentence, each pattern and each word of a slot being equally likely."""
        pattern = draw.choice(self.patterns)
        return " ".join(
            draw.choice(self.slots[word[1:-1]]) if word.startswith("{") else word for word in pattern.split()
        )


GRAMMAR = Grammar(
    patterns=(
        "the {quality} {person} {did} the {thing} {where} the {place}",
        "{pronoun} {modal} {act} the {quality} {thing} {time}",
        "{time} the {person} {moved} {how} {where} the {place}",
        "every {person} {did} that {thing} with {feeling}",
        "there was {feeling} in this {quality} {place}",
        "why did the {person} {act} both the {thing} and the {thing}",
        "{pronoun} {moved} {how} but the {person} {did} the {thing}",
    ),
    slots={
        "person": ("boy", "girl", "child", "teacher", "farmer", "judge", "brother", "mother", "king", "youth"),
        "thing": ("book", "coin", "toy", "treasure", "cloth", "watch", "chair", "sugar", "fish", "knife", "map"),
        "quality": ("young", "huge", "usual", "beige", "good", "royal", "loud", "thick", "cold"),
        "place": ("house", "garage", "beach", "path", "village", "church", "garden", "shop"),
        "did": ("took", "measured", "enjoyed", "found", "chose", "moved", "bought", "carried"),
        "act": ("choose", "join", "push", "give", "measure", "save", "hear"),
        "moved": ("jumped", "walked", "laughed", "worked", "sang"),
        "how": ("usually", "slowly", "thoughtfully", "happily", "again"),
        "where": ("behind", "near", "beyond", "around", "above", "through"),
        "time": ("today", "tomorrow", "yesterday", "now", "always"),
        "feeling": ("pleasure", "joy", "hope", "anger", "nothing", "noise"),
        "pronoun": ("she", "he", "they", "we", "you"),
        "modal": ("could", "should", "would", "might"),
    },
)


def draw_sentences(
    grammar: Grammar,
    phones: Mapping[str, Sequence[str]],
    count: int,
    seed: int,
    candidates: int = 16,
    without: Collection[str] = (),
) -> list[str]:
    """Draw distinct sentences in which words and phones occur as evenly as the grammar allows.

    Each sentence is the best of `candidates` random ones: the one whose rarest words and phones, by what has been drawn
    so far, are rarest. A balanced corpus of a given length has more instances of its rarest label than a random one.

    Args:
        phones: the phones of each word of the grammar.
        count: how many sentences.
        seed: seed of all draws.
        candidates: how many to choose from.
        without: sentences that are not drawn.

    Raises:
        SynthesisError: the grammar does not give that many distinct sentences.
    """
    draw = random.Random(seed)
    seen = set(without)
    word_counts: Counter[str] = Counter()
    phone_counts: Counter[str] = Counter()

    def rarity(sentence: str) -> float:
        words = sentence.split()
        sounds = [phone for word in words for phone in phones[word]]
        return sum(1 / (1 + word_counts[word]) for word in words) / len(words) + sum(
            # Weighted, because a phone is drawn several times as often as a word.
            3 / (1 + phone_counts[phone])
            for phone in sounds
        ) / len(sounds)

    sentences: list[str] = []
    while len(sentences) < count:
        fresh = {sentence for _ in range(candidates) if (sentence := grammar.sentence(draw)) not in seen}
        if not fresh:
            raise SynthesisError(f"the grammar gave {len(sentences)} distinct sentences of {count}: ask for fewer")
        # Ties go by spelling: the order of a set differs between runs.
        best = max(sorted(fresh), key=rarity)
        seen.add(best)
        sentences.append(best)
        word_counts.update(best.split())
        phone_counts.update(phone for word in best.split() for phone in phones[word])
    return sentences
