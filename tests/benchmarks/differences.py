"""What the published code's habits do to scores, one by one: python tests/benchmarks/differences.py results/controls.

Reads an experiment that was run. For each of its models, at the middle block: how far `pwcca_published` moves with
shifts of the data and with the SVD's signs; what the direction without variance adds to a phone score; how many
segments a rounding of floats moves; how far scores of sample sets lie apart, which an unseeded draw leaves to luck.
"""

import argparse
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd

import published_procedure
from layerwise.representations import store
from layerwise.sampling import segment_frames
from layerwise.scoring import folds
from layerwise.scoring.measures.cca import evaluate
from layerwise.scoring.measures.passes import fold_moments

RIDGE = (1e-8, 1e-8)
PAIRS = folds.trials(10, 3, 1, 1)


def views(shards, layer: str):
    """(mel, layer) of frames and (layer, labels) of phones, with random folds."""
    rng = np.random.default_rng(0)
    mel, frames, phones = (store.rows(shards, path)[:].astype(np.float64) for path in (
        "1/target/mel", f"1/frame/{layer}", f"1/phone/{layer}"))  # fmt: skip
    labels = store.joined_strings(shards, "1/phone/label")
    one_hot = (labels[:, None] == np.unique(labels)).astype(np.uint8)
    return (mel, frames, rng.integers(0, 10, len(mel))), (phones, one_hot, rng.integers(0, 10, len(phones)))


def mean_scores(x, y, fold, names=("pwcca", "pwcca_published")) -> list[float]:
    moments = fold_moments(x, y, fold)
    tests = [evaluate(moments, set(range(10)) - {dev, test}, [test], *RIDGE) for dev, test in PAIRS]
    return [float(np.mean([getattr(scores, name) for scores in tests])) for name in names]


def flipped_svd(rng):
    """numpy's SVD with other signs, which are as right."""
    svd = np.linalg.svd

    def flipped(matrix, full_matrices=True):
        left, values, right = svd(matrix, full_matrices=full_matrices)
        signs = rng.choice([-1.0, 1.0], values.size)
        return left[:, : values.size] * signs, values, signs[:, None] * right[: values.size]

    return flipped


def report_model(name: str, shards) -> None:
    layers = sorted((layer for layer in shards[0]["1/frame"] if layer.startswith("T")), key=lambda n: int(n[1:]))
    layer = layers[len(layers) // 2]
    (mel, frames, fold), (phones, labels, phone_fold) = views(shards, layer)
    centred, published = mean_scores(mel, frames, fold)
    shifted = [mean_scores(mel, frames + shift * frames.std(axis=0), fold) for shift in (-2, 2)]
    rng = np.random.default_rng(1)
    with patch.object(np.linalg, "svd", flipped_svd(rng)):
        signs = [mean_scores(mel, frames, fold)[1] for _ in range(5)]
    print(f"{name} {layer}, mel: pwcca {centred:.4f}, pwcca_published {published:.4f}")
    moved = max(abs(pair[0] - centred) for pair in shifted)
    print(f"  layer shifted by -2 and 2 standard deviations: pwcca moves by at most {moved:.0e},", end=" ")
    print(f"pwcca_published to {shifted[0][1]:.4f} and {shifted[1][1]:.4f}")
    print(f"  other signs of the SVD: pwcca_published from {min(signs):.4f} to {max(signs):.4f}")
    ours = mean_scores(phones, labels, phone_fold, ["mean_cca", "pwcca_published"])
    theirs = published_procedure.score(phones.T, labels.T.astype(float), phone_fold, PAIRS, [RIDGE])
    mean, weighted = (np.mean([trial[name] for trial in theirs]) for name in ("mean_cca", "pwcca_published"))
    changes = f"mean_cca {mean - ours[0]:+.4f}, pwcca_published {weighted - ours[1]:+.4f}"
    print(f"  phone, with the direction without variance: {changes}")


def moved_segments(folder: Path, stride: float = 0.02) -> None:
    for table, span in (("phones", "phone"), ("words", "word")):
        drawn = pd.concat([pd.read_parquet(path) for path in folder.glob(f"samples/*/{table}.parquet")])
        moved = 0
        for row in drawn.itertuples():
            rounded = segment_frames(row.start, row.end, stride, 10**6, span)
            with patch("layerwise.sampling.round", lambda value, _: value, create=True):
                moved += segment_frames(row.start, row.end, stride, 10**6, span) != rounded
        print(f"{span}: {moved} of {len(drawn)} segments average other frames without rounding their borders")


def sample_sets(folder: Path) -> None:
    scores = pd.read_csv(folder / "tables/scores.csv")
    scores = scores[(scores["metric"] == "pwcca") & scores["layer"].str.startswith("T")]
    of_sets = scores.groupby(["property", "model", "layer", "sample"])["score"].mean()
    spread = of_sets.groupby(["property", "model", "layer"]).std().groupby("property").mean()
    print("standard deviation of pwcca over sample sets:", ", ".join(f"{k} {v:.4f}" for k, v in spread.items()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    folder = parser.parse_args().results
    for model in sorted(path.name for path in (folder / "representations").iterdir()):
        with store.reading(sorted((folder / "representations" / model).glob("*.h5"))) as shards:
            report_model(model, shards)
    moved_segments(folder)
    sample_sets(folder)


if __name__ == "__main__":
    main()
