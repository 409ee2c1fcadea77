"""Where an archive, a folder or a file comes from."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from layerwise.addresses import identity_of
from layerwise.experiment.code_digests import folder_digest
from layerwise.files.atomic import GZIP, begins_with
from layerwise.files.catalogues import locate
from layerwise.files.plain_files import kind_of
from layerwise.models.catalogue import is_url


@dataclass(frozen=True)
class Source:
    """Where an archive or folder comes from: a URL, or a path here; with what it must be."""

    location: str
    bytes: int | None = None
    md5: str | None = None
    sha256: str | None = None

    @classmethod
    def of(cls, entry: Mapping) -> Source:
        """As an entry of a catalogue says it."""
        return cls(entry["source"], entry.get("bytes"), entry.get("md5"), entry.get("sha256"))

    @property
    def is_url(self) -> bool:
        return is_url(self.location)

    @property
    def origin(self) -> str:
        """The location as it may be shown and kept: an address without a secret."""
        return identity_of(self.location) if self.is_url else self.location

    @property
    def is_folder(self) -> bool:
        return not self.is_url and os.path.isdir(self.path)

    @property
    def no_place(self) -> str | None:
        """What lies here in place of a file or folder, such as a pipe, which keeps its reader waiting."""
        if self.is_url or os.path.isfile(self.path) or os.path.isdir(self.path):
            return None
        return kind_of(self.path.stat().st_mode)

    @property
    def is_archive(self) -> bool:
        """Whether it is a tar.gz, by what it begins with; before it has been fetched, by the path in its address."""
        if self.is_url:
            return unquote(urlsplit(self.location).path).lower().endswith((".tar.gz", ".tgz"))
        return not self.is_folder and begins_with(self.path, GZIP)

    @property
    def path(self) -> Path:
        return locate(self.location)

    @property
    def checks(self) -> dict:
        """Arguments of `layerwise.files.digests.verify`."""
        return {"size": self.bytes, "md5": self.md5, "sha256": self.sha256}

    @property
    def identity(self) -> list:
        """What changes when another source is named, or the files of one on this machine do."""
        state: object = None
        if self.is_folder:
            state = folder_digest(self.path)
        elif not self.is_url:
            status = self.path.stat()
            state = [status.st_size, status.st_mtime_ns]
        return [self.origin, self.bytes, self.md5, self.sha256, state]
