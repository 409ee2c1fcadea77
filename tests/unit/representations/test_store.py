import fcntl
import os
import signal
import subprocess
import sys
from contextlib import ExitStack

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from layerwise.files.atomic import END
from layerwise.representations import store
from layerwise.representations.store import RepresentationError, dataset, fact, reading, strings
from layerwise.representations.writer import writing
from layerwise.scoring.measures.passes import fold_moments
from synthetic_views import CHECKOUT

LAYER = "1/frame/T1"


def write(path, matrices, dtype="float16", shard=0, attributes=None):
    """A file with one dataset at LAYER, appended matrix by matrix."""
    with writing(path, dtype, {"shard": shard, **(attributes or {})}) as writer:
        for rows in matrices:
            writer.append(LAYER, rows, {"definition": "output of block 1"})
    return path


def matrices(count=6, rows=50, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(rows, 4)).astype(np.float32) for _ in range(count)]


@pytest.fixture(params=[2**20, 1000, 1])
def flush_bytes(request, monkeypatch):
    monkeypatch.setattr("layerwise.representations.writer.FLUSH_BYTES", request.param)


# --- round trips --------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("flush_bytes")
@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_what_is_written_is_read(tmp_path, dtype):
    parts = matrices()
    path = tmp_path / "new" / "0.h5"
    with writing(path, dtype, {"shard": 0, "model": "m"}) as writer:
        for number, rows in enumerate(parts):
            writer.append(LAYER, rows, {"definition": "output of block 1", "grid": ""})
            writer.append("1/phone/label", np.array([f"ɑ{number}", "S"]))
            writer.append("1/phone/row", np.array([2 * number, 70_000_000_000]))
            writer.append("1/phone/start", np.array([0.1 * number, 1 / 3]))
    with reading([path]) as (file,):
        assert file.attrs["complete"]
        assert fact(file, "model") == "m"
        layer = dataset(file, LAYER)
        assert {name: fact(layer, name) for name in layer.attrs} == {"definition": "output of block 1", "grid": ""}
        assert layer.dtype == dtype
        np.testing.assert_array_equal(layer[:], np.concatenate(parts).astype(dtype))
        expected = [text for number in range(6) for text in (f"ɑ{number}", "S")]
        assert strings(file["1/phone/label"]).tolist() == expected
        assert file["1/phone/row"][:].tolist() == [row for n in range(6) for row in (2 * n, 70_000_000_000)]
        assert file["1/phone/row"].dtype == np.int64
        np.testing.assert_array_equal(file["1/phone/start"][:], [t for n in range(6) for t in (0.1 * n, 1 / 3)])
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.usefixtures("flush_bytes")
def test_offsets_are_the_borders_of_utterances(tmp_path):
    with writing(tmp_path / "0.h5", "float32", {"shard": 0}) as writer:
        for rows in (3, 0, 5):
            writer.append(LAYER, np.ones((rows, 2), np.float32))
            writer.extend_borders("1/frame/offsets", [rows])
            writer.extend_borders("1/frame/offsets_10ms", [2 * rows])
    with reading([tmp_path / "0.h5"]) as (file,):
        assert file["1/frame/offsets"][:].tolist() == [0, 3, 3, 8]
        assert file["1/frame/offsets_10ms"][:].tolist() == [0, 6, 6, 16]
        assert file[LAYER].shape == (8, 2)


@pytest.mark.usefixtures("flush_bytes")
@pytest.mark.parametrize("sizes", [(0,), (0, 0), (0, 3), (3, 0), (2, 0, 4, 0)])
def test_no_rows_may_be_appended_at_any_time(tmp_path, sizes):
    with writing(tmp_path / "0.h5", "float16", {"shard": 0}) as writer:
        for rows in sizes:
            writer.append(LAYER, np.ones((rows, 7), np.float32))
            writer.append("1/phone/label", np.full(rows, "AH"))
            writer.append("1/phone/row", np.arange(rows))
    with reading([tmp_path / "0.h5"]) as (file,):
        assert file[LAYER].shape == (sum(sizes), 7)
        assert file[LAYER].dtype == np.float16
        assert strings(file["1/phone/label"]).tolist() == sum(sizes) * ["AH"]
        assert file["1/phone/row"].shape == (sum(sizes),)


# --- float16 ------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("flush_bytes")
@pytest.mark.parametrize("where", [0, 3, 5])
@pytest.mark.parametrize("large", [70_000.0, -1e30])
def test_a_layer_that_outgrows_float16_is_float32_from_its_first_row(tmp_path, where, large):
    """Also where earlier rows are on disk already; rows that are rounded by then stay so, and later ones are exact."""
    parts = matrices()
    parts[where][7, 2] = large
    with writing(tmp_path / "0.h5", "float16", {"shard": 0}) as writer:
        for rows in parts:
            writer.append(LAYER, rows, {"definition": "output of block 1"})
            writer.append("1/frame/T2", np.ones_like(rows))
    with reading([tmp_path / "0.h5"]) as (file,):
        stored = file[LAYER][:]
        assert file[LAYER].dtype == np.float32
        assert fact(file[LAYER], "definition") == "output of block 1"
        assert file["1/frame/T2"].dtype == np.float16  # the others are as they were asked for
        assert stored[50 * where + 7, 2] == np.float32(large)
        np.testing.assert_allclose(stored, np.concatenate(parts), rtol=2**-11)
        np.testing.assert_array_equal(stored[50 * where :], np.concatenate(parts[where:]))


def test_the_largest_float16_still_fits(tmp_path):
    rows = np.full((3, 2), np.finfo(np.float16).max, np.float32)
    with reading([write(tmp_path / "0.h5", [rows])]) as (file,):
        assert file[LAYER].dtype == np.float16
        np.testing.assert_array_equal(file[LAYER][:], rows)


# --- files that are not whole -------------------------------------------------------------------------------------


def fail_halfway(path):
    with writing(path, "float16", {"shard": 0}) as writer:
        writer.append(LAYER, np.ones((3, 2), np.float32))
        raise RuntimeError("halfway")


def test_an_error_leaves_no_file(tmp_path):
    with pytest.raises(RuntimeError, match="halfway"):
        fail_halfway(tmp_path / "0.h5")
    assert list(tmp_path.iterdir()) == []


def test_a_killed_writer_leaves_no_file_of_that_name(tmp_path):
    path = tmp_path / "0.h5"
    program = f"""
import sys, time
import numpy as np
from layerwise.representations import writer
writer.FLUSH_BYTES = 1
with writer.writing({str(path)!r}, "float16", {{"shard": 0}}) as writer:
    writer.append("{LAYER}", np.ones((1000, 8), np.float32))
    print("written", flush=True)
    time.sleep(60)
"""
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT / "workflow")}
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout.readline() == b"written\n"
        process.send_signal(signal.SIGKILL)
        assert process.wait(20) == -signal.SIGKILL
    assert not path.exists()
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".")
    write(path, matrices())  # what it left is in nobody's way
    with reading([path]) as (file,):
        assert file[LAYER].shape == (300, 4)


def test_a_file_that_was_not_completed_is_refused(tmp_path):
    path = write(tmp_path / "0.h5", matrices())
    with h5py.File(path, "a") as file:
        del file.attrs["complete"]
    with (
        pytest.raises(RepresentationError, match=r"0\.h5 was not completed: delete it and extract again"),
        reading([path]),
    ):
        pass


def test_complete_is_written_last(tmp_path, monkeypatch):
    """A writer that dies while it closes has not called its file complete."""
    seen = {}

    def look(file):
        seen.update(there=LAYER in file, attributes=set(file.attrs))

    monkeypatch.setattr(h5py.File, "flush", look)
    write(tmp_path / "0.h5", matrices(), attributes={"model": "m"})
    assert seen == {"there": True, "attributes": {"shard", "model"}}


@pytest.mark.parametrize("content", [b"", b"not HDF5 at all" * 100, None])
def test_what_is_no_hdf5_file_is_refused_by_name(tmp_path, content):
    path = tmp_path / "0.h5"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RepresentationError, match=r"0\.h5 cannot be read as HDF5"), reading([path]):
        pass


# --- damaged files ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A file of several chunks of everything that files hold, its bytes, and what is read of it."""
    path = tmp_path_factory.mktemp("small") / "0.h5"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("layerwise.representations.writer.FLUSH_BYTES", 300)
        patch.setattr("layerwise.representations.writer.CHUNK_BYTES", 512)
        with writing(path, "float16", {"shard": 0, "model": "m"}) as writer:
            for number, rows in enumerate(matrices(rows=20)):
                writer.append(LAYER, rows, {"grid": ""})
                writer.append("1/frame/T2", 1e5 * rows, {"grid": ""})
                writer.extend_borders("1/frame/offsets", [20])
                writer.append("1/phone/label", np.array([f"ɑ{number}", "S"]))
                writer.append("1/phone/row", np.array([number, 7]))
    return path, path.read_bytes(), everything(path)


def everything(path):
    with reading([path]) as files:
        return (
            [fact(dataset(files[0], LAYER), "grid"), fact(files[0], "model")],
            [store.rows(files, f"1/frame/{layer}")[:].tobytes() for layer in ("T1", "T2")],
            [store.joined(files, name).tolist() for name in ("1/frame/offsets", "1/phone/row")],
            store.joined_strings(files, "1/phone/label").tolist(),
        )


def is_read_as_it_was_or_refused_by_name(small, data):
    path, _, held = small
    path.write_bytes(data)
    try:
        assert everything(path) == held
        return True
    except RepresentationError as error:
        message = str(error)
    assert str(path) in message
    return False


def test_the_small_file_is_read(small):
    assert is_read_as_it_was_or_refused_by_name(small, small[1])


@given(data=st.data())
@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_changed_bytes_change_nothing_or_are_refused(small, data):
    damaged = bytearray(small[1])
    for _ in range(data.draw(st.integers(1, 3))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.sampled_from([0, 1, 0x80, 0xFF]))
    is_read_as_it_was_or_refused_by_name(small, bytes(damaged))


@pytest.mark.parametrize("part", range(0, 90, 10))
def test_a_block_of_zeros_is_refused(small, part):
    """As a file system may leave it that was full, or lost its power."""
    start = len(small[1]) * part // 100
    damaged = small[1][:start] + bytes(512) + small[1][start + 512 :]
    assert not is_read_as_it_was_or_refused_by_name(small, damaged)


@given(share=st.floats(0, 0.999))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_shorter_file_is_refused(small, share):
    data = small[1].removesuffix(END)
    assert not is_read_as_it_was_or_refused_by_name(small, data[: int(share * len(data))])


@given(data=st.binary(max_size=200), head=st.integers(0, 60))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_refused(small, data, head):
    """Also behind a beginning that is right."""
    assert not is_read_as_it_was_or_refused_by_name(small, small[1][:head] + data)


def test_a_score_of_damaged_rows_is_no_score(small):
    """Rows are read in blocks while moments are summed; the error comes from there."""
    path, whole, _ = small
    path.write_bytes(whole)
    with reading([path]) as files:
        view = store.rows(files, LAYER)
        path.write_bytes(whole.replace(view[:20].astype("f2").tobytes()[:64], bytes(64)))
    with reading([path]) as files, pytest.raises(RepresentationError, match=r"0\.h5 cannot be read.*extract again"):
        fold_moments(store.rows(files, LAYER), store.rows(files, LAYER), np.arange(120) % 5)


# --- reading ------------------------------------------------------------------------------------------------------


def test_shards_come_in_their_order(tmp_path):
    paths = [write(tmp_path / f"{name}.h5", matrices(), shard=shard) for name, shard in (("a", 2), ("b", 10), ("c", 0))]
    with reading(paths) as files:
        assert [int(file.attrs["shard"]) for file in files] == [0, 2, 10]


def test_files_are_closed_after_reading(tmp_path):
    with reading([write(tmp_path / "0.h5", matrices())]) as (file,):
        assert file
    assert not file


def test_a_missing_dataset_is_refused_with_what_lies_beside_it(tmp_path):
    with writing(tmp_path / "0.h5", "float16", {"shard": 0}) as writer:
        for layer in ("T0", "T1"):
            writer.append(f"1/frame/{layer}", np.ones((3, 2), np.float32))
    with reading([tmp_path / "0.h5"]) as (file,):
        with pytest.raises(RepresentationError, match=r"0\.h5 has no /1/frame/T9; in /1/frame there is T0, T1"):
            dataset(file, "1/frame/T9")
        with pytest.raises(RepresentationError, match="has no /1/word/T0; in /1/word there is nothing"):
            dataset(file, "1/word/T0")
        assert dataset(file, "1/frame/T1").shape == (3, 2)


def test_what_was_rounded_before_a_layer_outgrew_float16_is_marked(tmp_path, monkeypatch):
    """The rounding of the first rows stays, and decides which directions are noise."""
    monkeypatch.setattr("layerwise.representations.writer.FLUSH_BYTES", 1)
    rows = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    with writing(tmp_path / "0.h5", "float16", {"shard": 0}) as writer:
        writer.append(LAYER, rows)
        writer.append(LAYER, 1e6 * rows)
    with reading([tmp_path / "0.h5"]) as (file,):
        assert file[LAYER].dtype == np.float32
        assert fact(file[LAYER], "rounded") == "float16"
        moments = fold_moments(file[LAYER], file[LAYER], np.arange(100) % 5)
    assert moments.rounding.x == moments.rounding.y == 2.0**-11


def test_rows_that_were_not_drawn_hold_no_memory(tmp_path):
    """An empty slice of an utterance's frames is a view that would keep all of them."""
    frames = np.ones((1000, 8), np.float32)
    with writing(tmp_path / "0.h5", "float32", {"shard": 0}) as writer:
        before = sys.getrefcount(frames)
        writer.append(LAYER, frames[:0])
        assert sys.getrefcount(frames) == before


# --- shards as one view -------------------------------------------------------------------------------------------


@pytest.fixture
def shards(tmp_path):
    """Datasets of 5, 0, 7 and 3 rows that hold 0…14, in one file each."""
    with ExitStack() as stack:
        files = []
        for number, numbers in enumerate(np.split(np.arange(15), [5, 5, 12])):
            files.append(stack.enter_context(h5py.File(tmp_path / f"{number}.h5", "w")))
            files[-1]["1/frame/T0"] = np.column_stack([numbers, -numbers]).astype(np.float16)
            files[-1]["1/frame/offsets"] = numbers
            files[-1]["1/frame/utterance_id"] = numbers.astype("S2")
        yield files


@given(start=st.integers(0, 16), stop=st.integers(0, 20))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rows_of_shards_are_read_as_one(shards, start, stop):
    whole = np.column_stack([np.arange(15), -np.arange(15)]).astype(np.float16)
    rows = store.rows(shards, "1/frame/T0")
    assert (rows.shape, rows.dtype, rows.attrs["rounded"]) == ((15, 2), np.float16, np.float16)
    np.testing.assert_array_equal(rows[start:stop], whole[start:stop])
    assert rows[start:stop].dtype == np.float16


@given(places=st.lists(st.integers(0, 14), max_size=40), start=st.integers(0, 16), stop=st.integers(0, 50))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rows_in_other_places_are_those_that_an_array_gives(shards, places, start, stop):
    whole = np.column_stack([np.arange(15), -np.arange(15)]).astype(np.float16)
    places = np.array(places, np.int64)
    view = store.Rearranged(store.rows(shards, "1/frame/T0"), places)
    assert (view.shape, view.dtype, view.attrs["rounded"]) == ((len(places), 2), np.float16, np.float16)
    np.testing.assert_array_equal(view[start:stop], whole[places][start:stop])
    assert view[start:stop].dtype == np.float16


def test_rows_far_apart_are_not_read_with_all_between():
    """Ten recordings, of which each tenth row is wanted of every second one: little more is in memory at a time."""

    class Counted:
        shape, dtype, attrs = (1000, 1), np.dtype("f4"), {}

        def __init__(self):
            self.read = []

        def __getitem__(self, rows):
            self.read.append(rows.stop - rows.start)
            return np.arange(rows.start, rows.stop, dtype="f4")[:, None]

    view = Counted()
    places = np.concatenate([np.arange(100 * n, 100 * n + 100, step) for n, step in ((0, 1), (9, 2), (4, 8), (2, 50))])
    np.testing.assert_array_equal(store.Rearranged(view, places)[:][:, 0], places)
    assert view.read == [100, 99, 97, 1, 1]


def test_a_shard_that_outgrew_float16_makes_the_view_float32(shards):
    grown = shards[2]["1/frame/T0"][:].astype(np.float32) * 1e6
    del shards[2]["1/frame/T0"]
    shards[2]["1/frame/T0"] = grown
    rows = store.rows(shards, "1/frame/T0")
    assert (rows.dtype, rows.attrs["rounded"]) == (np.float32, np.float16)
    assert rows[0:3].dtype == rows[0:15].dtype == np.float32
    np.testing.assert_array_equal(rows[4:6], [[4, -4], [5e6, -5e6]])


def test_numbers_and_text_of_shards_are_joined_in_order(shards):
    np.testing.assert_array_equal(store.joined(shards, "1/frame/offsets"), np.arange(15))
    assert store.joined_strings(shards, "1/frame/utterance_id").tolist() == [str(n) for n in range(15)]


def test_a_shard_without_the_matrix_is_refused_by_name(shards):
    del shards[3]["1/frame/T0"]
    with pytest.raises(RepresentationError, match=r"3\.h5 has no /1/frame/T0"):
        store.rows(shards, "1/frame/T0")


def test_locks_are_neither_asked_for_nor_minded(tmp_path):
    """Some network file systems have none, and HDF5 would refuse to open a file there."""
    path = write(tmp_path / "0.h5", matrices())
    with path.open("rb") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        with pytest.raises(BlockingIOError):
            h5py.File(path)
        with reading([path]) as (file,):
            assert file.attrs["complete"]
    (tmp_path / ".1.tmp.h5").touch()
    with (tmp_path / ".1.tmp.h5").open("rb") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        write(tmp_path / "1.h5", matrices())


def test_facts_are_in_any_letters(tmp_path):
    """As the path of a checkpoint may be."""
    path = tmp_path / "0.h5"
    with writing(path, "float32", {"source": "/home/jörg/модель", "name": "\udcff"}) as writer:
        writer.append("1/frame/T0", np.ones((3, 4), np.float32), {"definition": "Mittelwert über alles"})
    with h5py.File(path) as file:
        assert fact(file, "source") == "/home/jörg/модель"
        assert fact(file, "name") == "\\udcff"
        assert fact(file["1/frame/T0"], "definition") == "Mittelwert über alles"
