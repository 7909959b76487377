"""How a station answers for its configuration."""

import pytest

from migrate.simulator.address import base_of, dial_url
from migrate.simulator.behaviour import EVERY_FAMILY, VISIT_ONLY, behaviour
from migrate.simulator.faults import Fault
from migrate.simulator.flash import MASK, Flash, TooManyKeys

SOURCE = "ws://127.0.0.1:9016/ocpp"


def flash_of(family: str, fault: Fault = Fault.NONE) -> Flash:
    return Flash(behaviour(family), "SIM-1", SOURCE, fault)


def values(flash: Flash, *keys: str) -> dict[str, str | None]:
    return {shown.key: shown.value for shown in flash.read(keys)[0]}


@pytest.mark.parametrize("family", [*EVERY_FAMILY, VISIT_ONLY])
def test_every_station_leaves_the_factory_on_the_source(family: str) -> None:
    slash = behaviour(family).slash

    assert [base_of(dial_url(address, "SIM-1", slash)) for address in flash_of(family).backend] == [SOURCE]


def test_keys_are_found_whatever_their_case() -> None:
    flash = flash_of("keba")

    assert flash.write("centralsystemport", "9017") == "Accepted"
    assert values(flash, "CENTRALSYSTEMPORT") == {"CentralSystemPort": "9017"}


def test_an_unknown_key_is_not_supported_and_listed_as_unknown() -> None:
    flash = flash_of("keba")

    assert flash.write("Cst_BackendUrl", "ws://x") == "NotSupported"
    assert flash.read(["Cst_BackendUrl"]) == ([], ["Cst_BackendUrl"])


@pytest.mark.parametrize("key", ["ChargePointId", "NumberOfConnectors", "GetConfigurationMaxKeys"])
def test_read_only_keys_are_rejected_and_say_so(key: str) -> None:
    flash = flash_of("everest")

    assert flash.write(key, "1") == "Rejected"
    assert [shown.readonly for shown in flash.read([key])[0]] == [True]


def test_a_value_longer_than_the_standard_allows_is_rejected() -> None:
    flash = flash_of("microocpp")

    assert flash.write("Cst_BackendUrl", "w" * 500) == "RebootRequired"
    assert flash.write("Cst_BackendUrl", "w" * 501) == "Rejected"


def test_a_visit_only_station_shows_and_takes_no_backend() -> None:
    flash = flash_of(VISIT_ONLY)

    shown = {one.key: one.value for one in flash.read([])[0]}

    assert SOURCE not in shown.values()
    assert not any(flash.is_backend_key(key) for key in shown)
    assert flash.write("\x00backend", "ws://x") == "NotSupported"


def test_a_paging_station_lists_three_keys_at_a_time() -> None:
    flash = flash_of("keba", Fault.PAGING)

    assert values(flash, "GetConfigurationMaxKeys") == {"GetConfigurationMaxKeys": "3"}
    assert len(flash.read([])[0]) == 3
    assert len(flash.read(["HeartbeatInterval"] * 5)[0]) == 3


def test_a_station_that_refuses_long_lists_raises_instead_of_cutting() -> None:
    flash = flash_of(VISIT_ONLY)

    with pytest.raises(TooManyKeys):
        flash.read([f"Key{number}" for number in range(21)])


def test_masked_backend_keys_hide_old_and_new_value_alike() -> None:
    flash = flash_of("alfen6", Fault.MASKED_READBACK)

    before = values(flash, "BackOfficeNetworkProfile1")
    flash.write("BackOfficeNetworkProfile1", "ocppCsmsUrl{ws://new}")

    assert values(flash, "BackOfficeNetworkProfile1") == before == {"BackOfficeNetworkProfile1": MASK}
    assert flash.backend == ("ws://new",)


def test_restore_takes_back_everything_since_the_last_accepted_boot() -> None:
    flash = flash_of("keba")
    for key, value in (("CentralSystemAddress", "elsewhere"), ("CentralSystemPort", "1")):
        flash.write(key, value)
    assert flash.is_pending

    flash.restore()

    assert flash.backend == (SOURCE,)
    assert not flash.is_pending


def test_after_a_commit_there_is_nothing_to_take_back() -> None:
    flash = flash_of("openocpp")
    flash.write("CentralSystemURL", "ws://new")
    flash.commit()

    flash.restore()

    assert flash.backend == ("ws://new",)


def test_the_representation_of_a_key_keeps_its_value_to_itself() -> None:
    assert "not-shown" not in repr(behaviour("everest").keys)
