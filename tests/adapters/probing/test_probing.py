"""What is seen at a backend's door: real sockets, certificates sound and otherwise."""

from __future__ import annotations

import asyncio
import socket
import ssl
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes

from migrate.adapters.probing.certificates import Anchors, public_roots, sight
from migrate.adapters.probing.doorstep import look
from migrate.adapters.probing.knock import Knocker
from migrate.adapters.probing.ports import holder
from migrate.domain.address import Backend, parse_backend
from migrate.domain.survey import Knocked
from tests.doubles.backend import Manners, backend
from tests.doubles.issuer import Issuer, Wish

OURS = Issuer("ours")
KNOWN_HERE = Anchors(named=(OURS.root,))


def over_tls(port: int) -> Backend:
    return parse_backend(f"wss://localhost:{port}/ocpp")


def in_the_clear(port: int) -> Backend:
    return parse_backend(f"ws://127.0.0.1:{port}/ocpp")


async def test_a_sound_backend_shows_its_whole_chain_its_clock_and_no_handshake_was_made(tmp_path: Path) -> None:
    with backend(tmp_path, manners := Manners(), OURS.issue()) as port:
        found = await look(over_tls(port), KNOWN_HERE)

    assert (found.failure, found.status) == ("", 426)
    assert found.tls is not None
    assert [one.common_name for one in found.tls.chain] == ["localhost", "ours issuing"]
    assert found.tls.anchor is not None
    assert found.tls.anchor.common_name == "ours root"
    assert (found.tls.takes_12, found.tls.takes_rsa, found.tls.is_ordered) == (True, True, True)
    assert found.ahead is not None
    assert abs(found.ahead) < timedelta(minutes=1)
    assert manners.requests == ["/ocpp"]
    assert not manners.handshakes


async def test_a_missing_intermediate_is_named(tmp_path: Path) -> None:
    with backend(tmp_path, Manners(), OURS.issue(Wish(sends_intermediate=False))) as port:
        found = await look(over_tls(port), KNOWN_HERE)

    assert found.tls is not None
    assert (found.tls.anchor, found.tls.missing) == (None, "CN=ours issuing")


async def test_a_backend_that_knows_ecdsa_alone_takes_tls_12_and_no_rsa(tmp_path: Path) -> None:
    with backend(tmp_path, Manners(), OURS.issue(Wish(kind="EC"))) as port:
        found = await look(over_tls(port), KNOWN_HERE)

    assert found.tls is not None
    assert (found.tls.takes_12, found.tls.takes_rsa) == (True, False)
    assert found.tls.chain[0].key == "EC"


@pytest.mark.parametrize(("first", "second"), [("EC", "RSA"), ("RSA", "EC")])
async def test_a_backend_with_both_kinds_of_key_shows_either_chain(tmp_path: Path, first: str, second: str) -> None:
    with backend(tmp_path, Manners(beside=OURS.issue(Wish(kind=second))), OURS.issue(Wish(kind=first))) as port:
        found = await look(over_tls(port), KNOWN_HERE)

    assert found.tls is not None
    assert found.tls.beside is not None
    assert {found.tls.chain[0].key, found.tls.beside.chain[0].key} == {"RSA", "EC"}
    assert (found.tls.takes_12, found.tls.takes_rsa) == (True, True)


async def test_a_backend_with_tls_13_alone_is_seen_as_such(tmp_path: Path) -> None:
    with backend(tmp_path, Manners(min_version=ssl.TLSVersion.TLSv1_3), OURS.issue()) as port:
        found = await look(over_tls(port), KNOWN_HERE)

    assert found.tls is not None
    assert not found.tls.takes_12


async def test_a_weak_key_is_read_as_it_is(tmp_path: Path) -> None:
    with backend(tmp_path, Manners(), OURS.issue(Wish(bits=1024, digest=hashes.SHA384()))) as port:
        found = await look(over_tls(port), KNOWN_HERE)

    assert found.tls is not None
    own = found.tls.chain[0]
    assert (own.key, own.key_bits, own.hash) == ("RSA", 1024, "sha384")


async def test_a_clock_that_is_ahead_is_measured(tmp_path: Path) -> None:
    with backend(tmp_path, Manners(ahead=timedelta(minutes=10))) as port:
        found = await look(in_the_clear(port), KNOWN_HERE)

    assert found.ahead is not None
    assert abs(found.ahead - timedelta(minutes=10)) < timedelta(minutes=1)


async def test_nobody_at_the_port_is_a_finding_and_no_error() -> None:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    found = await look(in_the_clear(port), KNOWN_HERE)

    assert found.failure


async def test_a_port_that_takes_tls_for_noise_says_that_it_shows_no_certificate(tmp_path: Path) -> None:
    with backend(tmp_path, Manners()) as port:
        found = await look(over_tls(port), KNOWN_HERE)

    assert "no certificate" in found.failure


async def test_a_port_that_never_answers_is_given_up_in_bounded_time() -> None:
    async def mute(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await silence.wait()
        writer.close()

    silence = asyncio.Event()
    server = await asyncio.start_server(mute, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    found = await look(in_the_clear(port), KNOWN_HERE, within_s=0.2)

    silence.set()
    server.close()
    await server.wait_closed()
    assert found.failure == "no answer in time"


@pytest.mark.parametrize(
    ("manners", "found"),
    [
        (Manners(known=frozenset({"AC 1"})), Knocked.KNOWN),
        (Manners(known=frozenset()), Knocked.UNKNOWN),
        (Manners(wants_password=True), Knocked.CREDENTIALS),
        (Manners(subprotocols=("ocpp2.0.1",)), Knocked.NO_DIALECT),
        (Manners(status=503), Knocked.SILENT),
    ],
    ids=["known", "unknown", "asks for a password", "another dialect", "unwell"],
)
async def test_a_knock_tells_what_the_backend_made_of_the_identity(
    tmp_path: Path, manners: Manners, found: Knocked
) -> None:
    with backend(tmp_path, manners) as port:
        knock = await Knocker(in_the_clear(port)).knock("AC 1", "1.6")

    assert knock.found is found
    assert manners.status or manners.handshakes == ["AC 1"]


def test_a_chain_out_of_order_is_followed_and_told() -> None:
    issued = OURS.issue()

    found = sight([issued.certificate, OURS.root, OURS.below], Anchors(named=(OURS.root,)))

    assert not found.is_ordered
    assert found.anchor is not None


def test_a_root_of_the_same_name_that_did_not_sign_is_no_anchor() -> None:
    impostor = Issuer("ours but another")
    forged = Anchors(named=(impostor.root,))

    found = sight([OURS.issue().certificate, OURS.below], forged)

    assert found.anchor is None


def test_the_roots_of_the_system_are_read_one_by_one() -> None:
    if not public_roots():
        pytest.skip("this machine keeps no roots")

    assert len(set(public_roots())) > 10


def test_a_port_that_is_held_says_why_and_a_free_one_nothing() -> None:
    with closing(socket.socket()) as held:
        held.bind(("127.0.0.1", 0))
        held.listen(1)
        port = held.getsockname()[1]

        assert holder("127.0.0.1", port)
    assert holder("127.0.0.1", 0) == ""
