"""Every call of Snakemake on the pages can be planned, or is named here with the reason why it cannot."""

from __future__ import annotations

import shutil

import pytest

import pages
from conftest import SMOKE, Checkout

NOT_PLANNED = {
    "--unlock": "it takes away a lock and plans nothing",
    "--workflow-profile …": "it stands for a cluster's own profile",
    "--software-deployment-method conda": "Snakemake asks conda, which is not installed here, before it plans",
    "--executor kubernetes": "it needs the plugins of a cluster and a storage that are not installed here",
    "--executor aws-batch": "it needs the plugins of a cluster and a storage that are not installed here",
}
REAL_SPEECH = pages.REPOSITORY / "docs/real-speech.md"  # its experiment is planned as it stands there
LIMITS = ("--cores", "--jobs", "--resources")  # of what runs at once: the plan is the same


def calls() -> dict[tuple[str, ...], str]:
    """What follows `snakemake`, without what changes no plan, and a page that shows it."""
    found = {}
    for page in pages.PAGES:
        for arguments in pages.commands(page, "snakemake"):
            plain = [
                word
                for before, word in zip(["", *arguments], arguments, strict=False)
                if word != "-n" and not {word, before} & {*LIMITS}
            ]
            found.setdefault(tuple(plain), pages.name_of(page))
    return found


CALLS = {call: page for call, page in calls().items() if not any(part in " ".join(call) for part in NOT_PLANNED)}


# A wrong configuration, and what is said of it.
REFUSED = {
    pages.arguments_of(block.text.splitlines()[0], "$ snakemake -n"): block.text.split("\n", 1)[1]
    for block in pages.blocks(pages.README)
    if block.text.startswith("$ snakemake -n")
}


def test_what_is_not_planned_is_still_shown():
    assert all(any(part in " ".join(call) for call in calls()) for part in NOT_PLANNED)
    assert REFUSED.keys() <= CALLS.keys()


@pytest.fixture(scope="module")
def prepared(checkout, tmp_path_factory) -> Checkout:
    """A copy with the files that the pages take for yours."""
    copy = checkout.copy(tmp_path_factory.mktemp("prepared"))
    (copy / "their").mkdir()
    for name in ("mine.yaml", "their/configuration.yaml", "FILE"):
        shutil.copy(copy / SMOKE, copy / name)
    (own,) = (block for block in pages.blocks(REAL_SPEECH) if block.language == "yaml")
    (copy / "real-speech.yaml").write_text(own.text, encoding="utf-8")
    (copy / "data").mkdir()
    shutil.copy(copy / "resources/demo/demo-dev-clean.tar.gz", copy / "data/dev-clean.tar.gz")
    shutil.copy(copy / "resources/demo/demo_alignments.zip", copy / "data/librispeech_alignments.zip")
    return copy


@pytest.mark.parametrize("call", CALLS, ids=" ".join)
def test_every_call_of_snakemake_is_planned(call, prepared):
    here = {"/path/to/layerwise": str(prepared.root), "/data/": f"{prepared.root}/data/"}
    words = list(call)
    for shown, meant in here.items():
        words = [word.replace(shown, meant) for word in words]
    run = prepared.snakemake("-n", *words, configfile=None)
    if call in REFUSED:
        assert run.returncode == 1
        assert REFUSED[call] in run.output
    else:
        assert run.returncode == 0, run.output
        assert run.jobs
