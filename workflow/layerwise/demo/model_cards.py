"""What a trained model is and how it was made, as a model card of Hugging Face with the curve of its loss."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import altair as alt
import pandas as pd
import vl_convert
from huggingface_hub import ModelCard, ModelCardData

from layerwise.demo.sentences import GRAMMAR
from layerwise.demo.speakers import demo_speakers
from layerwise.figures.look import COLOURS, finished
from layerwise.files.atomic import replaced_folder
from layerwise.files.own_files import RereadError, read_own_json
from layerwise.files.own_tables import read_csv_table
from layerwise.models.checkpoints import LOSSES, TRAINING

_TEMPLATE = """---
{{ card_data }}
---

# {{ title }}

A model of {{ millions }} million weights that shows how `layerwise` works. It has heard {{ train_minutes }} minutes of
synthetic speech in {{ speakers }} voices, with a vocabulary of {{ words }} words.
It is of no use for real speech, and what holds for it need not hold for models that are a hundred times as large.

| | |
| --- | --- |
| objective | {{ objective }} |
| data | {{ train_minutes }} minutes of speech by flite, {{ held_out_minutes }} held out; no sentence is in the demo |
| steps | {{ steps }} of {{ batch }} crops of {{ crop_seconds }} s ({{ heard_hours }} hours) |
| optimiser | AdamW, peak rate {{ learning_rate }} |
| hardware | {{ hardware }} |
| minutes | {{ minutes }} |
| seed | {{ seed }} |
| held-out loss | {{ first_loss }} after {{ first_step }} steps, {{ last_loss }} after {{ steps }} ({{ lowest }}) |
| weights | float16; the heads of training are left out |
| licence | MIT |

![Loss over steps](loss.png)

`{{ losses }}` has the numbers. Made by `snakemake pretrain`; resources/pretraining.yaml and resources/models.yaml have
every value.
"""


def write_model_card(
    trained: Path, title: str, objective: str, units: Mapping, recipe: Mapping, seed: int, out: Path
) -> None:
    """Copy a trained checkpoint folder, and put README.md and loss.png beside the weights.

    Args:
        trained: what `pretraining.pretrain` has written.
        objective: as in resources/models.yaml.
        units: `of`, `count` and, of a model's layer, `layer`; empty for the contrastive objective.
        recipe: fields of `pretraining.Recipe`.
    """
    losses = read_csv_table(trained / LOSSES, ["step", "train", "held_out", "seconds"], [])
    about = read_own_json(trained / TRAINING)
    _require_facts(trained / TRAINING, about)
    last, lowest = losses.iloc[-1], losses.loc[losses["held_out"].idxmin()]
    card = ModelCard.from_template(
        ModelCardData(language="en", license="mit", library_name="transformers", tags=["speech", "feature-extraction"]),
        template_str=_TEMPLATE,
        title=title,
        millions=f"{about['parameters'] / 1e6:.2f}",
        speakers=len(demo_speakers()),
        words=len(GRAMMAR.vocabulary),
        train_minutes=round(about["train_minutes"]),
        held_out_minutes=f"{about['held_out_minutes']:.1f}",
        objective=objective + _described(units),
        steps=recipe["steps"],
        batch=recipe["batch"],
        crop_seconds=recipe["crop_seconds"],
        heard_hours=f"{recipe['steps'] * recipe['batch'] * recipe['crop_seconds'] / 3600:.3g}",
        learning_rate=recipe["learning_rate"],
        hardware=about["hardware"],
        minutes=f"{last['seconds'] / 60:.3g}",
        seed=seed,
        first_loss=f"{losses['held_out'].iloc[0]:.3f}",
        first_step=int(losses["step"].iloc[0]),
        last_loss=f"{last['held_out']:.3f}",
        lowest="its lowest" if lowest["step"] == last["step"] else f"lowest: {lowest['held_out']:.3f}",
        losses=LOSSES,
    )
    with replaced_folder(out) as folder:
        shutil.copytree(trained, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".snakemake*"))
        (folder / "README.md").write_text(f"{str(card).strip()}\n", encoding="utf-8")
        _plot(losses, title, folder / "loss.png")


def _require_facts(path: Path, about: Mapping) -> None:
    for name in ("parameters", "train_minutes", "held_out_minutes"):
        if not isinstance(about.get(name), int | float) or not 0 < about[name] < 1e12:
            raise RereadError(path, f"{name} is {about.get(name)!r}")
    if not isinstance(about.get("hardware"), str):
        raise RereadError(path, "no hardware is named")


def _described(units: Mapping) -> str:
    if not units:
        return ""
    of = "MFCCs" if units["of"] == "mfcc" else f"layer {units['layer']} of {units['of']}"
    return f", {units['count']} clusters of {of}"


def _plot(losses: pd.DataFrame, title: str, out: Path) -> None:
    called = {"train": "training", "held_out": "held out"}
    rows = losses.rename(columns=called).melt("step", list(called.values()), "of", "loss")
    colours = alt.Scale(domain=list(called.values()), range=COLOURS[: len(called)])
    lines = (
        alt.Chart(rows, width=380, height=220)
        .mark_line()
        .encode(
            x=alt.X("step:Q", title="steps"),
            y=alt.Y("loss:Q", title="loss (nats per masked frame)", scale=alt.Scale(zero=False)),
            color=alt.Color("of:N", title=None, scale=colours),
        )
    )
    out.write_bytes(vl_convert.vegalite_to_png(finished(lines, title).to_dict()))
