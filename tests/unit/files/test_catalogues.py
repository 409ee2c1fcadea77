"""Where resources lie, and YAML of strangers."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from layerwise.files.catalogues import CatalogueError, locate, read_yaml
from layerwise.files.shipped import ROOT

MANY = "{" + ", ".join(f"k{number}: 1" for number in range(1000)) + "}"
STRANGE = {
    "a list in itself": ("a: &a [*a]", "more than 50 mappings and lists in one another, or one that holds itself"),
    "a mapping in itself": ("a: &a {b: *a}", "holds itself"),
    "deep": ("a: " + "[" * 900 + "]" * 900, "more than 50 mappings and lists"),
    "very deep": ("[" * 100_000, "line 1, column 1001: exceeded maximum nesting depth"),
    "a billion by aliases": (
        "a0: &a0 [x, x, x, x]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 10)),
        "LAYERWISE_MAX_YAML_VALUES",
    ),
    "a billion by <<": (
        f"a0: &a0 {MANY}\n" + "".join(f"a{i}: {{<<: [{', '.join(['*a0'] * 100)}]}}\n" for i in range(1, 100)),
        "what << merges has 300000 values, and no more than 200000 are read",
    ),
    "a key twice": ("a: 1\nb: 2\na: 3", "line 3, column 1: the key a stands there twice"),
    "a key twice, in quotes": ("a: {b: 1, 'b': 2}", "the key b stands there twice"),
    "a key that is a list": ("? [a]\n: 1", "line 1, column 3: found unhashable key"),
    "an object": ("a: !!python/object/apply:os.system ['touch run']", "could not determine a constructor for the tag"),
    "a name of Python": ("%TAG ! tag:yaml.org,2002:python/\n---\na: !name:os.system", "could not determine a construc"),
    "a long number": ("a: " + "9" * 5000, "line 1, column 4: a number of 5000 characters"),
    "a long number of minutes": ("a: 1" + ":59" * 100_000, "line 1, column 4: a number of 300001 characters"),
    "a month 99": ("a: 2001-99-99", "a value is not what YAML takes it for (ValueError: month must be in 1..12)"),
    "no number": ("a: !!float x", "ValueError: could not convert string to float: 'x'"),
    "no integer": ("a: !!int ''", "IndexError"),
    "no time": ("a: !!timestamp x", "AttributeError"),
    "no truth": ("a: !!bool x", "KeyError: 'x'"),
    "no bytes": ("a: !!binary abc", "failed to decode base64 data"),
    "NUL": ("a: \0", "ReaderError: unacceptable character #x0000"),
    "half of a pair": ('a: "\\ud800"', "line 1, column 7: found invalid Unicode character"),
    "no anchor": ("a: *b", "line 1, column 4: found undefined alias"),
    "two documents": ("a: 1\n---\nb: 2", "line 2, column 1: but found another document"),
}  # fmt: skip


def test_yaml_that_cannot_be_read_is_named(tmp_path):
    path = tmp_path / "models.yaml"
    path.write_text("a: [1, 2\n")
    with pytest.raises(CatalogueError, match=r"(?s)models\.yaml: .*line 2"):
        read_yaml(path)


@pytest.mark.parametrize(("content", "kind"), [("- a\n- b\n", "list"), ("", "NoneType"), ("text\n", "str")])
def test_yaml_without_names_is_refused(tmp_path, content, kind):
    path = tmp_path / "models.yaml"
    path.write_text(content)
    with pytest.raises(CatalogueError, match=rf"models\.yaml: a mapping of names is expected, not {kind}"):
        read_yaml(path)


@pytest.mark.parametrize(("content", "words"), STRANGE.values(), ids=STRANGE)
def test_yaml_of_strangers_is_one_line_of_error(tmp_path, monkeypatch, content, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "their.yaml").write_bytes(content.encode())
    with pytest.raises(CatalogueError) as caught:
        read_yaml(Path("their.yaml"))
    assert str(caught.value).startswith("their.yaml")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert os.listdir() == ["their.yaml"]


def test_yaml_says_what_it_says(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_bytes("\ufeffa: &a {x: 1, y: 2}\nb: {<<: *a, x: 3}\nc: &c {<<: *c, z: 1_000}\nd: [*a, *a]\n".encode())
    assert read_yaml(path) == {
        "a": {"x": 1, "y": 2},
        "b": {"x": 3, "y": 2},
        "c": {"z": 1000},
        "d": [{"x": 1, "y": 2}] * 2,
    }


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("a: é".encode("latin-1"), "byte 3 is not UTF-8"),
        (b"a: " + b"x" * 4_000_000, "LAYERWISE_MAX_YAML_BYTES=4000003"),
    ],
    ids=["Latin-1", "large"],
)
def test_a_yaml_file_that_is_none_is_named(tmp_path, content, words):
    (tmp_path / "a.yaml").write_bytes(content)
    with pytest.raises(CatalogueError, match=rf"a\.yaml.*{words}"):
        read_yaml(tmp_path / "a.yaml")


def test_what_is_no_file_is_not_opened(tmp_path):
    """A FIFO would wait for ever, a device give for ever."""
    os.mkfifo(tmp_path / "fifo")
    for path, found in (
        (tmp_path / "fifo", "it is a pipe; a file is expected"),
        (tmp_path, "Is a directory"),
        (Path("/dev/zero"), "it is a device; a file is expected"),
    ):
        with pytest.raises(CatalogueError, match=f"cannot be read: {found}"):
            read_yaml(path)
    for name in ("absent", "a\0b", "x" * 5000, "\udcff"):
        with pytest.raises(CatalogueError, match="cannot be read: "):
            read_yaml(tmp_path / name)


def test_paths_are_relative_to_the_working_directory_or_shipped(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert locate("resources/models.yaml") == ROOT / "resources/models.yaml"
    (tmp_path / "resources").mkdir()
    (tmp_path / "resources/models.yaml").touch()
    assert locate("resources/models.yaml").resolve() == tmp_path / "resources/models.yaml"
    assert locate("/absolute/path").as_posix() == "/absolute/path"
    # Nothing else of the checkout is anybody's corpus or list of words.
    assert (ROOT / "tests").is_dir()
    assert not locate("tests").exists()


def test_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert locate("~/models") == tmp_path / "models"
