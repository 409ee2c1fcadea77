# From archives to two tables: what utterances there are, and when each phone and word is spoken.


rule fetch_archive:
    message:
        "Fetch {wildcards.archive}"
    output:
        archive=shared("downloads", kept("resources/downloads/{archive}")),
    params:
        url=lambda wildcards, output: DOWNLOADS[f"resources/downloads/{wildcards.archive}"].location,
        checks=lambda wildcards, output: DOWNLOADS[f"resources/downloads/{wildcards.archive}"].checks,
        mirrors=mirrors,
    log:
        log_of("fetch_archive/{archive}"),
    benchmark:
        benchmark_of("fetch_archive/{archive}")
    conda:
        "../../envs/corpus.yaml"
    threads: 1
    resources:
        mem_mb=rising(500),
        download=1,
    localrule: True
    script:
        "../scripts/fetch_archive.py"


# Who reads the audio gets a link to it, which is temporary. One for each job: where several jobs share a folder that is
# gone, and one of them needs it again, Snakemake repeats them all, whether or not it is ancient().
rule lend_audio:
    message:
        f"Lend the audio of {CORPUS} to {{wildcards.reader}}; it is fetched and unpacked where it is not here"
    input:
        archive=[] if EXPERIMENT.audio.is_url else ancient(local_copy(EXPERIMENT.audio)),
        # Models wait until somebody else has had it unpacked, so that they do not wait in a job each.
        order=lambda wildcards: ancient(UTTERANCES) if "." in wildcards.reader else [],
    output:
        audio=temp(directory(results("audio/{reader}"))),
    wildcard_constraints:
        reader=rf"index|align|alignments|words|({'|'.join(map(re.escape, MODELS))})\.\d+",
    params:
        source=EXPERIMENT.audio.identity,
        split=config["corpus"]["split"] if "{split}" in LAYOUT["recordings"] else None,
        # What takes `output` is no reason to repeat a job: these say how the same audio is had.
        url=lambda wildcards, output: EXPERIMENT.audio.location if EXPERIMENT.audio.is_url else None,
        archive=lambda wildcards, output: placed(local_copy(EXPERIMENT.audio)),
        folder=lambda wildcards, output: placed(AUDIO_FOLDER),
        checks=lambda wildcards, output: EXPERIMENT.audio.checks,
        mirrors=mirrors,
        keep=lambda wildcards, output: KEEP,
        code=lambda wildcards, output: code_digest("layerwise.corpus.unpacking"),
    log:
        log_of("lend_audio/{reader}"),
    benchmark:
        benchmark_of("lend_audio/{reader}")
    conda:
        "../../envs/corpus.yaml"
    threads: 1
    resources:
        mem_mb=rising(1000),
    localrule: True
    script:
        "../scripts/lend_audio.py"


rule index_utterances:
    message:
        f"List the utterances of {CORPUS}, and decode each once"
    input:
        audio=ancient(lent_audio("index")),
    output:
        utterances=RECORDINGS,
        problems=results("corpus/audio_problems.csv"),
    params:
        split=config["corpus"]["split"],
        layout=LAYOUT,
        source=EXPERIMENT.audio.identity,
        code=code_digest("layerwise.corpus.utterances"),
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


# One of two rules makes the intervals.
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
            phones=PHONES,
            marks=MARKS,
            checks=EXPERIMENT.alignments.checks,
            source=EXPERIMENT.alignments.identity,
            code=code_digest("layerwise.alignments.index"),
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

else:

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
            code=code_digest("layerwise.alignments.forced"),
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


# Only for layouts of long recordings, such as Buckeye's.
if CUT_PAUSES:

    rule cut_recordings:
        message:
            f"Cut the recordings of {CORPUS} into utterances"
        input:
            recordings=RECORDINGS,
            intervals=RECORDING_INTERVALS,
        output:
            utterances=UTTERANCES,
            intervals=INTERVALS,
        params:
            pause=CUT_PAUSES,
            code=code_digest("layerwise.alignments.cutting"),
        log:
            log_of("cut_recordings"),
        benchmark:
            benchmark_of("cut_recordings")
        conda:
            "../../envs/corpus.yaml"
        threads: 1
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
            code=code_digest("layerwise.alignments.word_ranking"),
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
