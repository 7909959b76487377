"""What a row of sightings shows of a kind: each rule by a station that keeps it and one that does not."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrate.domain.evidence import IdentityFacts, Kind, Side, Sighting, status_detail
from migrate.domain.flavour import Count, Flavour, Lapse, Trait
from migrate.domain.observation import Observer
from migrate.domain.record import Event, EventKind
from migrate.domain.remembered import MAX_KINDS

BEGIN = datetime(2026, 11, 20, 1, tzinfo=UTC)
FACTS = IdentityFacts(vendor="Acme", model="AC22", firmware="4.2", serial="S-1")
METER = status_detail("Faulted", "PowerMeterFailure", "E-17")


@dataclass
class Wire:
    """One station and what is seen of it; every line says when, in seconds."""

    observer: Observer = field(default_factory=Observer)
    identity: str = "AC1"
    session: str = ""

    def see(self, at_s: float, kind: Kind, *, side: Side = Side.SOURCE, **said: Any) -> None:
        session = said.pop("session", self.session)
        at = BEGIN + timedelta(seconds=at_s)
        self.observer.saw(Sighting(side=side, kind=kind, at=at, identity=self.identity, session=session, **said))

    def connect(self, at_s: float, *, side: Side = Side.SOURCE) -> None:
        self.session = f"s{at_s}"
        self.see(at_s, Kind.CONNECTED, side=side)

    def drop(self, at_s: float, **more: Any) -> None:
        self.see(at_s, Kind.DISCONNECTED, **more)

    def boot(self, at_s: float, *, facts: IdentityFacts = FACTS, **more: Any) -> None:
        self.see(at_s, Kind.BOOT, facts=facts, answer="Accepted", **more)

    def status(self, at_s: float, said: str = "Available", connector: int = 1) -> None:
        self.see(at_s, Kind.STATUS, detail=said, connector=connector)

    def do(self, at_s: float, action: str, kind: EventKind = EventKind.COMMAND, **data: Any) -> None:
        at = BEGIN + timedelta(seconds=at_s)
        self.observer.did(Event(kind=kind, at=at, identity=self.identity, data={"action": action, **data}))

    def settled(self) -> Wire:
        """On the source since long ago, booted, nothing expected of it."""
        self.connect(-5000)
        self.boot(-4999)
        return self

    @property
    def flavour(self) -> Flavour:
        (found,) = self.observer.flavours()
        return found

    def shows(self, trait: Trait) -> Count:
        return self.flavour.trait(trait)


@pytest.fixture
def wire() -> Wire:
    return Wire().settled()


# ── link loss ──────────────────────────────────────────────────────────────


def test_a_boot_after_a_lost_line_counts_for_it(wire: Wire) -> None:
    wire.drop(0)
    wire.connect(12)
    wire.boot(15)

    assert wire.shows(Trait.BOOT_AFTER_LINK_LOSS) == Count(yes=1)
    assert wire.flavour.lapse(Lapse.AWAY_AFTER_LINK_LOSS).most_s == 12
    assert wire.flavour.lapse(Lapse.CONNECT_TO_BOOT).most_s == 3


def test_one_that_goes_on_without_a_boot_counts_against_it_and_its_status_for_the_other(wire: Wire) -> None:
    wire.drop(0)
    wire.connect(12)
    wire.status(13)
    wire.status(90, "Preparing")

    assert wire.shows(Trait.BOOT_AFTER_LINK_LOSS) == Count(no=1)
    assert wire.shows(Trait.STATUS_AFTER_LINK_LOSS) == Count(yes=1)


def test_silence_that_nobody_broke_afterwards_says_nothing(wire: Wire) -> None:
    wire.drop(0)
    wire.connect(12)

    assert wire.shows(Trait.BOOT_AFTER_LINK_LOSS) == Count()


def test_a_session_that_ended_too_soon_says_nothing(wire: Wire) -> None:
    wire.drop(0)
    wire.connect(12)
    wire.see(13, Kind.HEARTBEAT)
    wire.drop(40)
    wire.connect(5000)
    wire.see(6000, Kind.HEARTBEAT)

    assert wire.shows(Trait.BOOT_AFTER_LINK_LOSS) == Count()


def test_a_session_that_spoke_once_and_lasted_counts_when_it_ends(wire: Wire) -> None:
    wire.drop(0)
    wire.connect(12)
    wire.see(13, Kind.HEARTBEAT)
    wire.drop(400)

    assert wire.shows(Trait.BOOT_AFTER_LINK_LOSS) == Count(no=1)


def test_a_second_socket_that_never_says_a_word_is_held_against_nobody(wire: Wire) -> None:
    station = wire.session
    wire.connect(10)
    wire.drop(500)
    wire.see(600, Kind.HEARTBEAT, session=station)

    assert wire.shows(Trait.BOOT_AFTER_LINK_LOSS) == Count()


@pytest.mark.parametrize("action", ["Reset", "ChangeConfiguration"])
def test_a_drop_that_we_caused_is_no_link_loss(wire: Wire, action: str) -> None:
    wire.do(0, action)
    wire.drop(10)
    wire.connect(55, side=Side.TARGET)
    wire.boot(57, side=Side.TARGET)

    assert wire.shows(Trait.BOOT_AFTER_LINK_LOSS) == Count()
    assert wire.shows(Trait.BOOTS_ON_ARRIVAL) == Count(yes=1)
    assert wire.flavour.lapse(Lapse.AWAY_AFTER_CHANGE).most_s == 45


def test_a_line_lost_soon_after_the_return_from_our_change_is_lost_all_the_same(wire: Wire) -> None:
    wire.do(0, "Reset")
    wire.drop(5)
    wire.connect(50)
    wire.boot(51)
    wire.drop(200)
    wire.connect(210)
    wire.boot(211)

    assert wire.shows(Trait.BOOTS_ON_ARRIVAL) == Count(yes=1)
    assert wire.shows(Trait.BOOT_AFTER_LINK_LOSS) == Count(yes=1)


def test_a_day_without_power_is_no_link_loss(wire: Wire) -> None:
    wire.drop(0)
    wire.connect(86_400)
    wire.boot(86_401)

    assert wire.shows(Trait.BOOT_AFTER_LINK_LOSS) == Count()


def test_a_station_that_somebody_else_moved_did_not_lose_its_line(wire: Wire) -> None:
    wire.drop(0)
    wire.connect(60, side=Side.TARGET)
    wire.boot(61, side=Side.TARGET)

    assert wire.flavour.traits == {}
    assert wire.flavour.lapse(Lapse.AWAY_AFTER_LINK_LOSS).count == 0


def test_a_boot_that_we_asked_for_is_not_its_own_idea(wire: Wire) -> None:
    wire.drop(0)
    wire.connect(12)
    wire.do(20, "TriggerMessage", message="BootNotification", side="source")
    wire.boot(22, solicited=True)
    wire.status(200)

    assert wire.shows(Trait.BOOT_AFTER_LINK_LOSS) == Count()
    assert wire.shows(Trait.ANSWERS_TRIGGER) == Count(yes=1)


def test_one_that_boots_once_and_once_not_is_mixed(wire: Wire) -> None:
    for begin, boots in ((0, True), (3000, False)):
        wire.drop(begin)
        wire.connect(begin + 10)
        if boots:
            wire.boot(begin + 11)
        wire.status(begin + 100)

    assert str(wire.shows(Trait.BOOT_AFTER_LINK_LOSS)) == "mixed (1 of 2)"


# ── Reset and arrival ──────────────────────────────────────────────────────


def test_how_long_a_station_takes_to_go_is_counted_from_the_reset(wire: Wire) -> None:
    wire.do(0, "Reset")
    wire.drop(9)

    assert wire.flavour.lapse(Lapse.RESET_TO_DROP).most_s == 9


def test_a_reset_that_was_refused_starts_no_count(wire: Wire) -> None:
    wire.do(0, "Reset")
    wire.do(1, "Reset", EventKind.ANSWER, status="Rejected")
    wire.drop(300)

    assert wire.flavour.lapse(Lapse.RESET_TO_DROP).count == 0


def test_a_refusal_at_the_door_of_the_target_is_the_first_sign_of_it(wire: Wire) -> None:
    wire.do(0, "Reset")
    wire.drop(5)
    wire.see(35, Kind.REFUSED, side=Side.TARGET, answer="401", session="")
    wire.connect(200)

    assert wire.flavour.lapse(Lapse.AWAY_AFTER_CHANGE).most_s == 30


def test_one_that_a_crew_brought_back_days_later_says_nothing_of_its_kinds_delay(wire: Wire) -> None:
    wire.do(0, "Reset")
    wire.drop(5)
    wire.connect(3 * 86_400, side=Side.TARGET)
    wire.boot(3 * 86_400 + 1_000, side=Side.TARGET)

    assert wire.flavour.lapse(Lapse.AWAY_AFTER_CHANGE).count == 0
    assert wire.flavour.lapse(Lapse.CONNECT_TO_BOOT).count == 0


def test_only_the_first_session_after_a_change_tells_whether_it_boots_on_its_own(wire: Wire) -> None:
    wire.do(0, "Reset")
    wire.drop(5)
    wire.connect(50, side=Side.TARGET)
    wire.boot(51, side=Side.TARGET)
    wire.drop(100, side=Side.TARGET)
    wire.connect(110, side=Side.TARGET)
    wire.see(300, Kind.HEARTBEAT, side=Side.TARGET)

    assert wire.shows(Trait.BOOTS_ON_ARRIVAL) == Count(yes=1)


# ── TriggerMessage ─────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", ["Rejected", "NotImplemented"])
def test_a_trigger_that_was_refused_counts_against_at_once(wire: Wire, status: str) -> None:
    wire.do(0, "TriggerMessage", message="BootNotification", side="source")
    wire.do(1, "TriggerMessage", EventKind.ANSWER, status=status)

    assert wire.shows(Trait.ANSWERS_TRIGGER) == Count(no=1)


@pytest.mark.parametrize("status", ["Accepted", "no answer"])
def test_a_trigger_that_brought_no_boot_counts_against_it_whatever_was_answered(wire: Wire, status: str) -> None:
    wire.do(0, "TriggerMessage", message="BootNotification", side="source")
    wire.do(1, "TriggerMessage", EventKind.ANSWER, status=status)
    before = wire.shows(Trait.ANSWERS_TRIGGER)
    wire.status(121)

    assert before == Count()
    assert wire.shows(Trait.ANSWERS_TRIGGER) == Count(no=1)


def test_a_trigger_that_never_went_out_is_held_against_nobody(wire: Wire) -> None:
    wire.do(0, "TriggerMessage", message="BootNotification", side="source")
    wire.do(1, "TriggerMessage", EventKind.ANSWER, status="no answer", sent=False)
    wire.do(2, "TriggerMessage", message="BootNotification", side="target")
    wire.status(500)

    assert wire.shows(Trait.ANSWERS_TRIGGER) == Count()


# ── transactions ───────────────────────────────────────────────────────────

ENDS = [
    (Kind.TRANSACTION_STARTED, Trait.STATUS_AFTER_START),
    (Kind.TRANSACTION_STOPPED, Trait.STATUS_AFTER_STOP),
]


@pytest.mark.parametrize(("kind", "trait"), ENDS, ids=["start", "stop"])
def test_a_status_of_that_connector_within_a_minute_counts(wire: Wire, kind: Kind, trait: Trait) -> None:
    wire.see(0, kind, connector=2)
    wire.status(30, "Charging", connector=2)

    assert wire.shows(trait) == Count(yes=1)


@pytest.mark.parametrize(("kind", "trait"), ENDS, ids=["start", "stop"])
def test_another_connectors_status_and_one_too_late_do_not(wire: Wire, kind: Kind, trait: Trait) -> None:
    wire.see(0, kind, connector=2)
    wire.status(30, "Charging", connector=1)
    wire.status(61, "Charging", connector=2)

    assert wire.shows(trait) == Count(no=1)


def test_a_transaction_told_right_after_connecting_may_be_old_news(wire: Wire) -> None:
    wire.drop(0)
    wire.connect(100)
    wire.see(101, Kind.TRANSACTION_STOPPED, connector=1)
    wire.status(400)

    assert wire.shows(Trait.STATUS_AFTER_STOP) == Count()


def test_a_stop_of_no_known_connector_says_nothing(wire: Wire) -> None:
    wire.see(0, Kind.TRANSACTION_STOPPED, connector=0)
    wire.status(400)

    assert wire.shows(Trait.STATUS_AFTER_STOP) == Count()


# ── firmware ───────────────────────────────────────────────────────────────


def updated(wire: Wire, *, statuses: bool) -> None:
    wire.see(0, Kind.FIRMWARE, detail="Installing")
    wire.drop(20)
    wire.connect(100)
    wire.boot(101, facts=IdentityFacts(vendor="Acme", model="AC22", firmware="4.3"))
    if statuses:
        wire.status(105)
    wire.see(120, Kind.FIRMWARE, detail="Installed")
    wire.see(300, Kind.HEARTBEAT)


@pytest.mark.parametrize("statuses", [True, False], ids=["told", "silent"])
def test_an_update_counts_once_for_the_firmware_it_brought(wire: Wire, statuses: bool) -> None:
    updated(wire, statuses=statuses)

    old, new = sorted(wire.observer.flavours(), key=lambda one: one.firmware)
    assert (old.firmware, new.firmware) == ("4.2", "4.3")
    assert new.trait(Trait.STATUS_AFTER_FIRMWARE) == Count(yes=int(statuses), no=int(not statuses))
    assert old.trait(Trait.STATUS_AFTER_FIRMWARE) == Count()
    assert new.trait(Trait.BOOT_AFTER_LINK_LOSS) == Count()


# ── the meter ──────────────────────────────────────────────────────────────


def test_a_connector_that_is_faulted_until_the_restart_stays_faulted(wire: Wire) -> None:
    wire.status(0, METER)
    wire.boot(300)

    assert wire.shows(Trait.STAYS_FAULTED) == Count(yes=1)


def test_one_that_comes_back_by_itself_does_not(wire: Wire) -> None:
    wire.status(0, METER)
    wire.status(900, "Available")

    assert wire.shows(Trait.STAYS_FAULTED) == Count(no=1)


def test_a_fault_that_still_stands_counts_as_long_as_it_stands(wire: Wire) -> None:
    wire.status(0, METER)
    wire.status(5, "Available", connector=2)
    too_early = wire.shows(Trait.STAYS_FAULTED)
    wire.status(700, "Available", connector=2)
    standing = wire.shows(Trait.STAYS_FAULTED)
    wire.status(800, "Available")

    assert (too_early, standing) == (Count(), Count(yes=1))
    assert wire.shows(Trait.STAYS_FAULTED) == Count(no=1)


def test_another_fault_is_no_meter_failure(wire: Wire) -> None:
    wire.status(0, status_detail("Faulted", "GroundFailure"))
    wire.boot(300)

    assert wire.shows(Trait.STAYS_FAULTED) == Count()


# ── kinds ──────────────────────────────────────────────────────────────────


def test_a_station_counts_as_what_the_list_says_until_it_says_so_itself() -> None:
    def listed(_identity: str, said: IdentityFacts) -> tuple[str, str, str]:
        return (said.vendor or "ACME Inc", said.model or "AC-22", said.firmware)

    wire = Wire(Observer(listed))
    wire.connect(0)
    before = wire.flavour
    wire.boot(1)

    assert (before.vendor, before.stations) == ("ACME Inc", 1)
    assert (wire.flavour.vendor, wire.flavour.stations) == ("Acme", 1)


def test_how_many_stations_a_count_is_of_is_counted_too() -> None:
    observer = Observer()
    for identity in ("AC1", "AC2"):
        wire = Wire(observer, identity).settled()
        for begin in (0, 3000):
            wire.drop(begin)
            wire.connect(begin + 10)
            wire.boot(begin + 11)

    count = wire.shows(Trait.BOOT_AFTER_LINK_LOSS)
    assert (count.yes, count.stations) == (4, 2)


def test_the_smallest_page_of_keys_is_kept(wire: Wire) -> None:
    for page in ("30", "4", "20", "many", "0", "", "٣", "9" * 40):
        wire.see(0, Kind.KEYS, detail=page)

    assert wire.flavour.max_keys == 4


def test_a_station_with_a_new_name_for_itself_each_time_fills_no_memory() -> None:
    wire = Wire()
    for number in range(MAX_KINDS + 50):
        wire.boot(number, facts=IdentityFacts(vendor=f"V{number}"))

    assert len(wire.observer.flavours()) <= MAX_KINDS + 1


HAPPENINGS = st.tuples(
    st.sampled_from([*Kind, *EventKind]),
    st.floats(0, 2000),
    st.sampled_from(["s1", "s2", ""]),
    st.sampled_from(list(Side)),
    st.integers(0, 3),
    st.sampled_from(["", "Available", METER, "; ", "Faulted; ", "Installed", "Reset", "TriggerMessage", "\x00\ud800"]),
    st.booleans(),
)


@given(st.lists(HAPPENINGS, max_size=60))
def test_whatever_comes_in_whatever_order_nothing_is_counted_that_did_not_happen(rows: list[Any]) -> None:
    wire, openings = Wire(), 0

    for kind, at_s, session, side, connector, text, solicited in rows:
        if isinstance(kind, EventKind):
            wire.do(at_s, text, kind, status=text, side=side.value)
        else:
            more = {"session": session, "connector": connector, "detail": text, "solicited": solicited}
            wire.see(at_s, kind, side=side, **more)
        openings += 3

    found = wire.observer.flavours()
    assert sum(count.of for one in found for count in one.traits.values()) <= openings
    assert sum(one.stations for one in found) <= 1
