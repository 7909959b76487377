"""What a probe did, as the observer of flavours counts it: a cut line is a lost one, a Reset of ours is none."""

from __future__ import annotations

from migrate.domain.evidence import Kind
from migrate.domain.flavour import Count, Lapse, Trait, measured
from migrate.domain.observation import Observer
from migrate.domain.profile import Quirks
from migrate.domain.record import EventKind
from tests.domain.test_observation import Wire


def probed(wire: Wire, *, boots: bool) -> None:
    """A trigger, a cut line, and a Reset, as a probe journals them and the relay sees them."""
    wire.do(0, "TriggerMessage", message="BootNotification", side="source", by="probe")
    wire.do(1, "TriggerMessage", EventKind.ANSWER, message="BootNotification", status="Accepted", by="probe")
    wire.boot(2, solicited=True)
    wire.do(100, "Cut", side="source", by="probe")
    wire.drop(100)
    wire.connect(112)
    if boots:
        wire.boot(114)
    wire.see(300, Kind.HEARTBEAT)
    wire.do(400, "Reset", side="source", by="probe")
    wire.drop(402)
    wire.connect(450)
    wire.boot(452)


def test_a_line_that_a_probe_cut_counts_as_a_lost_one_and_its_reset_does_not() -> None:
    wire = Wire().settled()

    probed(wire, boots=False)

    assert wire.shows(Trait.BOOT_AFTER_LINK_LOSS) == Count(no=1)
    assert wire.shows(Trait.ANSWERS_TRIGGER) == Count(yes=1)
    assert wire.shows(Trait.BOOTS_ON_ARRIVAL) == Count(yes=1)
    assert wire.flavour.lapse(Lapse.AWAY_AFTER_LINK_LOSS).most_s == 12
    assert wire.flavour.lapse(Lapse.AWAY_AFTER_CHANGE).most_s == 48


def test_what_three_probes_agree_on_is_what_the_driver_goes_by() -> None:
    observer = Observer()
    for number in range(3):
        probed(Wire(observer, f"AC{number}").settled(), boots=True)
    (flavour,) = observer.flavours()

    quirks = measured(Quirks(boots_on_reconnect=False, triggers_boot=False), flavour)

    assert (quirks.boots_on_reconnect, quirks.triggers_boot) == (True, True)


def test_one_probe_alone_overrules_no_profile_of_a_kind_with_more_stations() -> None:
    observer = Observer()
    probed(Wire(observer, "AC0").settled(), boots=True)
    Wire(observer, "AC1").settled()
    (flavour,) = observer.flavours()

    assert measured(Quirks(boots_on_reconnect=False), flavour).boots_on_reconnect is False
