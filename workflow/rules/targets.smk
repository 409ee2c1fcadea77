# What rows are compared with that is not stored with them: looked up in columns, and in files of vectors and attributes.
#
# In:  the tables of rows (samples.smk, segments.smk), tables of speakers and utterances, files of vectors
# Out: resources/vectors/<host>/<digest>-<file>, results/<experiment>/targets/<property>/<sample>.h5 beside
#      <sample>_missing.csv, results/<experiment>/intervals/<sample>.h5, and functions for the inputs of score jobs
import itertools

from layerwise.scoring.references import Intervals

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
        return [results(f"segments/{rows.of}.parquet")]
    return every(rules.draw_sample.output[rows.span.table], sample=sample)


def copy_of_words(file):
    """Where a file of vectors or attributes lies, once it has been fetched."""
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
    return [local_copy(file.source, "resources/vectors") for file in READ_FILES.get(property_name, [])]


FETCHED = {
    local_copy(file.source, "resources/vectors"): file.source
    for file in [*WORD_FILES.values(), *itertools.chain(*READ_FILES.values())]
    if file.source.is_url
}


# It stays, as gigabytes of vectors are needed again for each change of samples.
use rule fetch_archive as fetch_vectors with:
    output:
        archive=shared("vectors", "resources/vectors/{archive}"),
    params:
        url=lambda wildcards, output: FETCHED[f"resources/vectors/{wildcards.archive}"].location,
        checks=lambda wildcards, output: FETCHED[f"resources/vectors/{wildcards.archive}"].checks,
        mirrors=mirrors,
    log:
        log_of("fetch_vectors/{archive}"),
    benchmark:
        benchmark_of("fetch_vectors/{archive}")


rule look_up_targets:
    message:
        "Look up {wildcards.property} of sample {wildcards.sample}"
    input:
        rows=lambda wildcards: table_of_rows(wildcards.property, wildcards.sample),
        utterances=UTTERANCES,
        metadata=lambda wildcards: metadata_of(wildcards.property),
        file=lambda wildcards: word_file_of(wildcards.property),
    output:
        targets=results("targets/{property}/{sample}.h5"),
        missing=results("targets/{property}/{sample}_missing.csv"),
    params:
        target=lambda wildcards: dict(sorted(QUESTIONS[wildcards.property]["target"].items())),
        rows=lambda wildcards: QUESTIONS[wildcards.property]["rows"],
        source=lambda wildcards: WORD_FILES[wildcards.property].identity if wildcards.property in WORD_FILES else None,
        member=lambda wildcards: WORD_FILES[wildcards.property].member if wildcards.property in WORD_FILES else None,
        code=code_of("look_up_targets"),
    log:
        log_of("look_up_targets/{property}/{sample}"),
    benchmark:
        benchmark_of("look_up_targets/{property}/{sample}")
    conda:
        "../../envs/targets.yaml"
    resources:
        mem_mb=rising(1000),
    script:
        "../scripts/look_up_targets.py"


rule locate_intervals:
    message:
        "Locate the phones and words of sample {wildcards.sample}"
    input:
        utterances=rules.draw_sample.output.utterances,
        intervals=INTERVALS,
    output:
        located=results("intervals/{sample}.h5"),
    params:
        code=code_of("locate_intervals"),
    log:
        log_of("locate_intervals/{sample}"),
    benchmark:
        benchmark_of("locate_intervals/{sample}")
    conda:
        "../../envs/targets.yaml"
    resources:
        mem_mb=rising(1000),
    script:
        "../scripts/locate_intervals.py"
