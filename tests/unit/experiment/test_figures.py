"""`figures`: which models and questions an article shows."""

import pytest

from layerwise.experiment.configuration.experiment import read_experiment
from layerwise.experiment.configuration.problems import ConfigurationError

MATRIX = {"rows": "frame", "target": {"model": "random-hubert-tiny", "layer": "all"}}


def experiment(**figures):
    return read_experiment(
        {
            "experiment": "mine",
            "models": ["random-wav2vec2-tiny", "random-hubert-tiny"],
            "properties": ["mel", "phone", "layers-of-hubert"],
            "extra_properties": {"layers-of-hubert": MATRIX},
            "figures": figures,
        }
    )


def refusal(**figures):
    with pytest.raises(ConfigurationError) as caught:
        experiment(**figures)
    (line,) = str(caught.value).split("\n")[1:]
    return line.strip()


def test_all_models_and_questions_with_a_score_for_each_layer_are_shown():
    shown = experiment().in_paper
    assert shown.models == ("random-wav2vec2-tiny", "random-hubert-tiny")
    assert shown.questions == ("mel", "phone")


def test_the_order_is_that_of_figures():
    shown = experiment(models=["random-hubert-tiny", "random-wav2vec2-tiny"], questions=["phone", "mel"]).in_paper
    assert shown.models == ("random-hubert-tiny", "random-wav2vec2-tiny")
    assert shown.questions == ("phone", "mel")


@pytest.mark.parametrize(
    ("figures", "said"),
    [
        (
            {"models": ["random-hubert-tyni"]},
            ["figures.models: 'random-hubert-tyni'", "did you mean random-hubert-tiny"],
        ),
        ({"models": ["hubert-base"]}, ["figures.models: 'hubert-base' is not a model of this experiment"]),
        ({"questions": ["phones"]}, ["figures.questions: 'phones'", "did you mean phone"]),
        ({"questions": ["word"]}, ["figures.questions: 'word' is not one of its questions"]),
        ({"questions": ["layers-of-hubert"]}, ["every layer of another model", "plots/ has its figure"]),
        ({"metric": "pwca"}, ["figures.metric: 'pwca' is not a metric", "did you mean pwcca"]),
        ({"width_cm": 4}, ["figures.width_cm: found 4; must be at least 5"]),
        ({"width_cm": 31}, ["figures.width_cm: found 31; must be at most 30"]),
        ({"width_cm": "wide"}, ['figures.width_cm: found "wide"; must be number']),
        ({"format": "eps"}, ['figures.format: found "eps"', "pdf"]),
        ({"kinds": ["depht"]}, ['figures.kinds.0: found "depht"', "depth"]),
        ({"models": []}, ["figures.models: found []; must have at least 1 item"]),
    ],
)
def test_what_cannot_be_shown_is_refused(figures, said):
    line = refusal(**figures)
    assert all(words in line for words in said), line


def test_no_result_depends_on_it():
    assert experiment(width_cm=17).choices == experiment().choices
