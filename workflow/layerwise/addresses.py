"""What an address becomes: what is shown and kept of it, and the name of its file here.

The address itself is only asked for. A user name, a password and a fragment are never shown; of a query nobody knows
which part is a secret, so that only what says nothing (`download=1`) is. `***` stands for what is hidden.
"""

from __future__ import annotations

import hashlib
import re
from urllib.parse import unquote

_PARTS = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#]*)(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?", re.DOTALL
)
_AUTHORITY = re.compile(r"(?:.*@)?(\[[^]@]*]|[^:@\[\]]*)(?::([0-9]*))?", re.DOTALL)
_IN_TEXT = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,20}://[^\s\"<>`]+")
_SAYS_NOTHING = re.compile(r"(download|dl|raw|inline)(=(0|1|true|false))?")
# What a signed address adds, which changes from day to day while the file stays: those of Amazon and its like, Google,
# CloudFront and Azure. Each counts only beside the signature itself.
_SIGNATURES = {"signature", "x-amz-signature", "x-goog-signature", "x-oss-signature", "sig"}
_OF_SIGNATURE = re.compile(
    r"x-(amz|goog|oss)-[a-z-]+|signature|expires|policy|key-pair-id|(aws|oss)accesskeyid|googleaccessid|"
    r"sig|sv|se|st|sp|sr|spr|sip|skoid|sktid|skt|ske|sks|skv"
)
_PORTS = {"http": "80", "https": "443"}
_NAME, _HOST = 80, 100  # characters: file systems take 255 bytes, and temporary names add to them
HIDDEN = "***"


def shown_address(address: str) -> str:
    """An address as logs, errors, tables and reports have it; one without a secret is as it was."""
    found = _PARTS.match(address)
    if not found:
        return address
    scheme, authority, path, query = found.group("scheme", "authority", "path", "query")
    host, at = authority.rpartition("@")[2], HIDDEN + "@" if "@" in authority else ""
    if not _AUTHORITY.fullmatch(authority):  # a password with a slash or a question mark in it: who knows where it ends
        return f"{scheme}://{HIDDEN}"
    shown = f"{scheme}://{at}{host}{path}"
    if query is None or query == "":
        return shown
    return f"{shown}?{query if all(map(_SAYS_NOTHING.fullmatch, query.split('&'))) else HIDDEN}"


def without_secrets(text: str) -> str:
    """A text in which every address is as `shown_address` has it."""
    if "://" not in text:
        return text
    return _IN_TEXT.sub(lambda found: _shown_in_text(found[0]), text)


def hidden_in(value: object) -> object:
    """A configuration, or a part of one, in which every address is as `shown_address` has it."""
    if isinstance(value, dict):
        return {hidden_in(key): hidden_in(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [hidden_in(part) for part in value]
    return without_secrets(shown_address(value)) if isinstance(value, str) else value


def _shown_in_text(address: str) -> str:
    # What ends a sentence or a bracket is no part of an address that stands in one.
    bare = address.rstrip(")]}>'.,;:")
    return shown_address(bare) + address[len(bare) :]


def identity_of(address: str) -> str:
    """What tells an address from others, for params, notes of origin and names; one without a secret is itself.

    Another user name, fragment or signature is the same file. The rest of a query is, as a digest.
    """
    found, shown = _PARTS.match(address), shown_address(address)
    if not found:
        return shown
    query = _unsigned(found["query"] or "")
    plain = f"{found['scheme']}://{found['authority'].rpartition('@')[2]}{found['path']}"
    whole = f"{plain}?{query}" if query else plain
    if shown_address(whole) == whole:
        return whole
    return f"{shown} (address {_digest(whole)})"


def place_of(address: str) -> str:
    """Where the file of an address lies below the downloads: HOST/DIGEST-NAME, of harmless characters only.

    The digest tells addresses apart that have one name, and those whose name differs in other characters alone.
    """
    found = _PARTS.match(address)
    authority = _AUTHORITY.fullmatch(found["authority"]) if found else None
    host, port = authority.groups() if authority else ("", None)
    scheme = found["scheme"].lower() if found else ""
    port = port if port and port != _PORTS.get(scheme) else ""
    folder = _harmless(f"{host.lower()}_{port}" if port else host.lower(), _HOST) or "host"
    return f"{folder}/{_digest(identity_of(address))}-{file_name(address) or 'file'}"


def file_name(address: str) -> str:
    """The last part of an address's path as a file's name: letters, digits, `.`, `_` and `-`; its suffixes stay."""
    found = _PARTS.match(address)
    path = unquote(found["path"] if found else address).replace("\\", "/")
    return _harmless(path.rstrip("/").rpartition("/")[2], _NAME)


def host_of(address: str) -> str:
    """Host and port of an address."""
    found = _PARTS.match(address)
    return found["authority"].rpartition("@")[2].lower() if found else ""


def is_hidden(address: str) -> bool:
    """Whether it was copied from where `***` stands for a part of it."""
    found = _PARTS.match(address)
    return bool(found) and (found["authority"].startswith(HIDDEN) or found["query"] == HIDDEN)


def _harmless(name: str, longest: int) -> str:
    plain = re.sub(r"\.{2,}", ".", re.sub(r"[^A-Za-z0-9._-]", "_", name)).strip(".")
    return plain[-longest:].lstrip(".-")


def _unsigned(query: str) -> str:
    parts = {part: part.partition("=")[0].lower() for part in query.split("&")}
    if not _SIGNATURES & set(parts.values()):
        return query
    return "&".join(part for part, name in parts.items() if not _OF_SIGNATURE.fullmatch(name))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
