"""Outputs that lost their ends: a plan only says so, a run deletes them, and nothing else is touched."""

from __future__ import annotations

import os

TABLE = "results/smoke/tables/samples.csv"
CUT = f"{TABLE}: cut off, as by a power cut; "


def test_only_a_run_deletes_what_is_cut_off(finished):
    whole, status = (finished / TABLE).read_bytes(), (finished / TABLE).stat()
    (finished / TABLE).write_bytes(whole[:-5])
    os.utime(finished / TABLE, ns=(status.st_atime_ns, status.st_mtime_ns))
    notes = finished / "results/smoke/tables/my-notes.csv"
    notes.write_text("no rule makes this")

    assert CUT + "a run makes it again" in finished.plan().output
    assert (finished / TABLE).read_bytes() == whole[:-5]

    # As while another run is at work.
    lock = finished / ".snakemake/locks/0.output.lock"
    lock.parent.mkdir(exist_ok=True)
    lock.write_text(f"{TABLE}\n")
    assert CUT + "a run makes it again" in finished.snakemake("--cores", "1", TABLE).output
    assert (finished / TABLE).read_bytes() == whole[:-5]
    assert finished.snakemake("--unlock").returncode == 0

    run = finished.snakemake("--cores", "1", TABLE)
    assert run.returncode == 0, run.output
    assert run.output.count(CUT + "it is made again") == 1
    assert run.jobs == {"summarise_samples": 1}
    assert (finished / TABLE).read_bytes() == whole
    assert notes.read_text() == "no rule makes this"
