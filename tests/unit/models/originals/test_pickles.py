"""Pickled files read as data: what they hold is what was written, and what they want to run is refused."""

from __future__ import annotations

import argparse
import builtins
import collections
import contextlib
import datetime
import io
import os
import pathlib
import pickle
import re
import struct
import subprocess
import sys
import typing
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from layerwise.models.originals import pickles
from layerwise.models.originals.pickled_values import PickleError, Record, StoredTensor, UnsafePickleError
from layerwise.models.originals.unpickler import Unpickler

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


def written(path, content, form: str = "pickle", protocol: int = 2):
    """A file of one of the three kinds."""
    if form == "pickle":
        path.write_bytes(pickle.dumps(content, protocol))
    else:
        import torch

        options = {"pickle_protocol": protocol, "_use_new_zipfile_serialization": form == "archive"}
        torch.save(content, path, **options)
    return path


FORMS = ["pickle", "archive", "older"]

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.complex_numbers(allow_nan=False)
    | st.text()
    | st.binary()
)
counts = st.integers(1 - 2**60, 2**60 - 1)  # as keys; beyond, many have one hash
keys = st.text() | counts | st.tuples(st.text(), counts)
data = st.recursive(
    scalars | st.sets(counts) | st.frozensets(st.text()) | st.binary().map(bytearray),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(keys, inner),
    max_leaves=12,
)


# What is built


@given(content=data, protocol=st.sampled_from(PROTOCOLS))
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_data_is_what_was_pickled(tmp_path, content, protocol):
    assert pickles.read(written(tmp_path / "data.pkl", content, protocol=protocol)).content == content


@given(content=data, form=st.sampled_from(FORMS))
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
def test_data_is_what_torch_saved(tmp_path, content, form):
    assert pickles.read(written(tmp_path / "data.pt", content, form)).content == content


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_containers_of_the_standard_library_become_plain_ones(tmp_path, protocol):
    content = {
        "ordered": collections.OrderedDict(b=1, a=2),
        "counter": collections.Counter("aab"),
        "default": collections.defaultdict(list, {"a": [1]}),
        "queue": collections.deque([1, 2], maxlen=2),
    }
    content["ordered"]._metadata = {"": {"version": 1}}  # as a state dict has it
    read = pickles.read(written(tmp_path / "data.pkl", content, protocol=protocol)).content
    assert read == {"ordered": {"b": 1, "a": 2}, "counter": {"a": 2, "b": 1}, "default": {"a": [1]}, "queue": [1, 2]}
    assert list(read["ordered"]) == ["b", "a"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype=">i4").reshape(2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.array([True, False]),
        np.array(["a", "bcd"]),
        np.array([b"a", b"bcd"]),
        np.zeros((0, 3), np.float16),
        np.array(1.5 + 2j),
    ],
    ids=lambda array: f"{array.dtype}",
)
def test_arrays(tmp_path, array, protocol):
    read = pickles.read(written(tmp_path / "data.pkl", {"a": array, "again": [array]}, protocol=protocol)).content
    assert isinstance(read["a"], np.ndarray)
    assert read["a"].dtype.newbyteorder("=") == array.dtype.newbyteorder("=")
    np.testing.assert_array_equal(read["a"], array)
    assert read["again"][0] is read["a"]


@pytest.mark.parametrize("number", [np.float32(1.5), np.int64(-7), np.bool_(True), np.float64(0.1)], ids=repr)
def test_numbers_of_numpy(tmp_path, number):
    for protocol in PROTOCOLS:
        read = pickles.read(written(tmp_path / "data.pkl", number, protocol=protocol)).content
        assert read == number
        assert type(read) is type(number)


@pytest.mark.parametrize("form", ["archive", "older"])
def test_tensors(tmp_path, form):
    import torch

    kinds = [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.uint8, torch.bool]
    tensors = {str(kind): (torch.randn(3, 4) * 3).to(kind) for kind in kinds}
    whole = torch.arange(24.0).view(4, 6)
    tensors |= {"transposed": whole.T, "part": whole[1:3, ::2], "repeated": torch.ones(1, 3).expand(5, 3)}
    tensors |= {"scalar": torch.tensor(4), "empty": torch.zeros(0, 3), "learned": torch.nn.Parameter(torch.randn(2))}
    read = pickles.read(written(tmp_path / "data.pt", tensors, form))
    assert all(isinstance(stored, StoredTensor) for stored in read.content.values())
    assert {name: tuple(tensor.shape) for name, tensor in tensors.items()} == {
        name: stored.shape for name, stored in read.content.items()
    }
    values = read.tensors(read.content)
    for name, tensor in tensors.items():
        assert values[name].dtype == tensor.dtype
        assert torch.equal(values[name], tensor.detach())
    assert torch.equal(read.tensors({"x": read.content["part"]})["x"], tensors["part"])


class Foreign:
    """Of a module that a reader does not have."""

    def __init__(self) -> None:
        self.count = 3


class ForeignDict(dict):
    pass


class ForeignList(list):
    pass


class Slotted:
    __slots__ = ("width",)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_other_classes_become_records(tmp_path, protocol):
    here = __name__
    foreign, filled, listed = Foreign(), ForeignDict(a=1), ForeignList([1, 2])
    content = [argparse.Namespace(a=1, b=[foreign]), foreign, foreign]
    read = pickles.read(written(tmp_path / "data.pkl", content, protocol=protocol)).content
    assert [type(record).__mro__[1] for record in read] == [Record] * 3
    assert [record.name for record in read] == ["argparse.Namespace", f"{here}.Foreign", f"{here}.Foreign"]
    assert read[0].state == {"a": 1, "b": [read[1]]}
    assert read[1] is read[2]
    assert read[1].state == {"count": 3}
    assert repr(read[1]) == f"<{here}.Foreign>"
    if protocol >= 2:
        slotted = Slotted()
        slotted.width = 5
        read = pickles.read(written(tmp_path / "data.pkl", [filled, listed, slotted], protocol=protocol)).content
        assert read[0].items == {"a": 1}
        assert read[1].elements == [1, 2]
        assert read[2].state == {"width": 5}


def test_classes_and_functions_that_are_only_named_are_records(tmp_path):
    """omegaconf keeps types: nothing is imported, and nothing called."""
    named = pickles.read(written(tmp_path / "data.pkl", [dict, os.system, Foreign])).content
    assert [record.name for record in named] == ["builtins.dict", "os.system", f"{__name__}.Foreign"]
    assert all(issubclass(record, Record) for record in named)


@pytest.mark.parametrize("form", FORMS)
def test_values_that_only_hold_data_become_records(tmp_path, form):
    """An argparse.Namespace may hold any of them."""
    values = [
        pathlib.PurePosixPath("/a/b"),
        datetime.datetime(2022, 5, 1),
        datetime.timedelta(1),
        typing.List[int],  # noqa: UP006
    ]
    read = pickles.read(written(tmp_path / "data", argparse.Namespace(values=values), form)).content
    names = ["pathlib.PurePosixPath", "datetime.datetime", "datetime.timedelta", "operator.getitem"]
    assert [record.name for record in read.state["values"]] == names


def test_a_device_becomes_a_record(tmp_path):
    import torch

    read = pickles.read(written(tmp_path / "data", argparse.Namespace(device=torch.device("cpu")))).content
    assert (read.state["device"].name, read.state["device"].args) == ("torch.device", ("cpu",))


@pytest.mark.parametrize("module", ["pathlib", "pathlib._local"])  # up to Python 3.12, and in 3.13
def test_paths_have_one_name_whichever_python_wrote_them(tmp_path, module):
    (tmp_path / "data.pkl").write_bytes(b"\x80\x02c" + module.encode() + b"\nPosixPath\nX\x01\0\0\0a\x85R.")
    read = pickles.read(tmp_path / "data.pkl").content
    assert (read.name, read.args) == ("pathlib.PosixPath", ("a",))


def test_nothing_is_imported(tmp_path):
    """Neither the module of a class, nor torch, which planning must not wait for."""
    from tiny_originals import settings, weights, write

    (tmp_path / "sideeffect.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Thing: pass\n")
    code = b"\x80\x02csideeffect\nThing\n)\x81."
    path = tmp_path / "data.pkl"
    path.write_bytes(code)
    archive = write("hubert", tmp_path / "hubert", settings(), weights("hubert", settings()))
    program = (
        "import sys; from layerwise.models.originals import pickles, reading\n"
        f"assert pickles.read({str(path)!r}).content.name == 'sideeffect.Thing'\n"
        f"assert reading.read_original({str(archive)!r}).blocks == 3\n"
        "assert not {'sideeffect', 'torch', 'fairseq'} & set(sys.modules)"
    )
    environment = os.environ | {"PYTHONPATH": f"{pickles.__file__.rsplit('/', 4)[0]}:{tmp_path}"}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment, cwd=tmp_path)
    assert not (tmp_path / "ran").exists()


# What is refused


def leave_a_mark(path: str) -> None:
    open(path, "w").close()


class Payload:
    """Pickled as a call."""

    def __init__(self, function, *args, **state) -> None:
        self.call = (function, args, *([state] if state else []))

    def __reduce__(self):
        return self.call


def payloads(mark: str) -> dict[str, Payload]:
    """What it would call, by the name that the refusal has to say; each would create the file `mark`."""
    return {
        "os.system": Payload(os.system, f"touch {mark}"),
        "builtins.eval": Payload(eval, f"open({mark!r}, 'w')"),
        "builtins.exec": Payload(exec, f"open({mark!r}, 'w')"),
        "builtins.__import__": Payload(__import__, "os"),
        "builtins.getattr": Payload(getattr, "text", "join"),
        "io.open": Payload(open, mark, "w"),
        "subprocess.Popen": Payload(subprocess.Popen, ["touch", mark]),
        "subprocess.check_output": Payload(subprocess.check_output, ["touch", mark]),
        "numpy.load": Payload(np.load, mark, None, True),
        "pickle.loads": Payload(pickle.loads, b"cos\nsystem\n."),
        f"{__name__}.leave_a_mark": Payload(leave_a_mark, mark),
    }


def payloads_of_torch(mark: str) -> dict[str, Payload]:
    import torch

    return {
        "torch.serialization.load": Payload(torch.load, mark),
        "torch.hub.load": Payload(torch.hub.load, mark, "model"),
    }


@pytest.fixture
def mark(tmp_path):
    """A file that must not come to be."""
    path = tmp_path / "mark"
    yield str(path)
    assert not path.exists()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", [*payloads("mark"), "torch.serialization.load", "torch.hub.load"])
def test_calls_are_refused_by_name(tmp_path, mark, name, form):
    evil = (payloads_of_torch if name.startswith("torch") else payloads)(mark)[name]
    for protocol in PROTOCOLS if form == "pickle" else [2]:
        path = written(tmp_path / "evil.pt", {"args": [1, evil]}, form, protocol)
        with pytest.raises(UnsafePickleError) as error:
            pickles.read(path)
        assert str(path) in str(error.value)
        assert name.rpartition(".")[2] in str(error.value)
        assert "nothing of it was run" in str(error.value)


def test_names_are_given_as_people_know_them_and_as_they_are_written(tmp_path, mark):
    path = written(tmp_path / "evil.pkl", payloads(mark)["os.system"])
    with pytest.raises(UnsafePickleError, match=r"a call of os\.system \(written (posix|nt)\.system\)"):
        pickles.read(path)
    path = written(tmp_path / "evil.pkl", payloads(mark)["builtins.eval"])
    with pytest.raises(UnsafePickleError, match=r"a call of builtins\.eval \(written __builtin__\.eval\)"):
        pickles.read(path)


@pytest.mark.parametrize("place", ["key", "state", "state of an array", "storage type", "nested"])
def test_calls_are_refused_wherever_they_stand(tmp_path, mark, place):
    evil = payloads(mark)["os.system"]
    content = {
        "key": lambda: {evil: 1},
        "state": lambda: argparse.Namespace(evil=evil),
        "state of an array": lambda: np.array([evil], dtype=object),  # before it is known what the array holds
        "nested": lambda: [[[({"a": (evil,)},)]]],
        "storage type": lambda: collections.OrderedDict([(evil, 2)]),
    }[place]()
    with pytest.raises(UnsafePickleError, match=r"os\.system"):
        pickles.read(written(tmp_path / "evil.pkl", content))


def test_archive_within_an_archive(tmp_path, mark):
    """torch writes a storage that is pickled on its own as bytes to be loaded by torch.load."""
    import torch

    inner = io.BytesIO()
    torch.save(payloads(mark)["os.system"], inner)
    path = written(tmp_path / "evil.pt", Payload(torch.storage._load_from_bytes, inner.getvalue()), "archive")
    with pytest.raises(UnsafePickleError, match=r"torch\.storage\._load_from_bytes"):
        pickles.read(path)


def opcodes(*parts: bytes) -> bytes:
    return b"\x80\x02" + b"".join(parts) + b"."


SYSTEM, COMMAND = b"cposix\nsystem\n", b"X\x04\x00\x00\x00true"


@pytest.mark.parametrize(
    "code",
    {
        "REDUCE": opcodes(SYSTEM, COMMAND, b"\x85R"),
        "OBJ": opcodes(b"(", SYSTEM, COMMAND, b"o"),
        "INST": opcodes(b"(", COMMAND, b"iposix\nsystem\n"),
        "STACK_GLOBAL": b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R.",
        "NEWOBJ": opcodes(SYSTEM, COMMAND, b"\x85\x81"),
        "BUILD of a class": opcodes(b"cargparse\nNamespace\n}b"),
        "BUILD of a class's slots": opcodes(b"cargparse\nNamespace\nN}X\x08\x00\x00\x00__call__K\x01s\x86b"),
        "BUILD of a builder": opcodes(b"ccollections\nOrderedDict\nN}X\x08\x00\x00\x00__func__K\x01s\x86b"),
        "__setstate__ in a state": opcodes(
            b"cargparse\nNamespace\n)\x81}X\x0c\x00\x00\x00__setstate__", SYSTEM, b"sb", COMMAND, b"b"
        ),
        "a call of a record": opcodes(b"cargparse\nNamespace\n)\x81)R"),
        "an extension": opcodes(b"\x82\x01"),
        "a persistent id": opcodes(COMMAND, b"Q"),
        "a path of attributes": b"\x80\x04\x8c\x02os\x8c\x0bpath.system\x93\x8c\x04true\x85R.",
        "pathlib's functions": b"\x80\x04\x8c\x07pathlib\x8c\x0aPath.touch\x93\x8c\x04mark\x85R.",
        "omegaconf's functions": opcodes(b"comegaconf\nOmegaConf.create\n", COMMAND, b"\x85R"),
        "a class method of a record": opcodes(b"ccopyreg\n_reconstructor\n(", SYSTEM, SYSTEM, b"NtR"),
    }.items(),
    ids=lambda item: item[0] if isinstance(item, tuple) else None,
)
def test_no_opcode_runs_anything(tmp_path, monkeypatch, code):
    """Whether it is refused, or ends in a record."""
    name, code = code
    ran = []
    monkeypatch.setattr(os, "system", ran.append)
    path = tmp_path / "evil.pkl"
    path.write_bytes(code)
    if name in ("NEWOBJ", "__setstate__ in a state", "a class method of a record"):
        assert isinstance(pickles.read(path).content, Record)
    else:
        named = name in ("REDUCE", "OBJ", "INST", "STACK_GLOBAL", "pathlib's functions", "omegaconf's functions")
        with pytest.raises(UnsafePickleError if named else PickleError, match=re.escape(str(path))):
            pickles.read(path)
    assert ran == []
    # What one file did to classes does not show in the next.
    again = pickles.read(
        written(tmp_path / "fine.pkl", [argparse.Namespace(a=1), collections.OrderedDict(b=2)])
    ).content
    assert again[0].state == {"a": 1}
    assert again[1] == {"b": 2}


def test_compressed_archives_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb/data.pkl", pickle.dumps("a" * 10_000_000, 2))
    with pytest.raises(PickleError, match=r"bomb\.pt is compressed"):
        pickles.read(tmp_path / "bomb.pt")


# What is damaged


@pytest.fixture(scope="module", params=FORMS)
def sample(request, tmp_path_factory):
    content = {"args": argparse.Namespace(a=[1.5, "x"], b=np.arange(3))}
    if request.param != "pickle":
        import torch

        content["model"] = {"w": torch.randn(40, 3)}
    return written(tmp_path_factory.mktemp("sample") / "whole.pt", content, request.param)


def test_every_shorter_file_is_refused(sample, tmp_path):
    """Of torch's older format too one that ends before, or within, the number that says how long a block is."""
    whole = sample.read_bytes()
    path = tmp_path / "short.pt"
    path.write_bytes(whole)
    for length in reversed(range(len(whole))):
        os.truncate(path, length)
        with pytest.raises(PickleError, match=r"short\.pt"):
            pickles.read(path)


@pytest.mark.parametrize("numbers", [0, 1, 256, 65_536])
def test_a_file_that_lacks_its_last_block_says_how_many_bytes_it_lacks(tmp_path, numbers):
    """Of counts whose lowest bytes are 0, and of a block without a number."""
    import torch

    path = written(tmp_path / "model.pt", {"w": torch.ones(numbers)}, "older")
    whole = path.stat().st_size
    assert pickles.read(path).content["w"].shape == (numbers,)
    for lost in range(1, 9):
        os.truncate(path, whole - 4 * numbers - lost)
        with pytest.raises(PickleError, match=f"{whole} bytes are expected, it has {whole - 4 * numbers - lost}$"):
            pickles.read(path)


def test_counts_that_contradict_each_other(tmp_path):
    import torch

    path = written(tmp_path / "model.pt", {"w": torch.ones(3)}, "older")
    data = path.read_bytes()
    path.write_bytes(data[:-20] + struct.pack("<Q", 2) + data[-12:])
    with pytest.raises(PickleError, match=r"model\.pt is damaged: block \d+ is of 2 numbers, .* block of 3"):
        pickles.read(path)


@given(place=st.floats(0, 1, exclude_max=True), byte=st.integers(0, 255))
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=300)
def test_changed_bytes_are_read_or_refused(sample, tmp_path, place, byte):
    """Nothing else may come of it than what can be told."""
    damaged = bytearray(sample.read_bytes())
    damaged[int(place * len(damaged))] = byte
    path = tmp_path / "damaged.pt"
    path.write_bytes(damaged)
    with contextlib.suppress(PickleError):
        read = pickles.read(path)
        stored = {str(number): value for number, value in enumerate(_tensors(read.content))}
        read.tensors(stored)


def _tensors(content: object) -> list[StoredTensor]:
    if isinstance(content, dict):
        return [tensor for value in content.values() for tensor in _tensors(value)]
    return [content] if isinstance(content, StoredTensor) else []


def test_changed_weights_do_not_have_their_checksum(tmp_path):
    import torch

    path = written(tmp_path / "model.pt", {"w": torch.ones(100)}, "archive")
    whole = path.read_bytes()
    place = whole.index(struct.pack("<f", 1.0) * 50)
    path.write_bytes(whole[:place] + b"\x01" + whole[place + 1 :])
    read = pickles.read(path)
    with pytest.raises(PickleError, match=r"model\.pt cannot be read: .*CRC"):
        read.tensors(read.content)


def test_block_of_another_size(tmp_path):
    import torch

    path = written(tmp_path / "model.pt", {"w": torch.ones(100)}, "archive")
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(tmp_path / "other.pt", "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content[:-4] if name.endswith("/data/0") else content)
    with pytest.raises(PickleError, match=r"block 0 has 396 bytes, 400 are expected"):
        pickles.read(tmp_path / "other.pt")


@pytest.mark.parametrize(
    ("offset", "shape", "strides"),
    [(0, (101,), (1,)), (90, (11,), (1,)), (0, (50,), (3,)), (-1, (2,), (1,)), (0, (-1,), (1,))],
)
def test_tensors_stay_within_their_block(tmp_path, offset, shape, strides):
    import torch

    read = pickles.read(written(tmp_path / "model.pt", {"w": torch.ones(100)}, "archive"))
    stored = read.content["w"]._replace(offset=offset, shape=shape, strides=strides)
    with pytest.raises(PickleError, match=r"model\.pt cannot be read"):
        read.tensors({"w": stored})


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"PK\x03\x04 and no more", "is cut short"),
        (b"some text that is no pickle", "cut short, damaged, or no file of"),
        (b"\x93NUMPY\x01\x00", "cut short, damaged, or no file of"),
        (struct.pack("<Q", 10) + b'{"a":1}   ', "cut short, damaged, or no file of"),
    ],
    ids=["empty", "zip", "text", "npy", "safetensors"],
)
def test_files_of_other_kinds(tmp_path, content, words):
    path = tmp_path / "file.pt"
    path.write_bytes(content)
    with pytest.raises(PickleError, match=rf"file\.pt.* {words}"):
        pickles.read(path)


def test_other_archives(tmp_path):
    with zipfile.ZipFile(tmp_path / "archive.pt", "w") as archive:
        archive.writestr("word/document.xml", "text")
    with pytest.raises(PickleError, match=r"none of torch\.save: it holds word/document\.xml"):
        pickles.read(tmp_path / "archive.pt")
    with pytest.raises(PickleError, match="No such file"):
        pickles.read(tmp_path / "absent.pt")


def test_other_byte_order(tmp_path):
    import torch

    path = written(tmp_path / "model.pt", {"w": torch.ones(3)}, "archive")
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(tmp_path / "big.pt", "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, b"big" if name.endswith("/byteorder") else content)
    with pytest.raises(PickleError, match="big-endian"):
        pickles.read(tmp_path / "big.pt")


def test_builders_are_no_way_to_builtins():
    """Every name that a pickle can reach is a record or a method of the reader."""
    for module in [
        "builtins",
        "__builtin__",
        "os",
        "posix",
        "sys",
        "numpy",
        "torch",
        "copyreg",
        "collections",
        "_codecs",
    ]:
        reader = Unpickler(io.BytesIO())
        for name in [*dir(builtins), *dir(os), "OrderedDict", "encode", "_reconstructor"]:
            found = reader.find_class(module, name)
            assert getattr(found, "__self__", None) is reader or issubclass(found, Record)
