"""How often each word is spoken in some splits, as their alignments say: the most frequent words come first."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from layerwise.alignments.batches import batches_of, in_order
from layerwise.alignments.cleaning import count_words
from layerwise.alignments.columns import Utterance, named
from layerwise.alignments.marks import Marks
from layerwise.alignments.sources import Aligned, find_alignments, num_bytes, read_alignments, verify_source
from layerwise.alignments.tiers import AlignmentError
from layerwise.corpus.layouts import Layout
from layerwise.errors import shown
from layerwise.files.folders import how_to_allow
from layerwise.files.own_tables import write_rows

log = logging.getLogger(__name__)

_NAMED_IN_LOG = 20


def rank_words(
    source: Path,
    splits: Sequence[str],
    out: Path,
    *,
    layout: Layout,
    marks: Marks,
    checks: Mapping | None = None,
    processes: int = 1,
) -> None:
    """Write how often each word is spoken in some splits: a CSV of word and count, most frequent first, then by word.

    Only alignments are read. Marks are dropped, and capitals go, as from the table of intervals; files that cannot be
    read, or have no words, are left out, with a warning that counts them and names the first 20.

    Args:
        source, checks: as `index_alignments` takes them.
        layout: where files lie, in any split, the names of their tiers, and whether words become lower case.
        marks: labels that are no speech.
        processes: that read at a time.

    Raises:
        AlignmentError: a split is not there, or there is no word in all of them.
    """
    verify_source(source, checks)
    found = find_alignments(source, splits, layout)
    aligned = [where for of_split in found.values() for _, where in sorted(of_split.utterances.items())]
    counts: Counter[str] = Counter()
    wordless: list[str] = []
    work = partial(
        _count_words, source=source, tier_names=found[splits[0]].tiers, marks=marks, lower_case=layout.lower_case
    )
    for words, reasons in in_order(
        work, batches_of(aligned, num_bytes), processes, f"counting words of {', '.join(splits)}"
    ):
        counts.update(words)
        wordless += reasons
    for reason in wordless[:_NAMED_IN_LOG]:
        log.warning("no words from %s", reason)
    if wordless:
        log.warning("%d of %d alignments gave no words", len(wordless), len(aligned))
    allowing = how_to_allow(wordless)
    if allowing:
        log.warning("files that lie elsewhere are not opened; %s", allowing)
    if not counts:
        no_word = f"{source}: there is no word in {', '.join(splits)}"
        raise AlignmentError("; ".join(filter(None, [no_word, allowing])))
    write_rows(out, ["word", "count"], sorted(counts.items(), key=lambda item: (-item[1], item[0])))
    log.info("%d words of %d types in %s", counts.total(), len(counts), ", ".join(splits))


def _count_words(
    batch: Sequence[Aligned], source: Path, tier_names: Mapping[str, Sequence[str]], marks: Marks, lower_case: bool
) -> tuple[Counter[str], list[str]]:
    """How often each word occurs in a batch, and why some of its files have none."""
    read: list[Utterance] = []
    wordless: list[str] = []
    for aligned, tiers in zip(batch, read_alignments(source, batch), strict=True):
        if isinstance(tiers, AlignmentError):
            wordless.append(str(tiers))
        elif named(tiers, tier_names.get("word", ())):
            read.append(Utterance("", aligned.name, 0.0, tiers))
        else:
            names = shown(", ".join(tier.name for tier in tiers)) or "none"
            wordless.append(f"{shown(aligned.name)}: its tiers are {names}")
    return count_words(read, tier_names, marks, lower_case=lower_case), wordless
