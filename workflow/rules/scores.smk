# A score for each property, model, sample set and layer.
#
# In:  results/<experiment>/representations/<model>/<shard>.h5, or those of a pass of its own, all shards; what targets
#      need beside them (inputs.smk)
# Out: results/<experiment>/scores/<property>/<model>/<sample>/<layers>.json
from layerwise.scoring.properties import asked

# The jackknife holds the moments of 20 groups of speakers, where scores alone need those of seven folds.
SCORE_MB = 4000 if OVER_SPEAKERS else 2000


rule score_layers:
    message:
        "{wildcards.property} of {wildcards.model}, layers {wildcards.layers}, sample {wildcards.sample}"
    input:
        representations=lambda wildcards: rows_of(wildcards.model, wildcards.property),
        other=lambda wildcards: other_rows_of(wildcards.property),
        acoustics=lambda wildcards: acoustics_of(wildcards.property),
        targets=lambda wildcards: targets_of(wildcards.property, wildcards.sample),
        intervals=lambda wildcards: intervals_of(wildcards.property, wildcards.sample),
        files=lambda wildcards: read_files_of(wildcards.property),
        shape=lambda wildcards: shape_of(wildcards.model),
    output:
        scores=results("scores/{property}/{model}/{sample}/{layers}.json"),
    params:
        question=lambda wildcards: asked(QUESTIONS[wildcards.property]),
        layers=lambda wildcards: layer_jobs(wildcards.property, wildcards.model)[wildcards.layers],
        other_layers=lambda wildcards: other_layers_of(wildcards.property),
        seed=config["samples"]["seed"],
        folds=config["cca"]["folds"],
        trials=config["cca"]["trials"],
        folds_by=config["cca"]["folds_by"],
        intervals=config["cca"]["intervals"],
        standardise=config["cca"]["standardise"],
        epsilons=config["cca"]["epsilons"],
        alignments=EXPERIMENT.alignments_are,
        files=lambda wildcards: [file.facts for file in READ_FILES.get(wildcards.property, [])],
        sources=lambda wildcards: [file.source.identity for file in READ_FILES.get(wildcards.property, [])],
        code=code_of("score_layers", lambda wildcards: [PROPERTIES[wildcards.property].measure.module]),
    log:
        log_of("score_layers/{property}/{model}/{sample}/{layers}"),
    benchmark:
        benchmark_of("score_layers/{property}/{model}/{sample}/{layers}")
    conda:
        "../../envs/cca.yaml"
    resources:
        mem_mb=rising(SCORE_MB),
    script:
        "../scripts/score_layers.py"


rule scores:
    input:
        all_scores,
