"""The shipped demo corpus and commands can be made again, bit by bit. Needs flite; takes about 30 seconds."""

import ctypes
import hashlib
from pathlib import Path

import pytest

from layerwise.demo import commands, corpus

DEMO = Path(__file__).parents[2] / "resources" / "demo"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Both archives, made anew with the default settings."""
    try:
        ctypes.CDLL("libflite.so.1")
    except OSError:
        pytest.skip("libflite.so.1 is not installed (Debian package libflite1)")
    return corpus.make_demo(tmp_path_factory.mktemp("demo"))


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


# The times first: where only the audio differs, an encoder or a resampler has changed, and the corpus is still valid.
@pytest.mark.parametrize("which", [1, 0], ids=["alignments", "audio"])
def test_the_shipped_archives_are_what_the_code_makes(made, which):
    assert sha256(made[which]) == sha256(corpus.archive_paths(DEMO)[which])


def test_the_shipped_commands_are_what_the_code_makes(made, tmp_path):
    assert sha256(commands.make_commands(tmp_path)) == sha256(DEMO / commands.ARCHIVE)
