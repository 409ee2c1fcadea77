"""`import layerwise` is quick, and then everything is there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import layerwise

WORKFLOW = Path(__file__).resolve().parents[2] / "workflow"
HEAVY = {"torch", "transformers", "pandas", "h5py", "pyarrow", "librosa", "altair", "scipy", "numpy", "snakemake"}

USES = {  # what is used after a bare `import layerwise` → what it may import
    "layerwise.__version__": set(),
    "dir(layerwise)": set(),
    "layerwise.models": set(),
    "layerwise.alignments": set(),
    "layerwise.scoring": set(),
    "layerwise.errors.LayerwiseError": set(),
    "layerwise.cca.fold_moments": {"numpy"},
    "layerwise.cca.evaluate": {"numpy"},
    "layerwise.cca.cross_validate": {"numpy"},
    "layerwise.measures": set(),
    "layerwise.measures.mutual_information": {"numpy"},
    "layerwise.features.log_mel": {"numpy", "scipy", "librosa"},
    "layerwise.alignments.read_textgrid": {"numpy", "pandas", "pyarrow"},
    "layerwise.sampling.segment_frames": {"numpy", "pandas", "pyarrow"},
}


def imported_by(expression: str) -> set[str]:
    """The heavy modules that are there after a bare import and one use."""
    code = f"import json, sys, layerwise\n{expression}\nprint(json.dumps(sorted(sys.modules)))"
    environment = os.environ | {"PYTHONPATH": str(WORKFLOW)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    return HEAVY & set(json.loads(done.stdout))


@pytest.mark.parametrize("expression", USES)
def test_a_part_is_imported_with_what_it_needs_and_no_more(expression):
    assert imported_by(expression) <= USES[expression]


def test_a_model_is_loaded_by_torch():
    pytest.importorskip("torch")
    assert {"torch", "transformers"} <= imported_by("layerwise.models.load")


def test_every_part_is_listed():
    parts = {path.stem for path in (WORKFLOW / "layerwise").iterdir() if path.suffix == ".py" or path.is_dir()}
    assert {name for name in parts if not name.startswith("_")} <= set(dir(layerwise))
    assert "analyse" in dir(layerwise)


def test_what_is_not_there_is_said_as_python_says_it():
    with pytest.raises(AttributeError, match=r"^module 'layerwise' has no attribute 'modles'$"):
        layerwise.modles  # noqa: B018 (looked up, not used)


def test_names_that_tools_ask_for_import_nothing():
    assert not hasattr(layerwise, "__wrapped__")
