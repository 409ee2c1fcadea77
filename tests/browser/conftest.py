"""Reports of made-up experiments."""

from __future__ import annotations

import pytest
from headless import skip_without_browser

from made_experiment import Asked, Made, make

FLAGGED, SKIPPED = "kept 20 of 48 dimensions", "abx-within, sample 1: no pair <at all> & nothing more"


def some(property_name: str, model: str, layer: str) -> tuple[str, str]:
    """A question of which one model has no score, and a score that is flagged."""
    if property_name == "abx-within" and model == "random":
        return "skipped", SKIPPED
    return ("flagged", FLAGGED) if (property_name, model, layer) == ("phone", "hubert", "T4") else ("ok", "")


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> Made:
    """Three models of two depths, three questions, a task; something is skipped, something flagged."""
    skip_without_browser()
    asked = Asked({"hubert": 4, "random": 3, "wav2vec2": 4}, {"hubert": "HuBERT"}, status=some)
    return make(asked, tmp_path_factory.mktemp("made"))
