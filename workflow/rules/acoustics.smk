# Acoustic measures of the audio: targets that need no model.
#
# In:  the tables of the rows that are compared with them, and the audio or the phones
# Out: results/<experiment>/acoustics/<family>.h5, and functions for who reads them
from layerwise.representations import acoustic_measures
from layerwise.spans import STANDARD


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
        drawn = rows.span and getattr(rules.draw_sample.output, rows.span.table)
        paths = every(drawn, sample=SAMPLES) if drawn else [results(f"segments/{rows.of}.parquet")]
        tables |= dict.fromkeys(paths)
    return list(tables)


rule measure_acoustics:
    message:
        "Measure the {wildcards.family} of what was sampled"
    input:
        samples=lambda wildcards: tables_measured(wildcards.family),
        # Where the audio lies, as in extraction.smk.
        utterances=ancient(UTTERANCES),
        audio=only_for(
            acoustic_measures.WAVEFORM, lambda wildcards: ancient(lent_audio(f"acoustics.{wildcards.family}"))
        ),
        intervals=only_for(acoustic_measures.PHONES, lambda wildcards: INTERVALS),
    output:
        measures=results("acoustics/{family}.h5"),
    wildcard_constraints:
        family="|".join(acoustic_measures.FAMILIES),
    params:
        corpus=CORPUS,
        source=only_for(acoustic_measures.WAVEFORM, lambda wildcards: EXPERIMENT.audio.identity),
        code=code_of("measure_acoustics", lambda wildcards: [acoustic_measures.FAMILIES[wildcards.family].module]),
    log:
        log_of("measure_acoustics/{family}"),
    benchmark:
        benchmark_of("measure_acoustics/{family}")
    conda:
        "../../envs/extraction.yaml"
    threads: 8
    resources:
        mem_mb=rising(1000, each_thread=300),
    script:
        "../scripts/measure_acoustics.py"
