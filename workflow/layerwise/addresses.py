"""What an address becomes: what is shown and kept of it, and the name of its file here.

The address itself is only asked for. A user name, a password and a fragment are never shown. Any part of a query may
be a secret, so none is shown but those that cannot be (`download=1`). `***` stands for what is hidden.
"""

from __future__ import annotations

import hashlib
import re
from urllib.parse import unquote

_PARTS = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#]*)(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?", re.DOTALL
)
_AUTHORITY = re.compile(r"(?:.*@)?(\[[^]@]*]|[^:@\[\]]*)(?::([0-9]*))?", re.DOTALL)
# Where an address begins in a text: also one that Path() or a library made of another (`https:/me:pw@host`), and one
# without a scheme where a name or a password seems to stand before its host. Paths of files are none.
_BEGINNING = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]{0,20}://|(?i:https?|s?ftps?|s3|gs|webdavs?|ssh|git):[/\\]+"
    r"|[A-Za-z][A-Za-z0-9+.-]{1,20}:[/\\]+(?=[^\s/\\:@]{0,100}:[^\s@]{0,300}@)"
    r"|(?<![\w:/\\])(?://|\\\\)(?=[^\s/\\:@]{0,100}@|[^\s/\\:@]{0,100}:[^\n@]{0,300}@"
    r"|[^\s/\\?]{1,100}/[^\s?]{0,300}\?[^\s=]{0,100}=)",
)
_SCHEME = re.compile(r"(?:https?|s?ftps?|s3)?[:/\\]+$", re.IGNORECASE)
_BEFORE_PATH = re.compile(r"[^/?#\s\"<>`]*")
_QUERY = re.compile(r"\?(?!://)(?P<query>[^\s\"<>`#)\]}',;]+)")
_FRAGMENT = re.compile(r"(?<=[^\s(\[{'\"<>`])#[^\s\"<>`]*?(?=[)\]}>'\"`.,:;]*(?:\s|$))")
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
        return without_secrets(address)
    scheme, authority, path, query = found.group("scheme", "authority", "path", "query")
    host, at = authority.rpartition("@")[2], HIDDEN + "@" if "@" in authority else ""
    # A password with a slash or a question mark in it: who knows where it ends.
    if not _AUTHORITY.fullmatch(authority) or (at and not authority.startswith(at) and "@" in address[found.end(2) :]):
        return f"{scheme}://{HIDDEN}"
    shown = f"{scheme}://{at}{host}{without_secrets(path)}"
    if query is None or query == "":
        return shown
    return f"{shown}?{query if all(map(_SAYS_NOTHING.fullmatch, query.split('&'))) else HIDDEN}"


def without_secrets(text: str) -> str:
    """A text in which no address shows a secret.

    Where an address ends in a text is not certain, as passwords and queries may hold spaces and quotes: of a line with
    a name, a password or a query in it, all is hidden that may belong to them.
    """
    if not any(mark in text for mark in ("//", ":/", ":\\", "\\\\")):
        return text
    return "".join(map(_without_secrets, text.splitlines(keepends=True)))


def hidden_in(value: object) -> object:
    """A configuration, or a part of one, in which every address is as `shown_address` has it."""
    if isinstance(value, dict):
        return {hidden_in(key): hidden_in(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [hidden_in(part) for part in value]
    return without_secrets(shown_address(value)) if isinstance(value, str) else value


def _without_secrets(line: str) -> str:
    beginnings = list(_BEGINNING.finditer(line))
    if not beginnings:
        return line
    ends = [found.start() for found in beginnings[1:]] + [len(line)]
    parts = [line[: beginnings[0].start()]]
    for found, end in zip(beginnings, ends, strict=True):
        # The end of a secret may stand right before the scheme.
        beginning = _SCHEME.search(found[0])[0] if parts[-1].endswith(HIDDEN) else found[0]
        parts += [beginning, _shown_rest(line[found.end() : end])]
    return "".join(parts)


def _shown_rest(rest: str) -> str:
    """What follows the beginning of an address in a line, up to the next address."""
    hidden = ""
    if rest.startswith(f"{HIDDEN}@"):
        hidden, rest = f"{HIDDEN}@", rest[len(HIDDEN) + 1 :]
    else:
        authority = re.match(r"[^/?#]*", rest)[0]
        _, at, after = rest.rpartition("@")
        if at and ("@" in authority or not _AUTHORITY.fullmatch(authority)):
            hidden, rest = f"{HIDDEN}@", after
    # What ends a sentence or a bracket is no part of an address that stands in one.
    if not _AUTHORITY.fullmatch(_BEFORE_PATH.match(rest)[0].rstrip(")]}>'.,;:")):
        return HIDDEN + re.sub(r"^[^\s\"<>`]*?(?=[)\]}>'.,;:]*(?:[\s\"<>`]|$))", "", rest)
    for found in _QUERY.finditer(rest):
        query = found["query"].rstrip(".:")
        if not (query == HIDDEN or all(map(_SAYS_NOTHING.fullmatch, query.split("&")))):
            end = "\n" if rest.endswith("\n") else ""
            rest = f"{rest[: found.start()]}?{HIDDEN}{end}"
            break
    return hidden + _FRAGMENT.sub("", rest)


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
