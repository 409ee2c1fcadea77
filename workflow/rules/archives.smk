# Archives of audio and alignments: fetched, and unpacked for as long as a job reads them.
#
# In:  addresses, archives and folders of the configuration (sources.smk)
# Out: resources/downloads/<host>/<digest>-<file>, resources/corpora/<corpus>/<split>/audio/, and
#      results/<experiment>/audio/<reader>, a link that the reader finds the audio by


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
        reader=rf"index|align|alignments|words|speakers|({'|'.join(map(re.escape, MODELS))})(\.{PASS})?\.\d+|acoustics\.[a-z]+",
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
        code=lambda wildcards, output: code_digest("lend_audio"),
    log:
        log_of("lend_audio/{reader}"),
    benchmark:
        benchmark_of("lend_audio/{reader}")
    conda:
        "../../envs/corpus.yaml"
    resources:
        mem_mb=rising(1000),
    localrule: True
    script:
        "../scripts/lend_audio.py"
