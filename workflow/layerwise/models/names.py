"""How models are named: by a catalogue name, a Hugging Face id, a path or an address; and the title of each.

A model's *name* is its key in folders under results and in every table. A model without a name of its own gets one that
is safe in a path, is the same in every run, and contains an `@`, which no catalogue name may. A *title* is only shown.
"""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from layerwise.addresses import identity_of, shown_address
from layerwise.errors import LayerwiseError, did_you_mean, listed_names, shown
from layerwise.files.catalogues import CatalogueError, locate
from layerwise.models.catalogue import (
    BY_HAND,
    OUTLINE,
    RANDOM,
    WEIGHTS_SUFFIXES,
    ModelEntry,
    hub_id,
    is_url,
    model_entry,
)
from layerwise.models.random_weights import architecture_of, filled_only

MAIN = "main"  # the branch of a Hugging Face repository that is meant where no revision stands
_LONGEST_CHAIN = 10  # of random weights that are like others, in turn
_HINTS = 10  # errors that name the nearest names: comparing them with thousands takes long, and a person reads few
_HUB_PAGE = r"https?://(?:www\.)?(?:huggingface\.co|hf\.co)/([^/?#]+/[^/?#]+)/?(?:tree/([^?#]+?)/?)?"


class Models:
    """Looks up the models that an experiment names.

    Args:
        catalogue: resources/models.yaml.
        own: `extra_models`.

    Attributes:
        parents: models by name whose checkpoints say what random weights are like; they need not be chosen themselves.
    """

    def __init__(self, catalogue: Mapping[str, Mapping], own: Mapping[str, Mapping]) -> None:
        self._catalogue, self._own = catalogue, own
        self.parents: dict[str, ModelEntry] = {}
        self._hints = _HINTS
        # Not looked for again and again: of several with one source the first counts.
        self._of_source: dict[str, str] = {}
        for name, entry in catalogue.items():
            self._of_source.setdefault(entry["source"], name)

    def entry(self, said: str) -> ModelEntry:
        """The model that is meant. A name comes first, then what exists at a path, then the hub.

        Raises:
            CatalogueError: there is none, its checkpoint cannot be read, or its random weights are like no model.
        """
        return self._entry(said, "models", ())

    def _entry(self, said: str, key: str, children: tuple[str, ...]) -> ModelEntry:
        """`key`: where it is said; `children`: random models that are like it, in turn."""
        if said in self._own or said in self._catalogue:
            name = said
            description = self._own[said] if said in self._own else self._catalogue[said]
            where = f"{'extra_models' if said in self._own else 'models'}.{said}"
        else:
            name, description = self._as_it_is(said, key)
            where = key
        if "like" not in description or description["source"] != RANDOM:
            return model_entry(name, description, where)
        if said in children:
            raise CatalogueError(f"{where}.like: {' and '.join(children)} are like each other, and like no model")
        if len(children) == _LONGEST_CHAIN:
            raise CatalogueError(
                f"models.{children[0]}: more than {_LONGEST_CHAIN} models are like one another in turn; name the one "
                "whose architecture it is (like)"
            )
        parent = self._entry(description["like"], f"{where}.like", (*children, said))
        own = {field: value for field, value in description.items() if field != "like"}
        inherited = self._inherited(parent, f"{where}.like")
        if "architecture" in own:
            inherited = {field: value for field, value in inherited.items() if field not in ("like", *OUTLINE)}
        return model_entry(name, inherited | own, where)

    def _as_it_is(self, said: str, key: str) -> tuple[str, dict]:
        """Name and description of a model that stands in no catalogue."""
        if page := re.fullmatch(_HUB_PAGE, said):
            hint = "@".join(part for part in page.groups() if part)
            raise CatalogueError(f"{key}: {said} is a page, not a file; the model itself is {hint}")
        if is_url(said):
            return _unlike(identity_of(said)), {"source": said, "title": shown_address(said)}
        id_, revision = hub_id(said)
        if os.path.exists(locate(said)):
            return _unlike(os.path.normpath(said)), {"source": f"./{said}" if id_ else said, "title": said}
        if id_:
            return self._of_hub(id_, revision, said)
        if "/" in said or said.startswith("~") or said.endswith(WEIGHTS_SUFFIXES):
            raise CatalogueError(
                f"{key}: {said} does not exist; a folder or file with a checkpoint is expected, or a Hugging Face id: "
                "owner/name, or owner/name@revision"
            )
        guess = allowed = ""
        if self._hints:
            self._hints -= 1
            names = [*self._catalogue, *self._own]
            guess, allowed = did_you_mean(names, said), f"; allowed: {listed_names(names, said)}"
        raise CatalogueError(
            f"{key}: {said!r} is not a name in resources/models.yaml or extra_models{guess}, nor a Hugging Face id "
            f"(owner/name) or a path that exists{allowed}"
        )

    def _of_hub(self, repository: str, revision: str | None, said: str) -> tuple[str, dict]:
        """A Hugging Face repository, with what the catalogue knows of it."""
        description = {"source": repository}
        if name := self._of_source.get(repository):
            entry = self._catalogue[name]
            if revision in (None, MAIN, entry.get("revision")):
                return name, entry | {"title": said}
            description = entry
        return _hub_name(repository, revision or MAIN), description | {"title": said, "revision": revision}

    def _inherited(self, parent: ModelEntry, key: str) -> dict:
        """What random weights have in common with the model that they are like."""
        common = {
            "title": parent.title if parent.kind == "random" else f"{parent.title} (random weights)",
            "licence": "none needed",
            "objective": "none",
            "modality": "none",
            **{field: getattr(parent, field) for field in ("family", "size", "normalise")},
        }
        if parent.architecture:
            return common | {"architecture": parent.architecture}
        if not parent.like:
            self._refuse_undrawable(parent, key)
            self.parents[parent.name] = parent
        return common | {"like": parent.like or parent.name} | {field: getattr(parent, field) for field in OUTLINE}

    def _refuse_undrawable(self, parent: ModelEntry, key: str) -> None:
        """Refuse early what can be known before the parent is fetched; the job that draws the weights checks again."""
        if parent.source == BY_HAND or (parent.kind == "url" and parent.name in self._catalogue):
            raise CatalogueError(f"{key}: random weights of {parent.name} cannot be drawn: {filled_only()}")
        if parent.kind == "folder":
            try:
                architecture_of(parent.folder)
            except LayerwiseError as error:
                raise CatalogueError(f"{key}: {error}") from error


def told_apart(models: Mapping[str, ModelEntry]) -> dict[str, ModelEntry]:
    """The models with distinct titles: a title that is also another model's title or name gets its own name appended.

    Titles go into plots, tables and pages, so each becomes one short line without control characters.
    """
    titles = {name: shown(" ".join(entry.title.split())) or name for name, entry in models.items()}
    while alike := _taken(titles):
        titles |= {name: f"{titles[name]} ({name})" for name in alike}
    return {name: replace(entry, title=titles[name]) for name, entry in models.items()}


def _taken(titles: Mapping[str, str]) -> list[str]:
    """Models whose title is not their own name, but is another model's title or name."""
    plain = {name: (unicodedata.normalize("NFC", name), unicodedata.normalize("NFC", titles[name])) for name in titles}
    uses = Counter(text for own in plain.values() for text in set(own))
    return [name for name, (_, title) in plain.items() if titles[name] != name and uses[title] > 1]


def _hub_name(repository: str, revision: str) -> str:
    """`owner--name@revision`; no repository has a double hyphen of its own."""
    plain = revision if re.fullmatch(r"[\w.-]{1,100}", revision, re.ASCII) else _unlike(revision).replace("@", "-")
    return f"{repository.replace('/', '--')}@{plain}"


def _unlike(place: str) -> str:
    """`last-part@digest` of a path or address; the digest tells apart two with the same last part."""
    last = re.sub(r"[^A-Za-z0-9_.-]+", "-", place.rstrip("/").rpartition("/")[2])[-60:].strip("-.")
    return f"{last or 'model'}@{hashlib.sha256(place.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
