"""A part of a corpus: some of its speakers, of its recordings, or so many of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from pathlib import Path

from layerwise.corpus.archives import CorpusError
from layerwise.errors import did_you_mean, shown
from layerwise.files.csv_files import CSVError, read_text
from layerwise.files.texts import composed
from layerwise.seeds import seed_of


@dataclass(frozen=True)
class Part:
    """Which recordings of a corpus are taken; of several conditions all have to hold.

    Attributes:
        max_utterances: at most so many: as many of each speaker as there are, in an order that the ids alone say.
        speakers, utterances: these ids, or a file with one a line; None: all.
    """

    max_utterances: int | None = None
    speakers: Sequence[str] | str | None = None
    utterances: Sequence[str] | str | None = None

    def of(self, speaker_of: Mapping[str, str]) -> set[str]:
        """The utterances that are taken.

        With a larger `max_utterances` those of a smaller one are taken too.

        Args:
            speaker_of: of each utterance.

        Raises:
            CorpusError: a speaker or utterance is not in the corpus, a list cannot be read, or nothing is left.
        """
        speakers = _chosen("speakers", self.speakers, set(speaker_of.values()))
        utterances = _chosen("utterances", self.utterances, speaker_of)
        of_speaker: dict[str, list[str]] = defaultdict(list)
        for utterance_id, speaker in speaker_of.items():
            if speaker in speakers and utterance_id in utterances:
                of_speaker[speaker].append(utterance_id)
        if not of_speaker:
            raise CorpusError("no recording is by one of corpus.speakers and among corpus.utterances")
        if self.max_utterances is None:
            return set(chain.from_iterable(of_speaker.values()))
        in_order = [sorted(of_speaker[speaker], key=seed_of) for speaker in sorted(of_speaker, key=seed_of)]
        in_turn = chain.from_iterable(zip_longest(*in_order))
        return set([name for name in in_turn if name is not None][: self.max_utterances])


def _chosen(key: str, given: Sequence[str] | str | None, there: Collection[str]) -> Collection[str]:
    """The ids of a list that all have to be there; None: those that are."""
    if given is None:
        return there
    names = _listed(Path(given), key) if isinstance(given, str) else [composed(name) for name in given]
    absent = [name for name in names if name not in there]
    if absent:
        more = f" ({len(absent)} of the {len(names)} are not)" if len(absent) > 1 else ""
        example = f"; ids look like {shown(min(there))}" if there else ""
        raise CorpusError(
            f"corpus.{key}: {shown(absent[0])} is not in the corpus{more}{did_you_mean(there, absent[0])}{example}"
        )
    return set(names)


def _listed(path: Path, key: str) -> list[str]:
    try:
        names = [line.strip() for line in composed(read_text(path)).splitlines() if line.strip()]
    except CSVError as error:
        raise CorpusError(f"corpus.{key}: {error}") from error
    if not names:
        raise CorpusError(f"corpus.{key}: {path} is empty; expected an id a line")
    return names
