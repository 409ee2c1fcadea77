# What the experiment will fetch, fill and take. It needs nothing of it, and no network.
#
# In:  the configuration, the catalogues, and what is here already
# Out: a page on the terminal, and in results/<experiment>/logs/estimate.log
from layerwise.experiment.costs import costs_of, read_calibration
from layerwise.experiment.costs_page import render


def is_here():
    """Which archives and checkpoints have been fetched."""
    archives = {"audio": EXPERIMENT.audio, "alignments": EXPERIMENT.alignments}
    found = {
        name: os.path.exists(placed(local_copy(source))) for name, source in archives.items() if source is not None
    }
    found["audio"] = found["audio"] or os.path.isdir(placed(AUDIO_FOLDER))
    for name, source in EXPERIMENT.task_sources.items():
        split, _, file = name.rpartition("/")
        unpacked = f"resources/tasks/splits/{split}" if file == "audio" else f"resources/tasks/{name}"
        found[name] = any(os.path.exists(placed(path)) for path in (task_copy(source), unpacked))
    return found | {name: is_made(f"resources/models/{name}") for name in CHECKPOINTS}


def print_estimate(log):
    """Say what the experiment takes; to standard output, where nothing else of Snakemake's goes, and in a log."""
    page = render(costs_of(EXPERIMENT, is_here(), read_calibration()))
    Path(log).write_text(page, encoding="utf-8")
    print(page)


rule estimate:
    message:
        "Estimate what this experiment takes"
    log:
        log_of("estimate"),
    localrule: True
    run:
        print_estimate(log[0])
