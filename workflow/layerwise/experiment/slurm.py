"""What SLURM would never start or never end, found before the first job is submitted.

SLURM waits in silence for what cannot come: a job that asks for more cores or time than its partition has stays in the
queue for ever; and where nobody tells how jobs ended, Snakemake waits for jobs that are long done.
"""

from __future__ import annotations

import math
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from layerwise.errors import LayerwiseError

# Of snakemake-executor-plugin-slurm: it looks at jobs at most this many seconds apart, a look may take a minute, and it
# does not trust squeue unless MinJobAge is three times the time before its first look.
LONGEST_INTERVAL, LONGEST_LOOK, TRUSTED_LOOKS = 180, 60, 3
COMMAND_SECONDS = 60
KINDS_SHOWN = 3  # of nodes, in a message
UNITS = {"": 1, "K": 1 / 1024, "M": 1, "G": 1024, "T": 1024**2}  # of memory, in megabytes


class ClusterError(LayerwiseError):
    """SLURM would never start, or Snakemake never see the end of, a job of this run."""

    is_list = True


class _Unanswered(Exception):
    """A command of SLURM is not there, or fails: why."""


# How jobs ended


def check_status_command(command: str | None, first_look: int) -> list[str]:
    """Look whether Snakemake would hear that jobs have ended.

    Args:
        command: what the executor was told to ask: `sacct`, `squeue` or None.
        first_look: seconds before its first look at jobs.

    Returns:
        Warnings: what could not be found out.

    Raises:
        ClusterError: it would never hear of it.
    """
    age = why = None
    try:
        age = _min_job_age()
    except _Unanswered as error:
        why = str(error)
    needed = max(LONGEST_INTERVAL + LONGEST_LOOK, TRUSTED_LOOKS * first_look)
    if _asks_sacct(command, first_look, age):
        _check_sacct(age, needed)
    elif age is None:
        return [f"how long squeue remembers a job that has ended is not known ({why}): if not for long, a run hangs"]
    elif 0 < age < needed:  # 0: never forgotten
        raise ClusterError(
            f"squeue forgets a job {age} seconds after its end (MinJobAge in slurm.conf), but Snakemake may look at "
            f"jobs {LONGEST_INTERVAL} seconds apart or more, and would wait for ever for those that it missed. "
            f"Set MinJobAge to at least {needed}; or, where accounting runs, slurm-status-command: sacct in the profile"
        )
    return []


def _asks_sacct(command: str | None, first_look: int, age: int | None) -> bool:
    """Whether the executor will ask sacct: where there is one, also when MinJobAge seems too short for squeue."""
    is_too_short = age is None or age < TRUSTED_LOOKS * first_look
    return shutil.which("sacct") is not None and (command == "sacct" or is_too_short)


def _check_sacct(age: int | None, needed: int) -> None:
    try:
        _output("sacct", "-X", "--noheader", "--clusters", "all", "--format", "JobIdRaw,State", "--name", "layerwise")
    except _Unanswered as error:
        also = (
            f", and MinJobAge in slurm.conf to at least {needed} (it is {age})"
            if age is not None and age < needed
            else ""
        )
        raise ClusterError(
            f"SLURM keeps no account of jobs here ({error}): Snakemake would wait for ever for jobs that have ended. "
            f"Set slurm-status-command: squeue in the profile (or --slurm-status-command squeue){also}"
        ) from error


def _min_job_age() -> int:
    """Seconds for which squeue remembers a job that has ended."""
    config = _output("scontrol", "show", "config")
    found = re.search(r"^MinJobAge\s*=\s*(\d+)", config, re.MULTILINE)
    if found is None:
        raise _Unanswered("scontrol show config has no MinJobAge")
    return int(found[1])


# What jobs ask for


@dataclass(frozen=True)
class Request:
    """What a job asks of SLURM at one of its attempts.

    Attributes:
        partitions: any of which will do; none: the default one.
        gres: generic resources, with their type where that matters (gpu, gpu:a100) → how many.
        minutes: None: it does not say, or what is allowed does not depend on the partition alone.
    """

    rule: str
    attempt: int
    partitions: tuple[str, ...]
    cores: int
    memory_mb: float
    gres: tuple[tuple[str, float], ...]
    minutes: float | None

    @classmethod
    def of(cls, rule: str, attempt: int, threads: int, resources: Mapping) -> Request | None:
        """What the executor makes of a job's resources; None: it goes to another cluster, of which nothing is known.

        A value that is no number yet, as it depends on files that a job will make, asks for nothing.
        """

        def number(name: str) -> float:
            value = resources.get(name)
            return value if isinstance(value, int | float) else 0

        if any(resources.get(name) for name in ("slurm_cluster", "cluster", "clusters")):
            return None
        cores = int(max(number("cpus_per_task") or number("cpus_per_gpu") * number("gpu") or threads, 1))
        gres: dict[str, float] = dict(Counter(_gres(str(resources.get("gres") or ""))))
        if number("gpu"):
            model = resources.get("gpu_model")
            name = f"gpu:{model}" if model else "gpu"
            gres[name] = gres.get(name, 0) + number("gpu")
        return cls(
            rule=rule,
            attempt=attempt,
            partitions=tuple(re.findall(r"[^,\s]+", str(resources.get("slurm_partition") or ""))),
            cores=cores,
            memory_mb=number("mem_mb_per_cpu") * cores or number("mem_mb"),
            gres=tuple(sorted(gres.items())),
            minutes=None if resources.get("qos") else number("runtime") or None,  # a QOS may allow more
        )

    def __str__(self) -> str:
        parts = [_amount(self.cores, "core"), *_memory(self.memory_mb), *(f"{n:g} × {name}" for name, n in self.gres)]
        return ", ".join(parts + ([f"{self.minutes:g} minutes"] if self.minutes else []))


# What there is


@dataclass(frozen=True)
class Offer:
    """The most that a job can have on one kind of node of a partition. Infinite: not known, or without limit."""

    partition: str
    cores: float = math.inf
    memory_mb: float = math.inf
    gres: Mapping[str, float] | None = None
    minutes: float = math.inf

    def missing(self, request: Request) -> dict[str, float]:
        """What there is less of than a job asks for, by the name of the setting → how much there is."""
        has = {name: self._has(name) for name, _ in request.gres}
        asked = [
            ("threads", request.cores, self.cores),
            ("mem_mb", request.memory_mb, self.memory_mb),
            *((name, count, has[name]) for name, count in request.gres),
            ("runtime", request.minutes or 0, self.minutes),
        ]
        return {name: there for name, count, there in asked if count > there}

    def _has(self, name: str) -> float:
        """How many of a generic resource, of all types unless one is named."""
        if self.gres is None:
            return math.inf
        return sum(count for kind, count in self.gres.items() if f"{kind}:".lower().startswith(f"{name}:".lower()))

    def __str__(self) -> str:
        gres = [f"{count:g} × {name}" for name, count in sorted((self.gres or {}).items())]
        parts = [_amount(self.cores, "core"), *_memory(self.memory_mb), *gres]
        return ", ".join(parts + ([f"{self.minutes:g} minutes"] if self.minutes < math.inf else []))


def _offers() -> tuple[list[Offer], str | None]:
    """What each kind of node of each partition has, down or not, and the name of the default partition.

    Nodes that SLURM does not show, such as those of a cloud that are off, may have anything.

    Raises:
        _Unanswered: SLURM could not be asked.
    """
    partitions = [_facts(line) for line in _output("scontrol", "show", "partition", "--all", "--oneliner").splitlines()]
    nodes = [_facts(line) for line in _output("scontrol", "show", "node", "--all", "--oneliner").splitlines()]
    found, default = [], None
    for partition in partitions:
        if "PartitionName" not in partition:
            continue
        name = partition["PartitionName"]
        default = name if partition.get("Default") == "YES" else default
        members = [node for node in nodes if name in node.get("Partitions", "").split(",")]
        kinds = [_offer(partition, node) for node in members]
        if not members or len(members) < _number(partition.get("TotalNodes"), 0):
            kinds.append(Offer(name, minutes=_minutes(partition.get("MaxTime"))))
        for kind in kinds:
            if kind not in found:
                found.append(kind)
    if not found:
        raise _Unanswered("scontrol show partition names none")
    return found, default


def _offer(partition: Mapping[str, str], node: Mapping[str, str]) -> Offer:
    cores = _number(node.get("CPUEfctv") or node.get("CPUTot"), math.inf)  # without those kept for the system
    memory = _megabytes(node.get("RealMemory")) - _number(node.get("MemSpecLimit"), 0)
    return Offer(
        partition=partition["PartitionName"],
        cores=min(cores, _number(partition.get("MaxCPUsPerNode"), math.inf)),
        memory_mb=min(memory, _megabytes(partition.get("MaxMemPerNode"))),
        gres=_gres(node.get("Gres", "")),
        minutes=_minutes(partition.get("MaxTime")),
    )


# The two compared


def check_requests(requests: Iterable[Request], in_any_partition: bool = False) -> list[str]:
    """Look whether a partition has what each job asks for.

    Args:
        requests: of all jobs, at all their attempts; None: of a job that goes to another cluster.
        in_any_partition: jobs that name no partition may go to any, not to the default one.

    Returns:
        Warnings: what could not be found out, and which later attempts SLURM would refuse.

    Raises:
        ClusterError: a job would never start, or a later attempt would wait for ever.
    """
    try:
        there, default = _offers()
    except _Unanswered as error:
        return [f"what the partitions of SLURM have is not known ({error}): a job that asks for more may wait for ever"]
    asked = sorted(Counter(filter(None, requests)).items(), key=lambda item: (item[0].attempt, item[0].rule))
    _check_names([request for request, _ in asked], {offer.partition for offer in there})
    refused: dict[str, str] = {}  # rule → why, of the first attempt that does not fit
    doubtful: dict[str, str] = {}
    for request, count in asked:
        names = request.partitions or (() if in_any_partition or default is None else (default,))
        own = [offer for offer in there if not names or offer.partition in names]
        missing = min((offer.missing(request) for offer in own), key=len)
        if missing:
            # sbatch refuses memory and generic resources that no node has; too much time it takes, to wait for ever.
            is_endless = request.attempt == 1 or "runtime" in missing
            (refused if is_endless else doubtful).setdefault(request.rule, _told(request, count, own, there))
    if refused:
        raise ClusterError("\n".join(["SLURM would never start these jobs, so none is submitted:", *refused.values()]))
    return list(doubtful.values())


def _check_names(requests: Sequence[Request], known: set[str]) -> None:
    for name in sorted({name for request in requests for name in request.partitions} - known):
        rules = sorted({request.rule for request in requests if name in request.partitions})
        others = f" and {_amount(len(rules) - 1, 'other rule')}" if len(rules) > 1 else ""
        raise ClusterError(
            f"slurm_partition: {name}, of {rules[0]}{others}, is none of SLURM's: {', '.join(sorted(known))}"
        )


def _told(request: Request, count: int, own: Sequence[Offer], there: Sequence[Offer]) -> str:
    """What a job asks for, what its own partitions have, and what to set."""
    missing = min((offer.missing(request) for offer in own), key=len)
    nearest = sorted({str(offer) for offer in own if len(offer.missing(request)) == len(missing)})
    ways = [" and ".join(_setting(request.rule, name, most) for name, most in missing.items())]
    elsewhere = sorted({offer.partition for offer in there if not offer.missing(request)})
    if elsewhere:
        also = f" (or {', '.join(elsewhere[1:])})" if elsewhere[1:] else ""
        ways.append(f"set-resources: {{{request.rule}: {{slurm_partition: {elsewhere[0]}}}}}{also}")
    which = _amount(count, "job")
    if request.attempt > 1:
        which = f"attempt {request.attempt}"
        ways.append("retries: 0")
    return (
        f"{request.rule} ({which}) asks for {request}; "
        f"partition {', '.join(sorted({offer.partition for offer in own}))} has at most "
        f"{' or '.join(nearest[:KINDS_SHOWN])}. In the profile: {'; or '.join(ways)}"
    )


def _setting(rule: str, name: str, most: float) -> str:
    if name == "threads":
        return f"set-threads: {{{rule}: {most:.0f}}}"
    if name not in ("mem_mb", "runtime", "gpu"):
        wanted = f"'{name}:{most:.0f}'" if most else "none"
        return f"set-resources: {{{rule}: {{gres: {wanted}}}}}"
    return f"set-resources: {{{rule}: {{{name}: {int(most)}}}}}"


# Notations


def _output(*command: str) -> str:
    """What a command of SLURM prints."""
    asked = " ".join(command[:3])
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=COMMAND_SECONDS)
    except OSError as error:
        raise _Unanswered(f"{asked}: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise _Unanswered(f"{asked}: no answer in {COMMAND_SECONDS} seconds") from error
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise _Unanswered(f"{asked}: {said[0] if said else f'exit status {done.returncode}'}")
    return done.stdout


def _facts(line: str) -> dict[str, str]:
    """Of a line of scontrol: Name=value, the first of a name."""
    return dict(reversed(re.findall(r"(?:^|\s)(\w+)=(\S*)", line)))


def _number(text: str | None, otherwise: float) -> float:
    return int(text) if text and text.isdigit() else otherwise  # UNLIMITED, N/A, (null)


def _megabytes(text: str | None) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([KMGT]?)B?", (text or "").upper())
    return float(found[1]) * UNITS[found[2]] if found else math.inf


def _minutes(text: str | None) -> float:
    """Of SLURM's [days-]hours:minutes:seconds; infinite for UNLIMITED."""
    found = re.fullmatch(r"(?:(\d+)-)?(\d+):(\d+):(\d+)", text or "")
    if found is None:
        return math.inf
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return days * 1440 + hours * 60 + minutes + seconds / 60


def _gres(text: str) -> dict[str, float]:
    """Of gpu:a100:4(S:0-1),shard:8: name, with its type if it has one → how many; without a number, one."""
    found: Counter[str] = Counter()
    for part in re.sub(r"\([^)]*\)", "", text).split(","):
        words = [word for word in part.strip().split(":") if word not in ("", "no_consume")]
        count = re.fullmatch(r"(\d+)([KMGT]?)", words[-1]) if len(words) > 1 else None
        if words:
            name = ":".join(words[:-1] if count else words)
            found[name] += int(count[1]) * 1024 ** " KMGT".index(count[2] or " ") if count else 1
    return dict(found)


def _memory(megabytes: float) -> list[str]:
    return [f"{megabytes:,.0f} MB of memory"] if 0 < megabytes < math.inf else []


def _amount(count: float, unit: str) -> str:
    return f"{count:g} {unit}{'' if count == 1 else 's'}" if count < math.inf else f"any number of {unit}s"
