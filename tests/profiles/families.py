"""Which simulated family stands for which profile, and which transcripts there have to be."""

from __future__ import annotations

from migrate.domain.profile import Method, Profile
from tests.profiles.transcripts import CASES, VISITED
from vendor_profiles import Catalogue, load_catalogue, on_request

FAMILIES = {
    "alfen_fw5": "alfen5",
    "alfen_fw6": "alfen6",
    "amina_fw3": "amina3",
    "amina_fw4": "amina",
    "everest_libocpp16": "everest",
    "evnex": "evnex",
    "grizzl_e": "grizzl_e",
    "growatt_thor": "growatt",
    "keba_p30x": "keba",
    "microocpp": "microocpp",
    "open_ocpp": "open_ocpp",
    "open_ocpp_eviq": "eviq",
    "openevse": "openevse",
    "openocpp": "openocpp",
    "everest_libocpp201": "everest201",
    "openocpp201": "openocpp201",
    "microocpp201": "microocpp201",
    "alfen201_fw5": "alfen201",
    "warp": "warp",
    "go_e": "go_e",
    "easee": "easee",
    "smartevse": "smartevse",
    "bender_cc61x_ssh": "bender_ssh",
    "keba_p30x_old": "keba_old",
    "schneider_evlink_fw33": "evlink",
    "vestel_evc03": "vestel_dc",
    "vestel_evc04": "vestel_ac",
    "abb_terra_ac": "abb",
    "abl_emh": "abl",
    "autel_maxicharger": "autel",
    "bender_cc61x": "bender",
    "cfos_power_brain": "cfos",
    "ctek_chargestorm": "ctek",
    "enplus": "enplus",
    "ensto_bender": "ensto",
    "etrel_inch": "etrel",
    "evbox": "evbox",
    "mennekes": "mennekes",
    "ocular_bs": "ocular",
    "orbis_viaris": "orbis",
    "phoenix_charx": "charx",
    "scame_net": "scame",
    "schneider_evlink": "evlink_32",
    "schneider_evlink_pro": "evlink_pro",
    "spelsberg_wallbox": "spelsberg",
    "teison": "teison",
    "wallbox": "wallbox",
    "zaptec": "zaptec",
}
"""Profile and the simulated family that stands for it."""

EVERY = Catalogue((*load_catalogue().profiles, *on_request().profiles))

OTHERWISE = {("alfen_fw5", "accepted"): "alfen5_gsm"}
"""Further transcripts of a profile: the pair of keys for stations on a SIM."""


def wanted() -> list[tuple[str, str, str]]:
    """Profile, case and simulated family of every transcript there has to be."""
    usual = [(one.name, case, FAMILIES[one.name]) for one in EVERY.profiles for case in _cases(one)]
    return usual + [(name, f"{case}_by_sim", family) for (name, case), family in OTHERWISE.items()]


def _cases(profile: Profile) -> tuple[str, ...]:
    """One that writes is taken or refused; one by visit is changed by a person, whatever it would have answered."""
    return (VISITED,) if profile.method is Method.VISIT else CASES
