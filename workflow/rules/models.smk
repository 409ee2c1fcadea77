# Checkpoint folders. A model that lies on this machine already is used where it is. What an interrupted fetch left lies
# beside the folder (resources/models/.NAME.part), where Snakemake does not tidy it away, and the next fetch goes on with it.
#
# In:  what the catalogue and the configuration say of models
# Out: resources/models/<model>/, and results/<experiment>/models/<model>.json of models that nobody else describes


rule make_random_model:
    message:
        "Draw the weights of {wildcards.model}"
    input:
        # Of which the architecture is asked, where no catalogue has it.
        checkpoint=lambda wildcards: files_of(MODELS[wildcards.model].like) if MODELS[wildcards.model].like else [],
    output:
        folder=shared("models", directory("resources/models/{model}")),
    wildcard_constraints:
        model=models_of("random"),
    params:
        architecture=lambda wildcards: MODELS[wildcards.model].architecture,
        like=lambda wildcards, input: input.checkpoint and folder_of(MODELS[wildcards.model].like, input.checkpoint),
        seed=lambda wildcards: MODELS[wildcards.model].seed,
        code=code_of("make_random_model", modules_of_model),
    log:
        log_of("make_random_model/{model}"),
    benchmark:
        benchmark_of("make_random_model/{model}")
    conda:
        "../../envs/extraction.yaml"
    resources:
        mem_mb=rising(4000),
    script:
        "../scripts/make_random_model.py"


rule fetch_model:
    message:
        "Fetch {wildcards.model} from the Hugging Face hub"
    output:
        folder=shared("models", directory("resources/models/{model}")),
    wildcard_constraints:
        model=models_of("hub"),
    params:
        repository=lambda wildcards: CHECKPOINTS[wildcards.model].source,
        revision=lambda wildcards: CHECKPOINTS[wildcards.model].revision,
    log:
        log_of("fetch_model/{model}"),
    benchmark:
        benchmark_of("fetch_model/{model}")
    conda:
        "../../envs/extraction.yaml"
    resources:
        mem_mb=rising(1000),
        download=1,
    localrule: True
    script:
        "../scripts/fetch_model.py"


rule fetch_original:
    message:
        "Fetch {wildcards.model} in the file of its authors"
    output:
        folder=shared("models", directory("resources/models/{model}")),
    wildcard_constraints:
        model=models_of("url"),
    params:
        source=lambda wildcards: CHECKPOINTS[wildcards.model].origin,
        # Snakemake keeps no params that take `output`: an address may hold a password.
        url=lambda wildcards, output: CHECKPOINTS[wildcards.model].source,
        sha256=lambda wildcards: CHECKPOINTS[wildcards.model].sha256,
        mirrors=mirrors,
    log:
        log_of("fetch_original/{model}"),
    benchmark:
        benchmark_of("fetch_original/{model}")
    conda:
        "../../envs/extraction.yaml"
    resources:
        mem_mb=rising(1000),
        download=1,
    localrule: True
    script:
        "../scripts/fetch_original.py"


# Only for models whose layers neither the catalogue nor the configuration knows: what follows is planned after it.
checkpoint describe_model:
    message:
        "Ask the checkpoint of {wildcards.model} for its layers"
    input:
        checkpoint=checkpoint_files,
    output:
        shape=results("models/{model}.json"),
    wildcard_constraints:
        model="|".join(map(re.escape, UNPLANNED)) or r"(?!)",
    params:
        checkpoint=checkpoint_folder,
        code=code_of("describe_model", modules_of_model),
    log:
        log_of("describe_model/{model}"),
    benchmark:
        benchmark_of("describe_model/{model}")
    conda:
        "../../envs/extraction.yaml"
    resources:
        mem_mb=rising(4000),
    script:
        "../scripts/describe_model.py"
