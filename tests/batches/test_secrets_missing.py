"""A secret that is not there, or cannot be spelled as it has to be: one station's trouble, and nobody reads it."""

from __future__ import annotations

import traceback
from dataclasses import replace

import pytest

from migrate.domain.attempt import State
from migrate.domain.errors import NotAllowed
from migrate.domain.profile import Readback, Write
from migrate.domain.secret import revealed, stand_in
from migrate.domain.unit import PreparedWrite
from migrate.ports import Vaults
from tests.doubles.scene import ACME, OLD, Scene

WITH_PASSWORD = replace(
    ACME, writes=(Write(key="AuthorizationKey", secret="acme", readback=Readback.MASKED), *ACME.writes)
)
NO_TEXT = b"planted-\xff\xfe-secret"


class Holds:
    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def secret(self, name: str) -> bytes:
        return self._secret

    def of(self, identity: str) -> Holds:
        return self


class HoldsNothing:
    def secret(self, name: str) -> bytes:
        raise NotAllowed(f"The secret {name} is nowhere.")

    def of(self, identity: str) -> HoldsNothing:
        return self


@pytest.mark.parametrize("vault", [None, HoldsNothing(), Holds(NO_TEXT)], ids=["no-vault", "not-there", "no-text"])
async def test_a_secret_that_cannot_be_had_ends_one_attempt_and_not_the_run(vault: Vaults | None) -> None:
    async with Scene.of(WITH_PASSWORD, values={"AuthorizationKey": None}) as scene:
        scene.ports = replace(scene.ports, vault=vault)
        attempt = await scene.drive()

        assert attempt.state in (State.FAILED, State.REVERTED, State.STUCK)
        assert "acme" in attempt.reason or "AuthorizationKey" in attempt.reason
        assert scene.world.sent("Write") == []
        assert scene.holds["BackendUrl"] == OLD
        assert "planted" not in repr(scene.journal.lines)


class HoldsOneEach:
    """A secret for each station under one name."""

    def secret(self, name: str) -> bytes:
        raise NotAllowed(f"The secret {name} is each station's own.")

    def of(self, identity: str) -> Holds:
        return Holds(f"the-secret-of-{identity}".encode())


async def test_a_station_with_a_secret_of_its_own_is_told_that_one_and_the_journal_only_its_name() -> None:
    async with Scene.of(WITH_PASSWORD, values={"AuthorizationKey": None}) as scene:
        scene.ports = replace(scene.ports, vault=HoldsOneEach())
        await scene.drive()

        assert scene.holds["AuthorizationKey"] == "the-secret-of-AC1"
        assert "the-secret-of" not in repr(scene.journal.lines)


def test_a_secret_that_is_no_text_is_not_quoted_by_the_error() -> None:
    write = PreparedWrite(key="AuthorizationKey", new=stand_in("acme"), old=None, secret="acme")

    with pytest.raises(NotAllowed, match="acme is no text") as raised:
        revealed(write, Holds(NO_TEXT))

    shown = "".join(traceback.format_exception(raised.value)) + repr(raised.value.__context__)
    assert "planted" not in shown
