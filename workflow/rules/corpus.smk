# What utterances there are, which words are frequent, and who speaks.
#
# In:  the audio (archives.smk), and the intervals of long recordings (alignments.smk)
# Out: results/<experiment>/corpus/utterances.parquet, beside audio_problems.csv, word_ranking.csv where other splits say
#      which words are frequent, and a table of speakers from the audio


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
