# Checkpoint folders. A model that lies on this machine already is used where it is.


localrules:
    fetch_model,


rule make_random_model:
    message:
        "Draw the weights of {wildcards.model}"
    output:
        folder=directory("resources/models/{model}"),
    wildcard_constraints:
        model=models_of("random"),
    params:
        architecture=lambda wildcards: MODELS[wildcards.model].architecture,
        seed=lambda wildcards: MODELS[wildcards.model].seed,
        code=code_digest("layerwise.checkpoints"),
    log:
        log_of("make_random_model/{model}"),
    benchmark:
        benchmark_of("make_random_model/{model}")
    conda:
        "../../envs/extraction.yaml"
    threads: 1
    resources:
        mem_mb=4000,
    script:
        "../scripts/make_random_model.py"


rule fetch_model:
    message:
        "Fetch {wildcards.model} from the Hugging Face hub"
    output:
        folder=directory("resources/models/{model}"),
    wildcard_constraints:
        model=models_of("hub"),
    params:
        repository=lambda wildcards: MODELS[wildcards.model].source,
        revision=lambda wildcards: MODELS[wildcards.model].revision,
    log:
        log_of("fetch_model/{model}"),
    benchmark:
        benchmark_of("fetch_model/{model}")
    conda:
        "../../envs/extraction.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        download=1,
    script:
        "../scripts/fetch_model.py"
