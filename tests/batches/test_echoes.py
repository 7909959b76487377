"""A station that repeats what it was told: its words reach the journal, the secret in them does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pytest

from migrate.domain.attempt import State
from migrate.domain.errors import Refused, StationError, Unreachable
from migrate.domain.evidence import Side
from migrate.domain.profile import Profile, Restart
from migrate.domain.secrecy import unsaid
from migrate.domain.secret import hidden_parts
from migrate.domain.station import Station
from migrate.domain.unit import PreparedWrite
from migrate.domain.ways import Encoding, Way
from migrate.ports import Door
from tests.adapters.channels.doubles import MemoryChannel
from tests.batches.test_doors import SCRIPTED
from tests.doubles.scene import Scene

TOKEN = "planted0123456789token"
SECRET = "planted-password"


@dataclass
class Echo:
    """A door behind which somebody repeats every value, in plain and in hex."""

    scene: Scene
    error: type[StationError]

    def to(self, station: Station, profile: Profile, side: Side) -> Door:
        return self

    async def read(
        self, identity: str, keys: Sequence[str], *, max_keys: int | None = None
    ) -> Mapping[str, str | None]:
        memory = MemoryChannel({identity: self.scene.station.device})
        return await memory.read(identity, keys, max_keys=max_keys)

    async def write(self, identity: str, key: str, value: str) -> str:
        said = f"{identity} says: {value!r} ({value.encode().hex()}) is not for me."
        if self.error is Refused:
            raise Refused(said, identity=identity, status=f"no {value}", hint=f"Not {value}.")
        raise Unreachable(said, identity=identity, sent=False)

    async def restart(self, identity: str, kind: Restart) -> None: ...


@pytest.mark.parametrize("error", [Refused, Unreachable])
async def test_an_address_with_a_token_is_not_repeated(error: type[StationError]) -> None:
    profile = replace(SCRIPTED, writes=(replace(SCRIPTED.writes[0], value="${url}/" + TOKEN),))
    async with Scene.of(profile) as scene:
        scene.ports = replace(scene.ports, doors={Way.SSH: Echo(scene, error)})
        attempt = await scene.drive()

        told = [line.event for line in scene.journal.lines if line.event.kind != "command"]

    assert attempt.state in (State.FAILED, State.DEFERRED)
    assert "says: '***'" in repr(told)
    assert TOKEN not in repr(told)
    assert TOKEN not in attempt.reason


@pytest.mark.parametrize("encoding", Encoding)
@pytest.mark.parametrize("new", ["(secret pw)", '{"user": "AC1", "basicAuthPassword": "(secret pw)"}'])
def test_a_secret_is_hidden_as_it_goes_out_and_what_is_none_is_not(encoding: Encoding, new: str) -> None:
    sent = SECRET.encode().hex() if encoding is Encoding.HEX else SECRET
    write = PreparedWrite(key="K", new=new, old=None, secret="pw", encoding=encoding)

    assert hidden_parts(write, new.replace("(secret pw)", sent)) == (sent,)


@pytest.mark.parametrize(
    "spelt",
    [
        "planted-password",
        "706c616e7465642d70617373776f7264",
        "706C616E7465642D70617373776F7264",
        "cGxhbnRlZC1wYXNzd29yZA==",
        "cGxhbnRlZC1wYXNzd29yZA",
    ],
)
def test_a_secret_is_unsaid_in_each_of_its_usual_spellings(spelt: str) -> None:
    assert unsaid(f"It says {spelt}.", [SECRET]) == "It says ***."


def test_a_secret_is_unsaid_as_an_address_spells_it() -> None:
    assert unsaid("dials ?p=a%2Fb%3Dc now", ["a/b=c"]) == "dials ?p=*** now"


@pytest.mark.parametrize("value", ["true", "443", "ws://new.example/ocpp"])
def test_what_holds_no_secret_may_be_repeated(value: str) -> None:
    assert hidden_parts(PreparedWrite(key="K", new=value, old=None), value) == ()
