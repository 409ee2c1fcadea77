# One pass over the audio: every layer, every span, every sample set.


def checkpoint_folder(model):
    entry = MODELS[model]
    return str(entry.folder) if entry.kind == "folder" else f"resources/models/{model}"


def checkpoint_files(wildcards):
    """What extraction has to notice a change of: the folder that a rule made, or the files of one that was given."""
    folder = checkpoint_folder(wildcards.model)
    if MODELS[wildcards.model].kind != "folder":
        return folder
    return sorted(entry.path for entry in os.scandir(folder) if entry.is_file())


def shards_of(model):
    return expand(rules.extract_representations.output.shard, model=model, shard=SHARDS)


def kept(path):
    return path if config["representations"]["keep"] else temp(path)


rule extract_representations:
    message:
        "Extract every layer of {wildcards.model}, shard {wildcards.shard}"
    input:
        checkpoint=checkpoint_files,
        samples=expand(rules.draw_sample.output, sample=SAMPLES),
        # Where the audio lies; what was sampled from it stands in the tables above.
        utterances=ancient(rules.index_utterances.output.utterances),
        audio=ancient(audio_root()),
    output:
        shard=kept(results("representations/{model}/{shard}.h5")),
    params:
        checkpoint=lambda wildcards: checkpoint_folder(wildcards.model),
        layers=lambda wildcards: MODELS[wildcards.model].layers,
        normalise=lambda wildcards: MODELS[wildcards.model].normalise,
        source=lambda wildcards: MODELS[wildcards.model].source,
        revision=lambda wildcards: MODELS[wildcards.model].revision,
        corpus=CORPUS,
        seed=config["samples"]["seed"],
        dtype=config["representations"]["dtype"],
        shards=len(SHARDS),
        code=code_digest("layerwise.extraction"),
    log:
        log_of("extract_representations/{model}/{shard}"),
    benchmark:
        benchmark_of("extract_representations/{model}/{shard}")
    conda:
        "../../envs/extraction.yaml"
    threads: 8
    resources:
        gpu=1,
        mem_mb=8000,
    script:
        "../scripts/extract_representations.py"


rule extract:
    input:
        [shards_of(model) for model in MODELS],
