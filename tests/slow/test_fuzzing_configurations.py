"""Configurations, and what stands in them, get changed bytes: each is data, or one line says what is wrong."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest
import yaml
from fuzzing import fuzz

from layerwise.alignments.marks import marks_of
from layerwise.corpus.layouts import layout_of
from layerwise.experiment.configuration import layering, schema
from layerwise.experiment.configuration.experiment import read_experiment
from layerwise.experiment.configuration.schema import check_schema
from layerwise.files.catalogues import read_yaml
from layerwise.files.shipped import ROOT
from layerwise.tables.external import read_external

RESOURCES = ROOT / "resources"
DEFAULTS = (ROOT / "config.yaml").read_bytes()
PRESETS = [path.read_bytes() for path in sorted((RESOURCES / "experiments").glob("*.yaml"))]
SAVED = yaml.safe_dump(read_experiment({}).config, sort_keys=False).encode()
LAYOUTS = b"""mine:
  description: mine
  recordings: "**/{split}/**/{speaker}-{chapter}-{utterance}_*"
  alignments: "*/{speaker}_{utterance}/{speaker}_{utterance}"
  utterance_id: "{speaker}-{utterance:.3}"
  tiers: {phone: ["* - phones"], word: [words, "*a*b*"]}
  marks: {word: {drop: ["<*>", uh], keep: ["*-*"]}}
"""
EXTERNAL = (
    b"task,model,layer,metric,value,low,high\nintent,hubert,T1,accuracy,0.5,0.4,0.6\npr,hubert,weighted,per,1e-3,,\n"
)
PATHS = ["a/dev/b/1-2-3_x.wav", "-" * 250 + "/" + "-" * 250 + "_x.wav", "/".join("a" * 2000) + ".wav"]
LABELS = ["", "<sil>", "a" * 2000, "a-" * 500]


def read_configuration(path: Path) -> None:
    check_schema(read_yaml(path), "config.schema.yaml")


def read_whole_experiment(path: Path) -> None:
    """As `--config from=` does; catalogues and schemas do not change, and reading them is most of the time."""
    read_experiment(yaml.safe_load(DEFAULTS), {"from": str(path)})


def read_layouts(path: Path) -> None:
    content = read_yaml(path)
    check_schema(content, "layouts.schema.yaml")
    catalogue = read_once(RESOURCES / "marks.yaml")
    for entry in content.values():
        layout = layout_of(entry).of_split("dev")
        for name in PATHS:
            if fields := layout.recordings.match(name):
                layout.utterance_id.format(**fields)
            layout.aligned.match(name)
        marks = marks_of(layout.marks, catalogue)
        for label in LABELS:
            marks.is_word(label)
            marks.needs_phones(label)


def read_entries(name: str, path: Path) -> None:
    check_schema(read_yaml(path), f"{name}.schema.yaml")


def read_results(path: Path) -> None:
    read_external(path, {"hubert": ["T0", "T1"], "other": None}, {"h": "hubert"})


@functools.cache
def read_once(path: Path) -> dict:
    return read_yaml(path)


def unless_shipped(path: Path) -> dict:
    return read_once(path) if path.is_relative_to(ROOT) else read_yaml(path)


CATALOGUES = ("models", "corpora", "tasks", "layouts", "marks", "phones", "pretraining")
READERS = {
    "configuration": (read_configuration, [DEFAULTS, SAVED, *PRESETS]),
    "experiment": (read_whole_experiment, [DEFAULTS, SAVED, *PRESETS]),
    "layouts and marks": (read_layouts, [LAYOUTS]),
    "results from elsewhere": (read_results, [EXTERNAL]),
    **{
        name: (functools.partial(read_entries, name), [(RESOURCES / f"{name}.yaml").read_bytes()])
        for name in CATALOGUES
    },
}


@pytest.mark.parametrize("reader", READERS)
def test_a_changed_file_is_read_or_refused(reader, tmp_path, monkeypatch):
    for module in (layering, schema):
        monkeypatch.setattr(module, "read_yaml", unless_shipped)
    monkeypatch.chdir(tmp_path)  # so that words are no paths of the checkout
    read, samples = READERS[reader]
    assert fuzz(read, samples, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["input", "notes.txt"]  # nothing in them was run
