"""``[firmware]``: where firmware files lie, under which address stations fetch them, and how fast.

Understands its values and says what does not go together.  It opens neither a
file nor a port.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from migrate.domain.bandwidth import Share
from migrate.settings import kinds as k


@dataclass(frozen=True, slots=True, kw_only=True)
class FirmwareSettings:
    """How firmware reaches stations.  Without ``listen`` and ``ftp_listen`` nothing is served."""

    store: Path
    rate: int  # bytes a second, for each group
    share: Share
    at_once: int
    listen: tuple[str, int] | None = None
    url: str | None = None
    certificate: Path | None = None
    key: Path | None = None
    ftp_listen: tuple[str, int] | None = None
    ftp_url: str | None = None
    ftp_ports: range | None = None

    @property
    def is_on(self) -> bool:
        return bool(self.bases)

    @property
    def bases(self) -> Mapping[str, str]:
        """The address before a link's path, by protocol: only what this campaign serves."""
        urls = [url for url, listen in ((self.url, self.listen), (self.ftp_url, self.ftp_listen)) if url and listen]
        return {url.partition(":")[0]: url for url in urls}


_UNITS = {"B": 1, "kB": 1000, "MB": 1000**2, "KiB": 1024, "MiB": 1024**2, "kbit": 125, "Mbit": 125_000}
_SLOWEST = 256


def parse_rate(value: Any) -> int:
    """``64 kB/s``, ``2 Mbit/s``: as bytes a second.

    >>> parse_rate("64 kB/s"), parse_rate("2 Mbit/s")
    (64000, 250000)
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([A-Za-z]+)/s", value.strip()) if isinstance(value, str) else None
    if found is None or found[2] not in _UNITS:
        raise k.Bad('wants a rate such as "64 kB/s" or "2 Mbit/s"')
    rate = int(float(found[1]) * _UNITS[found[2]])
    if rate < _SLOWEST:
        raise k.Bad(f"is less than {_SLOWEST} B/s, at which no firmware ever arrives")
    return rate


def origin(*schemes: str) -> Callable[[Any], str]:
    """An address without a path: scheme, host, port."""

    def parse(value: Any) -> str:
        text = k.parse_text(value).strip().rstrip("/")
        try:
            parts = urlsplit(text)
            is_whole = bool(parts.hostname) and parts.port != 0 and text.isascii() and " " not in text
        except ValueError as error:
            raise k.Bad(f"is no address: {error}") from error
        if parts.scheme not in schemes or not is_whole or _says_more(parts):
            raise k.Bad(f'wants an address without a path, such as "{schemes[0]}://files.example:8080"')
        return text

    return parse


def _says_more(parts: SplitResult) -> bool:
    return bool(parts.path or parts.query or parts.fragment or "@" in parts.netloc)


def parse_ports(value: Any) -> range:
    """``50000-50099``, both included."""
    found = re.fullmatch(r"(\d{1,5})\s*-\s*(\d{1,5})", value.strip()) if isinstance(value, str) else None
    if found is None or not 1024 <= int(found[1]) <= int(found[2]) <= 65535:
        raise k.Bad('wants ports such as "50000-50099"')
    return range(int(found[1]), int(found[2]) + 1)


FIRMWARE_KEYS: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "firmware.store": (k.parse_path, Path("firmware")),
    "firmware.rate": (parse_rate, 64_000),
    "firmware.share": (lambda value: Share(k.one_of({one.value for one in Share})(value)), Share.APN),
    "firmware.at_once": (k.count(1), 4),
    "firmware.listen": (k.parse_listen, None),
    "firmware.url": (origin("http", "https"), None),
    "firmware.certificate": (k.parse_path, None),
    "firmware.key": (k.parse_path, None),
    "firmware.ftp_listen": (k.parse_listen, None),
    "firmware.ftp_url": (origin("ftp"), None),
    "firmware.ftp_ports": (parse_ports, None),
}


def firmware_settings(folder: Path, values: Mapping[str, Any]) -> FirmwareSettings:
    """Relative paths lie in the campaign folder."""
    own = {key.removeprefix("firmware."): value for key, value in values.items() if key in FIRMWARE_KEYS}
    paths = {name: own[name] and folder / own[name] for name in ("store", "certificate", "key")}
    return FirmwareSettings(**{**own, **paths})


IN_FLIGHT_PER_PLACE = 3
"""For each station that loads, one that installs and restarts and one that is about to load."""


def loading_caps(values: Mapping[str, Any]) -> dict[str, Any]:
    """How many stations that share a bandwidth may be on their way to new firmware."""
    by_site = values["firmware.share"] is Share.SITE
    return {"loading": values["firmware.at_once"] * IN_FLIGHT_PER_PLACE, "loading_by_site": by_site}


def firmware_contradictions(values: Mapping[str, Any]) -> Iterator[str]:
    """What of it stands against itself."""
    for name in ("", "ftp_"):
        if bool(values[f"firmware.{name}listen"]) is not bool(values[f"firmware.{name}url"]):
            yield (
                f"firmware.{name}listen and firmware.{name}url go together: where we listen, and the address under which "
                "stations reach it."
            )
    if (values["firmware.certificate"] is None) is not (values["firmware.key"] is None):
        yield "firmware.certificate and firmware.key go together."
    if values["firmware.certificate"] is not None and str(values["firmware.url"]).startswith("http:"):
        yield "firmware.url is http:// and firmware.certificate makes firmware.listen speak TLS: write https://."
