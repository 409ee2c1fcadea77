import json

import pytest

from layerwise.figures.chart_pool import pooled
from layerwise.figures.rendering import write_charts

ABOUT = {
    "figure": "depth",
    "of": "property",
    "subject": "phone",
    "alt": "{} over depth",
    "caption": "",
    "view": "trends",
}
ROWS = [{"model": "a", "layer": "T1", "mean": 0.25}, {"model": "b", "layer": "T1", "mean": None}]


def spec_of(name, rows):
    return {"mark": "point", "data": {"name": name}, "datasets": {name: rows}}


@pytest.fixture
def paths(tmp_path):
    higher = [row | {"mean": 0.5} for row in ROWS]
    write_charts({"r2": spec_of("one", ROWS), "cka": spec_of("two", higher)}, ABOUT | {"axis": "depth"}, tmp_path / "1")
    write_charts({"r2": spec_of("one", ROWS)}, ABOUT | {"axis": "layer", "subject": "<x>"}, tmp_path / "2")
    return [tmp_path / "1", tmp_path / "2"]


def rows_of(pool, name):
    names = pool.data[name]
    return [
        dict(zip(names, row, strict=True)) for row in zip(*(pool.columns[each] for each in names.values()), strict=True)
    ]


def test_rows_are_as_their_charts_have_them(paths):
    pool = pooled(paths, {})
    assert rows_of(pool, "one") == ROWS
    assert rows_of(pool, "two") == [row | {"mean": 0.5} for row in ROWS]


def test_what_charts_have_in_common_stands_there_once(paths):
    pool = pooled(paths, {})
    assert pool.columns == [["a", "b"], ["T1", "T1"], [0.25, None], [0.5, 0.5]]
    assert json.dumps([chart["charts"] for chart in pool.charts]).count("datasets") == 0


def test_numbers_of_another_kind_are_another_column(tmp_path):
    for number, value in enumerate((1, 1.0, True, "1")):
        write_charts({"": spec_of(str(number), [{"x": value}])}, ABOUT | {"axis": ""}, tmp_path / str(number))
    pool = pooled([tmp_path / str(number) for number in range(4)], {})
    assert [rows_of(pool, str(number))[0]["x"] for number in range(4)] == [1, 1.0, True, "1"]
    assert len(pool.columns) == 4


def test_a_row_without_a_cell_has_an_empty_one(tmp_path):
    write_charts({"": spec_of("one", [{"x": 1}, {"y": 2}])}, ABOUT | {"axis": ""}, tmp_path / "1")
    assert rows_of(pooled([tmp_path / "1"], {}), "one") == [{"x": 1, "y": None}, {"x": None, "y": 2}]


def test_charts_are_called_as_their_subject_is(paths):
    pool = pooled(paths, {"phone": "CCA-phone"})
    assert [chart["title"] for chart in pool.charts] == ["CCA-phone", "<x>"]
    assert [chart["alt"] for chart in pool.charts] == ["CCA-phone over depth", "<x> over depth"]
    assert [chart["axis"] for chart in pool.charts] == ["depth", "layer"]
