"""Reasons of several scores, as one text."""

from __future__ import annotations

import pytest

from layerwise.tables.files import joined_reasons


@pytest.mark.parametrize(
    ("reasons", "text"),
    [
        (["", "too few rows", "", "too few rows"], "too few rows"),
        (["f0, sample 1: no row", "f0, sample 2: no row", "f0, sample 10: no row"], "f0, samples 1, 2, 10: no row"),
        (["f0, sample 3: no row"], "f0, sample 3: no row"),
        (["f0, sample 1: 3 rows", "f0, sample 2: 4 rows"], "f0, sample 1: 3 rows; f0, sample 2: 4 rows"),
        (["f0, sample 1: no row", "mel, sample 2: no row"], "f0, sample 1: no row; mel, sample 2: no row"),
        (["f0, samples 1, 2: no row", "f0, samples 1, 2: no row"], "f0, samples 1, 2: no row"),
        ([], ""),
    ],
)
def test_a_reason_of_several_samples_stands_there_once(reasons, text):
    assert joined_reasons(reasons) == text
