"""Paths and addresses of any section: those that Snakemake cannot take, and mirrors."""

from __future__ import annotations

import re

from layerwise.targets.names import READ_AS_THEY_ARE, WITH_FILE


def paths_with_wildcards(config: dict) -> list[str]:
    """Files of the user's that no rule can have as an input, or that Snakemake would show as they are."""
    files = ("audio", "alignments", "pronunciations", "word_list", "speakers", "utterances")
    paths = {f"corpus.{key}": config["corpus"][key] for key in files}
    paths["probes.external"] = config["probes"]["external"]
    paths |= {f"probes.sources.{name}": path for name, path in config["probes"]["sources"].items()}
    paths |= {f"extra_models.{name}.source": entry["source"] for name, entry in config["extra_models"].items()}
    paths |= {f"extra_tasks.{name}.table": entry.get("table") for name, entry in config["extra_tasks"].items()}
    paths |= {
        f"extra_properties.{name}.target.{key}": entry["target"].get(key)
        for name, entry in config["extra_properties"].items()
        for key in (*WITH_FILE, *READ_AS_THEY_ARE)
        if not isinstance(entry["target"].get(key), list)
    }
    paths |= {
        f"extra_properties.{name}.target.{key}.{number}": path
        for name, entry in config["extra_properties"].items()
        for key in READ_AS_THEY_ARE
        if isinstance(several := entry["target"].get(key), list)
        for number, path in enumerate(several)
    }
    metadata = config["corpus"]["metadata"]
    for number, path in enumerate([metadata] if isinstance(metadata, str) else metadata or []):
        paths[f"corpus.metadata.{number}"] = path
    for name, entry in config["extra_properties"].items():
        if isinstance(rows := entry.get("rows"), dict):
            paths[f"extra_properties.{name}.rows.segments"] = rows.get("segments")
    paths |= {f"models.{number}": path for number, path in enumerate(config["models"])}
    return [
        f"{key}: found {path}; {why}: rename it, or name a link to it"
        for key, path in paths.items()
        if isinstance(path, str)
        for found, why in (
            (set("{}") & set(path), "Snakemake takes curly brackets for those of a wildcard"),
            (re.search("[\x01-\x1f\x7f-\x9f\u2028\u2029]", path), "control characters steer terminals"),
        )
        if found
    ]


def crooked_mirrors(mirrors: dict[str, str]) -> list[str]:
    return [
        f"mirrors.{prefix}: found {mirror}; both must end with a slash, or neither, as one is put in the other's place"
        for prefix, mirror in mirrors.items()
        if prefix.endswith("/") != mirror.endswith("/")
    ]
