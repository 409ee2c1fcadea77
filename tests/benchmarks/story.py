"""The tables of docs/demo.md: python tests/benchmarks/story.py [results/demo], after a run.

What trained models hold beside their control, of speakers and pitch beside chance, of phones by clusters and words by
distance, the paper's findings as verdicts, and which difference between models shows in their trends, that of objective
or that of iteration. In Markdown.
"""

import argparse
from pathlib import Path

import pandas as pd
import yaml

METRIC = "mean_cca"
PAIRS = {"demo-hubert-1": "objective", "demo-hubert-2": "objective and iteration", "demo-wav2vec2-prenorm": "norms"}


def markdown(rows: list[list[str]]) -> str:
    header, *body = rows
    return "\n".join(f"| {' | '.join(row)} |" for row in [header, ["---"] * len(header), *body])


def held(trends: pd.DataFrame, models: pd.DataFrame) -> str:
    """Of phones and words: the first layer, the best one and the last, and the best against the control's best."""
    rows = [["model", *(f"CCA-{name}, {what}" for name in ("phone", "word") for what in ("T0", "best", "last"))]]
    control = models.index[models["objective"] == "none"][0]
    for model in models.index:
        row = [models.at[model, "title"]]  # noqa: PD008 (one cell)
        for name in ("phone", "word"):
            part = trends[(trends["property"] == name) & (trends["metric"] == METRIC)].set_index(["model", "layer"])
            own = part.loc[model]
            best = own.drop("T0")["mean"].idxmax()
            times = own.loc[best, "mean"] / part.loc[control].drop("T0")["mean"].max()
            last = own.index[own["layer_index"].argmax()]
            cells = [f"{own.loc[layer, 'mean']:.3f} ± {half(own.loc[layer]):.3f}" for layer in ("T0", best, last)]
            row += [cells[0], f"{cells[1]} ({best}, {times:.1f} ×)", cells[2]]
        rows.append(row)
    return markdown(rows)


def beside_chance(trends: pd.DataFrame, models: pd.DataFrame) -> str:
    """Of speakers and pitch: the best layer, and what it has by chance."""
    questions = {"speaker": "speaker", "f0": "pitch"}
    rows = [["model", *(cell for called in questions.values() for cell in (f"{called}, best", "by chance"))]]
    for model in models.index:
        row = [models.at[model, "title"]]  # noqa: PD008 (one cell)
        for name in questions:
            of_model = (trends["property"] == name) & (trends["metric"] == METRIC) & (trends["model"] == model)
            own = trends[of_model & (trends["layer"] != "T0")].set_index("layer")
            best = own["mean"].idxmax()
            row += [
                f"{own.loc[best, 'mean']:.3f} ± {half(own.loc[best]):.3f} ({best})",
                f"{own.loc[best, 'chance']:.3f}",
            ]
        rows.append(row)
    return markdown(rows)


def without_a_map(trends: pd.DataFrame, models: pd.DataFrame) -> str:
    """Of phones by clusters and words by distance: the best layer, and what it has by chance."""
    shown = [("mi-phone", "mi"), ("mi-phone", "ami"), ("word-discrimination", "ap"), ("word-discrimination", "swdp_ap")]
    rows = [["model", *(cell for _, metric in shown for cell in (f"`{metric}`, best", "by chance"))]]
    for model in models.index:
        row = [models.at[model, "title"]]  # noqa: PD008 (one cell)
        for name, metric in shown:
            wanted = (trends["property"] == name) & (trends["metric"] == metric) & (trends["model"] == model)
            own = trends[wanted & (trends["layer"] != "T0")].set_index("layer")
            best = own["mean"].idxmax()
            row += [f"{own.loc[best, 'mean']:.3f} ({best})", f"{own.loc[best, 'chance']:.3f}"]
        rows.append(row)
    return markdown(rows)


def half(row: pd.Series) -> float:
    return (row["high"] - row["low"]) / 2


def verdicts(findings: pd.DataFrame, criteria: dict) -> str:
    """Of each finding how many verdicts there are of each kind, those that do not speak of a model left out."""
    rows = [["finding", "supported", "contradicted", "not testable"]]
    spoken = findings[~findings["reason"].str.startswith("the finding does not speak of", na=False)]
    for number, finding in criteria["findings"].items():
        counts = spoken.loc[spoken["finding"] == number, "verdict"].value_counts()
        words = [f"{counts.get(verdict, 0)}" for verdict in rows[0][1:]]
        rows.append([f"{number}. {' '.join(finding['says'].split())}", *words])
    return markdown(rows)


def pairs(table: pd.DataFrame) -> str:
    """How far apart the trends of two models lie in phones and words, and how alike they rise and fall."""
    rows = [["pair", "differ in", "property", "mean difference", "Spearman's correlation"]]
    wanted = [("demo-wav2vec2", other, said) for other, said in PAIRS.items()]
    for one, other, said in [*wanted, ("demo-hubert-1", "demo-hubert-2", "iteration")]:
        found = table[(table["model"] == one) & (table["other"] == other) & (table["metric"] == METRIC)]
        for row in found[found["property"].isin(["phone", "word"])].itertuples():
            apart = f"{row.difference:.3f} ({row.difference_low:.3f} to {row.difference_high:.3f})"
            alike = f"{row.spearman:.2f} ({row.spearman_low:.2f} to {row.spearman_high:.2f})"
            rows.append([f"{one}, {other}", said, row.property, apart, alike])
    return markdown(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, nargs="?", default=Path("results/demo"))
    tables = parser.parse_args().results / "tables"
    read = {path.stem: pd.read_csv(path) for path in tables.glob("*.csv")}
    criteria = yaml.safe_load((Path(__file__).parents[2] / "resources/findings.yaml").read_text(encoding="utf-8"))
    models = read["models"].set_index("model")
    of_models = [table(read["trends"], models) for table in (held, beside_chance, without_a_map)]
    print(*of_models, verdicts(read["findings"], criteria), pairs(read["model_pairs"]), sep="\n\n")


if __name__ == "__main__":
    main()
