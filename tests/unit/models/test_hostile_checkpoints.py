"""Checkpoints made to harm: what they declare is compared with what they have, and ends in one line."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from layerwise.errors import LayerwiseError
from layerwise.files.catalogues import CatalogueError
from layerwise.models.anatomy import ModelError
from layerwise.models.catalogue import model_entry
from layerwise.models.checkpoints import CheckpointError, read_config, transformers_config
from layerwise.models.loading import load_folder
from layerwise.models.originals import pickles
from layerwise.models.originals.fairseq import parse_conv_layers
from layerwise.models.originals.family import OriginalError
from layerwise.models.originals.pickled_values import PickleError
from layerwise.models.originals.reading import read_original
from layerwise.models.originals.unpickler import Unpickler
from layerwise.models.preprocessors import FILES, PreprocessorError, read_preprocessor
from layerwise.models.random_weights import make_random_checkpoint
from layerwise.models.weights import WeightsError, plain_name, stored_weights
from tiny_models import make, with_config
from tiny_originals import settings, weights, write

pytestmark = pytest.mark.usefixtures("one_thread")

# Opcodes, as `pickle` has them

MARK, TUPLE, REDUCE, BUILD, STOP = pickle.MARK, pickle.TUPLE, pickle.REDUCE, pickle.BUILD, pickle.STOP


def named(name: str) -> bytes:
    module, _, attribute = name.rpartition(".")
    return pickle.GLOBAL + f"{module}\n{attribute}\n".encode()


def text(value: str) -> bytes:
    return pickle.BINUNICODE + struct.pack("<I", len(value)) + value.encode()


def whole(value: int) -> bytes:
    return pickle.LONG1 + bytes([9]) + value.to_bytes(9, "little", signed=True)


def several(*parts: bytes) -> bytes:
    return MARK + b"".join(parts) + TUPLE


def called(name: str, *arguments: bytes) -> bytes:
    return named(name) + several(*arguments) + REDUCE


def dtype(kind: str, order: str = "<") -> bytes:
    state = several(whole(3), text(order), *[pickle.NONE] * 3, whole(-1), whole(-1), whole(0))
    return called("numpy.dtype", text(kind), pickle.NEWFALSE, pickle.NEWTRUE) + state + BUILD


def array(kind: str, shape: bytes, data: bytes) -> bytes:
    made = called("numpy.core.multiarray._reconstruct", named("numpy.ndarray"), several(whole(0)), text("b"))
    return made + several(whole(1), shape, dtype(kind), pickle.NEWFALSE, data) + BUILD


def data(value: bytes) -> bytes:
    return pickle.BINBYTES + struct.pack("<I", len(value)) + value


def put(path: Path, *parts: bytes) -> Path:
    path.write_bytes(b"\x80\x03" + b"".join(parts) + STOP)
    return path


LIST_OF_ONE = pickle.EMPTY_LIST + whole(7) + pickle.APPEND
NESTED = pickle.EMPTY_TUPLE + pickle.TUPLE1 * 200_000
DOUBLED = pickle.EMPTY_TUPLE + (pickle.DUP + pickle.TUPLE2) * 60

REFUSED = {
    "an array of more objects than it has": (array("O8", several(whole(1000)), LIST_OF_ONE), "numpy array of objects"),
    "an object that is a number of numpy": (
        called("numpy.core.multiarray.scalar", dtype("O8"), LIST_OF_ONE), "numpy array of objects"
    ),
    "an array of objects in a buffer": (
        called("numpy.core.numeric._frombuffer", data(bytes(8)), dtype("O8"), several(whole(1)), text("C")),
        "numpy array of objects",
    ),
    "an array of too few bytes": (array("f4", several(whole(4)), data(bytes(12))), "4 bytes each, in 12 bytes"),
    "an array of negative sizes": (array("f4", several(whole(-2), whole(-2)), data(bytes(16))), "the shape (-2, -2)"),
    "an array of very many dimensions": (array("f4", several(*[whole(1)] * 65), data(bytes(4))), "of the shape (1, 1"),
    "an array that overflows": (
        array("f4", several(whole(1 << 62), whole(4)), data(bytes(0))), "4 bytes each, in 0 bytes"
    ),
    "an array of texts without a length": (array("U0", several(whole(1 << 40)), data(b"")), "an array of U0"),
    "an array of no text": (array("U1", several(whole(1)), data(b"\xff" * 4)), "characters that no text has"),
    "a buffer that another fills again": (
        array("u1", several(whole(4)), data(b"abcd"))
        + pickle.BINPUT + b"\x01"
        + called("numpy.core.numeric._frombuffer", pickle.BINGET + b"\x01", dtype("u1"), several(whole(4)), text("C")),
        "not made of a shape and bytes",
    ),
    "attributes of a reader": (named("collections.OrderedDict") + pickle.EMPTY_DICT + text("x") + pickle.NONE
                               + pickle.SETITEM + BUILD, "attributes of method"),
    "attributes of an array in a buffer": (
        called("numpy.core.numeric._frombuffer", data(bytes(4)), dtype("u1"), several(whole(4)), text("C"))
        + several(whole(1), several(whole(9)), dtype("u1"), pickle.NEWFALSE, data(bytes(9))) + BUILD,
        "attributes of ndarray",
    ),
    "items of an array": (array("u1", several(whole(1)), data(b"a")) + whole(0) + whole(1) + pickle.SETITEM, "items"),
    "a tuple as key, very deep": (pickle.EMPTY_DICT + NESTED + pickle.NONE + pickle.SETITEM, "a key of the kind tuple"),
    "a tuple as key, many times in itself": (
        pickle.EMPTY_DICT + DOUBLED + pickle.NONE + pickle.SETITEM, "a key of the kind tuple"
    ),
    "a deep tuple in a set": (pickle.EMPTY_SET + MARK + NESTED + pickle.ADDITEMS, "a key of the kind tuple"),
    "a deep tuple in a frozen set": (MARK + NESTED + pickle.FROZENSET, "a key of the kind tuple"),
    "a deep tuple in a set of a call": (
        called("builtins.set", pickle.EMPTY_LIST + NESTED + pickle.APPEND), "a key of the kind tuple"
    ),
    "numbers as keys that have one hash": (
        pickle.EMPTY_DICT + whole(2**61 - 1) + pickle.NONE + pickle.SETITEM, "beyond all counts"
    ),
    "a whole number of a million digits": (
        pickle.LONG4 + struct.pack("<i", 500_000) + b"\x01" * 500_000, "a whole number of 39"
    ),
    "a list that is copied and copied": (
        pickle.EMPTY_LIST + MARK + pickle.NONE * 100_000 + pickle.APPENDS + pickle.BINPUT + b"\x01"
        + (called("collections.deque", pickle.BINGET + b"\x01") + pickle.POP) * 300,
        "takes many times its own bytes in memory",
    ),
    "bytes that are copied and copied": (
        text("x" * 100_000) + pickle.BINPUT + b"\x01"
        + (called("_codecs.encode", pickle.BINGET + b"\x01", text("latin1")) + pickle.POP) * 300,
        "takes many times its own bytes in memory",
    ),
    "a class whose long name is put together again and again": (
        text("a" * 100_000) + pickle.DUP + pickle.STACK_GLOBAL, "the name of a class of 200000 characters"
    ),
    "a view of what is freed": (
        array("u1", several(whole(4)), data(b"abcd")) + pickle.READONLY_BUFFER, f"KeyError: {pickle.READONLY_BUFFER[0]}"
    ),
    "a buffer from outside": (pickle.NEXT_BUFFER, f"KeyError: {pickle.NEXT_BUFFER[0]}"),
    "an array that is filled twice": (
        array("u1", several(whole(4)), data(b"abcd"))
        + several(whole(1), several(whole(1)), dtype("u1"), pickle.NEWFALSE, data(b"a")) + BUILD,
        "an array that is filled twice",
    ),
    "elements of an array": (
        called("collections.deque", array("u1", several(whole(1)), data(b"a"))), "elements in Array"
    ),
    "elements of a text": (called("builtins.set", text("abc")), "elements in str"),
    "pairs of text": (
        called("collections.OrderedDict", pickle.EMPTY_LIST + text("ab") + pickle.APPEND), "what is no pairs"
    ),
    "tuples of floats as keys": (
        pickle.EMPTY_DICT + several(pickle.BINFLOAT + struct.pack(">d", 2.0**61)) + pickle.NONE + pickle.SETITEM,
        "a key of the kind tuple with float",
    ),
    "long floats as keys": (
        pickle.EMPTY_DICT + called("numpy.core.multiarray.scalar", dtype("f16"), data(np.longdouble(1).tobytes()))
        + pickle.NONE + pickle.SETITEM,
        "a key of the kind longdouble",
    ),
    "very many tuples as keys": (
        pickle.EMPTY_SET + MARK + (whole(-1) + pickle.TUPLE1 + whole(-2) + pickle.TUPLE1) * 3000 + pickle.ADDITEMS,
        "more keys that are no text than are read",
    ),
    "very many sets": (MARK + pickle.EMPTY_SET * 100_000 + pickle.LIST, "takes many times its own bytes in memory"),
    "the names of very many classes": (
        b"".join(named(f"a.B{number}") + pickle.POP for number in range(1001)) + pickle.NONE, "more than 1000 classes"
    ),
    "an array of bytes longer than the file": (
        pickle.BYTEARRAY8 + struct.pack("<Q", 1 << 40) + b"abc", "cut short, damaged"
    ),
}  # fmt: skip


# One thing of many parts is put into memory, and asked for again and again.
PARTS = MARK + pickle.NONE * 100_000 + TUPLE + pickle.BINPUT + b"\x01" + pickle.POP
NAMESPACE, ONE = named("argparse.Namespace"), pickle.BINGET + b"\x01"
PAIR = several(pickle.EMPTY_DICT + MARK + b"".join(text(f"{n:06}") + pickle.NONE for n in range(10_000))
               + pickle.SETITEMS, pickle.EMPTY_DICT) + pickle.BINPUT + b"\x01" + pickle.POP  # fmt: skip
BLOCK = several(*[whole(0)] * 60)
TEXTS = several(data(bytes(400_000)), dtype("U1"), several(whole(100_000)), text("C"))
TENSOR = several(
    several(text("storage"), named("torch.FloatStorage"), text("0"), text("cpu"), whole(1)) + pickle.BINPERSID,
    whole(0), BLOCK, BLOCK, pickle.NEWFALSE, pickle.NONE,
)  # fmt: skip
SHARED = {
    "arguments of NEWOBJ": (PARTS, NAMESPACE + ONE + pickle.NEWOBJ),
    "arguments of NEWOBJ_EX": (PARTS, NAMESPACE + ONE + pickle.EMPTY_DICT + pickle.NEWOBJ_EX),
    "arguments of a class": (PARTS, NAMESPACE + ONE + REDUCE),
    "arguments of a builder": (PARTS, named("collections.defaultdict") + ONE + REDUCE),
    "attributes of two kinds": (PAIR, NAMESPACE + pickle.EMPTY_TUPLE + pickle.NEWOBJ + ONE + BUILD),
    "characters that are looked at": (
        TEXTS + pickle.BINPUT + b"\x01" + pickle.POP, named("numpy.core.numeric._frombuffer") + ONE + REDUCE
    ),
    "sizes of a tensor": (
        TENSOR + pickle.BINPUT + b"\x01" + pickle.POP
        + named("torch._utils._rebuild_tensor_v2") + pickle.BINPUT + b"\x02" + pickle.POP,
        pickle.BINGET + b"\x02" + ONE + REDUCE,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("made", "used"), SHARED.values(), ids=SHARED)
def test_what_is_written_once_is_not_copied_very_many_times(tmp_path, made, used):
    path = put(tmp_path / "a.pkl", made, (used + pickle.POP) * 2000, pickle.NONE)
    with pytest.raises(PickleError, match="it holds what takes many times its own bytes in memory"):
        pickles.read(path)


def test_only_opcodes_of_a_list_are_served():
    assert {pickle.READONLY_BUFFER[0], pickle.NEXT_BUFFER[0], pickle.PERSID[0], pickle.EXT1[0]}.isdisjoint(
        Unpickler.dispatch
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({("a", ("b",)): 1}, "a key of the kind tuple with tuple, which is not read"),
        ({torch.ones(1): 1}, "a key of the kind StoredTensor, which is not read"),
        ({1 << 61: 1}, "a whole number as a key that is beyond all counts, which is not read"),
        (1 << 5000, "a whole number of 5001 bits, which is not read"),
        (np.zeros(2, "M8[s]"), "an array of M8, which is not read"),
        (np.zeros(2, [("a", "f4")]), "an array of V4, which is not read"),
    ],
    ids=["tuples in tuples", "tensors", "large keys", "large numbers", "times", "structures"],
)
def test_whole_files_that_are_not_read_are_not_called_damaged(tmp_path, content, words):
    torch.save(content, tmp_path / "a.pt")
    with pytest.raises(PickleError, match=rf"a\.pt is refused: it holds {words}$"):
        pickles.read(tmp_path / "a.pt")


def test_names_in_messages_are_short_and_steer_nothing(tmp_path):
    long = "\x1b[31m" + "a" * 5000
    path = archive(tmp_path / "a.pt", pickle.NONE, {}, prefix="b/" + "c" * 5000)
    torch.save({long: 1}, tmp_path / "pytorch_model.bin")
    for read, place in ((pickles.read, path), (stored_weights, tmp_path)):
        with pytest.raises(LayerwiseError) as error:
            read(place)
        assert len(Exception.__str__(error.value)) < 600
        assert "\x1b" not in Exception.__str__(error.value)


@pytest.mark.parametrize(("code", "words"), REFUSED.values(), ids=REFUSED)
def test_what_a_pickle_declares_is_compared_with_what_it_has(tmp_path, code, words):
    with pytest.raises(PickleError) as error:
        pickles.read(put(tmp_path / "a.pkl", code))
    assert str(error.value).startswith(str(tmp_path / "a.pkl"))
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_readers_stay_as_they_are(tmp_path):
    with pytest.raises(PickleError):
        pickles.read(put(tmp_path / "a.pkl", REFUSED["attributes of a reader"][0]))
    assert vars(Unpickler._dictionary) == {}


def test_an_array_of_objects_as_numpy_writes_it_is_refused(tmp_path):
    path = tmp_path / "a.pkl"
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        path.write_bytes(pickle.dumps(np.array([1, "a", None], dtype=object), protocol))
        with pytest.raises(PickleError, match="it holds a numpy array of objects"):
            pickles.read(path)


def tensor(count: int, offset: bytes, shape: bytes, strides: bytes, key: str = "0", kind: str = "Float") -> bytes:
    storage = several(text("storage"), named(f"torch.{kind}Storage"), text(key), text("cpu"), whole(count))
    return called(
        "torch._utils._rebuild_tensor_v2",
        storage + pickle.BINPERSID, offset, shape, strides, pickle.NEWFALSE, called("collections.OrderedDict"),
    )  # fmt: skip


def archive(path: Path, code: bytes, blocks: dict[str, bytes], prefix: str = "a") -> Path:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(f"{prefix}/data.pkl", b"\x80\x02" + code + STOP)
        for key, block in blocks.items():
            file.writestr(f"{prefix}/data/{key}", block)
    return path


TENSORS = {
    "one that ends after its block": ((whole(1), several(whole(4)), several(whole(1))), "ends at number 4"),
    "one whose strides leave its block": ((whole(0), several(whole(2), whole(2)), several(whole(3), whole(1))), "at n"),
    "one before its block": ((whole(-1), several(whole(2)), several(whole(1))), "from -1"),
    "one of a negative size": ((whole(0), several(whole(-1)), several(whole(1))), "of the shape (-1,)"),
    "one with negative strides": ((whole(3), several(whole(4)), several(whole(-1))), "by (-1,)"),
    "one with fewer strides than sizes": ((whole(0), several(whole(1), whole(1)), several(whole(1))), "2 dimensions"),
    "one of very many dimensions": (
        (whole(0), several(*[whole(1)] * 65), several(*[whole(1)] * 65)), "of 65 dimensions"
    ),
    "one whose place is no number": ((pickle.EMPTY_LIST, several(whole(1)), several(whole(1))), "from list"),
}  # fmt: skip


@pytest.mark.parametrize(("place", "words"), TENSORS.values(), ids=TENSORS)
def test_tensors_lie_in_their_blocks(tmp_path, place, words):
    with pytest.raises(PickleError, match=r"a\.pt .*") as error:
        pickles.read(archive(tmp_path / "a.pt", tensor(4, *place), {"0": bytes(16)}))
    assert words in str(error.value)


def test_tensors_are_not_many_times_larger_than_their_file(tmp_path, monkeypatch):
    """A number that is said to be a million million; and tensors of one block, each as large as the file."""
    vast = tensor(1, whole(0), several(whole(1 << 20), whole(1 << 20)), several(whole(0), whole(0)))
    read = pickles.read(archive(tmp_path / "vast.pt", vast, {"0": bytes(4)}))
    with pytest.raises(PickleError, match=r"vast\.pt has \d+ times as many bytes in its tensors as it has itself"):
        read.tensors({"w": read.content})
    tied = {str(number): torch.ones(1000).expand(2, 1000) for number in range(3)}
    torch.save(tied, tmp_path / "tied.pt")
    read = pickles.read(tmp_path / "tied.pt")
    assert read.tensors(read.content)["2"].shape == (2, 1000)
    read = pickles.read(archive(tmp_path / "some.pt", tensor(1, whole(0), several(whole(4000)), several(whole(0))),
                                {"0": bytes(4)}))  # fmt: skip
    with pytest.raises(PickleError, match="export LAYERWISE_MAX_TENSOR_SHARING="):
        read.tensors({"w": read.content})
    monkeypatch.setenv("LAYERWISE_MAX_TENSOR_SHARING", "1000")
    assert read.tensors({"w": read.content})["w"].sum() == 0


def test_a_block_has_one_kind_of_numbers(tmp_path):
    first = tensor(4, whole(0), several(whole(4)), several(whole(1)))
    for other in ({"kind": "Long"}, {"count": 9}):
        second = tensor(**{"count": 4, "offset": whole(0), "shape": several(whole(4)), "strides": several(whole(1))}
                        | other)  # fmt: skip
        with pytest.raises(PickleError, match=r"block 0 is of . .* here, of other numbers before"):
            pickles.read(archive(tmp_path / "a.pt", several(first, second), {"0": bytes(16)}))


def test_blocks_are_in_the_archive_and_of_the_size_that_is_declared(tmp_path):
    one = tensor(1 << 40, whole(0), several(whole(1)), several(whole(1)))
    with pytest.raises(PickleError, match="block 0 has 16 bytes, 4398046511104 are expected"):
        pickles.read(archive(tmp_path / "a.pt", one, {"0": bytes(16)}))
    with pytest.raises(PickleError, match="it lacks block 0 of its numbers"):
        pickles.read(archive(tmp_path / "b.pt", one, {"1": bytes(16)}))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_archives_that_are_none_of_torch(tmp_path, monkeypatch):
    path = archive(tmp_path / "twice.pt", pickle.NONE, {"0": b"abcd"})
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("a/data/0", b"efgh")
    with pytest.raises(PickleError, match="two parts of one name"):
        pickles.read(path)

    path = archive(tmp_path / "beyond.pt", pickle.NONE, {"0": b"abcd"})
    whole_file = bytearray(path.read_bytes())
    entry = whole_file.rindex(b"PK\x01\x02")
    whole_file[entry + 20 : entry + 28] = struct.pack("<II", 1 << 31, 1 << 31)  # both of its sizes
    path.write_bytes(whole_file)
    with pytest.raises(PickleError, match=r"a/data/0 in it should have 2147483648 bytes, all of it has"):
        pickles.read(path)

    path = archive(tmp_path / "overlap.pt", pickle.NONE, {str(number): bytes(1000) for number in range(2)})
    whole_file = bytearray(path.read_bytes())
    for entry in (
        whole_file.rindex(b"PK\x01\x02"),
        whole_file.index(b"a/data/0", whole_file.index(b"PK\x01\x02")) - 46,
    ):
        whole_file[entry + 20 : entry + 28] = struct.pack("<II", 1900, 1900)
        whole_file[entry + 42 : entry + 46] = bytes(4)
    path.write_bytes(whole_file)
    with pytest.raises(PickleError, match="its parts overlap"):
        pickles.read(path)

    path = archive(tmp_path / "large.pt", pickle.NONE, {"0": b"abcd"})
    for limit in ("LAYERWISE_MAX_ARCHIVE_DIRECTORY", "LAYERWISE_MAX_PICKLE"):
        with monkeypatch.context() as context:
            context.setenv(limit, "3")
            with pytest.raises(PickleError, match=rf"large\.pt has \d+ bytes in its \w+, .* export {limit}="):
                pickles.read(path)


@pytest.mark.parametrize("older", [True, False])
def test_a_pickle_without_an_end_is_not_read_to_the_end_of_a_large_file(tmp_path, older):
    """Of zeros in protocol 0, or a line that never ends: gigabytes that take no space on the disk."""
    path = tmp_path / "a.pkl"
    path.write_bytes(pickle.LONG if older else pickle.BINUNICODE + b"\xff" * 4)
    os.truncate(path, 20 << 30)
    with pytest.raises(PickleError, match=r"a\.pkl without an end of its pickle has 21474836480 bytes"):
        pickles.read(path)


def test_a_pickle_may_be_longer_than_what_is_read_first(tmp_path):
    content = {"words": [f"word {number}" for number in range(200_000)]}
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(content, 2))
    assert pickles.read(tmp_path / "a.pkl").content == content
    torch.save(content | {"w": torch.arange(5.0)}, tmp_path / "a.pt", _use_new_zipfile_serialization=False)
    read = pickles.read(tmp_path / "a.pt")
    assert read.content["words"] == content["words"]
    assert torch.equal(read.tensors({"w": read.content["w"]})["w"], torch.arange(5.0))


# Files that are none


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> Path:
    return make("random-wav2vec2-tiny", tmp_path_factory.mktemp("good") / "model", num_hidden_layers=1)


@pytest.mark.parametrize("name", ["config.json", *FILES, "model.safetensors.index.json"])
@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_what_is_no_file_is_refused_and_not_waited_for(good, tmp_path, name, kind):
    folder = tmp_path / "model"
    shutil.copytree(good, folder)
    path = folder / name
    path.unlink(missing_ok=True)
    if name.endswith("index.json"):
        (folder / "model.safetensors").unlink()
    {"pipe": os.mkfifo, "device": lambda place: place.symlink_to("/dev/zero"), "folder": Path.mkdir}[kind](path)
    with pytest.raises(LayerwiseError) as error:
        load_folder(folder)
    assert str(folder) in str(error.value)
    if not name.endswith("index.json"):
        with pytest.raises(
            CatalogueError, match=rf"{name} cannot be read: (it is a pipe|it is a device|Is a directory|it is a folder)"
        ):
            model_entry("mine", {"source": str(folder)})


def test_pickles_are_not_read_from_pipes_and_devices(tmp_path):
    os.mkfifo(tmp_path / "a.pt")
    (tmp_path / "b.pt").symlink_to("/dev/zero")
    for name in ("a.pt", "b.pt"):
        with pytest.raises(PickleError, match=rf"{name} cannot be read: it is a (pipe|device)"):
            pickles.read(tmp_path / name)


# Folders of transformers


CHOICES = {
    "attn_implementation": "owner/repository",
    "_attn_implementation": "owner/repository",
    "_attn_implementation_internal": "owner/repository",
    "experts_implementation": "owner/repository",
    "quantization_config": {"quant_method": "gptq", "bits": 4},
    "auto_map": {"AutoConfig": "code.Config", "AutoModel": "code.Model"},
    "transformers_weights": "../../other.bin",
    "configuration_files": ["config.99.json", "config.0.0.1.json"],
    "fusion_config": {"patch_embeddings": True},
    "distributed_config": {"tp_size": 8},
    "torch_dtype": "bfloat16",
    "dtype": "hub",
    "to_dict": 5,
    "base_model_tp_plan": {"layers.*": "colwise"},
    "per_layer_config": {"0": {"hidden_size": 3}},
    "use_kernels": True,
    "output_attentions": True,
    "chunk_size_feed_forward": 3,
    "pruned_heads": {"0": [0]},
    "name_or_path": "owner/repository",
}


def test_a_config_describes_layers_and_chooses_nothing(good, tmp_path):
    folder = with_config(good, tmp_path / "model", **CHOICES)
    (folder / "code.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    waveform = np.random.default_rng(0).standard_normal(3200).astype(np.float32)
    expected, layers = load_folder(good).layers(waveform), load_folder(folder).layers(waveform)
    for name, rows in expected.items():
        np.testing.assert_array_equal(layers[name], rows)
    config = transformers_config(read_config(folder))
    assert config._attn_implementation == "sdpa"
    assert config.dtype is None
    assert not {"auto_map", "transformers_weights", "fusion_config", "quantization_config", "pruned_heads"} & {
        *vars(config)
    }
    assert not (tmp_path / "ran").exists()


def test_a_config_chooses_nothing_for_random_weights_like_it(good, tmp_path):
    from layerwise.models.random_weights import make_random_checkpoint_like

    make_random_checkpoint_like(with_config(good, tmp_path / "model", **CHOICES), 1, tmp_path / "random")
    make_random_checkpoint_like(good, 1, tmp_path / "same")
    for name in ("config.json", "model.safetensors"):
        assert (tmp_path / "random" / name).read_bytes() == (tmp_path / "same" / name).read_bytes()


SIZES = {
    "blocks by the billion": (
        {"num_hidden_layers": 10**9},
        "num_hidden_layers has 1000000000 layers, and no more than",
    ),
    "a width of a billion": ({"hidden_size": 10**9}, "hidden_size has 1000000000 dimensions, and no more than 1000000"),
    "very many conv blocks": ({"conv_stride": [1] * 2000}, "conv_stride has 2000 layers"),
    "frames that are days apart": ({"conv_stride": [1000] * 7}, "conv_stride has 1000000000000000000000 samples"),
    "a number of 5000 digits": ({"hidden_size": "X" * 5000}, "is no JSON: a number of 5000 digits"),
    "an infinity": ({"layer_norm_eps": "INFINITE"}, "is no JSON: 1e999 is no number"),
    "a NaN": ({"layer_norm_eps": float("nan")}, "is no JSON: NaN is no number"),
    "very deep lists": ({"id2label": "DEEP"}, "is no JSON: "),
    "rather deep lists": ({"id2label": "RATHER"}, "is no JSON: lists and mappings in one another"),
}


@pytest.mark.parametrize(("changes", "words"), SIZES.values(), ids=SIZES)
def test_sizes_that_no_model_has_are_refused_when_planned_and_loaded(good, tmp_path, changes, words):
    folder = with_config(good, tmp_path / "model", **changes)
    path = folder / "config.json"
    written = path.read_text().replace(f'"{"X" * 5000}"', "9" * 5000).replace('"INFINITE"', "1e999")
    path.write_text(written.replace('"DEEP"', "[" * 100_000 + "]" * 100_000).replace('"RATHER"', "[" * 900 + "]" * 900))
    with pytest.raises(CatalogueError) as error:
        model_entry("mine", {"source": str(folder)})
    assert words in str(error.value)
    with pytest.raises(LayerwiseError) as error:
        load_folder(folder)
    assert "\n" not in str(error.value)
    assert str(folder) in str(error.value)


@pytest.mark.parametrize("model_type", ["sew", "wav2vec2-bert", "whisper", "wav2vec2"])
def test_null_is_what_is_not_said(tmp_path, model_type):
    keys = ("conv_stride", "squeeze_factor", "feature_projection_input_dim", "hidden_size", "max_source_positions")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": model_type} | dict.fromkeys(keys)))
    said = model_entry("mine", {"source": str(tmp_path)})
    (tmp_path / "config.json").write_text(json.dumps({"model_type": model_type}))
    assert said == model_entry("mine", {"source": str(tmp_path)})


@pytest.mark.parametrize("said", [b"\xff" * 100_000, b"a" * 100_000], ids=["no text", "a long text"])
def test_an_origin_is_a_remark_whatever_it_says(good, tmp_path, said):
    folder = with_config(good, tmp_path / "model")
    (folder / "origin.txt").write_bytes(said)
    assert len(load_folder(folder).origin) <= 2000


def test_a_config_without_an_end(good, tmp_path):
    folder = with_config(good, tmp_path / "model")
    os.truncate(folder / "config.json", 20 << 30)
    with pytest.raises(
        CatalogueError, match=r"config\.json has 21474836480 bytes, .* export LAYERWISE_MAX_CONFIG_BYTES="
    ):
        model_entry("mine", {"source": str(folder)})


def test_a_model_that_its_weights_could_not_fill_is_given_no_memory(good, tmp_path):
    """Each size by itself is a possible one."""
    folder = with_config(good, tmp_path / "model", hidden_size=64_000, intermediate_size=512_000, num_hidden_layers=500)
    with pytest.raises(ModelError, match=r"is of a model of \d{14} parameters, its weights have \d+ numbers"):
        load_folder(folder)


def test_random_weights_are_no_more_than_a_machine_has(tmp_path):
    architecture = {"model_type": "wav2vec2", "hidden_size": 48_000, "intermediate_size": 512_000,
                    "num_hidden_layers": 100}  # fmt: skip
    with pytest.raises(CheckpointError, match=r"has \d+ parameters, .* export LAYERWISE_MAX_PARAMETERS="):
        make_random_checkpoint(architecture, 1, tmp_path / "model")
    with pytest.raises(CheckpointError, match="no model can be made of model_type 'bert'"):
        make_random_checkpoint({"model_type": "bert"}, 1, tmp_path / "model")


def with_index(good: Path, folder: Path, named: object) -> Path:
    shutil.copytree(good, folder)
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": named}}))
    return folder


@pytest.mark.parametrize(
    "named",
    ["../good/model.safetensors", "/etc/passwd", "sub/model.safetensors", "..", "", "a\0b", "a" * 5000, 3, ["a"]],
)
def test_an_index_names_files_beside_it(good, tmp_path, named):
    shutil.copytree(good, tmp_path / "good")
    folder = with_index(good, tmp_path / "model", named)
    with pytest.raises(WeightsError, match=r"index\.json (names|is no index)"):
        stored_weights(folder)


@pytest.mark.parametrize("named", ["config.json", "model.safetensors.index.json", "origin.txt", "model"])
def test_an_index_names_files_of_weights(good, tmp_path, named):
    folder = with_index(good, tmp_path / "model", named)
    with pytest.raises(WeightsError, match=rf"index\.json names {named}; files of weights are expected"):
        stored_weights(folder)


def test_shards_of_an_index_are_read_as_any_other_file(tmp_path):
    class Call:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "ran"),)

    torch.save({"a": Call()}, tmp_path / "pytorch_model-1.bin")
    (tmp_path / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": {"a": "pytorch_model-1.bin"}}))
    with pytest.raises(PickleError, match=r"a call of os\.mkdir"):
        stored_weights(tmp_path)
    assert not (tmp_path / "ran").exists()


def test_heads_of_safetensors(tmp_path, monkeypatch):
    path = tmp_path / "model.safetensors"
    for head in (b"", struct.pack("<Q", 1 << 63), struct.pack("<Q", 1 << 40) + b"{}", struct.pack("<Q", 4) + b"none"):
        path.write_bytes(head)
        with pytest.raises(WeightsError, match=r"model\.safetensors cannot be read"):
            stored_weights(tmp_path)
    save_file({"a": torch.ones(3)}, path)
    monkeypatch.setenv("LAYERWISE_MAX_SAFETENSORS_HEADER", "5")
    with pytest.raises(WeightsError, match=r"bytes in its header, .* export LAYERWISE_MAX_SAFETENSORS_HEADER="):
        stored_weights(tmp_path)


def test_weights_that_hold_themselves(tmp_path):
    state: dict = {"a": torch.ones(2)}
    state["model"] = state
    torch.save(state, tmp_path / "pytorch_model.bin")
    with pytest.raises(WeightsError, match="model in it should be tensors"):
        stored_weights(tmp_path)


def test_a_name_of_very_many_parts_is_soon_plain():
    assert plain_name("model." * 1_000_000 + "a.b") == "a.b"
    assert plain_name("model") == "model"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"n_fft": 10**12}, "has 1000000000000 samples in a window"),
        ({"padding_value": "INFINITE"}, "is no JSON"),
        ({"feature_size": "DEEP"}, "is no JSON"),
    ],
)
def test_settings_of_the_input_are_finite(tmp_path, said, words):
    text = json.dumps(said).replace('"INFINITE"', "1e999").replace('"DEEP"', "[" * 900 + "]" * 900)
    (tmp_path / FILES[0]).write_text(text)
    with pytest.raises(PreprocessorError, match=words):
        read_preprocessor(tmp_path, {"model_type": "whisper"})


# Originals


SETTINGS = {
    "blocks by the billion": ({"encoder_layers": 10**6}, r"num_hidden_layers has 1000000 layers"),
    "a width of a billion": ({"encoder_embed_dim": 24 * 10**9}, r"encoder_embed_dim has 24000000000 dimensions"),
    "no heads": ({"encoder_attention_heads": 0}, r"encoder_attention_heads is 0"),
    "conv blocks by the billion": ({"conv_feature_layers": "[(512,3,2)] * 4000000000"}, "conv_feature_layers is '"),
    "conv blocks in sums": (
        {"conv_feature_layers": "+".join(["[(512,3,2)]*999"] * 100)}, r"conv_feature_layers is '\[\("
    ),
    "a very long text": ({"conv_feature_layers": "[" * 100_000}, r"conv_feature_layers is '\[\["),
    "strides of days": ({"conv_feature_layers": "[(16, 1000, 1000)] * 5"}, r"conv_stride has 1000000000000000 samples"),
    "a tensor": ({"encoder_layers": torch.ones(2)}, r"encoder_layers is StoredTensor"),
    "an array": ({"layer_type": np.ones(2)}, r"layer_type is \[1\.0, 1\.0\]"),
    "a large array": ({"encoder_layers": np.ones(9000)}, r"encoder_layers is 'Array\("),
    "a list in itself": ({"activation_fn": (lambda own: own.append(own) or own)([])}, r"activation_fn is \[\[\["),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "words"), SETTINGS.values(), ids=SETTINGS)
def test_settings_that_no_model_has(tmp_path, changes, words):
    values = settings(**changes)
    path = write("hubert", tmp_path / "original", values, weights("hubert", settings()))
    with pytest.raises(OriginalError, match=words) as error:
        read_original(path)
    assert len(str(error.value)) < 1100


def test_settings_of_wavlm_that_cannot_be_computed_with(tmp_path):
    path = write("wavlm", tmp_path / "original", settings(num_buckets=3), weights("wavlm", settings()))
    with pytest.raises(OriginalError, match="num_buckets is 3, max_bucket_distance 20: 4 or more"):
        read_original(path)


class Node:
    """As omegaconf has them."""


def test_settings_that_hold_themselves(tmp_path):
    node = Node()
    node._val = node
    path = write("hubert", tmp_path / "original", settings(encoder_layers=node), weights("hubert", settings()))
    with pytest.raises(OriginalError, match=r"encoder_layers is <.*Node>"):
        read_original(path)


def test_settings_that_are_endless_by_what_they_repeat(tmp_path):
    value: object = [1]
    for _ in range(60):
        value = [value, value]
    path = write("hubert", tmp_path / "original", settings(normalize=value), weights("hubert", settings()))
    with pytest.raises(OriginalError, match="normalize is"):
        read_original(path)


def test_names_of_weights(tmp_path):
    state = weights("hubert", settings()) | {f"encoder.layers.{'9' * 5000}.fc1.bias": torch.ones(2)}
    path = write("hubert", tmp_path / "long", settings(), state)
    assert read_original(path).blocks == 3
    with pytest.raises(OriginalError, match="7 in its model should be names"):
        read_original(write("hubert", tmp_path / "number", settings(), state | {7: torch.ones(2)}))


def test_conv_layers_that_share_one_long_list():
    long = [1] * 100_000
    for given in ([long] * 100_000, [[1, 1, 1]] * 5000, "[(1,1,1)] + " * 900 + "[(1,1,1)]", {"a": 1}, 7, b"[(1,1,1)]"):
        with pytest.raises(ValueError, match=r"list|characters|int"):
            parse_conv_layers(given)
