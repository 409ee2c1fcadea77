# One pass over the audio of each model: every layer, every span, every sample set. Another one for rows that are asked for
# later: other poolings, and tables of segments.
#
# In:  a checkpoint, the tables of all sample sets or of segments, the audio
# Out: results/<experiment>/representations/<model>/<shard>.h5, representations/<model>/<rows>+<rows>…/<shard>.h5


rule extract_representations:
    message:
        "Extract every layer of {wildcards.model}, shard {wildcards.shard}"
    input:
        checkpoint=checkpoint_files,
        shape=lambda wildcards: shape_of(wildcards.model),
        samples=expand(DRAWN.values(), sample=SAMPLES),
        # Where the audio lies; what was sampled from it stands in the tables above. What is said of them comes first.
        utterances=ancient(UTTERANCES),
        enough=ancient(ENOUGH),
        audio=ancient(lent_audio("{model}.{shard}")),
    output:
        shard=stays("representations/{model}/{shard}.h5"),
    params:
        checkpoint=checkpoint_folder,
        layers=lambda wildcards: entry_of(wildcards.model).layers,
        stride_seconds=lambda wildcards: entry_of(wildcards.model).stride_seconds,
        normalise=lambda wildcards: MODELS[wildcards.model].normalise,
        source=lambda wildcards: MODELS[wildcards.model].origin,
        corpus=CORPUS,
        seed=config["samples"]["seed"],
        rows=lambda wildcards: wildcards.get("rows", "").split("+"),
        dtype=config["representations"]["dtype"],
        shards=len(SHARDS),
        batch_seconds=config["representations"]["batch_seconds"],
        compute=config["representations"]["compute"],
        code=code_of("extract_representations", modules_of_model),
    log:
        log_of("extract_representations/{model}/{shard}"),
    benchmark:
        benchmark_of("extract_representations/{model}/{shard}")
    conda:
        "../../envs/extraction.yaml"
    threads: 8
    resources:
        gpu=1,
        # A Large model, and all layers of half a minute of audio per thread; on a GPU those of two windows of batches.
        mem_mb=rising(2000, each_thread=1500),
    script:
        "../scripts/extract_representations.py"


use rule extract_representations as extract_rows with:
    message:
        "Extract {wildcards.rows} of every layer of {wildcards.model}, shard {wildcards.shard}"
    input:
        checkpoint=checkpoint_files,
        shape=lambda wildcards: shape_of(wildcards.model),
        samples=expand(DRAWN.values(), sample=SAMPLES),
        tables=lambda wildcards: tables_of_pass(wildcards.rows),
        utterances=ancient(UTTERANCES),
        enough=ancient(ENOUGH),
        audio=ancient(lent_audio("{model}.{rows}.{shard}")),
    output:
        shard=stays("representations/{model}/{rows}/{shard}.h5"),
    log:
        log_of("extract_rows/{model}/{rows}/{shard}"),
    benchmark:
        benchmark_of("extract_rows/{model}/{rows}/{shard}")


rule extract:
    input:
        [shards_of(model) for model in MODELS],
        [rows_of(model, name) for model in MODELS for name in PROPERTIES],
