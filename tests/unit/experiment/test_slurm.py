"""What SLURM would never start or never end, with stand-ins of its commands."""

from __future__ import annotations

import pytest

from layerwise.experiment.slurm import ClusterError, Request, check_requests, check_status_command

NO_ACCOUNTING = 'echo "Slurm accounting storage is disabled" >&2; exit 1'


@pytest.fixture
def commands(tmp_path, monkeypatch):
    """Puts stand-ins of commands on an otherwise empty PATH: name → lines of sh."""
    monkeypatch.setenv("PATH", str(tmp_path))

    def put(**scripts: str) -> None:
        for name, script in scripts.items():
            path = tmp_path / name
            path.write_text(f"#!/bin/sh\n{script}\n")
            path.chmod(0o755)

    return put


def config(min_job_age: int | str) -> str:
    return f'echo "MessageTimeout          = 10 sec"; echo "MinJobAge               = {min_job_age} sec"'


@pytest.fixture
def cluster(commands):
    """A SLURM of these partitions and nodes, each a line of scontrol."""

    def put(partitions: list[str], nodes: list[str]) -> None:
        listed = {"partition": partitions, "node": nodes}
        cases = [f'{what}) cat <<"END"\n{chr(10).join(lines)}\nEND\n;;' for what, lines in listed.items()]
        commands(scontrol=f"PATH=/bin:/usr/bin\ncase $2 in {chr(10).join(cases)} esac")

    return put


def partition(name: str, nodes: int = 1, **facts) -> str:
    facts = {
        "Default": "NO",
        "MaxTime": "UNLIMITED",
        "MaxCPUsPerNode": "UNLIMITED",
        "MaxMemPerNode": "UNLIMITED",
    } | facts
    more = " ".join(f"{fact}={value}" for fact, value in facts.items())
    return f"PartitionName={name} AllowGroups=ALL TotalNodes={nodes} State=UP {more} TRES=cpu=16,mem=250G,node=1"


def node(name: str, partitions: str, cpus: int = 16, memory: int | str = 64000, gres: str = "(null)", **facts) -> str:
    facts = {"State": "IDLE", "Partitions": partitions} | facts
    more = " ".join(f"{fact}={value}" for fact, value in facts.items())
    return f"NodeName={name} Arch=x86_64 CPUTot={cpus} Gres={gres} OS=Linux 6.1 #1 SMP x=y RealMemory={memory} {more}"


def asks(rule: str = "score_layers", attempt: int = 1, threads: int = 1, **resources) -> Request | None:
    return Request.of(rule, attempt, threads, {"mem_mb": 2000, "runtime": 30} | resources)


# How jobs ended


@pytest.mark.parametrize("exit_status", [1, 2])
def test_without_accounting_a_run_does_not_start(commands, exit_status):
    commands(sacct=NO_ACCOUNTING.replace("exit 1", f"exit {exit_status}"), scontrol=config(300))
    with pytest.raises(ClusterError, match=r"accounting storage is disabled.*slurm-status-command: squeue") as error:
        check_status_command("sacct", first_look=20)
    assert "MinJobAge" not in str(error.value)


def test_what_sacct_says_on_standard_output_is_shown_too(commands):
    commands(sacct='echo "Slurm accounting storage is disabled"; exit 1', scontrol=config(300))
    with pytest.raises(ClusterError, match="accounting storage is disabled"):
        check_status_command("sacct", first_look=20)


def test_a_database_that_does_not_answer_counts_as_none(commands):
    commands(sacct='echo "sacct: error: Connection refused" >&2; exit 1', scontrol=config(300))
    with pytest.raises(ClusterError, match="Connection refused"):
        check_status_command("sacct", first_look=20)


@pytest.mark.parametrize(
    ("command", "scripts"),
    [
        pytest.param("sacct", {"sacct": "exit 0", "scontrol": config(300)}, id="accounting"),
        pytest.param("sacct", {"sacct": "exit 0", "scontrol": config(2)}, id="accounting, whatever squeue forgets"),
        pytest.param("squeue", {"sacct": NO_ACCOUNTING, "scontrol": config(300)}, id="squeue"),
        pytest.param("sacct", {"scontrol": config(300)}, id="no sacct, so squeue"),
        pytest.param(None, {"scontrol": config(300)}, id="nothing set, no sacct"),
        pytest.param("squeue", {"scontrol": config(0)}, id="nothing is ever forgotten"),
    ],
)
def test_where_the_end_of_jobs_is_seen_nothing_is_said(commands, command, scripts):
    commands(**scripts)
    assert check_status_command(command, first_look=20) == []


@pytest.mark.parametrize(("age", "first_look", "needed"), [(2, 20, 240), (239, 20, 240), (300, 120, 360)])
def test_squeue_has_to_remember_jobs_for_longer_than_looks_are_apart(commands, age, first_look, needed):
    commands(scontrol=config(age))
    with pytest.raises(ClusterError, match=f"{age} seconds after its end .*MinJobAge to at least {needed};"):
        check_status_command("squeue", first_look)


@pytest.mark.parametrize("age", [0, 59])
def test_squeue_is_not_asked_where_it_forgets_soon_and_there_is_a_sacct(commands, age):
    commands(sacct=NO_ACCOUNTING, scontrol=config(age))
    with pytest.raises(ClusterError, match=rf"accounting .* MinJobAge .* at least 240 \(it is {age}\)"):
        check_status_command("squeue", first_look=20)


@pytest.mark.parametrize("scontrol", [None, "echo down >&2; exit 1", "echo SLURM_VERSION = 99"])
def test_an_unknown_age_is_a_warning(commands, scontrol):
    commands(**({"scontrol": scontrol} if scontrol else {}))
    (warning,) = check_status_command("squeue", first_look=20)
    assert "scontrol show config" in warning
    assert "\n" not in warning


# What jobs ask for


SMALL = partition("cpu", Default="YES", MaxTime="12:00:00")
FIT = {
    "all of a node": {"threads": 16, "mem_mb": 64000, "runtime": 720},
    "no time given": {"runtime": None},
    "a size that is not known yet": {"mem_mb": "<TBD>", "runtime": "<TBD>"},
    "a QOS may allow more time": {"runtime": 10000, "qos": "long"},
    "another cluster": {"slurm_cluster": "theirs", "mem_mb": 10**9, "slurm_partition": "nope"},
    "fewer cores than threads": {"threads": 64, "cpus_per_task": 8},
    "cores left to the site": {"threads": 64, "cpus_per_task": -1},
}
TOO_MUCH = {
    "memory": ({"mem_mb": 64001}, ["64,001 MB", "64,000 MB", "set-resources: {score_layers: {mem_mb: 64000}}"]),
    "memory of each core": ({"mem_mb_per_cpu": 5000, "threads": 13}, ["65,000 MB", "{mem_mb: 64000}"]),
    "cores": ({"threads": 17}, ["17 cores", "16 cores", "set-threads: {score_layers: 16}"]),
    "cores of a task": ({"cpus_per_task": 17}, ["17 cores"]),
    "time": ({"runtime": 721}, ["721 minutes", "720 minutes", "set-resources: {score_layers: {runtime: 720}}"]),
    "a GPU": ({"gpu": 1}, ["1 × gpu", "set-resources: {score_layers: {gpu: 0}}"]),
    "a GPU of a model": ({"gpu": 1, "gpu_model": "a100"}, ["1 × gpu:a100"]),
    "a generic resource": ({"gres": "gpu:a100:2"}, ["2 × gpu:a100", "{gres: none}"]),
}


@pytest.mark.parametrize("resources", FIT.values(), ids=FIT)
def test_what_fits_is_not_mentioned(cluster, resources):
    cluster([SMALL], [node("n1", "cpu")])
    assert check_requests([asks(**resources)]) == []


@pytest.mark.parametrize(("resources", "said"), TOO_MUCH.values(), ids=TOO_MUCH)
def test_more_than_any_node_has_is_refused(cluster, resources, said):
    cluster([SMALL], [node("n1", "cpu"), node("n2", "cpu", memory=500)])
    with pytest.raises(ClusterError) as error:
        check_requests([asks(**resources), asks(**resources), asks("draw_sample")])
    for text in ["score_layers (2 jobs) asks for", "partition cpu has", *said]:
        assert text in str(error.value)
    assert "draw_sample" not in str(error.value)


def test_no_single_node_has_both(cluster):
    cluster([partition("mixed", Default="YES")], [node("n1", "mixed", 32, 16000), node("n2", "mixed", 8, 128000)])
    assert check_requests([asks(threads=32), asks(mem_mb=128000)]) == []
    with pytest.raises(ClusterError, match="32 cores, 16,000 MB of memory or 8 cores, 128,000 MB"):
        check_requests([asks(threads=16, mem_mb=64000)])


def test_the_partition_that_a_job_names_counts_and_one_that_fits_is_named(cluster):
    cluster(
        [partition("cpu", Default="YES", MaxTime="1-00:00:00"), partition("gpu"), partition("fat")],
        [node("n1", "cpu"), node("n2", "gpu,fat", gres="gpu:a100:4(S:0-1),gpu:v100:2,shard:8")],
    )
    with pytest.raises(ClusterError, match=r"slurm_partition: fat}} \(or gpu\)"):
        check_requests([asks(gpu=1)])
    for gres in ["gpu", "gpu:4", "gpu:a100", "gpu:A100:4", "gpu:v100:2", "shard:8"]:
        assert check_requests([asks(slurm_partition="gpu", gres=gres)]) == [], gres
    for gres in ["gpu:7", "gpu:a100:5", "gpu:h100:1", "shard:9", "gpu:a:1"]:
        with pytest.raises(ClusterError):
            check_requests([asks(slurm_partition="gpu", gres=gres)])
    assert check_requests([asks(slurm_partition="cpu,gpu", gpu=6)]) == []  # either will do
    assert check_requests([asks(gpu=6)], in_any_partition=True) == []
    assert check_requests([asks(slurm_partition="gpu", runtime=10**6)]) == []
    with pytest.raises(ClusterError, match="1440 minutes"):
        check_requests([asks(runtime=1441)])


def test_a_partition_that_is_not_there_is_said_once(cluster):
    cluster([SMALL, partition("gpu")], [node("n1", "cpu"), node("n2", "gpu")])
    with pytest.raises(ClusterError, match=r"slurm_partition: gpuu, of draw_sample and 1 other rule, .*: cpu, gpu$"):
        check_requests([asks("draw_sample", slurm_partition="gpuu"), asks(slurm_partition="gpuu")])


@pytest.mark.parametrize("state", ["DOWN", "DOWN*+DRAIN", "IDLE+CLOUD+POWERED_DOWN", "PLANNED"])
def test_nodes_count_in_any_state(cluster, state):
    cluster([SMALL], [node("n1", "cpu", State=state)])
    assert check_requests([asks(threads=16)]) == []


@pytest.mark.parametrize("shown", [[], [node("n1", "cloud", cpus=2)]], ids=["none", "one of four"])
def test_nodes_that_are_not_shown_may_have_anything_but_more_time(cluster, shown):
    cluster([partition("cloud", nodes=4, Default="YES", MaxTime="01:00:00")], shown)
    assert check_requests([asks(threads=96, mem_mb=10**6, gpu=8)]) == []
    with pytest.raises(ClusterError, match="60 minutes"):
        check_requests([asks(runtime=61)])


def test_what_is_kept_for_the_system_and_limits_of_the_partition_count(cluster):
    limited = partition("cpu", Default="YES", MaxMemPerNode=32000)
    cluster([limited, partition("whole")], [node("n1", "cpu,whole", CPUEfctv=14, MemSpecLimit=4000)])
    for resources in ({"threads": 15}, {"mem_mb": 32001}, {"mem_mb": 60001, "slurm_partition": "whole"}):
        with pytest.raises(ClusterError):
            check_requests([asks(**resources)])
    assert check_requests([asks(threads=14, mem_mb=60000, slurm_partition="whole")]) == []


@pytest.mark.parametrize(("memory", "megabytes"), [("64G", 65536), ("1T", 1048576), ("512", 512), ("2048M", 2048)])
def test_memory_may_have_a_unit(cluster, memory, megabytes):
    cluster([SMALL], [node("n1", "cpu", memory=memory)])
    assert check_requests([asks(mem_mb=megabytes)]) == []
    with pytest.raises(ClusterError):
        check_requests([asks(mem_mb=megabytes + 1)])


def test_a_later_attempt_that_sbatch_refuses_is_a_warning_one_that_waits_for_ever_an_error(cluster):
    cluster([SMALL], [node("n1", "cpu")])
    growing = [asks(attempt=attempt, mem_mb=40000 * attempt) for attempt in (1, 2, 3)]
    (warning,) = check_requests(growing)
    assert "score_layers (attempt 2) asks for 1 core, 80,000 MB" in warning
    assert "set-resources: {score_layers: {mem_mb: 64000}}; or retries: 0" in warning
    with pytest.raises(ClusterError, match=r"attempt 2.*{runtime: 720}}; or retries: 0"):
        check_requests([asks(attempt=attempt, runtime=400 * attempt) for attempt in (1, 2)])


@pytest.mark.parametrize(
    "scontrol", [None, "echo slurm_load_partitions: Unable to contact slurm >&2; exit 1", "exit 0"]
)
def test_without_an_answer_a_run_goes_on_with_one_warning(commands, scontrol):
    commands(**({"scontrol": scontrol} if scontrol else {}))
    (warning,) = check_requests([asks(threads=10**6)])
    assert "scontrol show partition" in warning
    assert "\n" not in warning
