# Acoustic measures of the audio: targets that need no model.
#
# In:  the tables of the rows that are compared with them, and the audio or the phones
# Out: results/<experiment>/acoustics/<family>.h5


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
