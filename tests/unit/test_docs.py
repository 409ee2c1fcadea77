"""The pages for readers: what they name is there, and what they show can be written and called as it stands."""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import re
import runpy
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

import layerwise.measures
import pages
from layerwise.errors import did_you_mean
from layerwise.experiment.configuration.experiment import read_experiment
from layerwise.experiment.configuration.problems import ConfigurationError
from layerwise.experiment.samples.sizes import AUTO, KEYS
from layerwise.probes.metrics import METRICS as OF_TASKS
from layerwise.representations.acoustic_measures import MEASURES
from layerwise.scoring.measure import MEASURES as MEASURES_OF_SCORES
from layerwise.scoring.measure import Choice
from layerwise.scoring.metrics import METRICS as OF_SCORES
from layerwise.scoring.metrics import OF_OTHERS
from layerwise.scoring.properties import read_properties
from layerwise.scoring.targets import KINDS
from layerwise.spans import POOLINGS, SPANS
from pages import FAULTS, FRAGMENT, MESSAGES, PAGES, README, REPOSITORY, Block

PROPERTIES = REPOSITORY / "docs/your-property.md"

each_page = pytest.mark.parametrize("page", PAGES, ids=pages.name_of)

# Beginnings of paths in this repository.
OURS = ("workflow/", "tests/", "docs/", "resources/", "profiles/", "envs/", ".ci/")
FILE_NAMES = sorted(
    path.name for folder in ("tests", "workflow") for path in (REPOSITORY / folder).rglob("*.py") if path.is_file()
)


def test_the_readme_is_short_and_leads_to_every_page():
    assert len(pages.text_of(README).splitlines()) <= 150
    assert {f"docs/{page.name}" for page in pages.DOCS} <= set(pages.links(README))


def test_readme_has_the_two_lines_that_are_run_as_they_stand():
    quick_start = pages.text_of(README).split("\n## Quick start\n")[1].split("\n## ")[0]
    assert len(re.findall(r"^python3 -m venv", quick_start, re.MULTILINE)) == 2


@each_page
def test_every_link_leads_somewhere(page):
    for target in pages.links(page):
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), f"{target}: there is no such file"
        if anchor:
            assert anchor in pages.anchors(there), f"{target}{did_you_mean(anchor, pages.anchors(there))}"


@each_page
def test_every_path_in_backticks_is_there(page):
    written_by_reader = set(re.findall(r"^New file `([^`]+)`", pages.text_of(page), re.MULTILINE))
    for code in pages.quoted(page):
        for word in code.split():
            path = word.split("::")[0].strip("'\"(),;")
            is_made = re.match(r"resources/(downloads|models|corpora|tasks|vectors)(/|$)", path)
            if (
                path.startswith(OURS)
                and path not in written_by_reader
                and not is_made
                and not re.search(r"[<…{]", path)
            ):
                found = list(REPOSITORY.glob(path)) if "*" in path else [REPOSITORY / path]
                assert found, f"`{code}`"
                assert all(one.exists() for one in found), f"`{code}`"


@each_page
def test_every_module_in_backticks_can_be_imported_or_is_in_one(page):
    for code in pages.quoted(page):
        for name in re.findall(r"\blayerwise(?:\.\w+)+", code):
            *parents, last = name.split(".")
            assert importlib.util.find_spec(".".join(parents)), f"`{code}`"
            module = importlib.import_module(".".join(parents))
            is_module = hasattr(module, "__path__") and importlib.util.find_spec(name)
            assert is_module or hasattr(module, last), f"`{code}`"


@each_page
def test_every_test_that_is_named_is_there(page):
    named = set(re.findall(r"\btest_\w+\.py\b", pages.text_of(page)))
    assert named <= set(FILE_NAMES), sorted(named - set(FILE_NAMES))


# Commands


def selected(arguments: list[str]) -> tuple[list[str], str]:
    """The paths and the words of -k of a call of pytest."""
    words = arguments[arguments.index("-k") + 1] if "-k" in arguments else ""
    return [word for word in arguments if "/" in word], words


@each_page
def test_every_call_of_pytest_names_files_and_words_in_them(page):
    for arguments in pages.commands(page, "pytest"):
        paths, words = selected(arguments)
        files = [file for path in paths for file in REPOSITORY.glob(path)]
        files = [file for path in files for file in (path.rglob("test_*.py") if path.is_dir() else [path])]
        assert bool(paths) == bool(files), arguments
        texts = "\n".join(file.read_text(encoding="utf-8").lower() for file in files)
        for word in re.findall(r"\w+", re.sub(r"\b(and|or|not)\b", "", words)):
            assert word.lower() in texts, f"-k {word}: {paths}"


@pytest.mark.parametrize("page", [FAULTS, MESSAGES], ids=pages.name_of)
def test_every_word_that_selects_a_test_of_a_table_is_in_its_file(page):
    files = {path: path.read_text(encoding="utf-8").lower() for path in REPOSITORY.glob("tests/**/test_*.py")}
    for code in pages.quoted(page):
        for path, quoted, plain, test in re.findall(
            r"([\w/]*test_\w+\.py)(?: -k \"([^\"]+)\"| -k (\w+)|::(\w+))?", code
        ):
            words = [*re.findall(r"\w+", re.sub(r"\b(and|or|not)\b", "", quoted or plain)), *filter(None, [test])]
            texts = [text for file, text in files.items() if str(file).endswith(f"/{path}")]
            assert any(all(word.lower() in text for word in words) for text in texts), f"`{code}`"


class ParsedError(Exception):
    """Instead of what a program does with its arguments."""


def benchmarks() -> list[tuple[str, ...]]:
    calls = {tuple(arguments) for page in PAGES for arguments in pages.commands(page, "python")}
    return sorted(call for call in calls if call[0].startswith("tests/"))


@pytest.mark.parametrize("call", benchmarks(), ids=" ".join)
def test_every_benchmark_takes_the_arguments_that_are_shown(call, monkeypatch):
    program, *arguments = call
    assert (REPOSITORY / program).is_file()
    if program.endswith("/mutants.py"):
        assert all((REPOSITORY / f"workflow/layerwise/{module}.py").is_file() for module in arguments)
    parse = argparse.ArgumentParser.parse_args

    def only_parse(self, args=None, namespace=None):
        parse(self, args, namespace)
        raise ParsedError

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", only_parse)
    monkeypatch.setattr(sys, "argv", [program, *arguments])
    with pytest.raises(ParsedError):
        runpy.run_path(str(REPOSITORY / program), run_name="__main__")


# Configurations


def configurations() -> list[Block]:
    found = [block for page in PAGES if page.name != "extending.md" for block in pages.blocks(page)]  # has its own test
    return [block for block in found if block.language.split()[:1] == ["yaml"] and FRAGMENT not in block.language]


@pytest.fixture(scope="module")
def somebody_s_files(tmp_path_factory) -> Path:
    """The files that the pages take for yours, in a folder that stands for a disk: data/… and the working directory."""
    import tiny_models  # they need torch
    import tiny_originals

    root = tmp_path_factory.mktemp("somebody")
    data = root / "data"
    for name in ("mine", "other"):
        tiny_models.make("random-wav2vec2-tiny", data / "checkpoints" / name)
    settings = tiny_originals.settings()
    written = tiny_originals.write("wav2vec2", root / "made", settings, tiny_originals.weights("wav2vec2", settings))
    written.rename(root / "checkpoint.pt")
    for folder in ("mine", "my-corpus"):
        (data / folder).mkdir()
    with zipfile.ZipFile(data / "my-textgrids.zip", "w") as archive:
        archive.writestr("a.TextGrid", "")
    (data / "words.dict").write_text("HELLO  HH AH L OW\n")
    (data / "keywords.csv").write_text("path,word,speaker\na.wav,yes,1\nb.wav,no,2\n")
    (data / "speakers.csv").write_text("speaker_id,age,accent\n1,30,scottish\n")
    (data / "noise.tsv").write_text("utterance_id\tnoise\n1-2-0003\t0.5\n")
    (data / "vowels.csv").write_text("utterance_id,start,end,stress,f1\n1-2-0003,0,1,none,610\n")
    (data / "syllables.csv").write_text("utterance_id,start,end,label,tone\n1-2-0003,0,1,ma,high\n")
    (data / "tokens.csv").write_text("utterance_id,start,end,pos,clarity,effort\n1-2-0003,0,1,noun,4,2\n")
    (data / "vectors.txt").write_text("hello 0.5 0.25\n")
    (data / "sentences.csv").write_text("a,b,rating\n1-2-0003,1-2-0004,4.5\n")
    (data / "senses.txt").write_text('hello\t{"noun.act": 1}\n')
    (root / "results.csv").write_text("task,model,layer,metric,value\nmine,demo-hubert-1,T3,accuracy,0.9\n")
    return root


@pytest.mark.parametrize("block", configurations(), ids=lambda block: block.place)
def test_every_configuration_is_an_experiment(block, somebody_s_files, monkeypatch):
    monkeypatch.chdir(somebody_s_files)
    shown = yaml.safe_load(block.text.replace("/data/", f"{somebody_s_files}/data/"))
    if own := shown.get("extra_properties"):
        shown.setdefault("properties", list(own))  # only those that are asked are compared with files
    defaults = yaml.safe_load((REPOSITORY / "config.yaml").read_text(encoding="utf-8"))
    # Blocks may be about a part of a configuration; models of a corpus of one's own are always one's own.
    read_experiment(defaults, {"models": defaults["models"]} | shown)


@pytest.mark.parametrize(
    "block", [block for block in configurations() if block.page.name == "first-study.md"], ids=lambda block: block.place
)
def test_a_first_study_is_complete_and_keeps_nothing_of_the_demo(block, somebody_s_files, monkeypatch):
    monkeypatch.chdir(somebody_s_files)
    shown = yaml.safe_load(block.text.replace("/data/", f"{somebody_s_files}/data/"))
    experiment = read_experiment(yaml.safe_load((REPOSITORY / "config.yaml").read_text(encoding="utf-8")), shown)
    assert {experiment.config["samples"][key] for key in KEYS} == {AUTO}
    assert list(experiment.properties) == shown["properties"]
    assert list(experiment.models) == shown["models"]
    assert not experiment.tasks
    assert experiment.config["experiment"] == shown["experiment"] != "demo"


def test_every_page_that_files_name_is_there():
    files = [REPOSITORY / name for name in ("Snakefile", "config.yaml")]
    for folder, kinds in {
        "workflow": "py smk yaml",
        "tests": "py yaml",
        "resources": "yaml",
        "profiles": "yaml",
    }.items():
        files += [path for kind in kinds.split() for path in (REPOSITORY / folder).rglob(f"*.{kind}")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    named = set(re.findall(r"\bdocs/[\w-]+\.md\b", text))
    assert named
    assert all((REPOSITORY / page).is_file() for page in named), named


def test_the_page_on_the_code_names_every_room_of_the_package():
    rows = re.findall(
        r"^\| `(\w+)` \|", pages.text_of(REPOSITORY / "docs/code.md").split("## The package")[1], re.MULTILINE
    )
    rooms = {path.parent.name for path in (REPOSITORY / "workflow/layerwise").glob("*/__init__.py")}
    assert len(rows) == len(set(rows))
    assert set(rows) == rooms


# Questions


def test_the_page_on_properties_has_the_catalogue():
    catalogue = yaml.safe_load((REPOSITORY / "resources/properties.yaml").read_text(encoding="utf-8"))
    expected = []
    for name, question in read_properties(catalogue).items():
        entry = catalogue[name]
        target = ", ".join(f"{key}: {value}" for key, value in entry["target"].items())
        pooling = question.rows.pooling.name if question.of_segments else ""
        expected.append([f"`{name}`", entry["rows"], pooling, f"`{target}`", question.tells, question.source])
    section = pages.text_of(PROPERTIES).split("\n## Which questions are there?\n")[1].split("\n## ")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in section.splitlines() if line.startswith("| `")]
    assert rows == expected


def test_every_choice_of_a_property_stands_on_its_page():
    text = pages.text_of(PROPERTIES)
    rows, pooling, target = (
        text.split(f"\n## {title}\n")[1].split("\n## ")[0] for title in ("Rows", "Pooling", "Target")
    )
    assert set(re.findall(r"^\| `(\w+)` \|", rows, re.MULTILINE)) == {"rows", *SPANS}
    assert set(re.findall(r"^\| `\{(\w+):", target, re.MULTILINE)) == set(KINDS)
    assert all(f"`{name}`" in target for name in MEASURES)
    assert set(re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (`.+?) \|", pooling, re.MULTILINE)))) == {
        "pool",
        *POOLINGS,
    }


def test_what_is_refused_of_properties_is_said_as_the_page_has_it():
    blocks = pages.blocks(PROPERTIES)
    ((wrong, said),) = [
        (one, two) for one, two in itertools.pairwise(blocks) if two.text.startswith("the configuration cannot be used")
    ]
    defaults = yaml.safe_load((REPOSITORY / "config.yaml").read_text(encoding="utf-8"))
    with pytest.raises(ConfigurationError) as refused:
        read_experiment(defaults, yaml.safe_load(wrong.text))
    assert str(refused.value) == said.text.rstrip("\n")


# Measures

MEASURES_PAGE = REPOSITORY / "docs/measures.md"


@pytest.mark.parametrize("measure", MEASURES_OF_SCORES.values(), ids=lambda measure: measure.name)
def test_every_measure_stands_on_its_page_as_the_registry_has_it(measure):
    text = pages.text_of(MEASURES_PAGE)
    (row,) = re.findall(rf"^\| \[?`{measure.name}`.*", text, re.MULTILINE)
    cells = row.split(" | ")
    assert set(re.findall(r"`(\w+)`", cells[3])) == set(measure.targets)
    assert re.findall(r"`(\w+)`", cells[4]) == measure.metrics
    assert measure.name in pages.text_of(PROPERTIES)
    if measure.known_options:
        title = measure.name.replace("_", " ")
        (section,) = re.findall(rf"^## {title}\n(.*?)(?=^## )", text, re.MULTILINE | re.DOTALL | re.IGNORECASE)
        stated = dict(re.findall(r"^\| `(\w+)` \| .* \| `?([\w.]+)`? \|$", section, re.MULTILINE))
        assert stated == {name: str(option.default) for name, option in measure.known_options.items()}
        for option in measure.known_options.values():
            assert not isinstance(option, Choice) or all(f"`{word}`" in section for word in option.allowed)


def test_the_example_of_measures_prints_what_is_shown(capsys):
    blocks = pages.blocks(MEASURES_PAGE)
    ((code, shown),) = [(one, two) for one, two in itertools.pairwise(blocks) if one.language == "python"]
    exec(code.text, {})
    assert capsys.readouterr().out == shown.text


def test_every_public_measure_stands_on_the_page_of_the_library():
    text = pages.text_of(REPOSITORY / "docs/library.md")
    missing = {name for name in layerwise.measures._MODULES if not re.search(rf"\b{name}\b", text)}
    assert missing == {"ClusterSettings"}  # on the page of measures
    assert "layerwise.measures.ClusterSettings" in pages.text_of(MEASURES_PAGE)


# Metrics


@pytest.mark.parametrize(
    "metric", [*OF_SCORES.values(), *OF_OTHERS.values(), *OF_TASKS.values()], ids=lambda metric: metric.name
)
def test_every_metric_stands_on_the_page_of_measuring_as_the_registry_has_it(metric):
    facts = (f"`{metric.name}`", metric.symbol, metric.title, metric.range.removeprefix("of "))
    row = f"| {' | '.join((*facts, metric.chance, metric.good_for))} |"
    assert row in pages.text_of(REPOSITORY / "docs/measuring.md").splitlines(), row


def test_every_metric_of_scores_stands_where_one_is_chosen():
    comment = (REPOSITORY / "config.yaml").read_text(encoding="utf-8").split("\nmetric: ")[0].split("\n\n")[-1]
    table = pages.text_of(REPOSITORY / "docs/your-property.md")
    for name in OF_SCORES:
        assert re.search(rf"\b{name}\b", comment), name
        assert f"| `{name}`" in table, name
