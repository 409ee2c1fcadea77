"""`cca`: as many folds as trials need and groups can fill."""

from __future__ import annotations

from collections.abc import Mapping

from layerwise.cells import CORPUS, SPEAKERS
from layerwise.experiment.configuration.properties import key_of
from layerwise.experiment.samples.sizes import given_sizes
from layerwise.scoring.properties import Property

# Folds that hold all rows of a value, and those that do not.
_TOGETHER = {"speaker_id": ("speaker",), "utterance_id": ("speaker", "utterance")}
_APART = {"speaker_id": "row or utterance", "utterance_id": "row"}


def impossible_folds(config: dict, corpora: dict) -> list[str]:
    """More trials than folds allow; fewer groups than folds, as far as the catalogue knows the corpus."""
    cca, corpus = config["cca"], config["corpus"]
    errors = []
    if 2 * cca["trials"] > cca["folds"]:
        errors.append(
            f"cca.trials: found {cca['trials']}; each trial needs a dev and a test fold of its own, "
            f"so cca.folds {cca['folds']} allow at most {cca['folds'] // 2}"
        )
    errors += speakers_apart(cca)
    known = _known_split(corpus, corpora)
    utterances = given_sizes(config["samples"]).get("utterances")
    groups = {"speaker": known.get("speakers"), "utterance": utterances}.get(cca["folds_by"])
    if groups is not None and groups < cca["folds"]:
        errors.append(
            f"cca.folds_by: found {cca['folds_by']}; the {groups} {cca['folds_by']}s of a sample set cannot fill "
            f"{cca['folds']} folds: cca.folds must be at most {groups}"
        )
    return errors


def impossible_own_folds(config: dict, corpora: dict, properties: Mapping[str, Property]) -> list[str]:
    """Properties whose own folds are by speaker, of a corpus with fewer speakers than folds."""
    speakers, folds = _known_split(config["corpus"], corpora).get("speakers"), config["cca"]["folds"]
    if speakers is None or speakers >= folds:
        return []
    return [
        f"{key_of(config, name)}.folds_by: found speaker; the {speakers} speakers of a sample set cannot fill {folds} "
        f"folds: cca.folds must be at most {speakers}"
        for name, question in properties.items()
        if question.folds_by == "speaker"
    ]


def unlearnable(config: dict, entries: Mapping[str, Mapping]) -> list[str]:
    """Properties that ask who speaks, or which recording it is, where folds keep each one's rows together."""
    errors = []
    for name, entry in entries.items():
        by, label = entry.get("folds_by", config["cca"]["folds_by"]), entry["target"].get("label")
        if by in _TOGETHER.get(str(label), ()):
            said = "" if "folds_by" in entry else ", which cca.folds_by says"
            errors.append(
                f"{key_of(config, name)}.folds_by: found {by}{said}; all rows of a {label} are then in one fold, so "
                f"that none of those that are scored was learned: folds_by must be {_APART[str(label)]}"
            )
    return errors


def _known_split(corpus: dict, corpora: dict) -> dict:
    """What the catalogue says of the split; nothing where its audio is another's."""
    known = {} if corpus["audio"] else corpora.get(corpus["name"], {})
    return known.get("splits", {}).get(corpus["split"], {})


def speakers_apart(cca: dict) -> list[str]:
    """Intervals over speakers, with folds that tear speakers apart."""
    if cca["intervals"] != SPEAKERS or cca["folds_by"] == "speaker":
        return []
    return [
        f"cca.intervals: found {SPEAKERS}, with cca.folds_by: {cca['folds_by']}; an interval is about speakers only "
        f"where each lies in one fold: cca.folds_by must be speaker, or cca.intervals {CORPUS}"
    ]
