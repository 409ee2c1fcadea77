# Seeded draws of utterances, phones and words, and of whole utterances of each speaker.
#
# In:  results/<experiment>/corpus/{utterances,intervals}.parquet, and a list of words where there is one
# Out: results/<experiment>/samples/<sample>/{utterances,phones,words,whole_utterances}.parquet


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
