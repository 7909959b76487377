"""Kinds of value in campaign.toml: durations, shares, windows, addresses.

Each parser takes what TOML or the environment gave and answers a domain
value, or raises :class:`Bad` with what it wants instead.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from migrate.domain import address
from migrate.domain.address import Backend
from migrate.domain.errors import SettingsProblem
from migrate.domain.policy import Daily, Freeze, Share, Size

LATER = {"steve", "citrineos", "http", "sql", "webhook", "amqp"}
"""Named by the contract, built by a later release: choosing one is a clear refusal, not a surprise at night."""


class Bad(ValueError):
    """What is wrong with one value, in words."""


_LONGEST_REASON = 500

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def parse_duration(value: Any) -> timedelta:
    """``90s``, ``30m``, ``4h``, ``14d``.

    >>> parse_duration("30m")
    datetime.timedelta(seconds=1800)
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd])", value.strip()) if isinstance(value, str) else None
    if match is None:
        raise Bad("wants a duration such as 90s, 30m, 4h or 14d")
    return timedelta(**{_UNITS[match[2]]: float(match[1])})


def parse_share(value: Any) -> Share:
    if isinstance(value, str) and (match := re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", value.strip())):
        share = float(match[1]) / 100
    elif isinstance(value, float) and not isinstance(value, bool):
        share = value
    else:
        raise Bad('wants a share such as "98%" or 0.5')
    if not 0 <= share <= 1:
        raise Bad("lies outside 0 % to 100 %")
    return Share(share)


def count(least: int) -> Callable[[Any], int]:
    def parse(value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise Bad(f"wants a whole number from {least}")
        return value

    return parse


def parse_text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise Bad("wants a text that is not empty")
    return value


def parse_sizes(value: Any) -> tuple[Size, ...]:
    if not isinstance(value, list) or not value:
        raise Bad('wants a list such as [10, 50, "10%", "rest"]')
    return tuple(
        None if one == "rest" else parse_share(one) if isinstance(one, str) else count(1)(one) for one in value
    )


def parse_daily(value: Any) -> Daily:
    match = re.fullmatch(r"(\d\d:\d\d)\s*-\s*(\d\d:\d\d)", value) if isinstance(value, str) else None
    try:
        begin, end = (time.fromisoformat(part) for part in match.groups()) if match else (None, None)
    except ValueError as error:
        raise Bad("names an hour that no day has") from error
    if begin is None or end is None:
        raise Bad('wants hours in quotes, such as "01:00-05:00"')
    if begin == end:
        raise Bad("begins and ends at the same time: leave it out to allow the whole day")
    return Daily(begin=begin, end=end)


def parse_freezes(value: Any) -> tuple[Freeze, ...]:
    def one(text: Any) -> Freeze:
        first, _, last = text.partition("/") if isinstance(text, str) else ("", "", "")
        try:
            freeze = Freeze(first=date.fromisoformat(first), last=date.fromisoformat(last or first))
        except ValueError as error:
            raise Bad('wants days such as "2026-12-24/2026-12-27"') from error
        if freeze.last < freeze.first:
            raise Bad(f"ends before it begins: {text}")
        return freeze

    if not isinstance(value, list):
        raise Bad('wants a list such as ["2026-12-24/2026-12-27"]')
    return tuple(one(text) for text in value)


def parse_day(value: Any) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise Bad('wants a day such as "2026-12-31"') from error


def parse_moment(value: Any) -> datetime:
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise Bad("wants a time such as 2026-11-20T01:00:00Z") from error
    if moment.tzinfo is None:
        raise Bad("wants a time with its zone, such as 2026-11-20T01:00:00Z")
    return moment


_PROFILE_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


def parse_reasons(value: Any) -> dict[str, str]:
    """Profiles that a person lets leave wave 0, each with who, when and why.  Which profiles there are is not known here."""
    if not isinstance(value, dict):
        raise Bad('wants a table such as keba_p30x = "bench run of 2026-11-18, ann"')
    for name, reason in value.items():
        if not isinstance(name, str) or not _PROFILE_NAME.fullmatch(name):
            raise Bad(f"names {name!r:.80}, which is no name of a profile")
        if not isinstance(reason, str) or not reason.strip():
            raise Bad(f'gives no reason for {name}: write who accepts it, when and why, such as "bench run, ann"')
        if len(reason) > _LONGEST_REASON or not reason.isprintable():
            raise Bad(f"gives a reason for {name} that is longer than {_LONGEST_REASON} characters or not printable")
    return {name: reason.strip() for name, reason in value.items()}


def parse_zone(value: Any) -> str:
    try:
        ZoneInfo(parse_text(value))
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise Bad("is no IANA time zone such as Europe/Amsterdam") from error
    return str(value)


def parse_backend(value: Any) -> Backend:
    try:
        return address.parse_backend(parse_text(value))
    except SettingsProblem as problem:
        raise Bad(str(problem).removeprefix("url ").rstrip(".")) from problem


def parse_upstream(value: Any) -> Backend | None:
    return None if value == "lab" else parse_backend(value)


def parse_listen(value: Any) -> tuple[str, int]:
    host, _, port = parse_text(value).rpartition(":")
    if not host or not port.isdigit() or not 0 <= int(port) <= 65535:
        raise Bad('wants host:port, such as "127.0.0.1:9016"')
    return host.strip("[]"), int(port)


def parse_path(value: Any) -> Path:
    """A file or folder; whoever opens it says whether it is there.  Relative ones lie in the campaign folder."""
    if "\x00" in parse_text(value):
        raise Bad("holds a character that no path has")
    return Path(value).expanduser()


def parse_paths(value: Any) -> tuple[Path, ...]:
    """One file, or a list of them.

    >>> parse_paths("tls/rsa.pem") == parse_paths(["tls/rsa.pem"])
    True
    """
    if isinstance(value, list) and not (value and all(isinstance(one, str) for one in value)):
        raise Bad('wants a file, or a list such as ["tls/rsa.pem", "tls/ecdsa.pem"]')
    return tuple(map(parse_path, value if isinstance(value, list) else [value]))


def parse_flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Bad("wants true or false")
    return value


def parse_port(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 65535:
        raise Bad("wants a port, a whole number from 1 to 65535")
    return value


def parse_account(value: Any) -> tuple[str, str, int]:
    """``user@host:port``; 22 where no port is given."""
    match = re.fullmatch(r"([^\s@:]+)@(\[[0-9a-fA-F:]+\]|[\w.-]+)(?::(\d{1,5}))?", parse_text(value).strip(), re.ASCII)
    if match is None or not 1 <= int(match[3] or 22) <= 65535:
        raise Bad('wants user@host:port, such as "ops@10.0.0.1:22"')
    return match[1], match[2].strip("[]"), int(match[3] or 22)


def parse_secret_name(value: Any) -> str:
    """The name of a secret, never one itself: such a name is a plain word."""
    if not isinstance(value, str) or not re.fullmatch(r"[a-z][a-z0-9_]{0,63}", value, re.ASCII):
        raise Bad("wants the name of a secret, small letters, digits and _; the secret itself stands in secrets/")
    return value


def parse_speed(value: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= 1000:
        raise Bad("wants a number above 0 and up to 1000")
    return float(value)


def one_of(known: set[str]) -> Callable[[Any], str]:
    def parse(value: Any) -> str:
        if not isinstance(value, str):
            raise Bad(f"wants one of {', '.join(sorted(known))}")
        if value in LATER - known:
            raise Bad(f'is "{value}", which this release does not have yet; it has {", ".join(sorted(known))}')
        if value not in known:
            raise Bad(f"is {value!r}; known here: {', '.join(sorted(known))}")
        return str(value)

    return parse
