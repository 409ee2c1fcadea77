# Checkpoint folders. A model that lies on this machine already is used where it is.


localrules:
    fetch_model,


rule make_random_model:
    output:
        folder=directory("resources/models/{model}"),
    log:
        log_of("make_random_model/{model}"),
    benchmark:
        benchmark_of("make_random_model/{model}")
    wildcard_constraints:
        model=models_of("random"),
    conda:
        "../../envs/extraction.yaml"
    threads: 1
    params:
        architecture=lambda wildcards: MODELS[wildcards.model].architecture,
        seed=lambda wildcards: MODELS[wildcards.model].seed,
        code=code_digest("layerwise.checkpoints"),
    message:
        "Draw the weights of {wildcards.model}"
    script:
        "../scripts/make_random_model.py"


rule fetch_model:
    output:
        folder=directory("resources/models/{model}"),
    log:
        log_of("fetch_model/{model}"),
    benchmark:
        benchmark_of("fetch_model/{model}")
    wildcard_constraints:
        model=models_of("hub"),
    conda:
        "../../envs/extraction.yaml"
    threads: 1
    resources:
        download=1,
    params:
        repository=lambda wildcards: MODELS[wildcards.model].source,
        revision=lambda wildcards: MODELS[wildcards.model].revision,
    message:
        "Fetch {wildcards.model} from the Hugging Face hub"
    script:
        "../scripts/fetch_model.py"
