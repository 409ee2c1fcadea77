"""What an address becomes: a place on the disk that it cannot choose, and a text without its secrets."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerwise.addresses import (
    file_name,
    hidden_in,
    identity_of,
    is_hidden,
    place_of,
    shown_address,
    without_secrets,
)
from layerwise.errors import LayerwiseError

HOSTILE = [
    "http://host/../../../workflow/sitecustomize.py",
    "http://host/a?/../../../workflow/sitecustomize.py",
    "http://host/a#/../../../workflow/sitecustomize.py",
    "http://../a.zip",
    "http://host/%2e%2e%2f%2e%2e%2fa.py",
    "http://host/..%5c..%5ca.py",
    "http://host/..\\..\\a.py",
    "http://host/.ssh",
    "http://host/a/..",
    "http://host/",
    "http://host",
    "http://",
    "http:///etc/passwd",
    "http://[::1]:8080/a.tar.gz",
    "http://[::1/a.tar.gz",
    "http://user:pa/ss@host/a.zip",
    "http://host:port/a.zip",
    "http://HOST.example/A.ZIP",
    "http://host/" + "a" * 400 + ".tar.gz",
    "http://" + "h" * 400 + "/a.zip",
    "http://host/a\nb\x00c\x1b[2J.zip",
    "http://host/ä/ж%FF.parquet",
    "http://host/{archive}.zip",
    "http://host/-rf",
    "http://host/CON",
    "http://host/\ud800.zip",
]


@pytest.mark.parametrize("address", HOSTILE)
def test_no_address_chooses_where_its_file_lies(address):
    place = place_of(address)
    assert re.fullmatch(r"[a-z0-9_][a-z0-9._-]{0,99}/[0-9a-f]{16}-[A-Za-z0-9_][A-Za-z0-9._-]{0,79}", place)
    assert ".." not in place
    assert len(PurePosixPath(place).parts) == 2


def test_suffixes_stay():
    assert place_of("https://a.org/x/dev-clean.tar.gz?download=1").endswith("-dev-clean.tar.gz")
    assert place_of("http://host/" + "a" * 400 + ".tar.gz").endswith("aaa.tar.gz")
    assert file_name("https://a.org/get/best%5Fbundle.pth?x=y.pt") == "best_bundle.pth"
    assert file_name("https://a.org/") == ""


def test_hosts_are_folders():
    assert place_of("https://a.org:443/x.zip").split("/")[0] == "a.org"
    assert place_of("http://127.0.0.1:8080/x.zip").split("/")[0] == "127.0.0.1_8080"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://h/a?b", "http://h/a_b"),
        ("http://h/a/b.zip", "http://h/c/b.zip"),
        ("http://h/a.zip?id=1", "http://h/a.zip?id=2"),
        ("http://h/a.zip?token=1", "http://h/a.zip?token=2"),
        ("http://h/a.zip", "https://h/a.zip"),
        ("http://h:81/a.zip", "http://h:82/a.zip"),
        ("http://h/a.zip", "http://h/A.zip"),
        ("http://h/a.zip?policy=1&expires=2", "http://h/a.zip?policy=1&expires=3"),  # without a signature: names
    ],
)
def test_addresses_of_other_files_lie_apart(one, other):
    assert place_of(one) != place_of(other)
    assert identity_of(one) != identity_of(other)


SIGNED = [
    "https://h/a.zip?X-Amz-Date=20261130&X-Amz-Credential=x&X-Amz-Signature={}",
    "https://h/a.zip?Expires={}&Signature={}&Key-Pair-Id=K",
    "https://h/a.zip?sv=2021&se={}&sr=b&sp=r&sig={}",
    "https://me:{}@h/a.zip",
    "https://h/a.zip#{}",
]


@pytest.mark.parametrize("address", SIGNED)
def test_file_is_found_again_with_another_signature(address):
    """As one of tomorrow is."""
    today, tomorrow = address.replace("{}", "today"), address.replace("{}", "tomorrow")
    assert place_of(today) == place_of(tomorrow) == place_of("https://h/a.zip")
    assert identity_of(today) == identity_of(tomorrow) == "https://h/a.zip"


SECRET = "s3cr3t"
WITH_SECRETS = [
    f"https://me:{SECRET}@h/a.zip",
    f"https://{SECRET}@h/a.zip",
    f"https://me:{SECRET}/x@h/a.zip",
    f"https://me:{SECRET}?x@h/a.zip",
    f"https://me:{SECRET}#x@h/a.zip",
    f"https://me:x@{SECRET}@h/a.zip",
    f"https://h/a.zip?token={SECRET}",
    f"https://h/a.zip?{SECRET}",
    f"https://h/a.zip?{SECRET}=1",
    f"https://h/a.zip?download={SECRET}",
    f"https://h/a.zip?download=1&sig={SECRET}",
    f"https://h/a.zip#{SECRET}",
    f"https://h/a.zip?download=1#{SECRET}",
    f"HTTPS://me:{SECRET}@h",
    f"ftp://me:{SECRET}@h/a.zip",
    f"s3://{SECRET}@h/a.zip",
]


@pytest.mark.parametrize("address", WITH_SECRETS)
def test_secrets_are_not_shown(address):
    for said in (shown_address(address), identity_of(address), place_of(address)):
        assert SECRET not in said
    assert SECRET not in str(LayerwiseError(f"{address}: there is no such file"))
    for text in (
        f"could not download '{address}' ({address}), of {address}: status 404, ['{address}']",
        f"x{address}",
        f"{'a' * 30}{address}",
        f"{address}",
    ):
        assert SECRET not in without_secrets(text)
    assert SECRET not in str(hidden_in({"corpus": {"audio": address}, "models": [address], "mirrors": {address: 1}}))


ANYTHING = st.text(st.characters(codec="utf-8", exclude_characters="\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"), max_size=8)
# Of a user name no reader of addresses takes what ends it; and another address within one begins where it begins.
NAMES = ANYTHING.filter(lambda text: not set(text) & set("/?#@:\\"))
ANYTHING = ANYTHING.filter(lambda text: ":/" not in text and "//" not in text and "\\" not in text)
PASSWORDS = ANYTHING.filter(lambda text: not re.match("[0-9]*[/?#]", text))  # those begin as a port and a path do
BESIDES = st.sampled_from(["", " ", ",", "|", ":", "'", '"', "[", "]", "{'http://a/':'", "http://a/x,", "http://a|"])


@given(
    name=NAMES, before=PASSWORDS, after=ANYTHING, left=BESIDES, right=BESIDES, slashes=st.sampled_from(["://", ":/"])
)
def test_no_password_is_shown_whatever_stands_beside_it(name, before, after, left, right, slashes):
    text = f"{left}https{slashes}{name}:{before}{SECRET}{after}@h/a.zip{right}"
    assert SECRET not in without_secrets(text)
    assert SECRET not in without_secrets(f"{left}https{slashes}{name}{SECRET}@h/a.zip{right}")
    assert SECRET not in without_secrets(without_secrets(text))


@given(before=ANYTHING, after=ANYTHING, left=BESIDES, right=BESIDES)
def test_no_query_is_shown_whatever_stands_beside_it(before, after, left, right):
    text = f"{left}https://h/a.zip?token={before}{SECRET}{after}{right}"
    assert SECRET not in without_secrets(text)
    assert SECRET not in without_secrets(without_secrets(text))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"[http://a/x,http://u:{SECRET}@b/y?q={SECRET}]", "[http://a/x,http://***@b/y?***"),
        (f"{{'http://a/':'http://u:{SECRET}@b/'}}", "{'http://a/':'http://***@b/'}"),
        (f"http://a/x|http://u:{SECRET}@b/", "http://a/x|http://***@b/"),
        (f"https:/u:{SECRET}@h/c.yaml?x={SECRET}", "https:/***@h/c.yaml?***"),
        (f"ftp:/u:{SECRET}@h/a", "ftp:/***@h/a"),
        (f"/home/me/https:/u:{SECRET}@h/a", "/home/me/https:/***@h/a"),
        (f"//u:{SECRET}@h/x", "//***@h/x"),
        (f"//h/x?token={SECRET}", "//h/x?***"),
        (f"https:\\\\u:{SECRET}@h", "https:\\\\***@h"),
        (f'http://u:{SECRET} "x@h/y', "http://***@h/y"),
    ],
)
def test_addresses_that_are_not_apart_or_not_whole(text, shown):
    assert without_secrets(text) == shown_address(text) == shown or text.startswith(("http://", "[", "{"))
    assert without_secrets(text) == shown
    assert SECRET not in shown_address(text)


@pytest.mark.parametrize(
    "text",
    [
        "C:\\Users\\me@home\\a?b",
        "C:/Users/me@home/a",
        "//server/share/me@home/a",
        "\\\\server\\share\\me@home",
        "/data/a:/b/c@d/e?f",
        "could not download http://h:80/a.zip?download=1 (4 tries): status 404. Write to a@b.org",
        "could not download https://***@h/a.zip?*** (4 tries): status 404. Write to a@b.org",
        "is it http://h/a? Perhaps (http://h/b).",
        "see https://h/a, line 3: found #1 of 2",
        "// a@b",
        'mirrors.https://a: found ""; must match ^https?://.',
    ],
)
def test_sentences_and_paths_stay(text):
    assert without_secrets(text) == text


@pytest.mark.parametrize(
    "address",
    [
        "https://zenodo.org/record/2619474/files/librispeech_alignments.zip?download=1",
        "https://www.openslr.org/resources/12/dev-clean.tar.gz",
        "http://[::1]:80/@scope/a.zip",
        "owner/name",
        "../somewhere/a.zip",
    ],
)
def test_address_without_a_secret_is_as_it_was(address):
    assert shown_address(address) == identity_of(address) == without_secrets(address) == hidden_in(address) == address
    assert without_secrets(f"see ({address}).") == f"see ({address})."
    assert not is_hidden(address)


def test_what_is_hidden_is_marked():
    assert shown_address("https://me:pw@h/a?b=c#d") == "https://***@h/a?***"
    assert shown_address("https://me:p/w@h/a") == "https://***"
    for address in WITH_SECRETS:
        assert is_hidden(shown_address(address)) == ("***" in shown_address(address))


def test_long_texts_take_no_longer_than_they_are():
    for part in ("http://", "a" * 30, "x://y)", ")" * 30, "http://@", "a:"):
        without_secrets(part * 20_000)
