"""Where properties say that vectors and attributes of words come from."""

from __future__ import annotations

import pytest

from layerwise.experiment.configuration.experiment import read_experiment
from layerwise.experiment.configuration.problems import ConfigurationError
from layerwise.experiment.configuration.schema import read_catalogue


def files_of(**targets):
    own = {name: {"rows": "word", "target": target} for name, target in targets.items()}
    return read_experiment({"properties": list(own), "extra_properties": own}).word_files


@pytest.mark.parametrize(("key", "name"), [("vectors", "glove"), ("vectors", "agwe"), ("attributes", "ptb.pos_tags")])
def test_names_of_the_catalogue_are_what_it_says(key, name):
    entry = read_catalogue("vectors.yaml")["vectors"][name]
    file = files_of(mine={key: name})["mine"]
    assert (file.source.location, file.member) == (entry["source"], entry.get("member"))
    assert file.source.sha256 == entry["sha256"]


def test_every_entry_of_the_catalogue_has_the_format_of_its_kind():
    catalogue = read_catalogue("vectors.yaml")["vectors"]
    for name, entry in catalogue.items():
        assert files_of(mine={{"text": "vectors", "qvec": "attributes"}[entry["format"]]: name})


def test_the_shipped_questions_name_entries():
    found = read_experiment({"properties": ["glove", "agwe", "syntactic", "semantic", "phone"]}).word_files
    assert sorted(found) == ["agwe", "glove", "semantic", "syntactic"]
    assert all(file.source.is_url for file in found.values())


def test_a_file_here_is_used_as_it_is(tmp_path):
    path = tmp_path / "my vectors.txt"
    path.write_text("the 1 2\n")
    before = files_of(mine={"vectors": str(path), "member": "x"})["mine"]
    assert (before.source.path, before.member, before.source.is_url) == (path, "x", False)
    identity = before.identity
    path.write_text("the 1 2 3\n")
    assert before.identity != identity


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (
            {"vectors": "glov"},
            "target.vectors: glov does not exist; a file is expected. resources/vectors.yaml has no such entry "
            "(did you mean glove?)",
        ),
        ({"vectors": "/"}, "target.vectors: / is a folder; a file is expected"),
        ({"vectors": "ptb.pos_tags"}, "target.vectors: ptb.pos_tags has attributes: write attributes: ptb.pos_tags"),
        ({"attributes": "glove"}, "target.attributes: glove has vectors: write vectors: glove"),
        ({"vectors": "a{b}"}, "extra_properties.mine.target.vectors: found a{b}; Snakemake takes curly brackets"),
    ],
)
def test_what_is_no_file_is_refused(target, said):
    with pytest.raises(ConfigurationError) as error:
        files_of(mine=target)
    assert said in str(error.value)
