# From archives to two tables: what utterances there are, and when each phone and word is spoken.


from layerwise.catalogue import ROOT, read_yaml


localrules:
    fetch_archive,


rule fetch_archive:
    message:
        "Fetch {wildcards.archive}"
    output:
        archive="resources/downloads/{archive}",
    params:
        url=lambda wildcards, output: DOWNLOADS[output.archive].location,
        checks=lambda wildcards, output: DOWNLOADS[output.archive].checks,
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


rule unpack_audio:
    message:
        f"Unpack the audio of {CORPUS}"
    input:
        archive=local_copy(EXPERIMENT.audio),
    output:
        folder=directory(f"resources/corpora/{CORPUS}/audio"),
    params:
        split=config["corpus"]["split"],
        checks=EXPERIMENT.audio.checks,
        code=code_digest("layerwise.corpus"),
    log:
        log_of("unpack_audio"),
    benchmark:
        benchmark_of("unpack_audio")
    conda:
        "../../envs/corpus.yaml"
    threads: 1
    resources:
        mem_mb=1000,
    script:
        "../scripts/unpack_audio.py"


rule index_utterances:
    message:
        f"List the utterances of {CORPUS}, and decode each once"
    input:
        audio=audio_root(),
    output:
        utterances=results("corpus/utterances.parquet"),
        problems=results("corpus/audio_problems.csv"),
    params:
        split=config["corpus"]["split"],
        state=state_of(EXPERIMENT.audio),
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
        alignments=local_copy(EXPERIMENT.alignments),
        utterances=rules.index_utterances.output.utterances,
    output:
        intervals=results("corpus/intervals.parquet"),
        problems=results("corpus/alignment_problems.csv"),
    params:
        split=config["corpus"]["split"],
        layout=read_yaml(ROOT / "resources/layouts.yaml")["librispeech"],
        phones="arpabet",
        phone_sets=read_yaml(ROOT / "resources/phones.yaml"),
        checks=EXPERIMENT.alignments.checks,
        state=state_of(EXPERIMENT.alignments),
        code=code_digest("layerwise.alignments"),
    log:
        log_of("index_alignments"),
    benchmark:
        benchmark_of("index_alignments")
    conda:
        "../../envs/corpus.yaml"
    threads: 4
    resources:
        mem_mb=2000,
    script:
        "../scripts/index_alignments.py"
