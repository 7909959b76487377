"""From a family's profile to what one station is told: objects, secrets, slots by name, other identities."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from migrate.domain.address import parse_backend
from migrate.domain.errors import Mismatch
from migrate.domain.filling import Goal, prepare, prepare_finish, unfit
from migrate.domain.profile import Method, Profile, Proof, Readback, Rollback, Selector, Slots, TurningPoint, Write
from migrate.domain.secret import revealed
from migrate.domain.unit import Held, PreparedWrite, held, taken_back, undo
from migrate.domain.ways import FIRMWARE_KEY, Encoding, Finish, Firmware, Way

TARGET = parse_backend("wss://csms.example/ocpp")
GOAL = Goal(backend=TARGET, identity="AC1", was="AC1")
PRIORITY = "OCPPCommCtrlr.NetworkConfigurationPriority"
ACTIVE = "OCPPCommCtrlr.ActiveNetworkProfile"
SLOTTED = Profile(
    name="slotted",
    title="Slotted",
    selector=Selector(vendors=("Acme",), ocpp_versions=("2.0.1",)),
    method=Method.NETWORK_PROFILE,
    rollback=Rollback.AUTOMATIC,
    turning_point=TurningPoint.RESTART,
    proof=Proof.SIMULATED,
    slots=Slots(
        keys=("NetworkProfile[1]", "NetworkProfile[2]"), names=("1", "2"), priority_key=PRIORITY, active_key=ACTIVE
    ),
    writes=(
        Write(
            key="${free_slot}",
            fields={"ocppCsmsUrl": "${url}", "securityProfile": "${security_profile}", "apn": "${apn}"},
            readback=Readback.MASKED,
            stays=True,
        ),
        Write(key=PRIORITY, value="${free_slot},${active_slot}"),
    ),
)


def keyed(**changes: Any) -> Profile:
    return replace(SLOTTED, slots=None, writes=(Write(key="Url", value="${url}"),), **changes)


def test_the_free_slot_is_filled_with_an_object_and_the_order_calls_slots_by_their_names() -> None:
    unit = prepare(SLOTTED, GOAL, {PRIORITY: "1", "SecurityCtrlr.SecurityProfile": "2"})

    assert [write.key for write in unit] == ["NetworkProfile[2]", PRIORITY]
    assert json.loads(unit[0].new) == {"ocppCsmsUrl": "wss://csms.example/ocpp", "securityProfile": 2}
    assert (unit[1].old, unit[1].new) == ("1", "2,1")


@pytest.mark.parametrize("said", ["4", "-1", '2","apn":"evil', "${url}", "two"])
def test_a_security_profile_that_is_none_is_put_into_no_slot(said: str) -> None:
    with pytest.raises(Mismatch, match="which is none"):
        prepare(SLOTTED, GOAL, {PRIORITY: "1", "SecurityCtrlr.SecurityProfile": said})


def test_the_slot_that_the_station_says_is_in_use_counts_before_the_order() -> None:
    can_be_put_back = replace(SLOTTED, writes=(replace(SLOTTED.writes[0], stays=False), SLOTTED.writes[1]))

    unit = prepare(can_be_put_back, GOAL, {PRIORITY: "1,2", ACTIVE: "2"})

    assert [write.key for write in unit] == ["NetworkProfile[1]", PRIORITY]
    assert unit[1].new == "1,2"


def test_a_slot_that_is_the_owners_way_back_already_is_not_overwritten_where_nobody_could_put_it_back() -> None:
    with pytest.raises(Mismatch, match="AC1 has no free slot"):
        prepare(SLOTTED, GOAL, {PRIORITY: "1,2", ACTIVE: "1", "NetworkProfile[1]": None, "NetworkProfile[2]": None})


def test_a_slot_in_the_order_that_the_station_shows_to_be_empty_is_free() -> None:
    shown = {"NetworkProfile[1]": '{"ocppCsmsUrl": "ws://old"}', "NetworkProfile[2]": None}

    unit = prepare(SLOTTED, GOAL, {PRIORITY: "1,2", ACTIVE: "1", **shown})

    assert unit[0].key == "NetworkProfile[2]"


def test_an_order_that_names_both_slots_is_no_hindrance_to_cleaning_it_up() -> None:
    clean_up = Write(key=PRIORITY, value="${active_slot}")

    unit = prepare_finish(
        replace(SLOTTED, finish={Finish.CLEAN_UP: (clean_up,)}), Finish.CLEAN_UP, GOAL, {PRIORITY: "2,1", ACTIVE: "2"}
    )

    assert [(write.key, write.new, write.old) for write in unit] == [(PRIORITY, "2", "2,1")]


def test_of_several_slots_the_one_outside_the_order_is_taken() -> None:
    assert SLOTTED.slots is not None
    slots = replace(SLOTTED.slots, keys=tuple(f"NetworkProfile[{n}]" for n in (1, 2, 3)), names=("1", "2", "3"))

    unit = prepare(replace(SLOTTED, slots=slots), GOAL, {PRIORITY: "1,2", ACTIVE: "1"})

    assert [(write.key, write.new) for write in unit][1] == (PRIORITY, "3,1")
    assert unit[0].key == "NetworkProfile[3]"


def test_what_an_inventory_says_cannot_leave_its_field_of_an_object() -> None:
    hostile = 'a","ocppCsmsUrl":"wss://evil.example","x":"${url}'

    unit = prepare(SLOTTED, replace(GOAL, apn=hostile), {PRIORITY: "1"})

    assert json.loads(unit[0].new)["apn"] == hostile
    assert json.loads(unit[0].new)["ocppCsmsUrl"] == "wss://csms.example/ocpp"


def test_a_slot_that_nothing_refers_to_is_not_undone_and_says_nothing_of_the_unit() -> None:
    unit = prepare(SLOTTED, GOAL, {PRIORITY: "1"})

    assert held(unit, {PRIORITY: "2,1"}) is Held.NEW
    assert [write.key for write in undo(unit, {PRIORITY: "2,1"})] == [PRIORITY]
    assert [write.key for write in taken_back(SLOTTED, unit, {PRIORITY: "2,1"})] == [PRIORITY]


def test_a_newer_firmware_and_a_root_certificate_stay_when_the_rest_is_undone() -> None:
    firmware = Write(key=FIRMWARE_KEY, value="5.0", via=Way.FIRMWARE)
    root = Write(key="CSMSRootCertificate", value="${root}", via=Way.CERTIFICATE)
    profile = replace(keyed(), writes=(root, firmware, Write(key="Url", value="${url}")))

    unit = prepare(
        profile,
        replace(GOAL, root="sha256:ab"),
        {"Url": "ws://old", FIRMWARE_KEY: "4.2", "CSMSRootCertificate": ""},
    )

    assert [write.new for write in unit] == ["sha256:ab", "5.0", "wss://csms.example/ocpp"]
    assert [write.key for write in undo(unit, {write.key: write.new for write in unit})] == ["Url"]


BRINGS = replace(
    SLOTTED,
    method=Method.FIRMWARE,
    slots=None,
    writes=(Write(key=FIRMWARE_KEY, value="5.0", via=Way.FIRMWARE), Write(key="Url", value="${url}")),
    firmware=Firmware(steps=("4.5", "5.0"), brings_keys=True),
)


def test_where_the_firmware_brings_the_keys_it_is_all_of_the_unit_until_it_runs() -> None:
    before = prepare(BRINGS, GOAL, {FIRMWARE_KEY: "4.1"})
    after = prepare(BRINGS, GOAL, {FIRMWARE_KEY: "5.0", "Url": "ws://old.example"})

    assert [write.key for write in before] == [FIRMWARE_KEY]
    assert [(write.key, write.old) for write in after] == [(FIRMWARE_KEY, "5.0"), ("Url", "ws://old.example")]


def test_a_station_that_lacks_its_key_beforehand_is_left_alone_where_the_firmware_is_not_said_to_bring_it() -> None:
    profile = replace(BRINGS, firmware=replace(BRINGS.firmware or Firmware(steps=()), brings_keys=False))

    with pytest.raises(Mismatch, match="does not know the key Url"):
        prepare(profile, GOAL, {FIRMWARE_KEY: "4.1"})


def test_no_certificate_is_installed_where_no_root_is_new() -> None:
    root = Write(key="CSMSRootCertificate", value="${root}", via=Way.CERTIFICATE)
    profile = replace(keyed(), writes=(root, Write(key="Url", value="${url}")))

    unit = prepare(profile, GOAL, {"Url": "ws://old"})

    assert [write.key for write in unit] == ["Url"]


RENAMES = (
    Write(key="ChargeBoxId", value="${identity}", only_if_renamed=True),
    Write(key="Url", value="${full_url}"),
)
HELD = {"ChargeBoxId": "AC1", "Url": "ws://old/AC1"}


def test_a_station_that_is_renamed_is_told_its_new_identity_before_the_address() -> None:
    unit = prepare(keyed(), GOAL, {"Url": "ws://old"})
    renamed = prepare(replace(keyed(), writes=RENAMES), replace(GOAL, identity="NL*1"), HELD)

    assert [write.key for write in unit] == ["Url"]
    assert [(write.key, write.new) for write in renamed] == [
        ("ChargeBoxId", "NL*1"),
        ("Url", "wss://csms.example/ocpp/NL%2A1"),
    ]


def test_a_station_that_keeps_its_identity_is_not_written_one() -> None:
    unit = prepare(replace(keyed(), writes=RENAMES), GOAL, HELD)

    assert [write.key for write in unit] == ["Url"]


def test_a_family_that_cannot_change_its_identity_is_not_renamed_by_half() -> None:
    with pytest.raises(Mismatch, match="cannot change an identity"):
        prepare(keyed(), replace(GOAL, identity="NL1"), {"Url": "ws://old"})


@pytest.mark.parametrize(
    ("versions", "path", "most"),
    [(("2.0.1",), 500, 512), (("2.0.1", "2.1"), 500, 512), (("2.1",), 500, 0), (("2.1",), 1_990, 2000)],
    ids=["2.0.1", "either", "2.1 takes longer ones", "2.1 has an end too"],
)
def test_an_address_that_no_network_profile_holds_is_known_when_the_plan_is_made(
    versions: tuple[str, ...], path: int, most: int
) -> None:
    selector = replace(SLOTTED.selector, ocpp_versions=versions)
    profile = replace(SLOTTED, selector=selector, max_value_length=4_000)

    why = unfit(profile, replace(GOAL.backend, path="/" + "p" * path), "AC1")

    assert why.endswith(f"this version of OCPP allows {most}") if most else not why


class Held1:
    """A vault with one secret in it."""

    def secret(self, name: str) -> bytes:
        assert name == "basic_auth"
        return b'pa"ss'


def test_a_secret_is_a_name_until_it_is_sent() -> None:
    plain = PreparedWrite(key="AuthorizationKey", new="(secret basic_auth)", old=None, secret="basic_auth")

    assert revealed(plain, Held1()) == 'pa"ss'
    assert revealed(replace(plain, encoding=Encoding.HEX), Held1()) == b'pa"ss'.hex()


def test_a_secret_inside_an_object_is_a_value_of_it_and_nothing_more() -> None:
    slot = replace(SLOTTED.writes[0], secret="basic_auth", fields={"basicAuthPassword": "${secret}", "url": "${url}"})
    unit = prepare(replace(SLOTTED, writes=(slot, SLOTTED.writes[1])), GOAL, {PRIORITY: "1"})

    assert "pa" not in unit[0].new
    assert json.loads(revealed(unit[0], Held1())) == {
        "basicAuthPassword": 'pa"ss',
        "url": "wss://csms.example/ocpp",
    }


def test_a_value_that_only_looks_like_a_stand_in_reveals_nothing() -> None:
    write = PreparedWrite(key="Url", new="(secret basic_auth)", old="ws://old")

    assert revealed(write, None) == "(secret basic_auth)"
