"""docs/extending.md, followed to the letter: what its blocks add to a copy of the checkout works."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import tiny_originals
from conftest import SMOKE

PAGE = (Path(__file__).resolve().parents[2] / "docs/extending.md").read_text(encoding="utf-8")
PLACE = re.compile(
    r"^(?P<how>New file|At the end of|In) `(?P<path>[^`]+)`:\n\n```\w+\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL
)
SPEECH = """
import numpy as np
import layerwise

generator = np.random.default_rng(1)
utterances = {f"u{number}": generator.normal(0, 0.1, 24_000).astype(np.float32) for number in range(12)}
trends = layerwise.analyse("random-wav2vec2-tiny", utterances, properties=PROPERTIES, samples={"count": 1})
"""
SEGMENTS = "utterance_id,start,end\n" + "".join(
    f"u{number},{start / 10},{(start + 1 + (number + start) % 3) / 10}\n" for number in range(12) for start in range(12)
)


@dataclass(frozen=True)
class Change:
    """A block of the page: what goes where."""

    how: str
    path: str
    code: str

    @property
    def is_new(self) -> bool:
        return self.how == "New file"

    def apply(self, root: Path) -> None:
        path = root / self.path
        assert path.exists() != self.is_new
        before = "" if self.is_new else path.read_text(encoding="utf-8")
        after = self.patched(before) if self.how == "In" else before + self.code
        path.write_text(after, encoding="utf-8")

    def patched(self, before: str) -> str:
        """With the lines that begin with + after those that do not."""
        lines = self.code.splitlines(keepends=True)
        context = "".join(line[1:] for line in lines if line[0] == " ")
        assert before.count(context) == 1, f"{self.path} has not once: {context}"
        return before.replace(context, "".join(line[1:] for line in lines))


def section(title: str) -> str:
    return re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)[1]


def changes(title: str) -> list[Change]:
    found = [Change(**match.groupdict()) for match in PLACE.finditer(section(title))]
    assert len(found) == len(re.findall(r"^```(?:python|diff|snakemake)$", section(title), re.MULTILINE))
    return found


TITLES = re.findall(r"^\| \[(.+?)\]\(#", PAGE, re.MULTILINE)


def extended(checkout, title: str):
    for change in changes(title):
        change.apply(checkout.root)
    return checkout


def python(checkout, code: str) -> str:
    """What code prints that imports the package of a copy."""
    environment = os.environ | {"PYTHONPATH": str(checkout / "workflow")}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=checkout.root, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_every_section_has_its_row():
    sections = [title for title in re.findall(r"^## (.+)$", PAGE, re.MULTILINE) if PLACE.search(section(title))]
    assert {title[0].lower() + title[1:] for title in sections} == set(TITLES)


@pytest.mark.parametrize("title", TITLES)
def test_the_files_are_counted(title):
    found = changes(title[0].upper() + title[1:])
    paths = {change.path for change in found}
    row = re.search(rf"^\| \[{title}\]\(.+?\) \| (\d+) \| (\d+) \|$", PAGE, re.MULTILINE)
    assert (int(row[1]), int(row[2])) == (len(paths), sum(change.is_new for change in found))


@pytest.mark.parametrize("title", TITLES)
def test_the_code_is_formatted(title, fresh):
    root = extended(fresh, title[0].upper() + title[1:]).root
    files = [str(root / change.path) for change in changes(title[0].upper() + title[1:]) if change.path.endswith(".py")]
    for arguments in (["format", "--check"], ["check"]) if files else ():
        command = ["ruff", *arguments, "--config", str(root / "pyproject.toml"), *files]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_property_is_scored_and_nothing_extracted(finished):
    checkout = extended(finished, "A property")
    code = SPEECH.replace("PROPERTIES", '["block-1"]') + (
        'means = trends[trends["metric"] == "pwcca"].set_index("layer")["mean"]\n'
        "print(means.idxmax(), round(means.max(), 9), *means.index)"
    )
    assert python(checkout, code).split() == ["T1", "1.0", "T0", "T1", "T2", "T3", "T4"]
    jobs = checkout.plan("--config", 'properties=["mel","block-1"]').jobs
    assert jobs["score_layers"] >= 1
    assert "extract_representations" not in jobs


def answered(checkout, entry: dict, speech: str = SPEECH) -> list[str]:
    """Of a property in a copy: the statuses of its layers, then the largest r2 of any."""
    code = speech.replace("PROPERTIES", repr({"mine": entry})) + (
        'rows = trends[trends["metric"] == "r2"]\nprint(*rows["status"].unique(), round(rows["mean"].max(), 2))'
    )
    return python(checkout, code).split()


def test_a_pooling_is_extracted(fresh, tmp_path):
    checkout = extended(fresh, "A pooling")
    (tmp_path / "parts.csv").write_text(SEGMENTS)
    rows = {"segments": str(tmp_path / "parts.csv")}
    status, _ = answered(checkout, {"rows": rows, "pool": "second_half", "target": {"columns": ["start"]}})
    assert status == "ok"


def test_a_measure_of_the_audio_is_compared_with(fresh):
    checkout = extended(fresh, "A measure of the audio")
    rising = SPEECH.replace("(0, 0.1, 24_000)", "(np.sin(np.linspace(0, 150, 24_000) ** 2), 0.01)")
    status, best = answered(checkout, {"rows": "frame", "target": {"acoustics": "zero_crossings"}}, rising)
    assert (status, float(best) > 0.5) == ("ok", True)


def test_a_kind_of_target_is_compared_with(fresh, tmp_path):
    checkout = extended(fresh, "A kind of target")
    (tmp_path / "parts.csv").write_text(SEGMENTS)
    rows = {"segments": str(tmp_path / "parts.csv")}
    status, _ = answered(checkout, {"rows": rows, "target": {"duration": "octaves"}})
    assert status == "ok"
    with pytest.raises(AssertionError, match="duration: found 'hours'; allowed: seconds, octaves"):
        answered(checkout, {"rows": rows, "target": {"duration": "hours"}})


def test_a_metric_is_in_every_score(finished):
    checkout = extended(finished, "A metric")
    code = SPEECH.replace("PROPERTIES", '["intra"]') + (
        'rows = trends[trends["metric"] == "procrustes"].set_index("layer")\n'
        'print(len(rows), round(rows.loc["T0", "mean"], 6), bool((rows["chance"] < rows["mean"]).all()))'
    )
    assert python(checkout, code).split() == ["5", "1.0", "True"]
    jobs = checkout.plan("--config", "metric=procrustes").jobs
    assert "score_layers" in jobs
    assert "extract_representations" not in jobs


def test_a_measure_is_scored(fresh, tmp_path):
    """Tones and noises in turn: the nearest neighbour of each is another of its kind."""
    checkout = extended(fresh, "A measure")
    sounds = SPEECH.replace(
        "generator.normal(0, 0.1, 24_000)",
        "(np.sin(np.arange(24_000) / 5), generator.normal(0, 0.1, 24_000))[number % 2]",
    )
    rows = [f"u{number},0,1,{('tone', 'noise')[number % 2]}" for number in range(12)]
    (tmp_path / "parts.csv").write_text("\n".join(["utterance_id,start,end,label", *rows]))
    entry = {"rows": {"segments": str(tmp_path / "parts.csv")}, "target": {"label": "label"}, "measure": "neighbours"}
    code = sounds.replace("PROPERTIES", repr({"mine": entry})) + (
        'print(*trends["status"].unique(), *trends["metric"].unique(), trends["mean"].min(), '
        'round(trends["chance"].max(), 3))'
    )
    assert python(checkout, code).split() == ["ok", "neighbours", "1.0", "0.455"]


def test_a_kind_of_task_is_planned_and_learned(finished):
    checkout = extended(finished, "A kind of task")
    (text,) = re.findall(r"^```yaml\n(.*?)^```$", section("A kind of task"), re.MULTILINE | re.DOTALL)
    (checkout / "mine.yaml").write_text(text)
    (checkout / "small.yaml").write_text("probes: {layers: [T1], overrides: {steps: 20, hours: 0.02}}\n")
    files = ["--configfile", SMOKE, "mine.yaml", "small.yaml"]
    run = checkout.snakemake("--cores", "2", "results/smoke/tables/probes.csv", *files, configfile=None)
    assert run.returncode == 0, run.output
    assert "extract_representations" not in run.jobs
    rows = (checkout / "results/smoke/tables/probes.csv").read_text().splitlines()
    assert {row.split(",")[0] for row in rows[1:]} == {"demo-vowels"}


def test_a_family_is_read(fresh, tmp_path):
    checkout = extended(fresh, "A model family")
    values = tiny_originals.settings()
    path = tiny_originals.write("lab_hubert", tmp_path / "lab", values, tiny_originals.weights("hubert", values))
    code = f"import layerwise; model = layerwise.models.load({str(path)!r}); print(*model.layer_names)"
    assert python(checkout, code).split() == [f"C{i}" for i in range(1, 8)] + [f"T{i}" for i in range(4)]


def test_a_figure_is_made(finished):
    checkout = extended(finished, "A figure")
    run = checkout.snakemake("--cores", "1")
    assert run.returncode == 0, run.output
    assert run.jobs == {"plot_property": 2, "write_report": 1}
    page = (checkout / "results/smoke/report.html").read_text()
    for name, title in {"mel": "acoustic content", "phone": "phonetic content"}.items():
        plot = checkout / f"results/smoke/plots/{name}_gain"
        assert f"{title} above chance" in plot.with_suffix(".svg").read_text()
        assert plot.with_suffix(".png").stat().st_size > 1000
        charts = json.loads(plot.with_suffix(".json").read_text())["charts"]
        assert charts["pwcca"]["encoding"]["y"]["title"] == "pwcca above chance"
        assert f"{title} above chance" in page
    with checkout.appended("\nCHANGED = True\n", "workflow/layerwise/figures/gain.py"):
        assert checkout.plan().jobs == {"plot_property": 2, "write_report": 1}
