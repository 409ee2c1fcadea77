# From archives to two tables: what utterances there are, and when each phone and word is spoken.


localrules:
    fetch_archive,
    lend_audio,


rule fetch_archive:
    message:
        "Fetch {wildcards.archive}"
    output:
        archive=kept("resources/downloads/{archive}"),
    params:
        url=lambda wildcards, output: DOWNLOADS[output.archive].location,
        checks=lambda wildcards, output: DOWNLOADS[output.archive].checks,
        mirrors=mirrors,
    log:
        log_of("fetch_archive/{archive}"),
    benchmark:
        benchmark_of("fetch_archive/{archive}")
    conda:
        "../../envs/corpus.yaml"
    threads: 1
    resources:
        mem_mb=500,
        download=1,
    script:
        "../scripts/fetch_archive.py"


# Who reads the audio gets a link to it, which is temporary. One for each job: where several jobs share a folder that is gone,
# and one of them needs it again, Snakemake repeats them all, whether or not it is ancient().
rule lend_audio:
    message:
        f"Lend the audio of {CORPUS} to {{wildcards.reader}}; it is fetched and unpacked where it is not here"
    input:
        archive=[] if EXPERIMENT.audio.is_url else ancient(local_copy(EXPERIMENT.audio)),
    output:
        audio=temp(directory(results("audio/{reader}"))),
    wildcard_constraints:
        reader=rf"index|({'|'.join(map(re.escape, MODELS))})\.\d+",
    params:
        source=EXPERIMENT.audio.identity,
        split=config["corpus"]["split"],
        # What takes `output` is no reason to repeat a job: these say how the same audio is had.
        url=lambda wildcards, output: EXPERIMENT.audio.location if EXPERIMENT.audio.is_url else None,
        archive=lambda wildcards, output: local_copy(EXPERIMENT.audio),
        folder=lambda wildcards, output: AUDIO_FOLDER,
        checks=lambda wildcards, output: EXPERIMENT.audio.checks,
        mirrors=mirrors,
        keep=lambda wildcards, output: config["corpus"]["keep"],
        code=lambda wildcards, output: code_digest("layerwise.corpus"),
    log:
        log_of("lend_audio/{reader}"),
    benchmark:
        benchmark_of("lend_audio/{reader}")
    conda:
        "../../envs/corpus.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        download=1,
    script:
        "../scripts/lend_audio.py"


onsuccess:
    if not config["corpus"]["keep"] and not EXPERIMENT.audio.is_folder:
        if take_back_audio(Path(AUDIO_FOLDER), Path("results")):
            logger.info(f"Removed {AUDIO_FOLDER}: no job needs it (corpus.keep: true keeps it).")


rule index_utterances:
    message:
        f"List the utterances of {CORPUS}, and decode each once"
    input:
        audio=ancient(lent_audio("index")),
    output:
        utterances=results("corpus/utterances.parquet"),
        problems=results("corpus/audio_problems.csv"),
    params:
        split=config["corpus"]["split"],
        source=EXPERIMENT.audio.identity,
        code=code_digest("layerwise.corpus"),
    log:
        log_of("index_utterances"),
    benchmark:
        benchmark_of("index_utterances")
    conda:
        "../../envs/corpus.yaml"
    threads: 4
    resources:
        mem_mb=2000,
    script:
        "../scripts/index_utterances.py"


rule index_alignments:
    message:
        f"Read the phones and words of {CORPUS}"
    input:
        alignments=ancient(local_copy(EXPERIMENT.alignments)),
        utterances=rules.index_utterances.output.utterances,
    output:
        intervals=results("corpus/intervals.parquet"),
        problems=results("corpus/alignment_problems.csv"),
    params:
        split=config["corpus"]["split"],
        checks=EXPERIMENT.alignments.checks,
        source=EXPERIMENT.alignments.identity,
        code=code_digest("layerwise.alignments"),
    log:
        log_of("index_alignments"),
    benchmark:
        benchmark_of("index_alignments")
    conda:
        "../../envs/corpus.yaml"
    threads: 1
    resources:
        mem_mb=2000,
    script:
        "../scripts/index_alignments.py"
