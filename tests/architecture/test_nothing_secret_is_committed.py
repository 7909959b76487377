"""What must never lie in the tree: keys, tokens, campaigns, and data that belongs to others."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from tests.architecture.house import ROOT, tracked

SECRETS = {
    "a private key": re.compile(rb"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----\s+[A-Za-z0-9+/]{20}"),
    "an access key of a cloud": re.compile(rb"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a token of a forge": re.compile(rb"\b(?:gh[pousr]_[A-Za-z0-9]{36}|glpat-[A-Za-z0-9_-]{20})\b"),
    "a web token": re.compile(rb"\beyJ[A-Za-z0-9_-]{20,}\.eyJ[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{20,}"),
    "a password in an address": re.compile(
        rb"\b(?:wss?|https?|postgresql(?:\+\w+)?)://[^\s/:@\"'{}]+:[^\s/@\"'{}<>$*]{6,}@"
    ),
}
OF_A_CAMPAIGN = (".db", ".db-wal", ".db-shm", ".sock", ".pem", ".key", ".jsonl")
TRANSCRIPTS = ROOT / "vendor_profiles" / "transcripts"  # .jsonl like a wire log, made for the package
LARGEST_BYTES = 300_000
MADE_UP = ("secret", "s3cret", "hunter2", "hunter22", "example", "geheim", "letmein", "passwor", "planted")
"""What passwords in tests are called, so that nobody takes them for real ones."""


@pytest.mark.parametrize("what", SECRETS)
def test_no_file_holds(what: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}: {match.group()[:60]!r}"
        for path in tracked()
        for match in SECRETS[what].finditer(path.read_bytes())
        if not any(word in match.group().decode(errors="replace").lower() for word in MADE_UP)
    ]

    assert not found


def test_nothing_of_a_campaign_and_nothing_large_is_committed() -> None:
    others = [path for path in tracked() if TRANSCRIPTS not in path.parents]

    wrong = [path for path in others if path.name.endswith(OF_A_CAMPAIGN) or path.stat().st_size > LARGEST_BYTES]

    assert not [path.relative_to(ROOT).as_posix() for path in wrong]


def test_no_file_of_the_shared_data_was_copied_into_the_tree(shared_data: Path) -> None:
    theirs = {digest(path) for path in shared_data.parent.rglob("*") if path.is_file() and path.stat().st_size}

    copied = [path.relative_to(ROOT).as_posix() for path in tracked() if path.stat().st_size and digest(path) in theirs]

    assert theirs
    assert not copied


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("a private key", b"-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIIrYSSNQFaA2Hwf"),
        ("an access key of a cloud", b"AKIA" + b"A" * 16),
        ("a token of a forge", b"ghp_" + b"a" * 36),
        ("a password in an address", b"wss://station:" + b"Xy7pQz19" + b"@host/ocpp"),
    ],
)
def test_the_search_finds_what_it_searches_for(what: str, text: bytes) -> None:
    assert SECRETS[what].search(text)
