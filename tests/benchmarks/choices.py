"""What a choice does to the scores: python tests/benchmarks/choices.py [--configfile EXPERIMENT] [--cores 2].

Runs an experiment (the demo, if none is named) in a temporary copy of the checkout, then again with one choice changed:
what stays together in a fold, standardisation, float32 representations. Prints, for each property and metric, the mean
score, and the mean and the largest change over models and layers.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
LEFT_OUT = shutil.ignore_patterns(".git", ".snakemake", ".venv", "results", "downloads", "__pycache__")
CHOICES = {
    "float32 representations": {"representations": {"dtype": "float32"}},
    "cca.standardise: false": {"cca": {"standardise": False}},
    "cca.folds_by: utterance": {"cca": {"folds_by": "utterance"}},
    "cca.folds_by: speaker": {"cca": {"folds_by": "speaker"}},
}
KEYS = ["property", "model", "layer", "metric"]


def trends_of(checkout: Path, configurations: list[Path], change: dict, cores: int) -> pd.DataFrame:
    """The table of trends of the experiment with `change`."""
    path = checkout / "choice.yaml"
    path.write_text(yaml.safe_dump(change | {"experiment": "measured"}), encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "--cores",
        str(cores),
        "tables",
        "--configfile",
        *configurations,
        path,
    ]
    subprocess.run(command, cwd=checkout, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    trends = pd.read_csv(checkout / "results/measured/tables/trends.csv")
    by_chance = trends[trends["metric"] == "pwcca"]
    by_chance = by_chance.assign(metric="chance of pwcca", mean=by_chance["chance"])
    return pd.concat([trends, by_chance]).set_index(KEYS)


def wide(values: pd.Series, form: str) -> str:
    """Properties × metrics, and the chance level of the metric that is ranked by default."""
    table = values.reset_index(name="value").pivot_table(index="property", columns="metric", values="value")
    return table.map(form.format).to_string()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--configfile", type=Path)
    parser.add_argument("--cores", type=int, default=2)
    arguments = parser.parse_args()
    configurations = [arguments.configfile.resolve()] if arguments.configfile else []
    with tempfile.TemporaryDirectory() as parent:
        checkout = Path(parent) / "layerwise"
        shutil.copytree(REPOSITORY, checkout, ignore=LEFT_OUT)
        base = trends_of(checkout, configurations, {}, arguments.cores)
        print("scores as they are, mean over models and layers")
        print(wide(base["mean"].groupby(["property", "metric"]).mean(), "{:.4f}"))
        for name, change in CHOICES.items():
            changed = trends_of(checkout, configurations, change, arguments.cores)
            difference = (changed["mean"] - base["mean"]).dropna()
            if difference.empty:
                print(f"\n{name}: {changed['reason'].dropna().iloc[0]}")
                continue
            print(f"\n{name}: mean, mean change, and the largest change of a layer")
            print(wide(changed["mean"].groupby(["property", "metric"]).mean(), "{:.4f}"))
            grouped = difference.groupby(["property", "metric"])
            print(wide(grouped.mean(), "{:+.1e}"))
            print(wide(grouped.apply(lambda values: values.abs().max()), "{:.1e}"))


if __name__ == "__main__":
    main()
