"""What `representations.compute: bfloat16` does to scores.

    PYTHONPATH=workflow python tests/benchmarks/bfloat16.py [--model NAME]

Extracts the demo's corpus with a model in float32 and in bfloat16, scores both on the first sample set, and prints the
seconds of both extractions, how far layers differ, and how far scores do.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np
import torch
import yaml

from demo_tables import REPOSITORY, SEED, Tables, demo_tables
from layerwise.models.catalogue import model_entry
from layerwise.models.loading import load_folder
from layerwise.models.random_weights import make_random_checkpoint
from layerwise.representations.extract import extract
from layerwise.scoring.properties import Property, read_properties
from layerwise.scoring.score import score_layers
from layerwise.scoring.settings import ScoreSettings
from layerwise.spans import SampleSizes

CONFIG = yaml.safe_load((REPOSITORY / "config.yaml").read_text())
ENTRIES = yaml.safe_load((REPOSITORY / "resources/properties.yaml").read_text())
PROPERTIES = read_properties({name: ENTRIES[name] for name in ("intra", "mel", "phone", "word")})


def extracted(model: str, checkpoint: Path, tables: Tables, out: Path, device: str, **options) -> list[str]:
    """The layers of the file that is written."""
    loaded = load_folder(checkpoint)
    started = time.perf_counter()
    extract(
        checkpoint,
        tables.samples,
        tables.utterances,
        tables.audio,
        out,
        layers=loaded.layer_names,
        stride_seconds=loaded.stride_seconds,
        attributes={"model": model},
        device=device,
        threads=2,
        **options,
    )
    print(f"{options['compute']:9} {time.perf_counter() - started:6.1f} s on {device}", flush=True)
    return loaded.layer_names


def scores(file: Path, question: Property, layers: list[str], out: Path) -> dict[str, float]:
    """Layer → mean pwcca over the trials."""
    settings = CONFIG["cca"] | {"seed": SEED}
    settings.pop("layers_per_job")
    score_layers([file], question, "model", 1, layers, ScoreSettings(**settings), out)
    records = json.loads(out.read_text())["records"]
    return {
        record["layer"]: float(np.mean([trial["metrics"]["pwcca"] for trial in record["trials"]]))
        for record in records
        if record["status"] != "skipped"
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="random-hubert-tiny", help="a name of the catalogue, or a checkpoint")
    parser.add_argument("--utterances", type=int, default=390)
    parser.add_argument("--dtype", default="float32", choices=["float16", "float32"], help="of the stored rows")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent)
        (folder / "corpus").mkdir()
        sizes = {key: value for key, value in CONFIG["samples"].items() if key not in ("count", "seed")}
        tables = demo_tables(folder / "corpus", given.utterances, 1, SampleSizes(**sizes))
        catalogue = yaml.safe_load((REPOSITORY / "resources/models.yaml").read_text())
        checkpoint = Path(given.model)
        if given.model in catalogue:
            entry = model_entry(given.model, catalogue[given.model])
            checkpoint = REPOSITORY / "resources/models" / given.model
            if entry.kind == "random":
                checkpoint = folder / given.model
                make_random_checkpoint(entry.architecture, entry.seed, checkpoint)
        files = {compute: folder / f"{compute}.h5" for compute in ("float32", "bfloat16")}
        for compute, out in files.items():
            layers = extracted(given.model, checkpoint, tables, out, given.device, compute=compute, dtype=given.dtype)
        with h5py.File(files["float32"]) as exact, h5py.File(files["bfloat16"]) as near:
            for layer in (name for name in layers if name.startswith("T")):
                rows, other = (file[f"1/frame/{layer}"][:].astype(np.float64) for file in (exact, near))
                print(f"{layer:4} relative difference {np.linalg.norm(rows - other) / np.linalg.norm(rows):.5f}")
        for name, question in PROPERTIES.items():
            asked = question.layers(layers)
            exact, near = (scores(file, question, asked, folder / "scores.json") for file in files.values())
            both = [layer for layer in asked if layer in exact and layer in near]
            if not both:
                print(f"{name:6} skipped: too few rows")
                continue
            apart = [abs(exact[layer] - near[layer]) for layer in both]
            worst = both[int(np.argmax(apart))]
            print(f"{name:6} pwcca differs by at most {max(apart):.5f} ({worst}), on average by {np.mean(apart):.5f}")


if __name__ == "__main__":
    main()
