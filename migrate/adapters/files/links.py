"""Links under which a station fetches its file: nobody guesses another's, and nothing in one names a path on disk.

A link is ``/group/seal/identity/file``: the seal is a keyed hash over the
other three, so that whoever changes one of them has no link any more.  The
group, whose byte-rate the transfer shares, travels with it in short.  A link
is read as strictly as it is written: other escapes, steps or segments than
ours are no link.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote

SEAL_BYTES = 16
GROUP_BYTES = 5


@dataclass(frozen=True, slots=True)
class Link:
    """One file for one station; ``group`` in short, as ``short`` makes it."""

    identity: str
    group: str
    file: str


def short(group: str) -> str:
    """A group's name in eight characters that say nothing to who reads them on the way."""
    return _spelled(hashlib.blake2s(group.encode("utf-8", "replace"), digest_size=GROUP_BYTES).digest())


class Links:
    """Writes and reads links under one campaign's key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def __repr__(self) -> str:
        return "Links()"

    def path(self, link: Link) -> str:
        """The path of a link as it stands in a URL."""
        return f"/{link.group}/{self._seal(link)}/{quote(link.identity, safe='')}/{quote(link.file, safe='')}"

    def read(self, path: str) -> Link | None:
        """The link that a raw path of a URL is, or nothing."""
        parts = path.split("/")
        if len(parts) != 5 or parts[0] or not path.isascii():
            return None
        names = [unquote(part) for part in parts[1:]]
        is_ours = all(quote(name, safe="") == part for name, part in zip(names, parts[1:], strict=True))
        return self.read_parts(names) if is_ours else None

    def read_parts(self, names: Sequence[str]) -> Link | None:
        """The link of four names that are no longer percent-encoded, or nothing."""
        if len(names) != 4:
            return None
        group, seal, identity, file = names
        link = Link(identity, group, file)
        return link if hmac.compare_digest(self._seal(link).encode(), seal.encode("utf-8", "replace")) else None

    def _seal(self, link: Link) -> str:
        said = json.dumps([link.group, link.identity, link.file]).encode()
        return _spelled(hmac.new(self._key, said, hashlib.sha256).digest()[:SEAL_BYTES])


def _spelled(digest: bytes) -> str:
    return base64.b32encode(digest).decode().rstrip("=").lower()
