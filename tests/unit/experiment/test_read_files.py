"""Where properties say that the files come from which their measures read as they are."""

from __future__ import annotations

import pytest

from layerwise.experiment.configuration.experiment import read_experiment
from layerwise.experiment.configuration.problems import ConfigurationError
from layerwise.experiment.configuration.schema import check_schema, read_catalogue

ROWS = {"items": "frame", "ratings": "word", "pairs": "utterance"}
MEASURE = {"items": "abx", "ratings": "word_similarity", "pairs": "sentence_similarity"}


def files_of(**targets):
    own = {}
    for name, target in targets.items():
        (key,) = target
        own[name] = {"rows": ROWS[key], "target": target, "measure": MEASURE[key]}
    return read_experiment({"properties": list(own), "extra_properties": own}).read_files


def test_names_of_the_catalogue_are_what_it_says():
    catalogue = read_catalogue("ratings.yaml")["ratings"]
    found = files_of(mine={"ratings": list(catalogue)})["mine"]
    assert [file.name for file in found] == list(catalogue)
    for file in found:
        entry = catalogue[file.name]
        assert (file.source.location, file.pairs) == (entry["source"], entry["pairs"])
        assert file.facts == {"name": file.name, "pairs": entry["pairs"], "suffixes": entry.get("suffixes", [])}


def test_the_catalogue_has_the_thirteen_sets_at_one_commit():
    catalogue = read_catalogue("ratings.yaml")["ratings"]
    check_schema({"ratings": catalogue}, "ratings.schema.yaml")
    assert len(catalogue) == 13
    assert len({entry["source"].rsplit("/", 1)[0] for entry in catalogue.values()}) == 1
    assert catalogue["men"]["suffixes"] == ["-n", "-v", "-j"]
    shipped = read_catalogue("properties.yaml")["word-similarity"]["target"]["ratings"]
    assert shipped == list(catalogue)


def test_the_shipped_question_fetches_them_all():
    files = read_experiment({"properties": ["word-similarity", "phone"]}).read_files
    assert list(files) == ["word-similarity"]
    assert all(file.source.is_url for file in files["word-similarity"])


@pytest.mark.parametrize("key", ROWS)
def test_a_file_here_is_used_as_it_is(tmp_path, key):
    path = tmp_path / "my file.csv"
    path.write_text("x")
    (file,) = files_of(mine={key: str(path)})["mine"]
    assert (file.source.path, file.source.is_url, file.pairs, file.suffixes) == (path, False, None, ())
    before = file.source.identity
    path.write_text("xy")
    assert file.source.identity != before


def test_a_file_of_a_name_in_the_catalogue_is_asked_for_by_its_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "men").write_text("word1,word2,rating\na,b,1\n")
    of_name, of_path = files_of(mine={"ratings": ["men", "./men"]})["mine"]
    assert (of_name.source.is_url, of_name.pairs) == (True, 3000)
    assert (of_path.source.path.resolve(), of_path.pairs) == (tmp_path / "men", None)


def test_an_address_is_called_without_its_secret():
    address = "https://me:s3cr3t@a.example/set.csv?token=s3cr3t"
    (file,) = files_of(mine={"ratings": [address]})["mine"]
    assert file.source.location == address
    assert "s3cr3t" not in str(file.facts) + str(file.source.identity)


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (
            {"ratings": ["menn"]},
            "extra_properties.mine.target.ratings: menn does not exist; a file is expected. resources/ratings.yaml has "
            "no such entry (did you mean men?)",
        ),
        ({"ratings": ["men", "/"]}, "target.ratings: / is a folder; a file is expected"),
        ({"ratings": []}, "extra_properties.mine.target.ratings"),
        ({"ratings": ["men", "men"]}, "extra_properties.mine.target.ratings"),
        ({"items": "no.item"}, "extra_properties.mine.target.items: no.item does not exist; a file is expected"),
        ({"pairs": "men"}, "extra_properties.mine.target.pairs: men does not exist; a file is expected"),
        ({"items": "a{b}"}, "extra_properties.mine.target.items: found a{b}; Snakemake takes curly brackets"),
        ({"ratings": ["men", "a{b}"]}, "extra_properties.mine.target.ratings.1: found a{b}; Snakemake takes curly"),
        ({"pairs": ["a", "b"]}, "extra_properties.mine.target.pairs"),
    ],
)
def test_what_is_no_file_is_refused(target, said):
    with pytest.raises(ConfigurationError) as error:
        files_of(mine=target)
    assert said in str(error.value)
