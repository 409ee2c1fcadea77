# What rows are made of and compared with: which files hold it.
#
# In:  the properties that are asked, and the files that they name
# Out: functions for the inputs of passes over the audio, look-ups, acoustic measures and scores
import itertools

from layerwise.representations import acoustic_measures
from layerwise.scoring.references import Intervals
from layerwise.spans import STANDARD

WORD_FILES = EXPERIMENT.word_files
READ_FILES = EXPERIMENT.read_files  # by property, those that its measure reads as they are


def targets_of(property_name, sample):
    """The file of what was looked up for a property."""
    if not PROPERTIES[property_name].target.looked_up:
        return []
    return every(rules.look_up_targets.output.targets, property=property_name, sample=sample)


def table_of_rows(property_name, sample):
    """The table of the rows of a property; those of frames stand for utterances there."""
    rows = PROPERTIES[property_name].rows
    if rows.table:
        return [segments_of(rows.of)]
    return expand(DRAWN[rows.span.table], sample=sample)


def segments_of(table):
    """Where a table of segments is, once it has been compared with the corpus."""
    path = f"segments/{table}.parquet"
    return of_others(path) if table in SHARING.tables else results(path)


def copy_of_words(file):
    """Where a file of vectors, attributes, items or ratings lies, once it has been fetched."""
    return local_copy(file.source, "resources/vectors")


def word_file_of(property_name):
    """The file in which the words of a property are looked up."""
    return [copy_of_words(WORD_FILES[property_name])] if property_name in WORD_FILES else []


def intervals_of(property_name, sample):
    """The file of where phones and words lie, of properties whose measure needs them."""
    if not isinstance(PROPERTIES[property_name].target, Intervals):
        return []
    return every(rules.locate_intervals.output.located, sample=sample)


def read_files_of(property_name):
    """The files that the measure of a property reads as they are."""
    return [copy_of_words(file) for file in READ_FILES.get(property_name, [])]


def only_for(taken, path):
    """What the families that take it need, in a list; others need none."""
    return lambda wildcards: [path(wildcards)] if acoustic_measures.FAMILIES[wildcards.family].takes == taken else []


def acoustics_of(property_name):
    """The file of the measure that a property compares with, in a list; others need none."""
    question = PROPERTIES[property_name]
    family = question.target.family(question.rows)
    return [results(f"acoustics/{family}.h5")] if family else []


def tables_measured(family):
    """The tables of the rows for which a family is measured; if no property asks for it, of frames."""
    asked = [question.rows for question in PROPERTIES.values() if question.target.family(question.rows) == family]
    tables = {}
    for rows in asked or [STANDARD["frame"]]:
        paths = expand(DRAWN[rows.span.table], sample=SAMPLES) if rows.span else [segments_of(rows.of)]
        tables |= dict.fromkeys(paths)
    return list(tables)


def stays(path):
    """An output that is kept once its scores are there, unless the configuration says otherwise."""
    return results(path) if config["representations"]["keep"] else temp(results(path))


def tables_of_pass(rows):
    """The user's tables of a pass; of one that nobody asks for any more, if it is still there."""
    names = dict.fromkeys(folder.split(".")[0] for folder in rows.split("+"))
    tables = {name: segments_of(name) for name in names if name not in SPANS}
    return [path for name, path in tables.items() if name in SEGMENT_TABLES or is_made(path)]


# What is fetched of them: where it will lie → where it comes from.
FETCHED = {
    copy_of_words(file): file.source
    for file in [*WORD_FILES.values(), *itertools.chain(*READ_FILES.values())]
    if file.source.is_url
}
