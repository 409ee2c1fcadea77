# The corpus: where its audio and alignments come from, and where a job finds them.
#
# In:  the sources and the layout of the configuration
# Out: paths of the corpus's tables, what is to be fetched (DOWNLOADS), and functions for who reads the audio
from layerwise.addresses import place_of
from layerwise.corpus.lending import take_back_audio
from layerwise.files.download_notes import forget_notes

UTTERANCES = from_corpus("corpus/utterances.parquet")
INTERVALS = from_corpus("corpus/intervals.parquet")
ALIGNMENTS_FROM = EXPERIMENT.alignments.origin if EXPERIMENT.alignments else "none"
if EXPERIMENT.alignments_are == "automatic":
    ALIGNMENTS_FROM = "automatic, by pocketsphinx"
CUT_PAUSES = LAYOUT.get("cut_pauses")
# Recordings that are to be cut are listed, with their intervals, before they are.
RECORDINGS = "corpus/recordings.parquet" if CUT_PAUSES else "corpus/utterances.parquet"
RECORDING_INTERVALS = "corpus/recording_intervals.parquet" if CUT_PAUSES else "corpus/intervals.parquet"
ALIGNMENT_PROBLEMS = "corpus/alignment_problems.csv"
# The words that are drawn, the most frequent first; none: those of the analysed split are ranked.
WORD_LIST = [given(EXPERIMENT.word_list)] if EXPERIMENT.word_list else []
if EXPERIMENT.word_splits:
    WORD_LIST = [from_corpus("corpus/word_ranking.csv")]
# Tables of speakers and utterances; one that comes with the audio is taken from there when a target needs it.
METADATA = [given(path) for path in EXPERIMENT.metadata.paths]
if EXPERIMENT.metadata.in_audio:
    METADATA = [results(f"corpus/{EXPERIMENT.metadata.in_audio}")]

# The tables of the sample sets, by what is in them.
DRAWN = {span.table: from_corpus(f"samples/{{sample}}/{span.table}.parquet") for span in SPANS.values()}


def metadata_of(property_name):
    """The tables of speakers and utterances that a property needs."""
    return METADATA if EXPERIMENT.needs_metadata(property_name) else []


def local_copy(source, downloads="resources/downloads"):
    """Where an archive, folder or file lies, once it has been fetched."""
    if source.is_url:
        return f"{downloads}/{place_of(source.location)}"
    return given(source.path)


# What other checkouts may still need stays.
KEEP = config["corpus"]["keep"] or is_shared("downloads") or is_shared("corpora")
AUDIO_FOLDER = f"resources/corpora/{CORPUS}/audio"
SOURCES = [source for source in (EXPERIMENT.audio, EXPERIMENT.alignments) if source is not None]
DOWNLOADS = {local_copy(source): source for source in SOURCES if source.is_url}


def lent_audio(reader):
    """Where a job finds the audio, what the paths of utterances.parquet are relative to: a link, or the given folder."""
    if EXPERIMENT.audio.is_folder:
        return local_copy(EXPERIMENT.audio)
    return results(f"audio/{reader}")


def forget_audio():
    """Delete the unpacked audio at the end of a run, unless it shall be kept or somebody needs it."""
    if not (KEEP or EXPERIMENT.audio.is_folder or workflow.touch):
        if take_back_audio(Path(placed(AUDIO_FOLDER)), Path(placed("results/"))):
            logger.info(f"Removed {AUDIO_FOLDER}: no job needs it (corpus.keep: true keeps it).")


def forget_downloads():
    """Delete what was noted of downloads that Snakemake has deleted."""
    if not (KEEP or workflow.touch):
        forget_notes(Path(placed("resources/downloads")))


def kept(path):
    """An output that is deleted once no job needs it, unless it shall be kept."""
    return path if KEEP else temp(path)


def mirrors(wildcards, output):
    """Where else to ask for a file. It takes `output` so that Snakemake sees no reason to repeat what has been fetched."""
    return config["mirrors"]


def alignments_path(reader):
    """Where a job finds the alignments: an archive, a folder or a file; or with the audio."""
    if EXPERIMENT.alignments == EXPERIMENT.audio:
        return lent_audio(reader)
    return local_copy(EXPERIMENT.alignments)
