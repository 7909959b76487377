"""The seal: what stations held and are told is stored so that only this campaign's key opens it.

Old addresses hold tokens, and have to be put back as they were; so they are
kept, encrypted and authenticated, each bound to its station and its place.
The rest of the journal stays readable: who did what, when and why needs no
key, nor does the audit, which vouches for the sealed form.

AES-SIV (RFC 5297): the same value at the same place gives the same seal, so
that an inventory that did not change keeps its digest.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from hashlib import sha512
from typing import Any, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from sqlalchemy import Connection, insert, select

from migrate.adapters.journal.tables import SEAL
from migrate.domain.errors import NotAllowed
from migrate.domain.record import Event, EventKind

PREFIX = "sealed:1:"
SHORTEST_KEY = 16
_PROOF = "fleet-migrate"
_NAME = "store_key"

_FIELDS: Mapping[str, tuple[str, ...]] = {
    EventKind.COMMAND.value: ("value",),
    EventKind.ANSWER.value: ("text",),  # a station may repeat what it was told
    EventKind.SNAPSHOT.value: ("holds",),
}
"""What of an event is sealed.  Whatever else it tells is for everybody who may read the journal."""

KEY_IS = "It is secrets/store_key in the campaign folder, or MIGRATE_SECRET_STORE_KEY."


class Seal(Protocol):
    """Closes a text for one place of the store, and opens it again there."""

    def close(self, text: str, place: str) -> str: ...
    def open(self, text: str, place: str) -> str: ...


class KeyedSeal:
    """A seal with the campaign's key."""

    def __init__(self, key: bytes) -> None:
        if len(key) < SHORTEST_KEY:
            raise NotAllowed(
                f"The store's key has {len(key)} characters, fewer than {SHORTEST_KEY}: it seals nothing.",
                hint=f"Was this campaign never opened with it, remove the file: a new one is drawn. {KEY_IS}",
            )
        self._cipher = AESSIV(sha512(b"fleet-migrate store 1\0" + key).digest())

    def close(self, text: str, place: str) -> str:
        sealed = self._cipher.encrypt(text.encode("utf-8", "surrogatepass"), [place.encode("utf-8", "surrogatepass")])
        return PREFIX + base64.b64encode(sealed).decode()

    def open(self, text: str, place: str) -> str:
        """What was closed; a text that was stored before there was a seal is as it is.

        Raises ``NotAllowed`` where the key, the text or its place is another.
        """
        if not text.startswith(PREFIX):
            return text
        try:
            sealed = base64.b64decode(text[len(PREFIX) :], validate=True)
            plain = self._cipher.decrypt(sealed, [place.encode("utf-8", "surrogatepass")])
        except (InvalidTag, binascii.Error, ValueError) as error:
            raise NotAllowed(
                "A sealed value of the store does not open: it was changed, moved, or sealed with another key.",
                hint=f"`migrate doctor` looks for changes. {KEY_IS}",
            ) from error
        return plain.decode("utf-8", "surrogatepass")

    def __repr__(self) -> str:
        return "KeyedSeal()"


class NoSeal:
    """Without a key: what is stored stays plain, and nothing sealed can be read."""

    def close(self, text: str, _place: str) -> str:
        return text

    def open(self, text: str, _place: str) -> str:
        if text.startswith(PREFIX):
            raise NotAllowed("The store is sealed, and nobody gave its key.", hint=KEY_IS)
        return text


NO_SEAL = NoSeal()


def sealed_data(event: Event, seal: Seal) -> Mapping[str, Any]:
    """What of an event is written down."""
    names = [name for name in _FIELDS.get(event.kind.value, ()) if event.data.get(name)]
    if not names or seal is NO_SEAL:
        return event.data
    closed = {
        name: seal.close(json.dumps(event.data[name], default=dict), _place(event.identity, name)) for name in names
    }
    return {**event.data, **closed}


def opened_data(kind: str, identity: str, data: dict[str, Any], seal: Seal) -> dict[str, Any]:
    """What an event told."""
    for name in _FIELDS.get(kind, ()):
        value = data.get(name)
        if isinstance(value, str) and value.startswith(PREFIX):
            data[name] = json.loads(seal.open(value, _place(identity, name)))
    return data


def _place(identity: str, name: str) -> str:
    return f"event\0{identity}\0{name}"


# ── which key it is ────────────────────────────────────────────────────────


def seal_of(connection: Connection, key: Callable[[], bytes]) -> Seal:
    """The seal of a store that has one.  Raises ``NotAllowed`` where its key is gone, or is another one."""
    proof = _proof(connection)
    seal = KeyedSeal(_found(key))
    if proof is not None:
        _judge(seal, proof)
    return seal


def is_sealed(connection: Connection) -> bool:
    return _proof(connection) is not None


def begin(connection: Connection, key: Callable[[], bytes]) -> Seal:
    """Seal a store from now on, unless another process was quicker; under the writer's lock."""
    seal = KeyedSeal(key())
    if (proof := _proof(connection)) is not None:
        _judge(seal, proof)
    else:
        connection.execute(insert(SEAL).values(name=_NAME, body=seal.close(_PROOF, "seal")))
    return seal


def _proof(connection: Connection) -> str | None:
    found = connection.execute(select(SEAL.c.body).where(SEAL.c.name == _NAME)).scalar()
    return None if found is None else str(found)


def _found(key: Callable[[], bytes]) -> bytes:
    try:
        return key()
    except NotAllowed as error:
        raise NotAllowed(
            f"The store is sealed, and its key cannot be had: {error.message}",
            hint=f"Bring it back from where secrets are kept. {KEY_IS}",
        ) from error


def _judge(seal: Seal, proof: str) -> None:
    try:
        seal.open(proof, "seal")
    except NotAllowed as error:
        raise NotAllowed("The store was sealed with another key than the one at hand.", hint=KEY_IS) from error
