import pytest

from layerwise.errors import LayerwiseError
from layerwise.files.limits import Limit, LimitError

LIMIT = Limit("LAYERWISE_MAX_THINGS", 10, "things")


def test_the_limit_itself_is_allowed():
    LIMIT.require(10, "x.file", LayerwiseError)


def test_the_error_says_how_to_raise_it(monkeypatch):
    with pytest.raises(LayerwiseError, match=r"x.file has 11 things, .* export LAYERWISE_MAX_THINGS=11"):
        LIMIT.require(11, "x.file", LayerwiseError)
    monkeypatch.setenv("LAYERWISE_MAX_THINGS", "11")
    LIMIT.require(11, "x.file", LayerwiseError)


@pytest.mark.parametrize("given", ["", "many", "-1", "1e9", "٣", "9" * 30])
def test_a_limit_that_is_no_number_is_an_error_by_its_name(monkeypatch, given):
    monkeypatch.setenv("LAYERWISE_MAX_THINGS", given)
    with pytest.raises(LimitError, match="LAYERWISE_MAX_THINGS"):
        LIMIT.require(1, "x.file", LayerwiseError)
