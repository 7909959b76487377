"""What eight charge-point stacks and four backends were seen to do on the wire, met by a campaign.

One night over all of them, each with the end that is right for it, judged by
what the stations wrote down.  Three lines of that list are no station's
manner and have no story here: what a backend's REST interface means by
success and by null are matters of the channels that speak to one (a relay
sees the station itself), and OCPP 2.0.1 is of a later release.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from migrate.domain.attempt import State
from migrate.domain.wave import Standing, StationStanding
from migrate.simulator.behaviour import SUPPLIERS, flavour
from migrate.simulator.deal import StationSpec
from migrate.simulator.faults import Fault
from migrate.simulator.habits import Flashing
from migrate.simulator.wirelog import (
    EFFECTS,
    Kind,
    Side,
    WireEvent,
    commands_repeated_without_read,
    last_side,
    transactions_cut,
)
from tests.stories.conftest import LENIENT_POLICY, ONE_TRY, Field, a_field
from tests.stories.stations import a_station_called

pytestmark = pytest.mark.story

SPEED = 80.0
WITHIN_S = 170.0
NEW_ADDRESS = "ws://localhost:{port}/steve/websocket/"  # with a slash at its end: one stack makes //identity of it
PATIENT = ('appear = "10m"', 'appear = "10m"\narrive = "40m"')  # a ping is awaited for 20 real seconds
IMPATIENT = ('undo = "8000s"', 'undo = "5m"')  # who answers no write is not asked again and again for the old value
RECONNECTS_S = (0, 1, 9, 12, 30)
LOCATION = "https://files.example/fw/6.6.0-4266.bin"


BY_FAULT = [
    (Fault.NONE, "everest"),
    (Fault.NONE, "alfen5"),
    (Fault.SHOWS_OLD, "everest"),
    (Fault.WITHOUT_EFFECT, "growatt"),
    (Fault.STORES_NOTHING, "microocpp"),
    (Fault.READ_ONLY_KEY, "everest"),
    (Fault.KEY_ABSENT, "microocpp"),
    (Fault.RESET_DROPS_LATE, "everest"),
    (Fault.RESET_CLOSES, "evnex"),
    (Fault.RESET_TWO_SOCKETS, "alfen6"),
    (Fault.RESET_TWO_SOCKETS, "alfen5"),
    (Fault.RESET_IGNORED, "microocpp"),
    (Fault.RESET_UNANSWERED, "keba"),
    (Fault.RESET_BEFORE_BOOT, "everest"),
    (Fault.ANSWERS_TWICE, "microocpp"),
    (Fault.ANSWERS_TWICE, "openocpp"),
    (Fault.COUNTS_IDS, "everest"),
    (Fault.TRIGGERED_FIRST, "eviq"),
    (Fault.NO_BOOT, "everest"),
    (Fault.TRIGGER_ABSENT, "everest"),
    (Fault.TRIGGER_SILENT, "microocpp"),
    (Fault.TRIGGER_REFUSED, "evlink"),
    (Fault.TRIGGER_ERROR, "grizzl_e"),
    (Fault.TRIGGER_MISNAMED, "vestel_ac"),
    (Fault.WRITE_UNANSWERED, "openocpp"),
    (Fault.WRITE_IGNORED, "everest"),
    (Fault.DUPLICATE_SESSION, "everest"),
]
FLASHED = [*(one for one in Flashing if one is not Flashing.UPDATES)]


def fleet() -> list[StationSpec]:
    silent = {"boots_on_reconnect": False, "reports_on_reconnect": False}
    return [
        *(a_station_called(f"{fault}.{family}", family, fault) for fault, family in BY_FAULT),
        *(
            a_station_called(f"reconnects.{s}", "everest", ways={**silent, "reconnect_s": float(s)})
            for s in RECONNECTS_S
        ),
        *(a_station_called(f"flashing.{one}", "microocpp", ways={"flashing": one.value}) for one in FLASHED),
        *(
            a_station_called(f"slash.{family}", family)
            for family in ("openocpp", "growatt", "vestel_dc", "keba", "amina")
        ),
        *(a_station_called(f"supplier.{one}", "everest", flavour=one) for one in SUPPLIERS),
        a_station_called("updates.alfen5", "alfen5", ways={"flashing": "updates"}),
        a_station_called("too-early.everest", "everest", Fault.RESET_BEFORE_BOOT),
    ]


@dataclass(frozen=True, slots=True)
class Told:
    """One station: what the journal says of it and what it wrote down itself."""

    station: StationStanding
    log: Sequence[WireEvent]

    def asked(self, action: str, side: Side | None = None) -> list[WireEvent]:
        commands = [e for e in self.log if e.kind is Kind.COMMAND and e.action == action]
        return [e for e in commands if side is None or e.side is side]

    def of(self, kind: Kind, side: Side | None = None) -> list[WireEvent]:
        return [e for e in self.log if e.kind is kind and (side is None or e.side is side)]

    @property
    def lives_on(self) -> Side:
        return last_side(self.log)[self.station.identity]


@dataclass(frozen=True, slots=True)
class Night:
    standing: Standing
    log: Sequence[WireEvent]
    not_a_url: tuple[int, str, int]
    """What the program said to a target that is no URL, and how many commands the stations saw of it."""

    def of(self, identity: str) -> Told:
        (station,) = (s for s in self.standing.stations if s.identity == identity)
        return Told(station, [event for event in self.log if event.identity == identity])


async def _night() -> Night:
    backends = {"target": {"path": "/steve/internal"}}
    policy = [*LENIENT_POLICY, PATIENT, IMPATIENT, ONE_TRY]
    async with a_field(specs=fleet(), policy=policy, speed=SPEED, target=NEW_ADDRESS, csms=backends) as site:
        await _evening(site)
        ended = await (await site.run()).ended(WITHIN_S)
        assert ended.code in (1, 5), ended.err
        standing, log = await site.standing(), site.log()
        return Night(standing, log, await _not_a_url(site))


async def _evening(site: Field) -> None:
    """What happens to the fleet before the campaign begins: links break, drivers come, meters fail, old backends flash."""
    for reconnect_s in RECONNECTS_S:
        await site.simulator("csms_drop", side="source", identity=f"reconnects.{reconnect_s}")
    for identity in [*(f"flashing.{one}" for one in FLASHED), "updates.alfen5"]:
        payload = {"location": LOCATION, "retrieveDate": "2026-11-20T00:00:00Z"}
        await site.simulator("csms_call", side="source", identity=identity, action="UpdateFirmware", payload=payload)
    for supplier in SUPPLIERS:
        identity = f"supplier.{supplier}"
        await site.simulator("start_transaction", identity=identity, for_s=240)
        await site.simulator("drop_link", identity=identity, for_s=30)
    await site.simulator("boot_answer", side="source", identity="too-early.everest", status="Pending")
    await site.simulator("power_cycle", identity="too-early.everest")
    async with asyncio.timeout(30):
        while not _is_evening_over(site.log()):
            await asyncio.sleep(0.2)


def _is_evening_over(log: Sequence[WireEvent]) -> bool:
    back = {e.identity for e in log if e.kind is Kind.CONNECTED and e.identity.startswith("reconnects.")}
    times = [sum(e.kind is Kind.CONNECTED and e.identity == one for e in log) for one in back]
    booted = [e for e in log if e.identity in ("updates.alfen5", "too-early.everest") and e.kind is Kind.BOOT_SENT]
    return times == [2] * len(RECONNECTS_S) and len(booted) >= 4


async def _not_a_url(site: Field) -> tuple[int, str, int]:
    campaign = site.stage.folder / "campaign.toml"
    good, before = campaign.read_text(), len(site.log())
    url = NEW_ADDRESS.format(port=site.stage.target_port)
    campaign.write_text(good.replace(f'url = "{url}"', 'url = "not a url"'))
    ended = await site.run()
    told = await ended.ended()
    campaign.write_text(good)
    seen = [e for e in site.log()[before:] if e.kind is Kind.COMMAND]
    return told.code, told.err, len(seen)


@pytest.fixture(scope="module")
def night() -> Night:
    """One campaign for the whole file; the tests only read what it left."""
    return asyncio.run(_night())


def assert_moved(told: Told) -> None:
    assert told.station.state is State.SETTLED, told.station.reason
    assert told.lives_on is Side.TARGET
    assert told.of(Kind.BOOT_ACCEPTED, Side.TARGET)


def assert_stayed(told: Told, state: State) -> None:
    assert told.station.state is state, told.station.reason
    assert told.lives_on is Side.SOURCE
    assert told.of(Kind.CONNECTED, Side.TARGET) == []


@pytest.mark.parametrize("reconnect_s", RECONNECTS_S)
def test_a_reconnect_without_a_boot_is_no_restart_and_no_return(night: Night, reconnect_s: int) -> None:
    told = night.of(f"reconnects.{reconnect_s}")

    assert len(told.of(Kind.CONNECTED, Side.SOURCE)) == 2
    assert len(told.of(Kind.BOOT_SENT, Side.SOURCE)) == 1
    assert_moved(told)


def test_an_address_that_is_shown_at_once_is_not_taken_for_one_that_is_used(night: Night) -> None:
    told = night.of("none.everest")

    (stored,) = [e.seq for e in told.of(Kind.STORED)[1:]]
    (reset,) = [e.seq for e in told.asked("Reset")]
    (there,) = [e.seq for e in told.of(Kind.CONNECTED, Side.TARGET)]
    assert stored < reset < there
    assert_moved(told)


def test_one_that_shows_its_old_address_until_it_restarts_is_not_restarted_in_hope(night: Night) -> None:
    told = night.of("shows_old.everest")

    assert_stayed(told, State.FAILED)
    assert "not stored" in told.station.reason
    assert told.asked("Reset") == []
    assert told.of(Kind.STORED)[-1].value == told.of(Kind.STORED)[0].value, "it held the new one for its next start"


def test_an_address_that_is_never_used_is_told_by_its_coming_back(night: Night) -> None:
    told = night.of("without_effect.growatt")

    assert_stayed(told, State.REVERTED)
    assert "setting without effect" in told.station.reason
    assert told.of(Kind.STORED)[-1].value == told.of(Kind.STORED)[0].value


def test_one_that_accepts_everything_and_stores_nothing_is_found_out_before_its_restart(night: Night) -> None:
    told = night.of("stores_nothing.microocpp")

    assert_stayed(told, State.FAILED)
    assert told.asked("Reset") == []


def test_one_model_gives_two_answers_by_the_build_of_its_maker(night: Night) -> None:
    open_one, closed_one = night.of("none.everest"), night.of("read_only_key.everest")

    assert_moved(open_one)
    assert_stayed(closed_one, State.FAILED)
    assert "Rejected" in closed_one.station.reason


def test_a_build_without_the_key_is_left_alone(night: Night) -> None:
    told = night.of("key_absent.microocpp")

    assert_stayed(told, State.SKIPPED)
    assert "Cst_BackendUrl" in told.station.reason
    assert [e for e in told.log if e.action in EFFECTS] == []


def test_what_is_no_url_is_refused_by_us_for_no_station_would(night: Night) -> None:
    code, said, commands = night.not_a_url

    assert code == 65
    assert "target.url" in said
    assert commands == 0


@pytest.mark.parametrize(
    "identity",
    [
        "reset_drops_late.everest",
        "reset_closes.evnex",
        "reset_unanswered.keba",
        "reset_two_sockets.alfen6",
        "reset_two_sockets.alfen5",
        "reset_before_boot.everest",
    ],
)
def test_the_answer_to_a_reset_is_neither_needed_nor_enough(night: Night, identity: str) -> None:
    told = night.of(identity)

    assert_moved(told)
    assert len(told.asked("Reset")) == 1


def test_a_reset_that_is_accepted_and_ignored_ends_on_the_source_with_the_old_address(night: Night) -> None:
    told = night.of("reset_ignored.microocpp")

    assert_stayed(told, State.FAILED)
    assert "still on the source" in told.station.reason
    assert told.of(Kind.RESTART) == []
    assert told.of(Kind.STORED)[-1].value == told.of(Kind.STORED)[0].value


def test_one_that_refuses_a_reset_before_its_boot_is_accepted_holds_its_old_address_in_the_end(night: Night) -> None:
    told = night.of("too-early.everest")

    assert_stayed(told, State.FAILED)
    assert told.of(Kind.STORED)[-1].value == told.of(Kind.STORED)[0].value


@pytest.mark.parametrize("identity", ["answers_twice.microocpp", "answers_twice.openocpp"])
def test_of_two_answers_to_one_message_the_first_counts_and_the_crash_is_survived(night: Night, identity: str) -> None:
    told = night.of(identity)

    assert told.of(Kind.RESTART)
    assert_moved(told)


@pytest.mark.parametrize("identity", ["counts_ids.everest", "triggered_first.eviq", "no_boot.everest"])
def test_numbers_that_begin_anew_and_words_before_their_answer_confuse_nobody(night: Night, identity: str) -> None:
    assert_moved(night.of(identity))


@pytest.mark.parametrize(
    "identity",
    [
        "trigger_absent.everest",
        "trigger_silent.microocpp",
        "trigger_refused.evlink",
        "trigger_error.grizzl_e",
        "trigger_misnamed.vestel_ac",
    ],
)
def test_one_that_does_not_boot_is_asked_once_and_then_shown_to_a_person(night: Night, identity: str) -> None:
    told = night.of(identity)

    assert told.station.state is State.STUCK
    assert "no boot" in told.station.reason
    assert told.lives_on is Side.TARGET
    assert len(told.asked("TriggerMessage", Side.TARGET)) == 1


@pytest.mark.parametrize("flashing", FLASHED)
def test_words_about_firmware_are_no_firmware(night: Night, flashing: Flashing) -> None:
    told = night.of(f"flashing.{flashing}")

    assert len(told.asked("UpdateFirmware")) == 1
    assert_moved(told)


def test_one_whose_firmware_has_changed_since_the_plan_is_not_written_to_by_the_old_recipe(night: Night) -> None:
    told = night.of("updates.alfen5")

    assert_stayed(told, State.SKIPPED)
    assert "6.6.0-4266" in told.station.reason
    assert told.asked("ChangeConfiguration") == []


@pytest.mark.parametrize("family", ["openocpp", "growatt", "vestel_dc", "keba", "amina"])
def test_a_slash_at_the_end_of_the_new_address_is_each_makers_own_matter(night: Night, family: str) -> None:
    told = night.of(f"slash.{family}")

    assert_moved(told)
    assert {e.value.split("/steve/websocket")[1] for e in told.of(Kind.CONNECTED, Side.TARGET)} == {f"/slash.{family}"}


def test_a_write_that_is_stored_and_never_answered_is_found_by_looking(night: Night) -> None:
    told = night.of("write_unanswered.openocpp")

    assert_moved(told)
    assert len(told.asked("ChangeConfiguration")) == 1


def test_one_that_answers_no_write_at_all_is_not_restarted_and_in_the_end_shown_to_a_person(night: Night) -> None:
    told = night.of("write_ignored.everest")

    assert_stayed(told, State.STUCK)
    assert told.asked("Reset") == []
    assert told.of(Kind.STORED)[-1].value == told.of(Kind.STORED)[0].value


def test_a_second_silent_socket_is_told_from_a_second_station(night: Night) -> None:
    assert_moved(night.of("duplicate_session.everest"))


@pytest.mark.parametrize("supplier", SUPPLIERS)
def test_stations_of_every_supplier_move_when_their_driver_has_gone(night: Night, supplier: str) -> None:
    told = night.of(f"supplier.{supplier}")

    assert_moved(told)
    (stopped,) = told.of(Kind.TRANSACTION_STOPPED)
    assert stopped.seq < told.asked("ChangeConfiguration")[0].seq
    assert transactions_cut(told.log) == 0
    boots_on_source = 1 + flavour(supplier)["boots_on_reconnect"]
    assert len(told.of(Kind.BOOT_ACCEPTED, Side.SOURCE)) == boots_on_source


def test_nothing_is_repeated_without_a_look_whatever_is_answered(night: Night) -> None:
    assert commands_repeated_without_read(night.log) == 0


async def test_an_address_that_was_used_by_nobody_is_written_to_nobody_else_before_a_person_has_looked() -> None:
    bad = [a_station_called(f"bad.{n}", "growatt", Fault.WITHOUT_EFFECT) for n in range(5)]
    good = [a_station_called(f"good.{n}", "everest") for n in range(5)]
    waves = ("canary_per_profile = 200", 'canary_per_profile = 1\nsizes = ["rest"]')
    strict = ("max_without_effect = 20", "max_without_effect = 0")
    async with a_field(specs=[*bad, *good], policy=[*LENIENT_POLICY, waves, strict], speed=SPEED) as site:
        ended = await (await site.run()).ended(WITHIN_S)
        standing, log = await site.standing(), site.log()

        states = {station.identity: station.state for station in standing.stations}
        written = {e.identity for e in log if e.kind is Kind.COMMAND and e.action == "ChangeConfiguration"}
        assert ended.code in (1, 3), ended.err
        assert {states[one.identity] for one in good} == {State.SETTLED}
        assert len(written & {one.identity for one in bad}) == 1
        assert sorted(states[one.identity] for one in bad).count(State.REVERTED) == 1
