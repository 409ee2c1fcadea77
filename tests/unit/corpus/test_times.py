"""Times that people write in milliseconds compare as those do, wherever they are and whatever was computed of them."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerwise.corpus.times import comparable, steps

MILLISECONDS = st.integers(0, 36_000_000)  # ten hours


@given(start=MILLISECONDS, length=MILLISECONDS)
def test_sums_and_differences_of_milliseconds_are_milliseconds(start, length):
    end = (start + length) / 1000
    assert comparable(end - start / 1000) == length / 1000
    assert comparable(start / 1000 + length / 1000) == end
    assert comparable(length * 0.001) == length / 1000


@given(st.lists(MILLISECONDS, min_size=2, max_size=20))
def test_arrays_and_columns_are_compared_as_numbers_are(milliseconds):
    seconds = np.array(milliseconds) / 1000
    expected = [comparable(float(after - before)) for before, after in pairwise(seconds)]
    assert comparable(np.diff(seconds)).tolist() == expected
    assert comparable(pd.Series(np.diff(seconds))).tolist() == expected


def test_what_is_no_time_stays_so():
    assert np.isnan(comparable(math.nan))
    assert comparable(math.inf) == math.inf


@given(time=MILLISECONDS, step=st.sampled_from([1, 10, 12, 20, 30, 40]))
def test_whole_steps_are_whole(time, step):
    found, exact = steps(time / 1000, step / 1000), Fraction(time, step)
    assert (math.floor(found), math.ceil(found)) == (math.floor(exact), math.ceil(exact))
    assert found == pytest.approx(float(exact), abs=1e-6)
