"""The demo corpus: speech with exact phone and word times, packed as LibriSpeech and its alignments are shipped.

    python -m layerwise.demo.corpus OUTPUT_FOLDER

Sentences come from a small grammar, and flite reads them in voices that are resampled into more speakers. The same call
on the same machine gives the same bytes: every random draw is seeded, and archives carry no clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from layerwise.demo.command_line import Progress, make_or_measure, silent, told
from layerwise.demo.contents import describe, measure
from layerwise.demo.flite import Flite, pronunciations
from layerwise.demo.packing import write_archives
from layerwise.demo.sentences import GRAMMAR, draw_sentences
from layerwise.demo.speakers import assign_prompts, demo_speakers, speaker_table
from layerwise.demo.synthesis import synthesise

SPEAKERS = "speakers.csv"
"""What is known of the speakers."""

UTTERANCES = 390
"""How many utterances the demo has: enough for 15 instances of 100 words, in archives of 14 MB."""


def make_demo(
    folder: Path, utterances: int = UTTERANCES, seed: int = 1, progress: Progress = silent
) -> tuple[Path, Path]:
    """Make the demo corpus: `demo-dev-clean.tar.gz`, `demo_alignments.zip` and `speakers.csv` in `folder`.

    The folder is made if missing.

    Args:
        utterances: how many, each another sentence.
        seed: seed of sentences, excitation and noise.
        progress: told now and then what has been done.

    Returns:
        The paths of both archives.

    Raises:
        MissingEngineError: flite is not installed.
        SynthesisError: the grammar does not give so many sentences.
    """
    engine = Flite()
    sentences = draw_sentences(GRAMMAR, pronunciations(engine, GRAMMAR.vocabulary), utterances, seed)
    prompts = assign_prompts(sentences, demo_speakers(), seed)
    spoken = (synthesise(engine, prompt) for prompt in told(prompts, "utterances", progress))
    folder.mkdir(parents=True, exist_ok=True)
    audio, alignments = archive_paths(folder)
    write_archives(spoken, "dev-clean", audio, alignments)
    (folder / SPEAKERS).write_text(speaker_table(), encoding="utf-8")
    return audio, alignments


def archive_paths(folder: Path) -> tuple[Path, Path]:
    """Where the demo's audio and alignments lie in a folder."""
    return folder / "demo-dev-clean.tar.gz", folder / "demo_alignments.zip"


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the demo corpus, or measure one that is there already."""
    make_or_measure(
        "corpus",
        main.__doc__,
        make=make_demo,
        archives=archive_paths,
        describe=lambda archives: describe(measure(*archives)),
        count=("--utterances", UTTERANCES),
        arguments=arguments,
    )


if __name__ == "__main__":
    main()
