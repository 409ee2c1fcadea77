# A score for each property, model, sample set and layer.


rule score_layers:
    message:
        "{wildcards.property} of {wildcards.model}, layers {wildcards.layers}, sample {wildcards.sample}"
    input:
        representations=lambda wildcards: shards_of(wildcards.model),
        shape=lambda wildcards: shape_of(wildcards.model),
    output:
        scores=results("scores/{property}/{model}/{sample}/{layers}.json"),
    params:
        layers=lambda wildcards: layer_jobs(wildcards.property, wildcards.model)[wildcards.layers],
        seed=config["samples"]["seed"],
        folds=config["cca"]["folds"],
        trials=config["cca"]["trials"],
        folds_by=config["cca"]["folds_by"],
        standardise=config["cca"]["standardise"],
        epsilons=config["cca"]["epsilons"],
        code=code_digest("layerwise.properties"),
    log:
        log_of("score_layers/{property}/{model}/{sample}/{layers}"),
    benchmark:
        benchmark_of("score_layers/{property}/{model}/{sample}/{layers}")
    conda:
        "../../envs/cca.yaml"
    threads: 1
    resources:
        mem_mb=2000,
    script:
        "../scripts/score_layers.py"


def all_scores(wildcards):
    """Every score of the experiment; where the layers of a model are not known, its checkpoint is asked first."""
    for model in UNPLANNED:
        checkpoints.describe_model.get(model=model)
    return [
        path
        for name in config["properties"]
        for model in MODELS
        for path in expand(
            rules.score_layers.output.scores,
            property=name,
            model=model,
            sample=SAMPLES,
            layers=layer_jobs(name, model),
        )
    ]


rule scores:
    input:
        all_scores,
