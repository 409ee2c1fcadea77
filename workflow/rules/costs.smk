# What the experiment takes, and what of it is here already.
#
# In:  the configuration, the catalogues, and the files that are here
# Out: the function that `estimate` calls
from dataclasses import replace

from layerwise.experiment.costs import costs_of, read_calibration
from layerwise.experiment.costs_page import render
from layerwise.experiment.samples.sizes import expected_sizes


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
    # Vectors, attributes, ratings.
    found |= {source.origin: os.path.exists(placed(path)) for path, source in FETCHED.items()}
    return found | {name: is_made(f"resources/models/{name}") for name in CHECKPOINTS}


def print_estimate(log):
    """Say what the experiment takes; to standard output, where nothing else of Snakemake's goes, and in a log."""
    sizes = sizes_now() or expected_sizes(SIZES)
    asked = replace(EXPERIMENT, config=config | {"samples": config["samples"] | asdict(sizes)})
    page = render(costs_of(asked, is_here(), read_calibration(), SHARING))
    Path(log).write_text(page, encoding="utf-8")
    print(page)
