import errno
import os
from pathlib import Path

import pytest

from layerwise.files import atomic
from layerwise.files.atomic import replaced, replaced_folder, resumed_folder
from layerwise.files.disk_space import DiskSpaceError
from layerwise.files.links import LinkError


@pytest.mark.parametrize("name", ["x", ".x.part", ".x.part/label", "x/label"])
def test_what_is_of_another_kind_is_refused(tmp_path, name):
    """A file where a folder belongs, and the other way round."""
    place = tmp_path / name
    if place.name == "label":
        place.mkdir(parents=True)
    else:
        place.write_text("mine")
    kinds = "a folder, where a file" if place.is_dir() else "a file, where a folder"
    refused = pytest.raises(LinkError, match=f"{place} is {kinds} of this workflow belongs: remove it")
    with refused, resumed_folder(tmp_path / "x", "label", "content"):
        pytest.fail("it was given")


def test_temporary_file_is_no_other_file(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("mine")
    os.link(victim, tmp_path / ".x.tmp.csv")
    with replaced(tmp_path / "x.csv") as temporary:
        temporary.write_text("new")
    assert victim.read_text() == "mine"


def test_the_target_appears_whole_and_the_folder_is_made(tmp_path):
    target = tmp_path / "new" / "scores.csv"
    with replaced(target) as temporary:
        temporary.write_text("a")
        assert temporary.parent == target.parent
        assert temporary.suffix == ".csv"
        assert not target.exists()
    assert target.read_text() == "a"
    assert list(target.parent.iterdir()) == [target]


def fail_halfway(target):
    with replaced(target) as temporary:
        temporary.write_text("ne")
        raise RuntimeError("halfway")


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path):
    target = tmp_path / "scores.csv"
    target.write_text("old")
    with pytest.raises(RuntimeError, match="halfway"):
        fail_halfway(target)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_block_that_writes_nothing_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError), replaced(tmp_path / "scores.csv"):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def synced(monkeypatch) -> list[str]:
    """Names, in order: what was brought to the disk, and `NAME!` when it was given."""
    done: list[str] = []
    replace, fsync = os.replace, os.fsync
    monkeypatch.setattr(os, "replace", lambda old, new: (done.append(f"{Path(new).name}!"), replace(old, new)))
    monkeypatch.setattr(
        os, "fsync", lambda file: (done.append(os.path.basename(os.readlink(f"/proc/self/fd/{file}"))), fsync(file))
    )
    return done


def test_content_is_on_the_disk_before_its_name(tmp_path, synced):
    """So that a power cut leaves no name without its content."""
    with replaced(tmp_path / "scores.csv") as temporary:
        temporary.write_text("a")
    assert synced == [".scores.tmp.csv", "scores.csv!", tmp_path.name]


def test_folders_are_on_the_disk_before_their_names(tmp_path, synced):
    with replaced_folder(tmp_path / "model") as temporary:
        (temporary / "part").mkdir()
        (temporary / "part/weights").write_text("a")
    with resumed_folder(tmp_path / "other", "label", "content") as temporary:
        pass
    assert sorted(synced[:2]) == ["part", "weights"]
    assert synced[2:5] == [".model.tmp", "model!", tmp_path.name]
    assert synced[5:] == ["label", ".other.part", "other!", tmp_path.name]


def test_folders_that_cannot_be_synced_are_not_missed(tmp_path, monkeypatch):
    def refuse(file):
        if os.path.isdir(f"/proc/self/fd/{file}"):
            raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "fsync", refuse)
    with replaced(tmp_path / "scores.csv") as temporary:
        temporary.write_text("a")
    assert (tmp_path / "scores.csv").read_text() == "a"


def test_file_that_does_not_reach_the_disk_gets_no_name(tmp_path, monkeypatch):
    """Network file systems say only then that a quota is used up."""

    def refuse(_):
        raise OSError(errno.EDQUOT, "Disk quota exceeded")

    monkeypatch.setattr(os, "fsync", refuse)
    message = rf"the disk of {tmp_path} became full while scores\.csv was written: make room and run the same command"
    with pytest.raises(DiskSpaceError, match=message), replaced(tmp_path / "scores.csv") as temporary:
        temporary.write_text("a")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("write", [replaced, replaced_folder])
def test_full_disk_is_named(tmp_path, monkeypatch, write):
    def fail(reason):
        with write(tmp_path / "out"):
            raise reason

    with pytest.raises(DiskSpaceError, match="became full while out was written"):
        fail(OSError(errno.ENOSPC, "No space left on device"))
    with pytest.raises(OSError, match="denied"):
        fail(OSError(errno.EACCES, "denied"))
    usage = atomic.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(atomic.shutil, "disk_usage", lambda _: usage._replace(free=0))
    with pytest.raises(DiskSpaceError):  # what wrote it did not say why it failed
        fail(RuntimeError("unexpected position"))


@pytest.mark.parametrize("write", [replaced, replaced_folder])
def test_links_in_the_way_of_what_is_written_are_refused(tmp_path, write):
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / (".out.tmp")).symlink_to(victim)
    with pytest.raises(LinkError, match=r"\.out\.tmp is a link to .*victim.*remove it"), write(tmp_path / "out"):
        pytest.fail("it was followed")
    assert victim.read_text() == "mine"


def test_a_link_to_a_file_is_replaced_itself(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / "out").symlink_to(victim)
    with replaced(tmp_path / "out") as temporary:
        temporary.write_text("new")
    assert victim.read_text() == "mine"
    assert (tmp_path / "out").read_text() == "new"
    assert not (tmp_path / "out").is_symlink()


def test_a_link_to_a_folder_is_refused(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/a").write_text("mine")
    (tmp_path / "out").symlink_to(tmp_path / "mine")
    with pytest.raises(LinkError, match="out is a link"), replaced_folder(tmp_path / "out"):
        pytest.fail("it was followed")
    assert (tmp_path / "mine/a").read_text() == "mine"


def test_a_folder_that_is_a_link_goes_on_to_work(tmp_path):
    """As results/, or resources/models, that somebody has moved to a larger disk."""
    (tmp_path / "large").mkdir()
    (tmp_path / "results").symlink_to(tmp_path / "large")
    with replaced(tmp_path / "results/a.csv") as temporary:
        temporary.write_text("a")
    with replaced_folder(tmp_path / "results/folder") as temporary:
        (temporary / "a").write_text("a")
    with resumed_folder(tmp_path / "results/other", "label", "content") as temporary:
        pass
    assert sorted(path.name for path in (tmp_path / "large").iterdir()) == ["a.csv", "folder", "other"]


@pytest.mark.parametrize("label", [b"\xff", b"", b"content" * 1000, "conten\u0442".encode()])
def test_label_that_says_something_else(tmp_path, label):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/label").write_bytes(label)
    with resumed_folder(tmp_path / "out", "label", "content") as folder:
        assert folder == tmp_path / ".out.part"
