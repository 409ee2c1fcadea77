"""Sentences: distinct, seeded, and more even than chance; prompts are dealt to speakers."""

import random
from collections import Counter

import pytest

from layerwise.demo.flite import SynthesisError
from layerwise.demo.sentences import GRAMMAR, Grammar, draw_sentences
from layerwise.demo.speakers import assign_prompts, demo_speakers

SMALL = Grammar(("the {thing} {verb}", "a {thing}"), {"thing": ("b", "c", "d"), "verb": ("runs", "hums")})
SPOKEN = {word: (word[0].upper(),) for word in SMALL.vocabulary}


class TestSentences:
    def test_the_vocabulary_is_all_words(self):
        assert SMALL.vocabulary == ("a", "b", "c", "d", "hums", "runs", "the")

    def test_sentences_are_distinct_and_depend_on_the_seed_alone(self):
        first = draw_sentences(SMALL, SPOKEN, 7, seed=1)
        assert first == draw_sentences(SMALL, SPOKEN, 7, seed=1)
        assert len(set(first)) == 7

    def test_more_sentences_than_there_are_is_an_error(self):
        with pytest.raises(SynthesisError, match="of 10: ask for fewer"):
            draw_sentences(SMALL, SPOKEN, 10, seed=1)

    def test_drawing_is_more_even_than_chance(self):
        phones = {word: tuple(word.upper()) for word in GRAMMAR.vocabulary}

        def rarest(sentences):
            return min(Counter(word for sentence in sentences for word in sentence.split()).values())

        draw = random.Random(1)
        by_chance = [GRAMMAR.sentence(draw) for _ in range(150)]
        assert rarest(draw_sentences(GRAMMAR, phones, 150, seed=1)) > rarest(by_chance)

    def test_prompts_are_in_order_in_two_chapters_of_each_speaker(self):
        speakers = demo_speakers()
        prompts = assign_prompts([f"sentence {index}" for index in range(60)], speakers, seed=1)
        identifiers = [prompt.identifier for prompt in prompts]
        assert identifiers == sorted(set(identifiers))
        assert identifiers[:4] == ["9001-90011-0000", "9001-90011-0001", "9001-90012-0000", "9001-90012-0001"]
        assert len({prompt.seed for prompt in prompts}) == 60
        assert {prompt.text for prompt in prompts} == {f"sentence {index}" for index in range(60)}
