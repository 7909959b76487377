"""An empty inventory with the canonical columns, and what belongs into each."""

from __future__ import annotations

import csv
import io

from migrate.adapters.spreadsheet.table import OWN_SHEET
from migrate.domain.inventory import COLUMNS

EXPLANATIONS: dict[str, str] = {
    "identity": "Required. The last segment of the URL that the station dials: exact, case-sensitive, 1 to 48 characters.",
    "vendor": "As the station reports it in BootNotification (chargePointVendor).",
    "model": "As the station reports it (chargePointModel).",
    "firmware": "As the station reports it (firmwareVersion); decides between profiles of one family.",
    "serial": "The serial number that the station reports; one of the facts that prove who arrived.",
    "iccid": "The SIM card's number, 18 to 22 digits, as text.",
    "imsi": "14 or 15 digits, as text.",
    "apn": "Mobile access point name; limits how many stations of one APN are in flight.",
    "ocpp_version": "1.6, 2.0.1 or 2.1. Blank: 1.6.",
    "security_profile": "0 to 3, as in the OCPP security white paper. Blank: unknown.",
    "connection": "How it reaches the backend, for example mobile, ethernet, wifi.",
    "ip_address": "For stations that are reached by SSH or HTTP, without a port.",
    "site_id": "Stations of one site are never all in flight. Blank: the station is its own site.",
    "site_name": "For people.",
    "address": "Street and number, for crews.",
    "postcode": "As text, so that leading zeros stay.",
    "city": "For crews.",
    "country": "Two letters of ISO 3166, for example gb, de, fr, nl.",
    "latitude": "Decimal degrees, for example 52.5298. A decimal comma is understood.",
    "longitude": "Decimal degrees.",
    "timezone": "IANA name, for example Europe/Amsterdam. Blank: the campaign's own.",
    "connectors": "A whole number. Blank: 1.",
    "lifecycle": "in_service, offline, faulted, warehouse or decommissioned. Blank: in_service.",
    "last_seen_at": "ISO date or time, for example 2026-04-03T12:00:00Z.",
    "notes": "For people; never sent anywhere.",
    "hold": "A reason for leaving the station alone. Blank: none.",
    "wave": "Pins the station to a wave, 0 being the canary. Blank: the plan chooses.",
    "contact_name": "Whom a crew calls before it drives.",
    "contact_phone": "With its country code, for example +31 20 555 0100.",
    "contact_email": "One address.",
    "target_identity": "What the station is called on the target, where that is not its identity. Blank: it keeps its name.",
    "access": "How a crew gets in: gate, key, hours. Printed on work orders and nowhere else.",
}


def template_csv() -> bytes:
    """One header line, UTF-8 with a byte order mark, which Excel needs to read accents."""
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerow(COLUMNS)
    return buffer.getvalue().encode("utf-8-sig")


def template_xlsx() -> bytes:
    """A sheet to fill, all its columns formatted as text, and a sheet that explains them."""
    from xlsxwriter import Workbook  # noqa: PLC0415 - slow to load, and no list that is read needs it

    stream = io.BytesIO()
    book = Workbook(stream, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    heading = book.add_format({"bold": True, "bg_color": "#DDE6F0"})
    text = book.add_format({"num_format": "@"})
    sheet = book.add_worksheet(OWN_SHEET)
    sheet.freeze_panes(1, 1)
    for index, name in enumerate(COLUMNS):
        sheet.set_column(index, index, max(12, len(name) + 4), text)
        sheet.write_string(0, index, name, heading)
    told = book.add_worksheet("explanations")
    told.set_column(0, 0, 20)
    told.set_column(1, 1, 110)
    for row, line in enumerate([("column", "what belongs into it"), *((name, EXPLANATIONS[name]) for name in COLUMNS)]):
        for column, words in enumerate(line):
            told.write_string(row, column, words, heading if row == 0 else None)
    book.close()
    return stream.getvalue()
