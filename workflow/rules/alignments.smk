# When each phone and word is spoken. One of three rules makes the intervals.
#
# In:  the alignments (archives.smk), or the audio of which they are made, or neither
# Out: results/<experiment>/corpus/intervals.parquet, beside alignment_problems.csv, and labels.csv of given alignments
if EXPERIMENT.alignments is not None:

    rule index_alignments:
        message:
            f"Read the phones and words of {CORPUS}"
        input:
            alignments=ancient(alignments_path("alignments")),
            utterances=rules.index_utterances.output.utterances,
        output:
            intervals=RECORDING_INTERVALS,
            problems=ALIGNMENT_PROBLEMS,
            labels=results("corpus/labels.csv"),
        params:
            split=config["corpus"]["split"],
            layout=LAYOUT,
            is_part=any(EXPERIMENT.part.values()),
            phones=PHONES,
            marks=MARKS,
            checks=EXPERIMENT.alignments.checks,
            source=EXPERIMENT.alignments.identity,
            code=code_of("index_alignments"),
        log:
            log_of("index_alignments"),
        benchmark:
            benchmark_of("index_alignments")
        conda:
            "../../envs/corpus.yaml"
        threads: 4
        resources:
            mem_mb=rising(2000),
        script:
            "../scripts/index_alignments.py"

elif EXPERIMENT.alignments_are == "automatic":

    rule align_utterances:
        message:
            f"Align the phones and words of {CORPUS} with its audio"
        input:
            utterances=rules.index_utterances.output.utterances,
            audio=ancient(lent_audio("align")),
            pronunciations=[given(EXPERIMENT.pronunciations)] if EXPERIMENT.pronunciations else [],
        output:
            intervals=RECORDING_INTERVALS,
            problems=ALIGNMENT_PROBLEMS,
        params:
            phones=PHONES,
            source=EXPERIMENT.audio.identity,
            code=code_of("align_utterances"),
        log:
            log_of("align_utterances"),
        benchmark:
            benchmark_of("align_utterances")
        conda:
            "../../envs/align.yaml"
        threads: 8
        resources:
            mem_mb=rising(1000, each_thread=400),
        script:
            "../scripts/align_utterances.py"

else:

    rule write_no_intervals:
        message:
            f"Note that {CORPUS} has no alignments"
        output:
            intervals=RECORDING_INTERVALS,
            problems=ALIGNMENT_PROBLEMS,
        params:
            code=code_of("write_no_intervals"),
        log:
            log_of("write_no_intervals"),
        benchmark:
            benchmark_of("write_no_intervals")
        conda:
            "../../envs/corpus.yaml"
        resources:
            mem_mb=rising(500),
        localrule: True
        script:
            "../scripts/write_no_intervals.py"
