"""Which reader a canonical column has, and which texts need none.

A list of a hundred thousand stations is nearly all plain: texts that stand for
themselves, coordinates as anybody writes them.  ``PLAIN`` knows those by one
look, so that only the others are read with care.  It never says what is wrong:
whatever it does not know goes to the reader, and both give the same value.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from migrate.domain.cell import (
    read_coordinate,
    read_country,
    read_date,
    read_digits,
    read_hold,
    read_ip_address,
    read_lifecycle,
    read_ocpp_version,
    read_text,
    read_timezone,
    read_whole,
)
from migrate.domain.contact import read_email, read_phone
from migrate.domain.finding import Read
from migrate.domain.identity import PLAIN_IDENTITY, read_identity, read_target_identity

READERS: dict[str, Callable[[str], Read[Any]]] = {
    "identity": read_identity,
    "vendor": read_text,
    "model": read_text,
    "firmware": read_text,
    "serial": read_text,
    "iccid": lambda text: read_digits(text, name="ICCID", lengths=range(18, 23)),
    "imsi": lambda text: read_digits(text, name="IMSI", lengths=range(14, 16)),
    "apn": read_text,
    "ocpp_version": read_ocpp_version,
    "security_profile": lambda text: read_whole(
        text, name="security profile", code="E-SECURITY-PROFILE", least=0, most=3
    ),
    "connection": read_text,
    "ip_address": read_ip_address,
    "site_id": read_text,
    "site_name": read_text,
    "address": read_text,
    "postcode": read_text,
    "city": read_text,
    "country": read_country,
    "latitude": lambda text: read_coordinate(text, name="latitude", limit=90),
    "longitude": lambda text: read_coordinate(text, name="longitude", limit=180),
    "timezone": lambda text: read_timezone(text, frozenset()),  # the judge puts in the one that knows the zones
    "connectors": lambda text: read_whole(text, name="connectors", code="E-CONNECTORS", least=0, most=100),
    "lifecycle": read_lifecycle,
    "last_seen_at": read_date,
    "notes": read_text,
    "hold": read_hold,
    "wave": lambda text: read_whole(text, name="wave", code="E-WAVE", least=0, most=1000),
    "contact_name": read_text,
    "contact_phone": read_phone,  # judged by the row's country in row_laws
    "contact_email": read_email,
    "access": read_text,
    "target_identity": read_target_identity,
}

COLUMNS = tuple(READERS)
"""The canonical columns, in the order of the template."""


@dataclass(frozen=True, slots=True)
class Plain:
    """Texts of one look; without ``value`` they stand for themselves."""

    looks: re.Pattern[str]
    value: Callable[[str], Any] | None = None


_TEXT = Plain(re.compile(r"[A-Za-z0-9](?:[ -~]{0,4000}[!-~])?"))

PLAIN: dict[str, Plain] = {
    "identity": Plain(PLAIN_IDENTITY),
    "target_identity": Plain(PLAIN_IDENTITY),
    **{column: _TEXT for column, reader in READERS.items() if reader is read_text},
    "iccid": Plain(re.compile(r"[0-9]{18,22}")),
    "imsi": Plain(re.compile(r"[0-9]{14,15}")),
    "latitude": Plain(re.compile(r"-?[0-8]?[0-9]\.[0-9]{1,30}"), float),
    "longitude": Plain(re.compile(r"-?(?:1[0-7][0-9]|[0-9]{1,2})\.[0-9]{1,30}"), float),
}
"""By column.  What matches here has nothing wrong with it."""
