"""Every profile that writes is replayed against its transcripts: through the driver, the channel and a relay on real sockets.

The transcript plays the station, and every call that the program sends is
compared with the one on record: another key, another value, another order or
another restart is a failure.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from migrate.cli.demo.stage import free_ports
from migrate.domain.evidence import Kind, Side
from migrate.domain.profile import Method, Profile, Proof, Restart, Write
from migrate.domain.record import Attempt
from migrate.domain.station import Station
from migrate.simulator.faults import Fault
from tests.profiles.bench import Bench
from tests.profiles.families import wanted
from tests.profiles.played import by_player, http_interface
from tests.profiles.record import dealt, record_on_bench, simulated
from tests.profiles.shell_end import ssh_end
from tests.profiles.transcripts import CASES, FOLDER, VISITED, Head, Line, Player, Surprise, path_of, read
from vendor_profiles import Catalogue, load_catalogue, on_request

CATALOGUE = Catalogue((*load_catalogue().profiles, *on_request().profiles))
WRITING = [profile for profile in CATALOGUE.profiles if profile.method is not Method.VISIT]
ALL = sorted(path.relative_to(FOLDER).as_posix().removesuffix(".jsonl") for path in FOLDER.glob("*/*.jsonl"))
MOVED = [name for name in ALL if not name.endswith(f"/{VISITED}")]  # the others: test_visited_transcripts.py


def transcript(name: str) -> tuple[Head, list[Line], Profile]:
    head, lines = read(path_of(*name.split("/")))
    profile = CATALOGUE.get(head.profile)
    assert profile is not None
    return head, lines, profile


async def replay(folder: Path, head: Head, lines: list[Line], profile: Profile) -> tuple[Attempt, Player]:
    """Move the station that the transcript plays; raises ``Surprise`` for a call that is not on record."""
    station = Station(
        identity=head.identity,
        vendor=head.vendor,
        model=head.model,
        firmware=head.firmware,
        serial=head.serial,
        ocpp_version=head.ocpp,
        ip_address="127.0.0.1",
    )
    http_port, ssh_port = free_ports(2)
    speed = 10.0 if profile.firmware else 1.0  # it is looked at every ten seconds of the campaign
    async with Bench.open(folder, speed=speed, http_port=http_port, ssh_port=ssh_port) as bench:
        ports = {side: relay.port for side, relay in bench.relays.items()}
        async with (
            Player.of(head, lines, ports) as player,
            http_interface(player, http_port),
            ssh_end("127.0.0.1", ssh_port, bench.known_hosts, by_player(player)),
        ):
            playing = asyncio.ensure_future(player.play())
            moving = asyncio.ensure_future(_once_booted(bench, profile, station, head.target))
            try:
                await asyncio.wait({playing, moving}, return_when=asyncio.FIRST_EXCEPTION)
                if playing.done() and playing.exception() is None:
                    return await moving, player
                await playing
                raise Surprise("the move ended before the transcript did") from moving.exception()
            finally:
                moving.cancel()
                playing.cancel()
                await asyncio.gather(moving, playing, return_exceptions=True)


async def _once_booted(bench: Bench, profile: Profile, station: Station, target: str) -> Attempt:
    await bench.sees(Kind.BOOT, Side.SOURCE)
    return await bench.move(profile, station, target)


@pytest.mark.parametrize("profile", WRITING, ids=lambda profile: profile.name)
@pytest.mark.parametrize("case", CASES)
def test_every_profile_that_writes_has_its_transcripts(profile: Profile, case: str) -> None:
    head, lines = read(path_of(profile.name, case))

    assert (head.profile, head.case) == (profile.name, case)
    assert head.ends in (("confirmed",) if case == "accepted" else ("failed", "deferred"))
    assert [line for line in lines if line.is_ours]


def test_no_transcript_is_of_a_profile_that_is_gone() -> None:
    assert {name.split("/")[0] for name in ALL} == {profile.name for profile in CATALOGUE.profiles}
    assert sorted(f"{profile}/{case}" for profile, case, _ in wanted()) == ALL


@pytest.mark.story
@pytest.mark.parametrize("name", MOVED)
async def test_what_a_profile_sends_is_what_its_transcript_holds(tmp_path: Path, name: str) -> None:
    head, lines, profile = transcript(name)

    attempt, player = await replay(tmp_path, head, lines, profile)

    assert player.sent == player.expected
    assert attempt.state.value == head.ends


@pytest.mark.parametrize("name", MOVED)
def test_the_station_of_a_transcript_is_the_profiles_own(name: str) -> None:
    head, _, _ = transcript(name)

    found = CATALOGUE.match(head.vendor, head.model, head.firmware, head.ocpp).profile

    assert found is not None
    assert found.name == head.profile


@pytest.mark.parametrize("profile", CATALOGUE.profiles, ids=lambda profile: profile.name)
def test_no_profile_is_called_proven_on_a_bench_without_a_transcript_from_one(profile: Profile) -> None:
    """A transcript made against a simulated firmware proves our tool, not a station."""
    made = [read(FOLDER / f"{name}.jsonl")[0].made for name in ALL if name.split("/")[0] == profile.name]

    is_physical = any("no physical station" not in one for one in made)

    assert all(made)
    assert is_physical or profile.proof in (Proof.DOCUMENTED, Proof.SIMULATED)


def _other_value(profile: Profile) -> Profile:
    *first, last = profile.writes
    return replace(profile, writes=(*first, replace(last, value=last.value + "/")))


def _other_order(profile: Profile) -> Profile:
    return replace(profile, writes=(profile.writes[1], profile.writes[0], *profile.writes[2:]))


def _other_restart(profile: Profile) -> Profile:
    return replace(profile, restart=Restart.HARD)


def _one_key_more(profile: Profile) -> Profile:
    more = Write(key="HostConnectorReconnectInterval", value="${port}")
    return replace(profile, writes=(more, *profile.writes))


@pytest.mark.story
@pytest.mark.parametrize("change", [_other_value, _other_order, _other_restart, _one_key_more])
async def test_a_profile_that_would_send_something_else_is_found_out(
    tmp_path: Path, change: Callable[[Profile], Profile]
) -> None:
    head, lines, profile = transcript("keba_p30x/accepted")

    with pytest.raises(Surprise, match="the transcript has"):
        await replay(tmp_path, head, lines, change(profile))


def test_a_refusal_half_way_is_undone_in_the_transcript() -> None:
    """Of the families with several keys: what was taken before the refusal is put back, in reverse."""
    for name in ("keba_p30x", "alfen_fw5", "amina_fw4"):  # over OCPP 1.6
        _, lines, _ = transcript(f"{name}/refused")
        writes = [line.frame[3] for line in lines if line.is_our_call and line.frame[2] == "ChangeConfiguration"]
        assert writes[0]["key"] == writes[-1]["key"], name
        assert writes[0]["value"] != writes[-1]["value"], name


@pytest.mark.story
async def test_a_station_on_a_bench_is_moved_and_recorded_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The recorder for physical stations, with a simulated one on the bench: what it records is the transcript in the package."""
    source_port, target_port = free_ports(2)
    source, target = f"ws://127.0.0.1:{source_port}/legacy", f"ws://127.0.0.1:{target_port}/ocpp"
    spec = dealt("vestel_ac", Fault.NONE)

    recording = asyncio.ensure_future(
        record_on_bench("vestel_evc04", "127.0.0.1", "accepted", (source_port, target_port))
    )
    async with asyncio.timeout(30), simulated(spec, tmp_path, source_url=source, target_url=target):
        head, lines = await recording

    known = [line.frame[2] for line in transcript("vestel_evc04/accepted")[1] if line.is_our_call]
    assert f"Let the station dial {source}" in capsys.readouterr().out
    assert (head.ends, head.identity, head.model) == ("confirmed", spec.identity, spec.model)
    assert head.made.startswith("on a bench")
    assert [line.frame[2] for line in lines if line.is_our_call] == known
