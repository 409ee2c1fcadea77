"""How long the demo takes, what it leaves, how long a second run takes: python tests/benchmarks/demo.py [--cores 2].

Runs in a temporary copy of the checkout, so that nothing made earlier counts.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
LEFT_OUT = shutil.ignore_patterns(".git", ".snakemake", ".venv", "results", "corpora", "downloads", "__pycache__")


def run(folder: Path, cores: int) -> tuple[float, str]:
    """Seconds that Snakemake takes, and what it printed."""
    started = time.perf_counter()
    command = [sys.executable, "-m", "snakemake", "--cores", str(cores)]
    done = subprocess.run(command, cwd=folder, check=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return time.perf_counter() - started, done.stdout


def megabytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cores", type=int, default=2)
    cores = parser.parse_args().cores
    with tempfile.TemporaryDirectory() as parent:
        checkout = Path(parent) / "layerwise"
        shutil.copytree(REPOSITORY, checkout, ignore=LEFT_OUT)
        shutil.rmtree(checkout / "resources" / "models", ignore_errors=True)
        first, _ = run(checkout, cores)
        second, said = run(checkout, cores)
        print(f"first run   {first:6.1f} s on {cores} cores")
        print(f"second run  {second:6.1f} s ({'nothing' if 'Nothing to be done' in said else 'something'} was done)")
        print(f"results     {megabytes(checkout / 'results'):6.1f} MB")


if __name__ == "__main__":
    main()
