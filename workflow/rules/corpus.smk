# What utterances there are, and when each phone and word is spoken.
#
# In:  the audio (archives.smk), and its alignments unless they are made here
# Out: results/<experiment>/corpus/{utterances,intervals}.parquet, beside {audio,alignment}_problems.csv, labels.csv,
#      word_ranking.csv where other splits say which words are frequent, and a table of speakers from the audio


rule index_utterances:
    message:
        f"List the utterances of {CORPUS}, and decode each once"
    input:
        audio=ancient(lent_audio("index")),
        lists=[given(path) for path in EXPERIMENT.part_lists],
        speakers=[given(path) for path in EXPERIMENT.metadata.of_speakers],
    output:
        utterances=RECORDINGS,
        problems=results("corpus/audio_problems.csv"),
    params:
        split=config["corpus"]["split"],
        layout=LAYOUT,
        part=EXPERIMENT.part,
        source=EXPERIMENT.audio.identity,
        code=code_of("index_utterances"),
    log:
        log_of("index_utterances"),
    benchmark:
        benchmark_of("index_utterances")
    conda:
        "../../envs/corpus.yaml"
    threads: 4
    resources:
        mem_mb=rising(2000),
    script:
        "../scripts/index_utterances.py"


# One of three rules makes the intervals.
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


# Only for layouts of long recordings, such as Buckeye's.
if CUT_PAUSES:

    rule cut_recordings:
        message:
            f"Cut the recordings of {CORPUS} into utterances"
        input:
            recordings=RECORDINGS,
            intervals=RECORDING_INTERVALS,
        output:
            utterances=results("corpus/utterances.parquet"),
            intervals=results("corpus/intervals.parquet"),
        params:
            pause=CUT_PAUSES,
            code=code_of("cut_recordings"),
        log:
            log_of("cut_recordings"),
        benchmark:
            benchmark_of("cut_recordings")
        conda:
            "../../envs/corpus.yaml"
        resources:
            mem_mb=rising(2000),
        script:
            "../scripts/cut_recordings.py"


# Only where other splits than the analysed one say which words are frequent: their alignments are read, no audio.
if EXPERIMENT.word_splits:

    rule rank_words:
        message:
            f"Rank the words of {', '.join(EXPERIMENT.word_splits)}"
        input:
            alignments=ancient(alignments_path("words")),
        output:
            ranking=results("corpus/word_ranking.csv"),
        params:
            splits=EXPERIMENT.word_splits,
            layout=LAYOUT,
            marks=MARKS,
            checks=EXPERIMENT.alignments.checks,
            source=EXPERIMENT.alignments.identity,
            code=code_of("rank_words"),
        log:
            log_of("rank_words"),
        benchmark:
            benchmark_of("rank_words")
        conda:
            "../../envs/corpus.yaml"
        threads: 4
        resources:
            mem_mb=rising(2000),
        script:
            "../scripts/rank_words.py"


# Only for corpora whose archives of audio have such a table, and for properties that ask for a column of it.
if EXPERIMENT.metadata.in_audio:

    rule take_speakers:
        message:
            f"Take {EXPERIMENT.metadata.in_audio} from the audio of {CORPUS}"
        input:
            audio=ancient(lent_audio("speakers")),
        output:
            table=METADATA[0],
        params:
            name=EXPERIMENT.metadata.in_audio,
            source=EXPERIMENT.audio.identity,
            code=code_of("take_speakers"),
        log:
            log_of("take_speakers"),
        benchmark:
            benchmark_of("take_speakers")
        conda:
            "../../envs/corpus.yaml"
        resources:
            mem_mb=rising(500),
        localrule: True
        script:
            "../scripts/take_speakers.py"
