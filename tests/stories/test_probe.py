"""Live stations of several families probed: the right key is found, nothing is written, no secret is shown.

Judged by what the stations wrote down, and by what the program said.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from migrate.domain.answered import BASES
from migrate.domain.profile import Method, Profile
from migrate.domain.record import EventKind
from migrate.simulator.faults import Fault
from migrate.simulator.wirelog import Kind, Side, WireEvent
from tests.stories.conftest import Ended, Field, a_field
from tests.stories.stations import a_station_called
from vendor_profiles import read_profiles

pytestmark = [pytest.mark.story, pytest.mark.asyncio(loop_scope="module")]

SPEED = 60.0
WITHIN_S = 150.0
WRITING = ("ChangeConfiguration", "UpdateFirmware", "SetVariables", "SetNetworkProfile", "InstallCertificate")
SECRETS = ("seen-in-the-clear", "not-shown-to-anyone")


STREET = (
    a_station_called("one-key.evbox", "evbox"),
    a_station_called("lists-nothing", "microocpp", ways={"lists_all": False}),
    a_station_called("locked.everest", "everest", Fault.READ_ONLY_KEY),
    a_station_called("open.everest", "everest"),
    a_station_called("talkative.grizzl", "grizzl_e"),
    a_station_called("talkative.enplus", "enplus"),
    a_station_called("packed.alfen", "alfen6"),
    a_station_called("slots.amina", "amina"),
    a_station_called("parts.keba", "keba"),
    a_station_called("pairs.alfen", "alfen5"),
    a_station_called("whole.vestel", "vestel_ac"),
    a_station_called("refuses-pages", "growatt", ways={"over_limit": "refuse", "max_keys": 4}),
    a_station_called("untriggered", "evlink", ways={"trigger": "never"}),
    a_station_called("silent-trigger", "openocpp", ways={"trigger": "silent"}),
    a_station_called("boots.always", "everest", ways={"boots_on_reconnect": True}),
    a_station_called("boots.never", "everest", ways={"boots_on_reconnect": False, "reports_on_reconnect": False}),
    a_station_called("busy", "everest", transaction_s=36_000.0),
    a_station_called("shown.everest201", "everest201", ways={"shows_slots": True}),
    a_station_called("hidden.everest201", "everest201"),
    a_station_called("variable.microocpp201", "microocpp201"),
    a_station_called("thirty.everest21", "everest21", ways={"report_items": 1}, connectors=14),
    a_station_called("jumbled.everest21", "everest21", ways={"report_items": 2, "reporting": "shuffled"}),
    a_station_called("gappy.everest201", "everest201", ways={"report_items": 2, "reporting": "loses_one"}),
    a_station_called("endless.everest201", "everest201", ways={"report_items": 1, "reporting": "endless"}),
    a_station_called("mute.openocpp201", "openocpp201", ways={"reporting": "silent"}),
    a_station_called("short.openocpp201", "openocpp201", ways={"reporting": "summary_only"}),
    a_station_called("never.everest201", "everest201", ways={"reporting": "not_supported"}),
    a_station_called("empty.everest201", "everest201", ways={"reporting": "empty"}),
    a_station_called("killed.cut", "everest"),
    a_station_called("killed.reset", "everest201"),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One probe: what the program said, the file it wrote, and what the station wrote down meanwhile."""

    ended: Ended
    text: str
    log: Sequence[WireEvent]

    @property
    def document(self) -> Mapping[str, Any]:
        return dict(self.ended.document)

    @property
    def profile(self) -> Profile:
        reading = read_profiles(self.text, file="proposal.yaml")
        assert reading.problems == ()
        return reading.profiles[0]

    @property
    def writes(self) -> list[WireEvent]:
        return [e for e in self.log if e.kind is Kind.STORED or e.action in WRITING]

    @property
    def connectors(self) -> set[str]:
        """Those of which it told a status meanwhile."""
        return {event.key for event in self.log if event.kind is Kind.STATUS} - {"0"}

    def address_keys(self) -> list[tuple[str, str]]:
        return [(one["key"], one["form"]) for one in self.document["addresses"]]


class Street:
    def __init__(self, site: Field) -> None:
        self.site = site

    async def probe(self, identity: str, *words: str) -> Asked:
        out = self.site.stage.folder / f"{identity}{len(self.site.running)}.yaml"
        before = len(self.site.log())
        running = await self.site.migrate("profiles", "probe", identity, "--json", "--out", str(out), *words)
        ended = await running.ended(WITHIN_S)
        log = [event for event in self.site.log()[before:] if event.identity == identity]
        return Asked(ended, out.read_text() if out.exists() else "", log)

    async def probed_when_it_is_back(self, identity: str) -> Asked:
        """A probe as soon as the station has a session again."""
        async with asyncio.timeout(WITHIN_S):
            while "has no session" in (asked := await self.probe(identity)).ended.err:
                await asyncio.sleep(0.2)
        return asked

    async def deeds(self, identity: str) -> list[str]:
        """What the journal says was done at a station."""
        told = await self.site.wired.journal.timeline(identity)
        return [line.event.data["action"] for line in told if line.event.kind is EventKind.COMMAND]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def street() -> AsyncIterator[Street]:
    async with a_field(specs=STREET, speed=SPEED) as site:
        yield Street(site)


KEYS = {
    "lists-nothing": [("Cst_BackendUrl", "url")],
    "open.everest": [("CentralSystemURI", "url")],
    "talkative.grizzl": [("ServerUrl", "url")],
    "packed.alfen": [("BackOfficeNetworkProfile1", "url")],
    "slots.amina": [("NetworkConnectionProfile1", "url")],
    "parts.keba": [("CentralSystemAddress", "host")],
    "pairs.alfen": [("BackOffice-URL-wired", "origin")],
    "whole.vestel": [("ConnectionURL", "full_url")],
    "refuses-pages": [("G_ServerURL", "url")],
}
WRITES = {
    "lists-nothing": ["Cst_BackendUrl"],
    "open.everest": ["CentralSystemURI"],
    "talkative.grizzl": ["ServerUrl"],
    "packed.alfen": ["BackOfficeNetworkProfile1"],
    "slots.amina": ["${free_slot}", "NetworkConfigurationPriority"],
    "parts.keba": ["CentralSystemPath", "CentralSystemPort", "CentralSystemAddress"],
    "pairs.alfen": ["BackOffice-Path-wired", "BackOffice-URL-wired"],
    "whole.vestel": ["ConnectionURL"],
    "refuses-pages": ["G_ServerURL"],
}


@pytest.mark.parametrize("identity", KEYS)
async def test_the_proposal_names_the_key_in_which_the_station_keeps_its_backend(street: Street, identity: str) -> None:
    asked = await street.probe(identity)

    assert asked.ended.code == 0, asked.ended.err
    assert asked.address_keys() == KEYS[identity]
    assert [write.key for write in asked.profile.writes] == WRITES[identity]
    assert asked.profile.method is Method.CHANGE_CONFIGURATION
    assert asked.writes == []


async def test_a_station_of_ocpp_2_that_shows_its_network_profiles_gets_its_free_one_written(street: Street) -> None:
    asked = await street.probe("shown.everest201")

    profile = asked.profile
    assert asked.document["protocol"] == "ocpp2.0.1"
    assert profile.method is Method.NETWORK_PROFILE
    assert [write.key for write in profile.writes] == ["${free_slot}", "OCPPCommCtrlr.NetworkConfigurationPriority"]
    assert profile.slots is not None
    assert profile.slots.names == ("1", "2")
    assert asked.document["facts"]["vendor"] == profile.selector.vendors[0]
    assert asked.writes == []


async def test_a_station_of_ocpp_2_that_hides_them_is_for_a_crew(street: Street) -> None:
    asked = await street.probe("hidden.everest201")

    assert asked.profile.method is Method.VISIT
    assert "does not show its network profiles" in asked.profile.notes[0]


async def test_an_address_in_a_variable_of_ocpp_2_is_found(street: Street) -> None:
    asked = await street.probe("variable.microocpp201")

    assert asked.address_keys() == [("SecurityCtrlr.CsmsUrl", "url")]
    assert [write.key for write in asked.profile.writes] == ["SecurityCtrlr.CsmsUrl"]


# ── its device model (OCPP 2) ──────────────────────────────────────────────

ORDER, TAKES = "OCPPCommCtrlr.NetworkConfigurationPriority", "DeviceDataCtrlr.ItemsPerMessage[GetVariables]"


def parts_sent(asked: Asked) -> int:
    return sum(event.kind is Kind.REPORT for event in asked.log)


@pytest.mark.parametrize(("identity", "parts"), [("thirty.everest21", 30), ("jumbled.everest21", 8)])
async def test_a_device_model_in_many_parts_says_what_is_there_and_what_may_be_written(
    street: Street, identity: str, parts: int
) -> None:
    asked = await street.probe(identity)

    report, keys = asked.document["report"], {one["key"]: one for one in asked.document["keys"]}
    assert (report["base"], report["whole"], report["missing"]) == ("FullInventory", True, [])
    assert report["parts"] == parts_sent(asked) >= parts
    assert report["beside"] == len(asked.connectors)
    assert keys[ORDER]["readonly"] is False
    assert keys[TAKES] == {"key": TAKES, "value": "50", "readonly": True}
    assert keys["SecurityCtrlr.BasicAuthPassword"]["value"] is None
    assert asked.document["max_keys"] == 50
    assert asked.profile.method is Method.NETWORK_PROFILE
    assert asked.writes == []


async def test_what_a_report_lost_on_its_way_is_named_and_asked_for_by_name(street: Street) -> None:
    asked = await street.probe("gappy.everest201")

    report = asked.document["report"]
    assert (report["whole"], report["missing"]) == (False, [1])
    assert {ORDER, TAKES, "SecurityCtrlr.Identity"} <= {one["key"] for one in asked.document["keys"]}
    assert asked.ended.code == 0, asked.ended.err


async def test_a_report_without_an_end_is_ended_by_the_probe(street: Street) -> None:
    asked = await street.probe("endless.everest201")

    report = asked.document["report"]
    assert (report["cut_off"], report["whole"]) == (True, False)
    assert asked.ended.code == 0, asked.ended.err
    assert ORDER in {one["key"] for one in asked.document["keys"]}


REFUSALS = {
    "mute.openocpp201": ("FullInventory", "unanswered", "Accepted", ["FullInventory"]),
    "never.everest201": ("SummaryInventory", "refused", "NotSupported", list(BASES)),
    "short.openocpp201": ("SummaryInventory", "answered", "Accepted", list(BASES)),
    "empty.everest201": ("FullInventory", "answered", "EmptyResultSet", ["FullInventory"]),
}


@pytest.mark.parametrize("identity", REFUSALS)
async def test_a_station_that_reports_less_or_nothing_is_asked_by_name(street: Street, identity: str) -> None:
    asked = await street.probe(identity)

    base, taken, status, bases = REFUSALS[identity]
    report = asked.document["report"]
    assert (report["base"], report["taken"], report["status"]) == (base, taken, status)
    assert [e.keys[0] for e in asked.log if e.action == "GetBaseReport" and e.kind is Kind.COMMAND] == bases
    assert {ORDER, "SecurityCtrlr.Identity"} <= {one["key"] for one in asked.document["keys"]}
    assert asked.writes == []


async def test_a_station_of_ocpp_2_is_asked_for_the_status_of_a_named_connector(street: Street) -> None:
    asked = await street.probe("hidden.everest201")

    told = {one["message"]: one for one in asked.document["triggers"]}
    assert told["StatusNotification"]["status"] == "Accepted"
    assert told["StatusNotification"]["after_s"] is not None
    assert told["BootNotification"]["after_s"] is not None


# ── a probe that dies ──────────────────────────────────────────────────────


@pytest.mark.parametrize(("identity", "deed"), [("killed.cut", "Cut"), ("killed.reset", "Reset")])
async def test_a_probe_that_is_killed_while_it_disturbs_leaves_nothing_behind_but_its_record(
    street: Street, identity: str, deed: str
) -> None:
    before = len(street.site.log())
    running = await street.site.migrate("profiles", "probe", identity, "--disturb", "--yes")
    async with asyncio.timeout(WITHIN_S):
        while deed not in await street.deeds(identity):
            await asyncio.sleep(0.05)
    running.process.kill()
    await running.process.wait()

    again = await street.probed_when_it_is_back(identity)

    log = [event for event in street.site.log()[before:] if event.identity == identity]
    assert again.ended.code == 0, again.ended.err
    assert [e for e in log if e.kind is Kind.STORED or e.action in WRITING] == []
    assert Side.TARGET not in {event.side for event in log}
    assert sum(e.action == "Reset" and e.kind is Kind.COMMAND for e in log) <= 1
    attempts = await street.site.wired.journal.attempts(identities=[identity])
    assert attempts == []


async def test_a_field_of_a_packed_value_is_proposed_and_not_the_whole_value(street: Street) -> None:
    asked = await street.probe("packed.alfen")

    assert asked.profile.writes[0].within == "ocppCsmsUrl"


async def test_a_maker_that_ends_its_address_with_a_slash_gets_one(street: Street) -> None:
    asked = await street.probe("talkative.grizzl")

    assert asked.profile.slash == "require"


async def test_a_station_that_takes_one_key_at_a_time_is_asked_for_one_at_a_time(street: Street) -> None:
    asked = await street.probe("one-key.evbox")

    pages = [event.keys for event in asked.log if event.kind is Kind.COMMAND and event.action == "GetConfiguration"]
    assert max(map(len, pages)) == 1
    assert asked.document["max_keys"] == 1
    assert asked.profile.method is Method.VISIT
    assert "holds the backend's address" in asked.profile.notes[0]
    assert asked.writes == []


async def test_a_station_that_lists_nothing_by_itself_is_asked_by_name(street: Street) -> None:
    asked = await street.probe("lists-nothing")

    assert asked.document["lists_all"] == "unanswered"
    assert asked.profile.quirks.notes[0] == "A GetConfiguration that names no key is unanswered."


async def test_a_key_built_read_only_is_proposed_for_a_visit(street: Street) -> None:
    asked = await street.probe("locked.everest")

    assert [one["readonly"] for one in asked.document["addresses"]] == [True]
    assert asked.profile.method is Method.VISIT
    assert asked.profile.notes[0] == "CentralSystemURI holds the backend's address and is read-only on this station."


async def test_a_page_that_is_refused_is_asked_for_in_smaller_ones(street: Street) -> None:
    asked = await street.probe("refuses-pages")

    assert asked.document["max_keys"] == 4
    assert {"G_ServerURL", "G_ChargerID"} <= {one["key"] for one in asked.document["keys"]}


@pytest.mark.parametrize("identity", ["talkative.grizzl", "talkative.enplus", "open.everest"])
async def test_no_secret_that_a_station_shows_is_repeated_anywhere(street: Street, identity: str) -> None:
    asked = await street.probe(identity, "-vv")

    folder = street.site.stage.folder
    kept = [path for path in folder.rglob("*") if path.is_file() and path.name != "fleet.json"]
    for secret in SECRETS:
        forms = {secret, secret.encode().hex(), base64.b64encode(secret.encode()).decode().rstrip("=")}
        said = asked.ended.out + asked.ended.err + asked.text
        assert not [form for form in forms if form in said]
        assert not [path.name for path in kept for form in forms if form.encode() in path.read_bytes()]


async def test_whether_it_boots_when_asked_is_found_out_by_asking_once(street: Street) -> None:
    good, refused, silent = [await street.probe(one) for one in ("open.everest", "untriggered", "silent-trigger")]

    assert good.profile.quirks.triggers_boot is True
    assert refused.profile.quirks.triggers_boot is False
    assert silent.profile.quirks.triggers_boot is False
    assert [e.key for e in good.log if e.kind is Kind.COMMAND and e.action == "TriggerMessage"] == [
        "BootNotification",
        "StatusNotification",
    ]


async def test_a_plain_probe_neither_cuts_nor_restarts(street: Street) -> None:
    asked = await street.probe("open.everest")

    assert not [e for e in asked.log if e.kind in (Kind.DISCONNECTED, Kind.RESTART) or e.action == "Reset"]
    assert asked.document["link_loss"] is None
    assert asked.document["restart"] is None


@pytest.mark.parametrize(("identity", "boots"), [("boots.always", True), ("boots.never", False)])
async def test_a_disturbed_station_shows_whether_it_boots_after_a_lost_line(
    street: Street, identity: str, boots: bool
) -> None:
    asked = await street.probe(identity, "--disturb", "--yes")

    assert asked.ended.code == 0, asked.ended.err
    cut, restarted = asked.document["link_loss"], asked.document["restart"]
    assert (cut["boot_after_s"] is not None) is boots
    assert cut["away_s"] is not None
    assert restarted["boot_after_s"] is not None
    assert restarted["away_s"] >= 15  # it was dealt a reboot of 30 s
    assert asked.profile.quirks.boots_on_reconnect is boots
    assert sum(e.action == "Reset" and e.kind is Kind.COMMAND for e in asked.log) == 1
    assert sum(e.kind is Kind.RESTART for e in asked.log) == 1
    assert asked.writes == []


async def test_what_a_disturbed_station_showed_fills_its_kinds_row_of_the_flavours(street: Street) -> None:
    asked = await street.probe("silent-trigger", "--disturb", "--yes")

    row = asked.document["flavour"]
    assert row["traits"]["answers_trigger_boot"]["against"] >= 1
    assert row["lapses"]["away_after_link_loss"]["observations"] >= 1
    assert row["lapses"]["away_after_change"]["observations"] >= 1


async def test_a_station_at_which_somebody_charges_is_left_alone(street: Street) -> None:
    asked = await street.probe("busy", "--disturb", "--yes")

    assert asked.ended.code != 0
    assert "Somebody charges at busy" in asked.ended.err
    assert [e for e in asked.log if e.kind is Kind.COMMAND] == []
    assert asked.text == ""


async def test_nobody_is_disturbed_without_a_persons_word(street: Street) -> None:
    asked = await street.probe("open.everest", "--disturb", "--no-input")

    assert asked.ended.code == 4
    assert "nobody can be asked here" in asked.ended.err
    assert [e for e in asked.log if e.kind is Kind.COMMAND] == []


async def test_a_station_that_is_not_there_is_named_with_the_way_out(street: Street) -> None:
    asked = await street.probe("NOBODY")

    assert asked.ended.code != 0
    assert "NOBODY has no session on the source" in asked.ended.err


async def test_what_was_done_is_in_the_journal_before_and_after(street: Street) -> None:
    await street.probe("whole.vestel")

    told = await street.site.wired.journal.timeline("whole.vestel")
    done = [(line.event.kind.value, line.event.data["action"]) for line in told if "action" in line.event.data]
    assert done[:4] == [
        ("command", "GetConfiguration"),
        ("answer", "GetConfiguration"),
        ("command", "TriggerMessage"),
        ("answer", "TriggerMessage"),
    ]
    assert all(line.event.attempt == "" for line in told)
    assert "ConnectionURL" not in json.dumps([dict(line.event.data) for line in told])
