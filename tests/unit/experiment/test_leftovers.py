"""What lies in the folder of an experiment and is of nothing that it still asks for."""

from __future__ import annotations

from layerwise.experiment.leftovers import left_of_tasks


def test_folders_of_tasks_that_were_taken_away_are_found(tmp_path):
    for folder in ("probes/kept", "probes/gone", "tasks/kept", "tasks/gone", "tasks/splits", "scores/phone"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "probes/note.txt").touch()
    assert left_of_tasks(tmp_path, ["kept"]) == [tmp_path / "probes/gone", tmp_path / "tasks/gone"]
    assert left_of_tasks(tmp_path, ["kept", "gone"]) == []
    assert left_of_tasks(tmp_path / "new", []) == []
