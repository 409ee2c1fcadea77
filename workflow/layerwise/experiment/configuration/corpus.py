"""`corpus`: where it lies and how, what its labels mean, and by what its words are ranked."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict

from layerwise.alignments.marks import Marks, marks_of
from layerwise.alignments.phones import PhoneSet, PhoneSetError, phone_set
from layerwise.alignments.pronunciations import PronunciationError, read_pronunciations
from layerwise.cells import AUTOMATIC, WITHOUT
from layerwise.corpus.layouts import LayoutError, layout_of
from layerwise.experiment.configuration.problems import ConfigurationError, listed, no_file, repeated, unknown
from layerwise.experiment.configuration.schema import read_catalogue
from layerwise.experiment.configuration.sources import Source
from layerwise.files.catalogues import locate
from layerwise.scoring.properties import Property
from layerwise.scoring.references import Intervals
from layerwise.spans import TIERS


def corpus_sources(corpus: dict, corpora: dict) -> tuple[dict[str, Source | None], list[str]]:
    """Where audio and alignments come from: what the configuration says, or else the catalogue.

    The alignments of a corpus that the catalogue does not have may lie beside its recordings.
    """
    name, split = corpus["name"], corpus["split"]
    entry = corpora.get(name, {}).get("splits", {}).get(split, {})
    if name not in corpora and corpus["alignments"] is None:
        corpus = corpus | {"alignments": corpus["audio"]}
    sources: dict[str, Source | None] = {}
    errors = []
    for kind in ("audio", "alignments"):
        if kind == "alignments" and corpus[kind] in (AUTOMATIC, WITHOUT):
            sources[kind] = None
        elif corpus[kind] is None and name not in corpora:
            errors += unknown(
                "corpus.name", [name], corpora, f"in resources/corpora.yaml, and corpus.{kind} is not given"
            )
        elif corpus[kind] is None and not entry:
            own = (
                f"; for a split of your own, name corpus.{kind} too" if corpus["audio"] or corpus["alignments"] else ""
            )
            errors += [
                said + own for said in unknown("corpus.split", [split], corpora[name]["splits"], f"a split of {name}")
            ]
        else:
            given = entry[kind] if corpus[kind] is None else {"source": corpus[kind]}
            source = Source.of(given)
            if not source.is_url and not os.path.exists(source.path):
                errors.append(
                    f"corpus.{kind}: {source.location} does not exist; a URL, an archive or a folder is expected"
                    + f", or {AUTOMATIC} or {WITHOUT}" * (kind == "alignments")
                )
            elif found := source.no_place:
                errors.append(f"corpus.{kind}: {source.location}: it is {found}; an archive or a folder is expected")
            sources[kind] = source
    return sources, list(dict.fromkeys(errors))


def layout_of_corpus(corpus: dict, corpora: dict) -> tuple[dict, list[str]]:
    """How the corpus lies: what the configuration says, or else the catalogue, or else as LibriSpeech does."""
    layouts = read_catalogue("layouts.yaml")
    given = corpus["layout"]
    if given is None:
        given = corpora.get(corpus["name"], {}).get("layout", "librispeech")
    if isinstance(given, str) and given not in layouts:
        if "{" in given:
            return {}, [f"corpus.layout: found {given}; a pattern is one of several fields: {{recordings: '{given}'}}"]
        return {}, unknown("corpus.layout", [given], layouts, "a layout of resources/layouts.yaml")
    layout = layouts[given] if isinstance(given, str) else given
    if corpus["tiers"] is not None:
        layout = layout | {"tiers": corpus["tiers"]}
    try:
        made = layout_of(layout)
    except LayoutError as error:
        return {}, [f"corpus.layout.{error}"]
    errors = []
    if corpus["alignments"] == AUTOMATIC and not made.has_texts:
        errors.append(f"corpus.alignments: {AUTOMATIC} needs transcripts (corpus.layout)")
    if corpus["alignments"] in (AUTOMATIC, WITHOUT) and made.cut_pauses is not None:
        needs = "recordings that are utterances; cut_pauses must be null"
        errors.append(f"corpus.alignments: {corpus['alignments']} needs {needs} (corpus.layout)")
    return layout, errors


def phones_of_corpus(corpus: dict, layout: dict) -> tuple[PhoneSet | None, list[str]]:
    """The phone set: what the configuration says, or else the layout; an aligner's own is ARPAbet."""
    named = "arpabet" if corpus["alignments"] == AUTOMATIC else layout.get("phones", "arpabet")
    try:
        chosen = named if corpus["phones"] is None else corpus["phones"]
        return phone_set(chosen, read_catalogue("phones.yaml")), []
    except PhoneSetError as error:
        return None, [f"corpus.phones: {error}"]


def marks_of_layout(layout: dict) -> Marks:
    """The marks of the catalogue, as the layout changes them."""
    return marks_of(layout.get("marks") or {}, read_catalogue("marks.yaml"))


def corpus_facts(name: str, corpora: dict) -> dict:
    """Layout, phones and marks of a corpus of the catalogue."""
    corpus = {"name": name, "layout": None, "tiers": None, "phones": None, "alignments": None}
    layout, _ = layout_of_corpus(corpus, corpora)
    phones, errors = phones_of_corpus(corpus, layout)
    if phones is None:
        raise ConfigurationError(listed(errors))
    return {"layout": layout, "phones": asdict(phones), "marks": asdict(marks_of_layout(layout))}


def word_splits_of(corpus: dict, corpora: dict, *, needs_words: bool) -> tuple[list[str] | None, list[str]]:
    """Splits to rank words by; None: no question needs words, the analysed one alone counts, or a list is given."""
    given = corpus["word_list"]
    if isinstance(given, str):
        return None, no_file("corpus.word_list", given)
    if corpus["alignments"] == AUTOMATIC:
        if given not in (None, [corpus["split"]]):
            return None, [f"corpus.word_list: found {given}; alignments of these splits are not made: name a file"]
        return None, []
    entry = corpora.get(corpus["name"], {})
    splits = given or entry.get("word_list") or [corpus["split"]]
    errors = repeated("corpus.word_list", splits)
    if given and entry and corpus["alignments"] is None:
        errors += unknown("corpus.word_list", splits, entry["splits"], f"a split of {corpus['name']}")
    return None if not needs_words or splits == [corpus["split"]] else splits, errors


def absent_tiers(corpus: dict, layout: dict, properties: Mapping[str, Property]) -> list[str]:
    """Questions about phones or words of a corpus that has no alignments, or tiers of the other kind only."""
    needed = {name: tier for name, question in properties.items() if (tier := _tier_of(question))}
    if corpus["alignments"] == WITHOUT:
        return [
            f"properties: {name} is about {tier}s, and corpus.alignments is {WITHOUT}; leave it out, or name alignments"
            for name, tier in needed.items()
        ]
    tiers = layout.get("tiers") or {}
    return [
        f"properties: {name} is about {tier}s, and corpus.tiers names no tier of {tier}s; leave it out, or add {tier}: "
        "with the tier's name"
        for name, tier in needed.items()
        if tiers and tiers.get(tier) is None
    ]


def _tier_of(question: Property) -> str | None:
    """The kind of intervals that a question is about; None: it needs none."""
    if isinstance(question.target, Intervals):
        return question.target.tier
    return question.rows.of if question.rows.span in TIERS else None


def part_of_corpus(corpus: dict) -> tuple[dict, list[str]]:
    """Which recordings are taken, with the fields of `layerwise.corpus.parts.Part`."""
    part = {key: corpus[key] for key in ("max_utterances", "speakers", "utterances")}
    errors = []
    for key in ("speakers", "utterances"):
        if isinstance(part[key], str):
            errors += no_file(f"corpus.{key}", part[key])
            part[key] = str(locate(part[key]))
        elif part[key] is not None:
            errors += repeated(f"corpus.{key}", part[key])
    return part, errors


def wrong_pronunciations(corpus: dict) -> list[str]:
    given = corpus["pronunciations"]
    if given is None:
        return []
    if corpus["alignments"] != AUTOMATIC:
        return [f"corpus.pronunciations: found {given}; it is used only where corpus.alignments is {AUTOMATIC}"]
    if problems := no_file("corpus.pronunciations", given):
        return problems
    try:
        read_pronunciations(locate(given))
    except PronunciationError as error:
        return [f"corpus.pronunciations: {error}"]
    return []
