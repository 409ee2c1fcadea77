"""HDF5 files by others: what lies elsewhere, is another kind of data, or is larger than its file."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from layerwise.files.catalogues import read_yaml
from layerwise.files.shipped import ROOT
from layerwise.representations import store
from layerwise.representations.store import RepresentationError, dataset, fact, numbers, reading, strings
from layerwise.representations.writer import writing
from layerwise.scoring.properties import read_properties
from layerwise.scoring.score import score_layers
from layerwise.scoring.settings import ScoreSettings
from tiny_representations import UTTERANCES, write_shards

QUESTIONS = read_properties(read_yaml(ROOT / "resources/properties.yaml"))
LAYER = "1/frame/T1"
ROWS = np.ones((40, 3), np.float16)
SETTINGS = ScoreSettings(4, 1, "row", standardise=True, epsilons=[[1e-4, 1e-4]], seed=1)


def shard(path: Path, rows: np.ndarray = ROWS, number: int = 0) -> Path:
    with writing(path, "float16", {"shard": number}) as writer:
        writer.append(LAYER, rows, {"grid": ""})
        writer.append("1/phone/label", np.array(["AA", "B"]))
        writer.append("1/phone/row", np.array([0, 1]))
    return path


def replaced_by(make: Callable[[h5py.File, Path], object]) -> Callable[[Path], Path]:
    """A file whose layer is something else."""

    def write(folder: Path) -> Path:
        path = shard(folder / "0.h5")
        with h5py.File(path, "a") as file:
            del file[LAYER]
            make(file, folder)
        return path

    return write


def of_data(data: object = None, **options) -> Callable[[Path], Path]:
    return replaced_by(lambda file, folder: file.create_dataset(LAYER, data=data, **options))


def external_link(file: h5py.File, folder: Path) -> None:
    shard(folder / "secret.h5")
    file[LAYER] = h5py.ExternalLink(str(folder / "secret.h5"), LAYER)


def folder_of_links(file: h5py.File, folder: Path) -> None:
    shard(folder / "secret.h5")
    del file["1/frame"]
    file["1/frame"] = h5py.ExternalLink(str(folder / "secret.h5"), "1/frame")


def soft_link(file: h5py.File, folder: Path) -> None:
    file["elsewhere"] = ROWS
    file[LAYER] = h5py.SoftLink("/elsewhere")


def round_trip(file: h5py.File, folder: Path) -> None:
    file[LAYER] = h5py.SoftLink(f"/{LAYER}")


def external_storage(file: h5py.File, folder: Path) -> None:
    (folder / "secret").write_bytes(bytes(240))
    file.create_dataset(LAYER, (40, 3), "f2", external=[(str(folder / "secret"), 0, 240)])


def virtual(file: h5py.File, folder: Path) -> None:
    shard(folder / "secret.h5")
    layout = h5py.VirtualLayout((40, 3), "f2")
    layout[:] = h5py.VirtualSource(str(folder / "secret.h5"), LAYER, (40, 3), "f2")
    file.create_virtual_dataset(LAYER, layout)


def unknown_filter(file: h5py.File, folder: Path) -> None:
    """HDF5 looks for a plugin, and runs what it finds."""
    plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plan.set_chunk((40, 3))
    plan.set_filter(32999, h5py.h5z.FLAG_OPTIONAL)
    h5py.h5d.create(
        file["1/frame"].id, b"T1", h5py.h5t.py_create(np.dtype("f2")), h5py.h5s.create_simple((40, 3)), plan
    )


HOSTILE = {
    "an external link": (replaced_by(external_link), "/1/frame/T1 is a link to elsewhere, at /1/frame/T1"),
    "an external link on the way": (replaced_by(folder_of_links), "/1/frame/T1 is a link to elsewhere, at /1/frame"),
    "a soft link": (replaced_by(soft_link), "/1/frame/T1 is a link to elsewhere, at /1/frame/T1"),
    "a link to itself": (replaced_by(round_trip), "/1/frame/T1 is a link to elsewhere, at /1/frame/T1"),
    "external storage": (replaced_by(external_storage), "/1/frame/T1 lies in other files"),
    "a virtual dataset": (replaced_by(virtual), "/1/frame/T1 lies in other files"),
    "an unknown filter": (replaced_by(unknown_filter), r"/1/frame/T1 is stored with the filters \[32999\]"),
    "a bomb of zeros": (of_data(np.zeros((100_000, 3), "f2"), compression="gzip"), r"is stored with the filters \[1\]"),
    "exabytes that nobody wrote": (of_data(shape=(1 << 50, 1024), dtype="f2", chunks=(64, 1024)), "too few bytes"),
    "some bytes that nobody wrote": (of_data(shape=(4096, 3), dtype="f2", chunks=(64, 3)), "too few bytes"),
    "a chunk larger than the file": (of_data(ROWS, chunks=(1 << 20, 3), maxshape=(None, 3)), None),
    "a group": (replaced_by(lambda file, folder: file.create_group(LAYER)), "/1/frame/T1 is no dataset"),
    "a type": (replaced_by(lambda file, folder: file.__setitem__(LAYER, np.dtype("f2"))), "/1/frame/T1 is no dataset"),
    "nothing": (of_data(h5py.Empty("f2")), "has the shape None"),
    "a number": (of_data(np.float16(1)), r"has the shape \(\)"),
    "a list": (of_data(np.ones(40, "f2")), "a matrix of floats is expected"),
    "a cube": (of_data(np.ones((4, 3, 3), "f2")), r"has the shape \(4, 3, 3\)"),
    "no width": (of_data(np.ones((40, 0), "f2")), "a matrix of floats is expected"),
    "whole numbers": (of_data(np.ones((40, 3), "i4")), "a matrix of floats is expected"),
    "quadruple floats": (of_data(np.ones((40, 3), np.longdouble)), "is of type float128"),
    "complex numbers": (of_data(np.ones((40, 3), "c8")), "is of type complex64"),
    "a table": (of_data(np.ones((40, 3), [("a", "f2"), ("b", "f2")])), "is of type"),
    "texts of any length": (of_data([["a"] * 3] * 40, dtype=h5py.string_dtype()), "is of type object"),
    "references": (
        replaced_by(lambda file, folder: file.create_dataset(LAYER, data=np.array([[file.ref]], h5py.ref_dtype))),
        "is of type object",
    ),
    "rounded to nonsense": (
        replaced_by(
            lambda file, folder: file.create_dataset(LAYER, data=ROWS).attrs.__setitem__("rounded", np.bytes_("O"))
        ),
        "was rounded to 'O'; one of float16, float32, float64 is expected",
    ),
}


@pytest.mark.parametrize(("make", "message"), HOSTILE.values(), ids=HOSTILE)
def test_a_layer_that_is_not_as_it_is_written_is_refused_by_file_and_name(tmp_path, make, message):
    path = make(tmp_path)
    if message is None:  # its chunk was written, so the file is as large
        with reading([path]) as files:
            np.testing.assert_array_equal(store.rows(files, LAYER)[0:40], ROWS)
        return
    with pytest.raises(RepresentationError, match=message) as error, reading([path]) as files:
        store.rows(files, LAYER)
    assert str(path) in str(error.value)
    assert "delete it and extract again" in str(error.value)


def test_widths_of_shards_are_the_same(tmp_path):
    paths = [shard(tmp_path / "a.h5"), shard(tmp_path / "b.h5", np.ones((40, 4), np.float16), 1)]
    with (
        pytest.raises(RepresentationError, match=r"b\.h5: /1/frame/T1 is of .*\(40, 4\).* 3 wide, as in .*a\.h5"),
        reading(paths) as files,
    ):
        store.rows(files, LAYER)


def test_lists_are_lists_of_their_kind(tmp_path):
    with reading([shard(tmp_path / "0.h5")]) as (file,):
        with pytest.raises(RepresentationError, match=r"/1/phone/label is of type .*whole numbers is expected"):
            numbers(dataset(file, "1/phone/label"))
        with pytest.raises(RepresentationError, match=r"/1/frame/T1 is of type .*whole numbers is expected"):
            numbers(dataset(file, LAYER))
        with pytest.raises(RepresentationError, match=r"/1/phone/row is of type .*texts is expected"):
            strings(dataset(file, "1/phone/row"))


@pytest.mark.parametrize("complete", ["yes", 1, np.array([True, True]), 2.5, h5py.Empty("f4")])
def test_complete_is_a_mark_and_nothing_else(tmp_path, complete):
    path = shard(tmp_path / "0.h5")
    with h5py.File(path, "a") as file:
        file.attrs["complete"] = complete
    with pytest.raises(RepresentationError, match=r"0\.h5"), reading([path]):
        pass


@pytest.mark.parametrize("number", [-1, np.nan, "0", np.array([0]), 2.0, None])
def test_the_number_of_a_shard_is_a_number(tmp_path, number):
    path = shard(tmp_path / "0.h5")
    with h5py.File(path, "a") as file:
        del file.attrs["shard"]
        if number is not None:
            file.attrs["shard"] = number
    with pytest.raises(RepresentationError, match=r"0\.h5.*shard"), reading([path]):
        pass


def test_two_files_of_one_shard_are_refused(tmp_path):
    with (
        pytest.raises(RepresentationError, match=r"b\.h5 and .*a\.h5 are both shard 0"),
        reading([shard(tmp_path / "a.h5"), shard(tmp_path / "b.h5")]),
    ):
        pass


@pytest.mark.parametrize(
    "value", [np.zeros(1000), h5py.Empty("f4"), np.zeros(1, [("a", "f4")])[0], "any", np.bytes_("a" * 999)]
)
def test_a_fact_is_a_number_or_a_text(tmp_path, value):
    path = shard(tmp_path / "0.h5")
    with h5py.File(path, "a") as file:
        file.attrs["model"] = value
    with reading([path]) as (file,):
        if isinstance(value, bytes):
            assert fact(file, "model") == value.decode()
            return
        with pytest.raises(RepresentationError, match=r"0\.h5: the attribute model of / is no number or text"):
            fact(file, "model")
        with pytest.raises(RepresentationError, match=r"0\.h5: / has no attribute seed"):
            fact(file, "seed")


def test_a_named_pipe_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "0.h5")
    with (
        pytest.raises(RepresentationError, match=r"0\.h5 cannot be read as HDF5: it is a pipe"),
        reading([tmp_path / "0.h5"]),
    ):
        pass


# Parts of one file that do not belong together


def changed(name: str, new: np.ndarray) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        with h5py.File(path, "a") as file:
            del file[name]
            file[name] = new

    return change


TORN = {
    "offsets that fall": ("mel", changed("1/frame/offsets", np.array([0, 50, 20])), "has no borders of utterances"),
    "offsets that do not begin": ("mel", changed("1/frame/offsets", np.array([5, 50])), "has no borders of utterances"),
    "no offsets": ("mel", changed("1/frame/offsets", np.array([], np.int64)), "has no borders of utterances"),
    "offsets without end": ("mel", changed("1/frame/offsets", np.array([0, 2**62])), "has no borders of utterances"),
    "too few offsets": ("mel", changed("1/frame/offsets", np.array([0, 50])), "24 speakers where 1 are expected"),
    "too few ids": ("mel", changed("1/frame/utterance_id", np.array([b"a"])), "1 utterances where 24 are expected"),
    "offsets of other frames": ("mel", changed("1/frame/offsets", np.arange(25)), "24 frames where .* are expected"),
    "too few speakers": ("mel", changed("1/frame/speaker_id", np.array([b"a"])), "1 speakers where 24 are expected"),
    "too few speakers of phones": ("phone", changed("1/phone/speaker_id", np.array([b"a"])), "1 speakers where 720"),
    "a shorter target": ("mel", changed("1/target/mel", np.ones((9, 5), "f2")), "9 rows of the target where"),
    "too few labels": ("phone", changed("1/phone/label", np.array([b"AA"])), "1 .* where 720 are expected"),
    "too few utterances": ("phone", changed("1/phone/utterance_id", np.array([b"a"])), "1 utterances where 720"),
    "too few places": ("phone", changed("1/phone/row", np.array([3])), "1 places where 720 are expected"),
}


@pytest.mark.parametrize(("property_name", "change", "message"), TORN.values(), ids=TORN)
def test_parts_of_a_file_that_do_not_belong_together_are_refused(tmp_path, property_name, change, message):
    (path,) = write_shards(tmp_path / "tiny")
    assert len(UTTERANCES) == 24
    change(path)
    with pytest.raises(RepresentationError, match=message) as error:
        score_layers([path], QUESTIONS[property_name], "tiny", 1, ["T1"], SETTINGS, tmp_path / "out.json")
    assert str(path) in str(error.value)


def test_types_of_labels_are_bounded(tmp_path, monkeypatch):
    (path,) = write_shards(tmp_path / "tiny")
    monkeypatch.setenv("LAYERWISE_MAX_LABEL_CELLS", "3599")
    with pytest.raises(RepresentationError, match=r"label has 3600 rows times types.*LAYERWISE_MAX_LABEL_CELLS=3600"):
        score_layers([path], QUESTIONS["phone"], "tiny", 1, ["T1"], SETTINGS, tmp_path / "out.json")


@pytest.mark.parametrize("size", [512, 1024, 2048])
@pytest.mark.parametrize("libver", ["earliest", "v110"])
def test_hdf5_that_begins_further_on_is_refused(tmp_path, size, libver):
    with h5py.File(tmp_path / "0.h5", "w", userblock_size=size, libver=libver) as file:
        file.attrs["complete"] = True
        file.attrs["shard"] = 0
    with (
        pytest.raises(
            RepresentationError, match=r"0\.h5 cannot be read as HDF5: it begins with b'\\x00.*, and HDF5 with"
        ),
        reading([tmp_path / "0.h5"]),
    ):
        pass


def test_the_older_format_without_checksums_is_refused(tmp_path):
    with h5py.File(tmp_path / "0.h5", "w") as file:
        file.attrs["complete"] = True
        file.attrs["shard"] = 0
    with (
        pytest.raises(RepresentationError, match=r"0\.h5 cannot be read as HDF5: it is of an older format"),
        reading([tmp_path / "0.h5"]),
    ):
        pass
