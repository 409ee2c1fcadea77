"""The public names of measures: all are there, and none costs time before it is used."""

from __future__ import annotations

import pytest

import layerwise
from layerwise import measures


@pytest.mark.parametrize("name", sorted(measures._MODULES))
def test_a_public_name_is_there_and_says_what_it_is(name):
    assert name in dir(measures)
    found = getattr(layerwise.measures, name)
    assert found.__name__ == name
    assert found.__doc__


def test_what_is_not_there_is_said_as_python_says_it():
    with pytest.raises(AttributeError, match=r"^module 'layerwise.measures' has no attribute 'mutual'$"):
        measures.mutual  # noqa: B018 (looked up, not used)
