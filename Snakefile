# What each layer of a speech model knows. Paths, in the order of the data:
#
# resources/downloads/<host>/<digest>-<file>                      archives that came from a URL; a note beside each
# resources/corpora/<corpus>/<split>/audio/                       the audio archive, unpacked
#   (both are deleted when no job needs them, unless corpus.keep)
# resources/models/<model>/                                       a checkpoint folder, drawn or fetched
# resources/vectors/<host>/<digest>-<file>                        vectors and attributes of words that came from a URL
# resources/tasks/<data>/<file>/                                  data of downstream tasks, unpacked
# resources/tasks/splits/<corpus>/<split>/                        audio of splits that tasks use, unpacked
# results/<experiment>/{configuration,versions}.yaml              of the last run, written before its first job
# results/<experiment>/audio/<reader>                             a link to the audio for each job that reads it; temporary
# results/<experiment>/models/<model>.json                        layers of a model that only its checkpoint knows
# results/<experiment>/corpus/{utterances,intervals}.parquet      beside {audio,alignment}_problems.csv
# results/<experiment>/samples/sizes.yaml                        those that samples: auto leaves to the corpus
# results/<experiment>/samples/<sample>/{utterances,phones,words,whole_utterances}.parquet
# results/<experiment>/segments/<table>.parquet                   of the user's tables; beside <table>_problems.csv
# results/<experiment>/targets/<property>/<sample>.h5             what was looked up for rows, beside <sample>_missing.csv
# results/<experiment>/intervals/<sample>.h5                      phones and words of a sample's utterances
# results/<experiment>/acoustics/<family>.h5
# results/<experiment>/representations/<model>/<shard>.h5
# results/<experiment>/representations/<model>/<rows>+<rows>…/<shard>.h5   other poolings, and segments of tables
# results/<experiment>/scores/<property>/<model>/<sample>/<layers>.json
# results/<experiment>/tasks/splits/<corpus>/<split>/*.parquet    utterances and intervals of splits that tasks use
# results/<experiment>/tasks/<task>/items.parquet                 beside problems.csv
# results/<experiment>/probes/<task>/<model>/<heads>.json         heads that were trained together
# results/<experiment>/probes/<task>/<model>.{csv,json}           all heads of a model
# results/<experiment>/tables/*.csv
# results/<experiment>/plots/*.{svg,png,json}
# results/<experiment>/report.html
# results/<experiment>/paper/*.{pdf,svg,png,tex,txt}              for an article; made by the target paper alone
# results/<experiment>/{logs,benchmarks}/<rule>/…
import os

from snakemake.exceptions import WorkflowError
from snakemake.utils import min_version

min_version("9.27")

if not os.path.isdir(workflow.current_basedir.get_path_or_uri(secret_free=True)):
    raise WorkflowError(
        "layerwise needs what lies beside its Snakefile, of which Snakemake fetches only rules and scripts: clone the "
        "repository, and name the Snakefile of the clone (docs/another-workflow.md)"
    )


include: "workflow/rules/jobs.smk"
include: "workflow/rules/common.smk"
include: "workflow/rules/paths.smk"
include: "workflow/rules/sources.smk"
include: "workflow/rules/checkpoints.smk"
include: "workflow/rules/layers.smk"
include: "workflow/rules/inputs.smk"
include: "workflow/rules/archives.smk"
include: "workflow/rules/corpus.smk"
include: "workflow/rules/alignments.smk"
include: "workflow/rules/sizes.smk"
include: "workflow/rules/samples.smk"
include: "workflow/rules/segments.smk"
include: "workflow/rules/targets.smk"
include: "workflow/rules/acoustics.smk"
include: "workflow/rules/models.smk"
include: "workflow/rules/extraction.smk"
include: "workflow/rules/scores.smk"
include: "workflow/rules/tasks.smk"
include: "workflow/rules/task_data.smk"
include: "workflow/rules/probes.smk"
include: "workflow/rules/summary.smk"
include: "workflow/rules/task_tables.smk"
include: "workflow/rules/comparison.smk"
include: "workflow/rules/plots.smk"
include: "workflow/rules/paper.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/costs.smk"
include: "workflow/rules/estimate.smk"
include: "workflow/rules/cluster.smk"
include: "workflow/rules/resume.smk"


module pretraining:
    snakefile:
        "workflow/pretraining/Snakefile"
    config:
        config["pretrain"]


use rule * from pretraining


# Another workflow that uses this one as a module calls these itself: layerwise.onstart(), .onsuccess(), .onerror().
onstart:
    refuse_endless_jobs()
    keep_journal()


onsuccess:
    forget_audio()
    forget_downloads()


onerror:
    LAST_WORDS.say_failed()


rule all:
    default_target: OTHERS_TARGET is None
    input:
        rules.tables.input,
        rules.plots.input,
        rules.report.input,
        rules.probes.input,
