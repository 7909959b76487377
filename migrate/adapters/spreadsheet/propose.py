"""A column map proposed for a file with foreign headers.

Proposed only: a person reads it, corrects it, saves it and names it by
``--columns``.  Nothing here is ever applied to a row.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from difflib import SequenceMatcher

from migrate.adapters.spreadsheet.columns import plain
from migrate.adapters.spreadsheet.table import Record
from migrate.domain.inventory import COLUMNS

_SYNONYMS: dict[str, str] = {
    "identity": "charge_point_id chargepointid charge_box_id chargeboxid charger_id chargerid station_id stationid cp_id cpid "
    "ocpp_id ocpp_identity chargedeviceid id_station id_station_itinerance ladeeinrichtungs_id ladestation_id laadpaal_id",
    "vendor": "manufacturer make brand charge_point_vendor devicemanufacturer hersteller fabrikant fabricant constructeur",
    "model": "charge_point_model type device_model devicemodel modell typ modele",
    "firmware": "firmware_version fw fw_version firmwareversion software_version softwarestand",
    "serial": "serial_number serialnumber serial_no sn charge_point_serial_number seriennummer serienummer",
    "iccid": "sim sim_number simcard sim_iccid",
    "imsi": "sim_imsi",
    "ocpp_version": "ocpp protocol protocol_version",
    "ip_address": "ip ip_adresse adresse_ip",
    "site_id": "site location_id locationid standort_id id_site",
    "site_name": "location location_name name station_name n_station standortbezeichnung anzeigename nom_station",
    "address": "street thoroughfare strasse straße adresse ad_station adresse_station straat",
    "postcode": "zip zip_code postal_code plz postleitzahl code_postal code_insee",
    "city": "town ort stadt ville commune plaats gemeente",
    "country": "countrycode country_code land pays",
    "latitude": "lat breitengrad ylatitude y_latitude breedtegraad",
    "longitude": "lon lng long längengrad laengengrad xlongitude x_longitude lengtegraad",
    "timezone": "time_zone tz zeitzone",
    "connectors": "number_of_connectors connector_count anzahl_ladepunkte nbre_pdc aantal_laadpunten evses",
    "lifecycle": "status state charge_device_status chargedevicestatus zustand etat",
    "last_seen_at": "last_seen last_heartbeat last_online last_contact lastseen",
    "notes": "note remarks comment comments bemerkung observations opmerkingen",
    "wave": "migration_wave phase welle",
}
_CLOSE = 0.84


def propose(headers: Sequence[str], body: Sequence[Record]) -> str:
    """A map in TOML, with a value from the file beside each line, and the columns that nothing was found for."""
    chosen = _choose(headers)
    lines = [
        "# Proposed by likeness of names: read every line, correct it, and pass the file by --columns.",
        "# docs/inventory.md lists what may stand on the right besides a header.",
        "[columns]",
    ]
    for name in COLUMNS:
        if name in chosen:
            index = chosen[name]
            lines.append(f"{name} = {_toml(headers[index])}{_sample(body, index)}")
        elif name == "identity":
            lines.append(
                '# identity = "…"  # required, and nothing resembles it: which column holds what the station dials?'
            )
    repeated = "identity" in chosen and _repeats(body, chosen["identity"])
    if repeated:
        lines += [
            "",
            "[fold]  # the identity repeats: one row per connector?",
            f"by = {_toml(headers[chosen['identity']])}",
        ]
    rest = [header for index, header in enumerate(headers) if header.strip() and index not in chosen.values()]
    if rest:
        lines += [
            "",
            f"# Not used: {', '.join(_toml(header) for header in rest[:40])}{', …' if len(rest) > 40 else ''}",
        ]
    return "\n".join(lines) + "\n"


def resemblance(headers: Sequence[str]) -> int:
    """How many canonical columns a row of names could stand for."""
    return len(_choose(headers))


def _choose(headers: Sequence[str]) -> dict[str, int]:
    """Each header for at most one column, the best likeness first."""
    scored = sorted(
        (
            (_likeness(plain(header), name), -index, name)
            for name in COLUMNS
            for index, header in enumerate(headers[:400])
            if header.strip()
        ),
        reverse=True,
    )
    chosen: dict[str, int] = {}
    for score, index, name in scored:
        if score < _CLOSE:
            break
        if name not in chosen and -index not in chosen.values():
            chosen[name] = -index
    return chosen


def _likeness(header: str, name: str) -> float:
    words = (name, *_SYNONYMS.get(name, "").split())
    if header in words:
        return 2.0 if header == name else 1.5
    return max(
        SequenceMatcher(None, header, word).ratio()
        for word in words
        if abs(len(word) - len(header)) < 4 or word == name
    )


def _toml(text: str) -> str:
    """A TOML basic string; JSON's escapes are a subset of TOML's."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _sample(body: Sequence[Record], index: int) -> str:
    text = next((r.cells[index] for r in body[:50] if index < len(r.cells) and r.cells[index].strip()), "")
    printable = "".join(c if c.isprintable() else " " for c in text.strip())[:40]
    return f"  # {printable}" if printable else ""


def _repeats(body: Sequence[Record], index: int) -> bool:
    texts = [record.cells[index] for record in body if index < len(record.cells)]
    return len(set(texts)) < 0.9 * len(texts)
