import pytest

from layerwise.files import replaced


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
