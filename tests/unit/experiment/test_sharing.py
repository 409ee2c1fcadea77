"""What an experiment takes from another one."""

import pytest
import yaml

from layerwise.experiment.configuration.experiment import read_experiment
from layerwise.experiment.configuration.problems import ConfigurationError
from layerwise.experiment.configuration.sharing import Sharing, sharing_of
from layerwise.experiment.journal import CONFIGURATION, write_journal

THEIRS = {
    "experiment": "all",
    "models": ["random-wav2vec2-tiny", "own"],
    "extra_models": {"own": {"source": "random-init", "like": "random-hubert-tiny", "seed": 3}},
    "properties": ["mel", "phone", "mine"],
    "extra_properties": {"mine": {"rows": "phone", "target": {"label": "label"}}},
}


@pytest.fixture
def shared(tmp_path):
    """What is shared with an experiment that was run, by one that changes some of its keys."""
    (tmp_path / "all").mkdir()
    write_journal(read_experiment(THEIRS), tmp_path / "all", ["snakemake"])

    def run(**changes):
        mine = read_experiment({**THEIRS, "experiment": "view", "shares": "all", **changes})
        return sharing_of(mine.config, tmp_path)

    return run


@pytest.fixture
def refusal(shared):
    def run(**changes):
        with pytest.raises(ConfigurationError) as caught:
            shared(**changes)
        return str(caught.value)

    return run


def test_nothing_is_shared_unless_it_is_asked_for(shared):
    assert shared(shares=None) == Sharing()


def test_fewer_models_and_questions_are_a_view(shared):
    found = shared(models=["own"], properties=["phone"])
    assert (found.experiment, found.models, found.questions) == ("all", {"own"}, {"phone"})


def test_what_the_other_one_lacks_is_not_shared(shared):
    found = shared(models=["own", "random-hubert-tiny"], properties=["phone", "word"])
    assert (found.models, found.questions) == ({"own"}, {"phone"})


@pytest.mark.parametrize("changes", [{"cca": {"folds": 8}}, {"layers": ["T0", "T1"]}])
def test_scores_are_shared_only_where_they_are_measured_alike(shared, changes):
    found = shared(**changes)
    assert found.models == {"random-wav2vec2-tiny", "own"}
    assert found.questions == frozenset()


@pytest.mark.parametrize("changes", [{"metric": "r2"}, {"strict": True}, {"representations": {"batch_seconds": 30}}])
def test_what_no_score_depends_on_may_differ(shared, changes):
    assert shared(**changes).questions == {"mel", "phone", "mine"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"samples": {"seed": 2}}, "samples.seed: 2 here, 1 in all"),
        ({"samples": {"utterances": 30}}, "samples.utterances: 30 here, "),
        ({"corpus": {"alignments": "automatic"}}, "corpus.alignments: 'automatic' here, None in all"),
        ({"representations": {"dtype": "float32"}}, "representations.dtype: 'float32' here, 'float16' in all"),
        ({"representations": {"keep": False}}, "representations.keep"),
        (
            {"extra_models": {"own": {"source": "random-init", "like": "random-hubert-tiny", "seed": 4}}},
            "extra_models.own: it is described otherwise in all",
        ),
        (
            {"extra_properties": {"mine": {"rows": "word", "target": {"label": "label"}}}},
            "extra_properties.mine: it is described otherwise in all",
        ),
        ({"experiment": "all"}, "shares: all is this experiment"),
        ({"shares": "al"}, "run al first"),
    ],
)
def test_a_difference_is_refused_with_its_key(refusal, changes, said):
    assert said in refusal(**changes)


def test_the_nearest_experiment_is_named(refusal):
    assert "did you mean all" in refusal(shares="al")


def test_an_experiment_that_shares_itself_is_not_shared(refusal, shared, tmp_path):
    theirs = tmp_path / "all" / CONFIGURATION
    theirs.write_text(yaml.safe_dump(yaml.safe_load(theirs.read_text()) | {"shares": "first"}))
    assert "all itself shares with first; name that one" in refusal()
