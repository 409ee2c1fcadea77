# What heads reached, here and elsewhere.
#
# In:  results/<experiment>/probes/<task>/<model>.{csv,json,parquet}, and a table of results from elsewhere (probes.external)
# Out: results/<experiment>/tables/{probes,confusion}.csv
from layerwise.addresses import shown_address
from layerwise.tables.external import read_external

# Results from elsewhere are checked before any job; of models whose layers are not known yet, again when they are.
ELSEWHERE = config["probes"]["external"]
PLANNED_LAYERS = {name: entry.layers if entry.is_planned else None for name, entry in MODELS.items()}
# As they are shown: a table from elsewhere need not have the password of an address.
NAMES = {shown_address(said): name for said, name in EXPERIMENT.names.items()}
try:
    RESULTS = read_external(locate(ELSEWHERE), PLANNED_LAYERS, NAMES) if ELSEWHERE else []
except LayerwiseError as error:
    raise WorkflowError(f"probes.external: {error}")

COMPARED = list(dict.fromkeys([*TASKS, *(result.task for result in RESULTS)]))  # tasks of both
LABELLED = {name: task.columns for name, task in TASKS.items() if task.columns}


rule collect_probes:
    message:
        "Gather what all heads reached in one table"
    input:
        tables=joined_heads("table"),
        weights=joined_heads("details"),
        external=given(locate(ELSEWHERE)) if ELSEWHERE else [],
        shapes=[shape_of(model) for model in UNPLANNED],
    output:
        table=report(
            results("tables/probes.csv"),
            caption="../report/probes.rst",
            category="tables",
        ),
    params:
        tasks=list(TASKS),
        models=list(MODELS),
        names=NAMES,
        layers=lambda wildcards: {name: entry_of(name).layers for name in MODELS},
        code=code_of("collect_probes"),
    log:
        log_of("collect_probes"),
    benchmark:
        benchmark_of("collect_probes")
    conda:
        "../../envs/summary.yaml"
    resources:
        mem_mb=rising(1000),
    script:
        "../scripts/collect_probes.py"


rule tabulate_confusions:
    message:
        "Count which labels heads take for which others"
    input:
        predictions=joined_heads("predictions", LABELLED),
    output:
        table=report(
            results("tables/confusion.csv"),
            caption="../report/confusion_table.rst",
            category="tables",
        ),
    params:
        heads=[(task, model) for task in LABELLED for model in MODELS],
        columns=LABELLED,
        code=code_of("tabulate_confusions"),
    log:
        log_of("tabulate_confusions"),
    benchmark:
        benchmark_of("tabulate_confusions")
    conda:
        "../../envs/summary.yaml"
    resources:
        mem_mb=rising(1000),
    script:
        "../scripts/tabulate_confusions.py"
