"""``firmware.toml``: which files there are, for which devices, read strictly.

Understands the list and opens nothing else.  Every problem is reported with
its line; a value that is not understood makes an entry void, never a guess.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from migrate.domain.errors import FirmwareProblem
from migrate.domain.version import FirmwareRange, is_readable_version

MAX_BYTES = 1 << 20
MAX_CERTIFICATE = 5500  # OCPP 1.6 security whitepaper, FirmwareType.signingCertificate
MAX_SIGNATURE = 800  # the same, signature


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One file as its list describes it; ``version`` as a BootNotification will say it."""

    file: str
    vendors: tuple[str, ...]
    version: str
    sha256: str
    models: tuple[str, ...] = ("*",)
    from_versions: FirmwareRange = field(default_factory=FirmwareRange)
    size_bytes: int | None = None
    signature: str = ""
    signing_certificate: str = ""
    line: int = 0

    @property
    def is_signed(self) -> bool:
        return bool(self.signature and self.signing_certificate)


def glob_holds(glob: str, text: str) -> bool:
    """Whether a glob describes a text, whatever the case; ``*`` and ``?`` are the only wildcards.

    >>> glob_holds("NG9*", "ng910-60023"), glob_holds("Eve", "Eve dual")
    (True, False)
    """
    wild = {"*": ".*", "?": "."}
    pattern = "".join(wild.get(c) or re.escape(c) for c in glob.strip().casefold())
    return re.fullmatch(pattern, text.strip().casefold(), re.DOTALL) is not None


def read_entries(path: Path) -> tuple[list[Entry], list[str]]:
    """Every entry that is understood, and a sentence for everything that is not.

    Raises ``FirmwareProblem`` when there is no list, or when it is no TOML.
    """
    text = _text_of(path)
    try:
        tree = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise FirmwareProblem(f"{path} cannot be read: {error}.", hint="Mend that place and try again.") from error
    problems = [f"{path}: {key} is no table of this list; files stand under [[file]]." for key in tree if key != "file"]
    listed = tree.get("file", [])
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise FirmwareProblem(f"{path}: file must be a list of tables.", hint="Write [[file]] above each.")
    entries: list[Entry] = []
    for line, facts in zip(_lines(text, len(listed)), listed, strict=True):
        wrong = [f"{path}:{line}: {sentence}" for sentence in _wrong_with(facts)]
        problems += wrong
        if not wrong:
            entries.append(_entry(facts, line))
    return entries, problems + [f"{path}: {name} is listed twice." for name in _twice(entries)]


def _text_of(path: Path) -> str:
    try:
        raw = path.read_bytes()[: MAX_BYTES + 1]
        text = raw.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise FirmwareProblem(
            f"{path} cannot be read: {why}.",
            hint="It lists the firmware files that stations may load: docs/firmware.md.",
        ) from error
    if len(raw) > MAX_BYTES:
        raise FirmwareProblem(f"{path} is larger than {MAX_BYTES >> 20} MiB.")
    return text


def _lines(text: str, count: int) -> list[int]:
    """The line of each ``[[file]]``; 0 where the list is written in another way."""
    found = [number for number, line in enumerate(text.split("\n"), 1) if re.match(r"\s*\[\[\s*file\s*\]\]", line)]
    return found if len(found) == count else [0] * count


def _twice(entries: list[Entry]) -> list[str]:
    names = [entry.file for entry in entries]
    return sorted({name for name in names if names.count(name) > 1})


# ── one entry ──────────────────────────────────────────────────────────────

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+-----END CERTIFICATE-----\n?")


def _is_texts(value: Any) -> bool:
    texts = value if isinstance(value, list) else []
    return bool(texts) and all(isinstance(one, str) and one.strip() for one in texts)


def _is_range(value: Any) -> bool:
    if not isinstance(value, dict) or not value or value.keys() - {"at_least", "below"}:
        return False
    return all(isinstance(one, str) and is_readable_version(one) for one in value.values())


def _matches(pattern: re.Pattern[str], longest: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and len(value) <= longest and pattern.fullmatch(value) is not None


def _is_version(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 50 and value.isprintable() and value == value.strip()


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


_WANTS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "file": (_matches(_NAME, 100), "the name of a file beside this list: letters, digits, . _ + -"),
    "vendors": (_is_texts, 'vendors as a BootNotification says them, such as ["Alfen BV"]'),
    "models": (_is_texts, 'models, such as ["NG9*"]'),
    "from": (_is_range, 'the versions it may be loaded from, such as {at_least = "5.0", below = "6.0"}'),
    "version": (_is_version, "the version that a BootNotification will say, up to 50 characters"),
    "sha256": (_matches(_SHA256, 64), "64 small hexadecimal digits"),
    "size_bytes": (_is_size, "a whole number above 0"),
    "signature": (_matches(_BASE64, MAX_SIGNATURE), f"base64 of up to {MAX_SIGNATURE} characters"),
    "signing_certificate": (
        _matches(_PEM, MAX_CERTIFICATE),
        f"a PEM certificate of up to {MAX_CERTIFICATE} characters",
    ),
}
_REQUIRED = ("file", "vendors", "version", "sha256")


def _wrong_with(facts: Mapping[str, Any]) -> Iterator[str]:
    name = facts.get("file")
    called = name if isinstance(name, str) and _NAME.fullmatch(name) else "a file"
    for key in _REQUIRED:
        if key not in facts:
            yield f"{called} lacks {key}."
    for key, value in facts.items():
        if key not in _WANTS:
            yield f"{called} has {key!r:.60}, which is no key of this list."
        elif not _WANTS[key][0](value):
            yield f"{key} of {called} wants {_WANTS[key][1]}."
    if ("signature" in facts) is not ("signing_certificate" in facts):
        yield f"{called} has one of signature and signing_certificate, and needs both."


def _entry(facts: Mapping[str, Any], line: int) -> Entry:
    return Entry(
        file=facts["file"],
        vendors=tuple(facts["vendors"]),
        version=facts["version"],
        sha256=facts["sha256"],
        models=tuple(facts.get("models", ("*",))),
        from_versions=FirmwareRange(**facts.get("from", {})),
        size_bytes=facts.get("size_bytes"),
        signature=facts.get("signature", ""),
        signing_certificate=facts.get("signing_certificate", ""),
        line=line,
    )
