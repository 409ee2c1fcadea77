"""Results from elsewhere are read exactly, or refused with line and column."""

from __future__ import annotations

import pytest

from layerwise.probes.metrics import METRICS
from layerwise.tables.external import ExternalResultError, Result, read_external

LAYERS = {"hubert": ["C1", "T0", "T1", "T2"], "fetched": None}
HEADER = "task,model,layer,metric,value,low,high"


@pytest.fixture
def read(tmp_path):
    def run(*lines, header=HEADER, names=None):
        path = tmp_path / "external.csv"
        path.write_text("\n".join([header, *lines]) + "\n")
        return read_external(path, LAYERS, names)

    return run


def test_results_are_read_with_and_without_intervals(read):
    assert read("ic,hubert,T1,accuracy,0.9,0.85,0.95", "asr,hubert,weighted,wer,1.2,,") == [
        Result("ic", "hubert", "T1", "accuracy", 0.9, 0.85, 0.95),
        Result("asr", "hubert", "weighted", "wer", 1.2),
    ]
    assert read("accuracy,0.5,T7,fetched,ic,paper", header="metric,value,layer,model,task,where") == [
        Result("ic", "fetched", "T7", "accuracy", 0.5)
    ]
    assert read() == []


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("ic,huber,T1,accuracy,0.9,,", ["column model: found 'huber'", "hubert, fetched"]),
        ("ic,hubert,T3,accuracy,0.9,,", ["column layer: found 'T3'", "T0 to T2"]),
        ("ic,hubert,C1,accuracy,0.9,,", ["column layer: found 'C1'", "T0 to T2"]),
        ("ic,fetched,sum,accuracy,0.9,,", ["column layer: found 'sum'", "weighted"]),
        ("ic,hubert,T1,f1,0.9,,", ["column metric: found 'f1'", "accuracy, per, wer"]),
        ("ic,hubert,T1,accuracy,high,,", ["column value: found 'high'", "a number"]),
        ("ic,hubert,T1,accuracy,,,", ["column value: found ''", "a number"]),
        ("ic,hubert,T1,accuracy", ["has 4 cells, the header 7"]),
        ("ic,hubert,T1,accuracy,0.9,,,a note", ["has 8 cells, the header 7"]),
        ("ic,hubert,T1,accuracy,nan,,", ["column value: found 'nan'", "a number"]),
        ("ic,hubert,T1,accuracy,0_1,,", ["column value: found '0_1'", "a number"]),
        ("ic,hubert,T1,accuracy,٠.٩,,", ["column value: found '٠.٩'", "a number"]),
        (f"ic,hubert,T1,accuracy,0.{'9' * 5000},,", ["column value: found '0.9999", "a number"]),
        ("ic,hubert,T1,accuracy,1e999,,", ["column value: found '1e999'", "a number"]),
        ("ic,fetched,T٣,accuracy,0.9,,", ["column layer: found 'T٣'", "T0, T1, …"]),
        (f"ic,fetched,T{'1' * 5000},accuracy,0.9,,", ["column layer: found 'T1111", "T0, T1, …"]),
        ("ic,hubert,T1,accuracy,92.35,,", ["column value: found '92.35'", "fraction"]),
        ("asr,hubert,T1,wer,6.43,,", ["column value: found '6.43'", "fraction"]),
        ("asr,hubert,T1,wer,-0.1,,", ["column value: found '-0.1'", "fraction"]),
        ("ic,hubert,T1,accuracy,0.9,0.8,", ["column high: found ''", "together"]),
        ("ic,hubert,T1,accuracy,0.9,,1.0", ["column low: found ''", "together"]),
        ("ic,hubert,T1,accuracy,0.9,low,1.0", ["column low: found 'low'", "a number"]),
        ("ic,hubert,T1,accuracy,0.9,0.92,0.95", ["column low: found '0.92'", "low <= value <= high"]),
        ("my task,hubert,T1,accuracy,0.9,,", ["column task: found 'my task'", "a name"]),
        ("ic,hubert,T0,accuracy,0.3,,", ["column task", "stands in line 2 already"]),
    ],
)
def test_a_wrong_cell_is_refused_with_line_and_column(read, tmp_path, line, words):
    with pytest.raises(ExternalResultError) as error:
        read("ic,hubert,T0,accuracy,0.5,,", line)
    for word in (f"{tmp_path}/external.csv, line 3", *words):
        assert word in str(error.value)


def test_models_may_be_called_as_the_configuration_does(read):
    names = {"owner/name": "hubert", "fetched": "fetched"}
    assert read("ic,owner/name,T1,accuracy,0.9,,,", "ic,hubert,T2,accuracy,0.8,,", names=names) == [
        Result("ic", "hubert", "T1", "accuracy", 0.9),
        Result("ic", "hubert", "T2", "accuracy", 0.8),
    ]


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_other_delimiters_are_known_by_the_header(read, delimiter):
    line = "ic,hubert,T1,accuracy,0.9,0.85,0.95,"
    found = read(line.replace(",", delimiter), header=HEADER.replace(",", delimiter))
    assert found == [Result("ic", "hubert", "T1", "accuracy", 0.9, 0.85, 0.95)]


def test_missing_columns_and_files_are_refused(read, tmp_path):
    with pytest.raises(ExternalResultError, match="has no column layer and value; it has task, model, metric"):
        read(header="task,model,metric")
    with pytest.raises(ExternalResultError, match=r"absent\.csv: cannot be read"):
        read_external(tmp_path / "absent.csv", LAYERS)


def test_of_two_values_the_better_one_is_more_performance():
    assert METRICS["accuracy"].performance(0.9) > METRICS["accuracy"].performance(0.8)
    for name in ("per", "wer"):
        assert METRICS[name].performance(0.1) > METRICS[name].performance(0.2)
        assert METRICS[name].performance(METRICS[name].performance(0.3)) == pytest.approx(0.3)
