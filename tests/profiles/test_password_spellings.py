"""A password as it goes out, against firmware that reads it in its maker's way: what is sent is what is used.

OCPP 1.6 wants hex, many makers read plain text, some try both: one wrong
reading looks like a network problem for days (shiv3/ocpp-cp-simulator#260).
"""

from __future__ import annotations

from base64 import b64decode

import pytest

from migrate.domain.secret import revealed, stand_in
from migrate.domain.unit import PreparedWrite
from migrate.domain.ways import Encoding
from migrate.simulator.armour import Armour, Commissioned
from migrate.simulator.behaviour import behaviour
from migrate.simulator.faults import Fault
from migrate.simulator.flash import Flash

PASSWORD = "Sixteen-to-20-chars"
ANSWERS = ("Accepted", "RebootRequired")


class Vault:
    def secret(self, name: str) -> bytes:
        return {"acme": PASSWORD.encode()}[name]


def sent(encoding: Encoding, key: str) -> str:
    return revealed(PreparedWrite(key=key, new=stand_in("acme"), old=None, secret="acme", encoding=encoding), Vault())


def used_after(family: str, encoding: Encoding) -> bytes | None:
    """The password in the header that the station shows from then on; ``None`` where it did not take the value."""
    ways = behaviour(family)
    flash = Flash(ways, "AC1", "ws://127.0.0.1:1/ocpp", Fault.NONE)
    armour = Armour(Commissioned(profile=1, password="the one before it"), ways, flash)
    if flash.write(ways.authorization_key, sent(encoding, ways.authorization_key)) not in ANSWERS:
        return None
    return b64decode(armour.headers("AC1")["Authorization"].partition(" ")[2]).partition(b":")[2]


@pytest.mark.parametrize(
    ("family", "encoding"),
    [
        ("microocpp", Encoding.HEX),
        ("microocpp_ao", Encoding.HEX),
        ("openevse", Encoding.HEX),
        ("alfen5", Encoding.HEX),
        ("alfen6", Encoding.HEX),
        ("keba", Encoding.HEX),
        ("openocpp", Encoding.PLAIN),
        ("everest", Encoding.HEX),
        ("everest", Encoding.PLAIN),
        ("everest201", Encoding.PLAIN),
        ("openocpp201", Encoding.PLAIN),
    ],
)
def test_in_its_makers_spelling_a_password_is_the_one_that_was_meant(family: str, encoding: Encoding) -> None:
    assert used_after(family, encoding) == PASSWORD.encode()


@pytest.mark.parametrize(
    ("family", "encoding"),
    [("microocpp", Encoding.PLAIN), ("openocpp", Encoding.HEX), ("everest201", Encoding.HEX)],
)
def test_in_the_other_spelling_it_is_refused_or_another(family: str, encoding: Encoding) -> None:
    assert used_after(family, encoding) != PASSWORD.encode()


@pytest.mark.parametrize("encoding", Encoding)
def test_a_name_is_all_that_is_written_down(encoding: Encoding) -> None:
    write = PreparedWrite(key="AuthorizationKey", new=stand_in("acme"), old=None, secret="acme", encoding=encoding)

    assert PASSWORD not in repr(write)
    assert PASSWORD.encode().hex() not in repr(write)
