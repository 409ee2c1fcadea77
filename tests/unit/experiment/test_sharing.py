"""What an experiment takes from another one."""

import json
import os
import time

import pytest
import yaml

from layerwise.experiment.configuration.experiment import read_experiment
from layerwise.experiment.configuration.problems import ConfigurationError
from layerwise.experiment.configuration.sharing import Sharing, sharing_of
from layerwise.experiment.journal import CONFIGURATION, FINISHED, write_end, write_journal

THEIRS = {
    "experiment": "all",
    "models": ["random-wav2vec2-tiny", "own"],
    "extra_models": {"own": {"source": "random-init", "like": "random-hubert-tiny", "seed": 3}},
    "properties": ["mel", "phone", "mine"],
    "extra_properties": {"mine": {"rows": "phone", "target": {"label": "label"}}},
}


def run_to_its_end(theirs, folder):
    folder.mkdir(parents=True)
    write_journal(read_experiment(theirs), folder, ["snakemake"])
    write_end(read_experiment(theirs), folder, time.time())


@pytest.fixture
def shared(tmp_path):
    """What is shared with an experiment that was run, by one that changes some of its keys."""
    run_to_its_end(THEIRS, tmp_path / "all")

    def run(**changes):
        return sharing_of(read_experiment({**THEIRS, "experiment": "view", "shares": "all", **changes}), tmp_path)

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


def test_a_journal_that_cannot_be_read_has_no_other_name(refusal, tmp_path):
    (tmp_path / "all" / CONFIGURATION).write_text("")
    said = refusal()
    assert "run all first" in said
    assert "did you mean" not in said


def test_an_experiment_that_shares_itself_is_not_shared(refusal, shared, tmp_path):
    for name in (CONFIGURATION, FINISHED):
        theirs = tmp_path / "all" / name
        theirs.write_text(yaml.safe_dump(yaml.safe_load(theirs.read_text()) | {"shares": "first"}))
    assert "all itself shares with first; name that one" in refusal()


def test_a_run_that_did_not_make_all_is_not_shared(refusal, tmp_path):
    (tmp_path / "all" / FINISHED).unlink()
    assert "no run of all has made all of it; run all first, to its end" in refusal()


def test_a_change_that_was_stopped_is_not_shared(refusal, shared, tmp_path):
    """Files of before the change may lie there still."""
    changed = read_experiment(THEIRS | {"cca": {"folds": 8}})
    write_journal(changed, tmp_path / "all", ["snakemake"])
    said = "the last run of all had another cca and did not make all of it; run all first"
    assert said in refusal(cca={"folds": 8})
    assert said in refusal()
    write_end(changed, tmp_path / "all", time.time())
    assert shared(cca={"folds": 8}).questions == {"mel", "phone", "mine"}


def test_other_pictures_for_an_article_change_nothing_that_is_shared(shared, tmp_path):
    write_journal(read_experiment(THEIRS | {"figures": {"width_cm": 12}}), tmp_path / "all", ["snakemake"])
    assert shared().questions == {"mel", "phone", "mine"}


# Files of the user's

TABLE = "utterance_id,start,end,stress\nf0-1-0000,0.1,0.3,high\n"


@pytest.fixture
def of_files(tmp_path):
    """What is shared of an experiment with a table of segments and a task of one's own."""
    table, words = tmp_path / "stresses.csv", tmp_path / "words.csv"
    table.write_text(TABLE)
    words.write_text("path,word,speaker\na.wav,yes,s1\n")
    theirs = {
        "experiment": "all",
        "models": ["random-wav2vec2-tiny"],
        "properties": ["phone", "word-centre", "stress"],
        "extra_properties": {"stress": {"rows": {"segments": str(table)}, "target": {"label": "stress"}}},
        "extra_tasks": {"words": {"kind": "labels", "table": str(words), "columns": ["word"]}},
        "probes": {"tasks": ["words"]},
        "representations": {"shards": 2},
    }
    folder = tmp_path / "results/all"
    run_to_its_end(theirs, folder)
    made = folder / "representations/random-wav2vec2-tiny"
    for path in ("stresses.mean+word.centre/0.h5", "stresses.mean+word.centre/1.h5", "word.last/0.h5"):
        (made / path).parent.mkdir(parents=True, exist_ok=True)
        (made / path).touch()

    def run(later=None, **changes):
        if later:
            time = (folder / CONFIGURATION).stat().st_mtime + 10
            os.utime(tmp_path / later, (time, time))
        mine = read_experiment({**theirs, "experiment": "view", "shares": "all", **changes})
        return sharing_of(mine, tmp_path / "results")

    return run


def test_finished_passes_tables_and_heads_are_shared(of_files):
    found = of_files()
    of_pass = dict.fromkeys(["stresses.mean", "word.centre"], "stresses.mean+word.centre")
    assert found.passes == {"random-wav2vec2-tiny": of_pass}  # of word.last a shard is missing
    assert (found.tables, found.tasks) == ({"stresses"}, {"words"})
    assert found.questions == {"phone", "word-centre", "stress"}
    assert found.has_heads("words", "random-wav2vec2-tiny")
    assert not found.has_heads("words", "random-hubert-tiny")


def test_a_table_that_was_changed_since_is_not_shared(of_files):
    found = of_files(later="stresses.csv")
    assert found.passes == {"random-wav2vec2-tiny": {"word.centre": "stresses.mean+word.centre"}}
    assert (found.tables, found.questions) == (frozenset(), {"phone", "word-centre"})


def test_heads_of_a_table_that_was_changed_since_are_not_shared(of_files):
    assert of_files(later="words.csv").tasks == frozenset()


@pytest.mark.parametrize(
    "changed", [{"seed": 2}, {"recipe": "superb"}, {"overrides": {"steps": 9}}, {"layers": ["T0"]}]
)
def test_heads_are_shared_only_where_they_are_trained_alike(of_files, changed):
    assert of_files(probes={"tasks": ["words"], **changed}).tasks == frozenset()
    assert of_files(probes={"tasks": ["words"], "heads_per_job": 1, "cache_gb": 1}).tasks == {"words"}


def test_a_model_that_was_changed_since_is_not_shared(of_files, tmp_path):
    """Its journal says nothing of it: only its files tell."""
    journal = [tmp_path / "results/all" / name for name in (CONFIGURATION, FINISHED)]
    said = yaml.safe_load(journal[0].read_text())
    (tmp_path / "own").mkdir()
    (tmp_path / "own/config.json").write_text(
        json.dumps({"conv_stride": [5, 2, 2, 2, 2, 2, 2], "num_hidden_layers": 3})
    )
    (tmp_path / "own/model.safetensors").touch()
    own = {"own": {"source": str(tmp_path / "own")}}
    said |= {"models": [*said["models"], "own"], "extra_models": own}
    for file in journal:
        file.write_text(yaml.safe_dump(said))  # later than the model
    asked = {"models": said["models"], "extra_models": own}
    assert of_files(**asked).models == {"random-wav2vec2-tiny", "own"}
    assert of_files(later="own/config.json", **asked).models == {"random-wav2vec2-tiny"}


def test_a_changed_list_of_the_corpus_is_refused(tmp_path):
    words = tmp_path / "words.txt"
    words.write_text("the\nof\n")
    theirs = {"experiment": "all", "models": ["random-wav2vec2-tiny"], "corpus": {"word_list": str(words)}}
    run_to_its_end(theirs, tmp_path / "all")
    mine = read_experiment(theirs | {"experiment": "view", "shares": "all"})
    assert "word" in sharing_of(mine, tmp_path).questions
    os.utime(words, (time.time() + 10, time.time() + 10))
    with pytest.raises(ConfigurationError, match=r"words.txt was changed since the last run of all"):
        sharing_of(mine, tmp_path)


def test_a_list_of_words_that_the_other_did_not_read_is_refused(tmp_path):
    """Without a question about words nobody reads it, and the words that were drawn are others."""
    (tmp_path / "words.txt").write_text("the\nof\n")
    theirs = {
        "experiment": "all",
        "models": ["random-wav2vec2-tiny"],
        "properties": ["phone"],
        "corpus": {"word_list": str(tmp_path / "words.txt")},
    }
    run_to_its_end(theirs, tmp_path / "all")
    mine = theirs | {"experiment": "view", "shares": "all"}
    assert sharing_of(read_experiment(mine), tmp_path).questions == {"phone"}
    with pytest.raises(ConfigurationError, match=r"not the frequent ones of .*words\.txt; ask one there"):
        sharing_of(read_experiment(mine | {"properties": ["word"]}), tmp_path)
    asked = read_experiment(theirs | {"properties": ["phone", "word"]})
    write_journal(asked, tmp_path / "all", ["snakemake"])  # and stopped
    with pytest.raises(ConfigurationError, match=r"had another corpus\.word_list and did not make all of it"):
        sharing_of(read_experiment(mine | {"properties": ["word"]}), tmp_path)


def test_words_that_were_not_ranked_are_refused(tmp_path):
    """A corpus whose frequent words are those of other splits, and an experiment that asked for no words of it."""
    theirs = {
        "experiment": "all",
        "corpus": {"name": "librispeech"},
        "models": ["random-wav2vec2-tiny"],
        "properties": ["phone"],
        "samples": {"count": 1},
    }
    run_to_its_end(theirs, tmp_path / "all")
    mine = theirs | {"experiment": "view", "shares": "all"}
    assert sharing_of(read_experiment(mine), tmp_path).questions == {"phone"}
    with pytest.raises(ConfigurationError, match="all has no question about words"):
        sharing_of(read_experiment(mine | {"properties": ["word"]}), tmp_path)
