"""Which edits a rule notices."""

from __future__ import annotations

import ast

import pytest

from layerwise.experiment import code_digests
from layerwise.experiment.code_digests import code_behind, code_digest
from layerwise.files.catalogues import read_yaml
from layerwise.files.shipped import ROOT
from layerwise.models.catalogue import model_entry
from layerwise.scoring.measure import MEASURES
from package_imports import PACKAGE, closure, imported, rules

# What they fetch is fixed by address, revision and checksum: an edit of the code is no reason to fetch it again.
FETCHING = {"fetch_archive", "fetch_model", "fetch_original"}
IN_NO_WAY = "check_samples"  # says early what tabulate_enough, which shares its script, says again of what is asked now

RULES = {rule.name: rule for rule in rules()}


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package `layerwise`: the script imports top, that middle, and that bottom in a function; other is apart."""
    folder, scripts = tmp_path / "layerwise", tmp_path / "scripts"
    folder.mkdir()
    scripts.mkdir()
    monkeypatch.setattr(code_digests, "PACKAGE", folder)
    (scripts / "make.py").write_text("from layerwise.top import f\n")
    (folder / "__init__.py").write_text("")
    (folder / "top.py").write_text("from layerwise.middle import f\nimport os\n")
    (folder / "middle.py").write_text('"""Words."""\n\ndef f():\n    import layerwise.bottom\n    return 1\n')
    (folder / "bottom.py").write_text("x = 1\n")
    (folder / "other.py").write_text("x = 1\n")
    return folder


@pytest.mark.parametrize(
    ("module", "before", "after"),
    [
        ("top", "import os", "import os, sys"),
        ("middle", "return 1", "return 2"),
        ("bottom", "x = 1", "x = 2"),
        ("bottom", "x = 1", "x = 1.0"),
        ("bottom", "x = 1", "y = 1"),
    ],
)
def test_code_counts_directly_and_through_imports(package, module, before, after):
    first = code_digest("make")
    path = package / f"{module}.py"
    changed = path.read_text().replace(before, after)
    assert changed != path.read_text()
    path.write_text(changed)
    assert code_digest("make") != first


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("return 1", "return 1  # one"),
        ('"""Words."""', '"""Other words,\n\nand more.\n"""'),
        ("def f():\n", "\n\ndef f():\n\n"),
        ("return 1", "return (\n        1\n    )"),
    ],
)
def test_words_and_layout_do_not_count(package, before, after):
    first = code_digest("make")
    path = package / "middle.py"
    changed = path.read_text().replace(before, after)
    assert changed != path.read_text()
    path.write_text(changed)
    assert code_digest("make") == first


def test_new_docstring_does_not_count(package):
    first = code_digest("make")
    path = package / "middle.py"
    path.write_text(path.read_text().replace("def f():\n", 'def f():\n    """One."""\n'))
    assert '"""One."""' in path.read_text()
    assert code_digest("make") == first


def test_module_that_is_not_imported_does_not_count(package):
    first = code_digest("make")
    (package / "other.py").write_text("x = 2\n")
    assert code_digest("make") == first


def test_module_that_is_named_counts_with_what_it_imports(package):
    first = code_digest("make", ["layerwise.other"])
    assert first != code_digest("make")
    (package / "other.py").write_text("import layerwise.late\n")
    (package / "late.py").write_text("x = 1\n")
    assert set(code_behind("make", ["layerwise.other"])) - set(code_behind("make")) == {
        "layerwise.other",
        "layerwise.late",
    }


@pytest.mark.parametrize(
    "line", ["from layerwise import other", "import layerwise.other", "from layerwise.other import x"]
)
@pytest.mark.parametrize("file", ["layerwise/top.py", "scripts/make.py"])
def test_every_way_to_import_is_followed(package, line, file):
    (package.parent / file).write_text(f"{line}\n")
    first = code_digest("make")
    (package / "other.py").write_text("x = 2\n")
    assert code_digest("make") != first


def test_the_script_itself_does_not_count(package):
    """Snakemake sees edits of scripts."""
    first = code_digest("make")
    script = package.parent / "scripts/make.py"
    script.write_text(script.read_text() + "f(2)\n")
    assert code_digest("make") == first


@pytest.mark.parametrize("name", ["errors", "addresses", "files/locks", "files/deep/er", "experiment/job"])
def test_infrastructure_counts_neither_itself_nor_what_it_imports(package, name):
    module = package / f"{name}.py"
    module.parent.mkdir(parents=True, exist_ok=True)
    module.write_text("import layerwise.other\n")
    first = code_digest("make")
    (package / "top.py").write_text((package / "top.py").read_text() + f"import layerwise.{name.replace('/', '.')}\n")
    with_import = code_digest("make")
    assert with_import != first  # top says something else now
    module.write_text("import layerwise.other\nx = 2\n")
    (package / "other.py").write_text("x = 2\n")
    assert code_digest("make") == with_import


@pytest.mark.parametrize("name", ["errors_of_people", "filesystem", "experiment/jobs"])
def test_what_only_sounds_like_infrastructure_counts(package, name):
    module = package / f"{name}.py"
    module.parent.mkdir(exist_ok=True)
    module.write_text("x = 1\n")
    (package / "top.py").write_text(f"import layerwise.{name.replace('/', '.')}\n")
    first = code_digest("make")
    module.write_text("x = 2\n")
    assert code_digest("make") != first


def with_part(package, text):
    """A package inside the package, of which top imports a module."""
    (package / "part").mkdir()
    (package / "part/__init__.py").write_text(text)
    (package / "part/inside.py").write_text("x = 1\n")
    (package / "top.py").write_text("from layerwise.part.inside import x\n")


def test_a_package_counts_where_it_holds_code(package):
    with_part(package, "x = 1\n")
    first = code_digest("make")
    (package / "part/__init__.py").write_text("x = 2\n")
    assert code_digest("make") != first


def test_a_package_of_words_alone_does_not_count(package):
    with_part(package, '"""Words."""\n')
    first = code_digest("make")
    (package / "part/__init__.py").write_text("")
    assert code_digest("make") == first


def test_what_a_package_hands_on_when_asked_does_not_count(package):
    """Else every module of a package would have all of them behind it."""
    with_part(package, "def __getattr__(name):\n    import layerwise.other\n    return layerwise.other.x\n")
    assert "layerwise.other" not in code_behind("make")
    (package / "part/__init__.py").write_text("import layerwise.other\n")
    assert "layerwise.other" in code_behind("make")


def test_nothing_inside_takes_names_that_packages_hand_on():
    """They would be missing in the digest: only whoever uses the package as a library asks for them."""
    handed_on = {
        f"{path.relative_to(PACKAGE.parent)}: {node.module}.{alias.name}"
        for path in [*PACKAGE.rglob("*.py"), *(PACKAGE.parent / "scripts").glob("*.py")]
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and (PACKAGE.parent / node.module.replace(".", "/")).is_dir()
        for alias in node.names
        if not (PACKAGE.parent / node.module.replace(".", "/") / f"{alias.name}.py").is_file()
        if not (PACKAGE.parent / node.module.replace(".", "/") / alias.name).is_dir()
    }
    assert sorted(name for name in handed_on if not name.endswith(": layerwise.__version__")) == []


def test_what_is_there_for_a_type_checker_alone_does_not_count(package):
    first = code_digest("make")
    lines = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import layerwise.other\n"
    (package / "bottom.py").write_text(f"{lines}x = 1\n")
    assert "layerwise.other" not in code_behind("make")
    assert code_digest("make") != first  # the lines themselves do


def test_circles_end(package):
    (package / "bottom.py").write_text("from layerwise import top\n")
    assert set(code_behind("make")) == {"layerwise.top", "layerwise.middle", "layerwise.bottom"}


def test_order_and_repetition_do_not_count(package):
    names = ["layerwise.bottom", "layerwise.other"]
    assert code_digest("make", names) == code_digest("make", names[::-1] * 2)


def test_unknown_names_are_refused(package):
    with pytest.raises(FileNotFoundError, match=r"layerwise\.nothing"):
        code_digest("make", ["layerwise.nothing"])
    with pytest.raises(FileNotFoundError, match=r"nothing\.py"):
        code_digest("nothing")


def test_a_digest_is_short_and_stable():
    assert code_digest("score_layers") == code_digest("score_layers")
    assert len(code_digest("score_layers")) == 12


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_package_has_no_relative_import(path):
    """Neither the digest nor these tests would follow them."""
    nodes = ast.walk(ast.parse(path.read_text()))
    assert [node.lineno for node in nodes if isinstance(node, ast.ImportFrom) and node.level] == []


def test_rules_are_found():
    assert len(RULES) >= 15
    scripts = {path.stem for path in (PACKAGE.parent / "scripts").glob("*.py")}
    assert {rule.script.stem for rule in RULES.values()} == scripts


@pytest.mark.parametrize("name", RULES)
def test_rule_and_script_share_their_name(name):
    assert RULES[name].script.stem == name.replace("_split_", "_")  # splits that tasks use are indexed likewise


@pytest.mark.parametrize("name", RULES)
def test_digest_of_a_rule_begins_with_its_script(name):
    rule = RULES[name]
    assert rule.digest_of == (None if name in FETCHING | {IN_NO_WAY} else rule.script.stem)


# Of each package a module, and all scripts that have it behind them. What else an edit repeats, by what those make, is
# tested in tests/workflow/test_repeats.py.
BEHIND = {
    "errors": set(),
    "addresses": set(),
    "files.downloads": set(),
    "files.own_tables": set(),
    "experiment.job": set(),
    "experiment.configuration": set(),
    "corpus.lending": {"lend_audio"},
    "alignments.cutting": {"cut_recordings"},
    "alignments.marks": {
        "align_utterances",
        "cut_recordings",
        "index_alignments",
        "rank_words",
        "write_no_intervals",
    },
    "segments": {"read_segments"},
    "corpus.user_tables": {"cut_recordings", "index_utterances", "look_up_targets", "read_segments"},
    "models.describe": {"describe_model"},
    "models.speech_model": {"cluster_frames", "describe_model", "extract_representations", "train_probes"},
    "representations.features": {"extract_representations"},
    "probes.train": {"train_probes"},
    "tables.models": {"tabulate_models", "check_findings", "compare_models", "write_report"},
    "tables.model_pairs": {"compare_models", "write_report"},
    "figures.report": {"write_report"},
    "demo.units": {"cluster_frames"},
    "demo.model_cards": {"write_model_card"},
}


@pytest.mark.parametrize("module", BEHIND)
def test_module_is_behind_these_scripts_and_no_others(module):
    name = f"layerwise.{module}"
    path = PACKAGE.parent / name.replace(".", "/")
    assert path.with_suffix(".py").is_file() or path.is_dir()
    scripts = {rule.script.stem for rule in RULES.values()}
    behind = {script for script in scripts if any(f"{found}.".startswith(f"{name}.") for found in code_behind(script))}
    assert behind == BEHIND[module]


FASTVGS, HUBERT = ("layerwise.models.originals." + name for name in ("fastvgs", "hubert"))


@pytest.mark.parametrize("script", ["extract_representations", "describe_model", "train_probes", "make_random_model"])
def test_of_model_families_only_the_models_own_counts(script):
    """Families are imported by name, when a checkpoint is read; catalogue entries say which (workflow/rules/models)."""
    assert not {FASTVGS, HUBERT} & set(code_behind(script))
    assert FASTVGS in code_behind(script, [FASTVGS])
    assert HUBERT not in code_behind(script, [FASTVGS])


def test_catalogue_entries_name_the_modules_of_their_family():
    catalogue = read_yaml(ROOT / "resources/models.yaml")

    def modules(name):
        return model_entry(name, catalogue[name]).modules

    assert modules("fast-vgs") == (FASTVGS,)
    assert modules("hubert-base") == ()  # by transformers
    assert modules("avhubert-base")
    assert FASTVGS not in modules("avhubert-base")
    assert modules("random-wav2vec2-tiny") == ()


def test_constants_that_change_numbers_count():
    assert "layerwise.constants" in code_behind("extract_representations")


def test_score_jobs_import_little():
    """A start costs more than most scores."""
    used = {name.split(".")[0] for path in closure({RULES["score_layers"].script}) for name in imported(path)}
    assert not used & {"pandas", "torch", "transformers", "scipy", "altair"}


def test_folder_digest_sees_files_at_any_depth(tmp_path):
    """Snakemake sees the age of the top folder only."""
    folder = tmp_path / "audio"
    deep = folder / "84" / "121123"
    deep.mkdir(parents=True)
    (deep / "84-121123-0000.flac").write_bytes(b"one")
    before = code_digests.folder_digest(folder)
    assert code_digests.folder_digest(folder) == before
    (deep / "84-121123-0001.flac").write_bytes(b"two")
    added = code_digests.folder_digest(folder)
    (deep / "84-121123-0000.flac").write_bytes(b"another")
    assert len({before, added, code_digests.folder_digest(folder)}) == 3


# Modules that make the numbers of one measure, and of no other.
OWN = {
    "cca": ("scores.cca", "measures.cca", "measures.jackknife", "measures.passes"),
    "mutual_information": ("scores.mutual_information", "measures.clusters", "measures.held_out_information"),
    "word_discrimination": ("scores.word_discrimination", "measures.discrimination", "measures.ranking"),
    "abx": ("scores.abx", "measures.abx", "measures.abx_cells", "measures.abx_items"),
    "word_similarity": ("scores.word_similarity", "measures.word_similarity"),
    "sentence_similarity": ("scores.sentence_similarity", "measures.sentence_similarity"),
    "word_segmentation": ("scores.word_segmentation", "measures.segmentation", "measures.boundaries"),
}


@pytest.mark.parametrize("name", MEASURES)
def test_a_score_counts_the_code_of_its_own_measure(name):
    found = {each: set(code_behind("score_layers", [measure.module])) for each, measure in MEASURES.items()}
    for module in OWN[name]:
        assert [each for each in found if f"layerwise.scoring.{module}" in found[each]] == [name]


def test_what_all_scores_share_counts_in_each():
    for measure in MEASURES.values():
        behind = code_behind("score_layers", [measure.module])
        assert {"layerwise.scoring.rows", "layerwise.scoring.records", "layerwise.scoring.folds"} <= set(behind)
