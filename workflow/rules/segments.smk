# Tables of segments that the user made: compared with the corpus once, whatever questions name them.
#
# In:  the user's files (SEGMENT_TABLES), results/<experiment>/corpus/utterances.parquet
# Out: results/<experiment>/segments/<table>.parquet, beside <table>_problems.csv


rule read_segments:
    message:
        "Read the segments of {wildcards.table}"
    input:
        table=lambda wildcards: given(locate(SEGMENT_TABLES[wildcards.table])),
        utterances=UTTERANCES,
    output:
        segments=results("segments/{table}.parquet"),
        problems=results("segments/{table}_problems.csv"),
    wildcard_constraints:
        table="|".join(map(re.escape, SEGMENT_TABLES)) or r"(?!)",
    params:
        code=code_of("read_segments"),
    log:
        log_of("read_segments/{table}"),
    benchmark:
        benchmark_of("read_segments/{table}")
    conda:
        "../../envs/corpus.yaml"
    resources:
        mem_mb=rising(2000),
    script:
        "../scripts/read_segments.py"
