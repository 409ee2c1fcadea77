# What rows are compared with that is not stored with them: looked up in columns, and in files of vectors and attributes.
#
# In:  the tables of rows (samples.smk, segments.smk), tables of speakers and utterances, files of vectors
# Out: resources/vectors/<host>/<digest>-<file>, results/<experiment>/targets/<property>/<sample>.h5 beside
#      <sample>_missing.csv, results/<experiment>/intervals/<sample>.h5


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
        utterances=DRAWN["utterances"],
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
