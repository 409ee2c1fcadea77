"""Each family of original checkpoints is one file, which belongs to its own models alone."""

from __future__ import annotations

import subprocess
import sys

import pytest

from layerwise.files.catalogues import read_yaml
from layerwise.files.shipped import ROOT
from layerwise.models import families
from layerwise.models.catalogue import model_entry
from layerwise.models.names import Models
from package_imports import closure, module_path
from tiny_originals import settings, weights, write

CATALOGUE = read_yaml(ROOT / "resources/models.yaml")
AVHUBERT, FASTVGS, HUBERT = (f"layerwise.models.originals.{name}" for name in ("avhubert", "fastvgs", "hubert"))


def entry(name: str):
    return Models(CATALOGUE, {}).entry(name)


@pytest.mark.parametrize("name", families.MODULES)
def test_a_family_is_found_by_its_name(name):
    family = families.family(name)
    assert family.name == name
    assert family.files or family.claims or family.fairseq_name


@pytest.mark.parametrize(
    ("name", "modules"),
    [
        ("hubert-base", ()),  # of transformers
        ("random-wav2vec2-base", ()),
        ("avhubert-base", (AVHUBERT,)),
        ("fast-vgs", (FASTVGS,)),
        ("fast-vgs-plus", (FASTVGS,)),
    ],
)
def test_an_entry_of_the_catalogue_names_the_modules_of_its_family(name, modules):
    assert entry(name).modules == modules


def test_an_original_on_this_machine_names_those_of_its_own_family(tmp_path):
    path = write("hubert", tmp_path, settings(), weights("hubert", settings()))
    assert model_entry("mine", {"source": str(path)}).modules == (HUBERT,)


def test_an_original_of_an_unknown_family_names_all():
    unknown = model_entry("mine", {"source": "https://example.org/model.pt"})
    assert unknown.modules == tuple(families.MODULES.values())


def test_what_opens_every_model_imports_no_family():
    """So an edit of `fastvgs` counts in the digest of FaST-VGS, and in no other."""
    shared = closure({module_path("layerwise.models.loading"), module_path("layerwise.representations.extract")})
    of_families = {module_path(name) for name in families.MODULES.values()}
    assert None not in of_families
    assert not shared & of_families
    for name in families.MODULES.values():
        assert closure({module_path(name)}) & of_families == {module_path(name)}


def test_what_models_are_called_is_no_part_of_what_opens_them():
    opened = closure({module_path("layerwise.models.loading"), module_path("layerwise.representations.extract")})
    assert not opened & {module_path(f"layerwise.models.{name}") for name in ("catalogue", "names", "by_name")}


def test_no_family_imports_torch_before_a_module_is_filled():
    program = (
        "import sys; from layerwise.models import families; families.families()\n"
        "assert not {'torch', 'transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
