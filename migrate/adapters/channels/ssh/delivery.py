"""A script on its way to a station: under a temporary name, compared, and only then under its own.

Half of one is never run, and one that somebody else left there under its name
is replaced, never believed: it is sent anew over every line, which is kept for
several commands.
"""

from __future__ import annotations

import hashlib
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePosixPath

from paramiko import SFTPClient

from migrate.adapters.channels.ssh.line import Line, shown

FOLDER = PurePosixPath("/tmp")  # noqa: S108 - the station's own, under a name that nobody guesses
MOST_BYTES = 1 << 20
_MODE = 0o700


class NotWhole(Exception):
    """What lies on the station is not what was sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """The content of a script, and where it lies on every station."""

    name: str
    content: bytes

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @property
    def path(self) -> str:
        return str(FOLDER / f"migrate-{self.digest[:16]}-{self.name}")


def deliver(delivery: Delivery, line: Line, *, silence_s: float) -> None:
    """Put the script on the station, whole, once for each line.  Raises ``NotWhole``, or what a broken line raises."""
    if line.script == delivery.path:
        return
    try:
        _send(line.sftp(silence_s), delivery)
    except TimeoutError:
        raise
    except OSError as error:  # of the station's file system: full, read-only, not ours
        raise NotWhole(f"did not take {delivery.name} ({shown(error.strerror or str(error))})") from error
    line.script = delivery.path


def _send(sftp: SFTPClient, delivery: Delivery) -> None:
    draft = f"{delivery.path}.{secrets.token_hex(4)}"
    try:
        with sftp.open(draft, "wx") as file:
            file.write(delivery.content)
        sftp.chmod(draft, _MODE)
        _compare(sftp, draft, delivery)
        sftp.posix_rename(draft, delivery.path)
    except BaseException:  # whatever it was: no half of a script stays behind, and it is raised on
        with suppress(OSError, EOFError):
            sftp.remove(draft)
        raise


def _compare(sftp: SFTPClient, draft: str, delivery: Delivery) -> None:
    if not _lies_there(sftp, draft, delivery):
        raise NotWhole(f"holds another {delivery.name} than was sent")


def _lies_there(sftp: SFTPClient, path: str, delivery: Delivery) -> bool:
    """Whether a file of this content lies there: read back, because not every station has a checksum command."""
    try:
        if sftp.stat(path).st_size != len(delivery.content):
            return False
        with sftp.open(path, "rb") as file:
            held = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        return False
    return hashlib.sha256(held).hexdigest() == delivery.digest
