# Seeded draws of utterances, phones and words, and of whole utterances of each speaker; and whether they are enough.
#
# In:  results/<experiment>/corpus/{utterances,intervals}.parquet, and a list of words where there is one
# Out: results/<experiment>/samples/<sample>/{utterances,phones,words,whole_utterances}.parquet, samples/enough.csv,
#      samples/sizes.yaml where sizes are left to the corpus, corpus/rare_types.csv, tables/enough.csv


rule choose_sizes:
    message:
        "Choose the sizes of sample sets"
    input:
        utterances=UTTERANCES,
        intervals=INTERVALS,
        word_list=WORD_LIST,
    output:
        sizes=results("samples/sizes.yaml"),
    params:
        given=given_sizes(SIZES),
        lower_case=LOWER_CASE,
        code=code_of("choose_sizes"),
    log:
        log_of("choose_sizes"),
    benchmark:
        benchmark_of("choose_sizes")
    conda:
        "../../envs/corpus.yaml"
    resources:
        mem_mb=rising(1000),
    script:
        "../scripts/choose_sizes.py"


rule draw_sample:
    message:
        "Draw sample set {wildcards.sample}"
    input:
        utterances=UTTERANCES,
        intervals=INTERVALS,
        word_list=WORD_LIST,
        sizes=CHOSEN_SIZES,
    output:
        utterances=results("samples/{sample}/utterances.parquet"),
        phones=results("samples/{sample}/phones.parquet"),
        words=results("samples/{sample}/words.parquet"),
        whole_utterances=results("samples/{sample}/whole_utterances.parquet"),
    params:
        seed=config["samples"]["seed"],
        sizes=SIZES,
        lower_case=LOWER_CASE,
        # What is said of them, not what is drawn: a function of `input`, so that another question draws nothing anew.
        wanted=lambda wildcards, input: SHORT_IF_FEWER,
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


# No layer is computed before this has said which questions can be scored. Its params are functions of `input`, which
# Snakemake does not compare with those of the last run, and it has no `code`: Snakemake overlooks changes of whatever comes
# after a job that it repeats by way of ancient inputs, and an edit of `cca` would then repeat no score.
rule check_samples:
    message:
        "Look whether the samples are enough for what is asked"
    input:
        samples=expand(DRAWN.values(), sample=SAMPLES),
        utterances=UTTERANCES,
        intervals=INTERVALS,
        word_list=WORD_LIST,
        sizes=CHOSEN_SIZES,
        tables=[],
        said=[],
    output:
        enough=ENOUGH,
        rare=RARE_TYPES,
    params:
        asked=lambda wildcards, input: ASKED_LAYERS,
        questions=lambda wildcards, input: ASKED_OF_ROWS,
        settings=lambda wildcards, input: SCORE_SETTINGS,
        sizes=SIZES,
        samples=len(SAMPLES),
        lower_case=LOWER_CASE,
        strict=lambda wildcards, input: config["strict"],
    log:
        log_of("check_samples"),
    benchmark:
        benchmark_of("check_samples")
    conda:
        "../../envs/samples.yaml"
    resources:
        mem_mb=rising(2000),
    script:
        "../scripts/check_samples.py"


# The same of what is asked now, with the user's tables of segments: repeated with every change, and in no layer's way.
use rule check_samples as tabulate_enough with:
    message:
        "Tabulate whether the samples are enough for what is asked now"
    input:
        samples=[],
        utterances=UTTERANCES,
        intervals=INTERVALS,
        word_list=WORD_LIST,
        sizes=CHOSEN_SIZES,
        tables=[segments_of(name) for name in SEGMENT_TABLES],
        said=[ENOUGH],
    output:
        enough=results("tables/enough.csv"),
    params:
        asked=ASKED_LAYERS,
        questions=ASKED_OF_ROWS,
        settings=SCORE_SETTINGS,
        sizes=SIZES,
        samples=len(SAMPLES),
        lower_case=LOWER_CASE,
        strict=config["strict"],
        code=code_of("check_samples"),
    log:
        log_of("tabulate_enough"),
    benchmark:
        benchmark_of("tabulate_enough")
