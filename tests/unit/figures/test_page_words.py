"""How the report writes numbers and commands."""

import shlex

import pandas as pd

from layerwise.figures import page_tables
from layerwise.figures.citing import read_run


def test_the_command_can_be_typed_where_folders_have_odd_names(tmp_path):
    found = read_run(tmp_path / "versions.yaml", "results of mine/ü/configuration.yaml")
    assert shlex.split(found.again)[-1] == "from=results of mine/ü/configuration.yaml"


def test_a_zero_has_no_sign():
    assert page_tables.as_shown(pd.DataFrame({"chance": [-0.0, 0.0, -0.0012]})).rows == [
        ["0.000"],
        ["0.000"],
        ["-0.001"],
    ]
