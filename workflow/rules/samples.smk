# Seeded draws of utterances, phones and words, and of whole utterances of each speaker; and whether they are enough.
#
# In:  results/<experiment>/corpus/{utterances,intervals}.parquet, and a list of words where there is one
# Out: results/<experiment>/samples/<sample>/{utterances,phones,words,whole_utterances}.parquet, tables/enough.csv,
#      corpus/rare_types.csv
from layerwise.experiment.samples.planned import asked_layers
from layerwise.scoring.properties import asked


rule draw_sample:
    message:
        "Draw sample set {wildcards.sample}"
    input:
        utterances=UTTERANCES,
        intervals=INTERVALS,
        word_list=WORD_LIST,
    output:
        utterances=results("samples/{sample}/utterances.parquet"),
        phones=results("samples/{sample}/phones.parquet"),
        words=results("samples/{sample}/words.parquet"),
        whole_utterances=results("samples/{sample}/whole_utterances.parquet"),
    params:
        seed=config["samples"]["seed"],
        sizes=SIZES,
        lower_case=LOWER_CASE,
        code=code_of("draw_sample"),
    log:
        log_of("draw_sample/{sample}"),
    benchmark:
        benchmark_of("draw_sample/{sample}")
    conda:
        "../../envs/corpus.yaml"
    resources:
        mem_mb=rising(1000),
    script:
        "../scripts/draw_sample.py"


# No layer is computed before it is said which questions can be scored on these rows.
rule check_samples:
    message:
        "Look whether the samples are enough for what is asked"
    input:
        utterances=UTTERANCES,
        intervals=INTERVALS,
        word_list=WORD_LIST,
        tables=[results(f"segments/{name}.parquet") for name in SEGMENT_TABLES],
    output:
        enough=results("tables/enough.csv"),
        rare=results("corpus/rare_types.csv"),
    params:
        asked=[asdict(each) for each in asked_layers(EXPERIMENT)],
        questions={name: asked(entry) for name, entry in QUESTIONS.items()},
        sizes=SIZES,
        settings={
            "seed": config["samples"]["seed"],
            **{key: value for key, value in config["cca"].items() if key != "layers_per_job"},
        },
        samples=len(SAMPLES),
        strict=config["strict"],
        lower_case=LOWER_CASE,
        code=code_of("check_samples"),
    log:
        log_of("check_samples"),
    benchmark:
        benchmark_of("check_samples")
    conda:
        "../../envs/targets.yaml"
    resources:
        mem_mb=rising(2000),
    script:
        "../scripts/check_samples.py"
