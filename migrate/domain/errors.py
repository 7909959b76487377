"""What can go wrong, split first by whose it is to mend.

::

    MigrateError            what happened; .hint what to do next
    ├── InputProblem        the operator can mend a file
    │   ├── RowProblem        a row of an inventory or a returned workbook
    │   ├── ProfileProblem    a vendor profile
    │   ├── PlanProblem       a plan: stale, unapproved, impossible
    │   ├── FirmwareProblem   a firmware file, or the list of them
    │   └── SettingsProblem   campaign.toml, a flag, the environment
    ├── StationError        ends one attempt, never a wave
    │   ├── Refused           the station said no (permanent)
    │   ├── Unreachable       no answer, no session (temporary)
    │   └── Mismatch          what was seen is not what was expected (permanent)
    ├── GateClosed          hold or shut; carries the reasons
    ├── CsmsUnavailable     a backend, not a station: pauses the wave, is charged to no station
    ├── NotAllowed          approval or credentials are missing
    ├── Locked              another run holds the campaign
    ├── Stale               the journal moved on: what this process believed no longer holds
    └── JournalError        cannot record, therefore must not act

A driver catches ``StationError`` only.  Whatever else escapes stops the wave.
"""

from __future__ import annotations

from collections.abc import Sequence


class MigrateError(Exception):
    """Something the toolkit can explain: a sentence, and a hint with the way out."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}" if self.hint else self.message


class InputProblem(MigrateError):
    """A file or a setting that the operator can mend."""


class RowProblem(InputProblem):
    """A row, or a whole inventory file, cannot become stations."""


class ProfileProblem(InputProblem):
    """A vendor profile breaks the schema or the laws of writing."""


class PlanProblem(InputProblem):
    """A plan is stale, impossible, or not the one that was asked for."""


class FirmwareProblem(InputProblem):
    """A firmware file is missing or not what its list says, or the list cannot be understood."""


class SettingsProblem(InputProblem):
    """A key of campaign.toml, a flag or an environment variable is wrong."""


class StationError(MigrateError):
    """Ends one attempt, never a wave."""

    def __init__(self, message: str, *, identity: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.identity = identity


class Refused(StationError):
    """The station answered, and the answer was no.  Asking again will not help."""

    def __init__(self, message: str, *, identity: str, status: str, hint: str = "") -> None:
        super().__init__(message, identity=identity, hint=hint)
        self.status = status


class Unreachable(StationError):
    """No session, or no answer in time.

    ``sent`` tells the two apart: a command that was never put on the wire has
    had no effect; of one that was, the effect is unknown until it is read back.
    """

    def __init__(self, message: str, *, identity: str, sent: bool, hint: str = "") -> None:
        super().__init__(message, identity=identity, hint=hint)
        self.sent = sent


class Mismatch(StationError):
    """What the station showed is not what the plan expected of it."""


class Impostor(Mismatch):
    """Something else answers in the station's place: another host key, another certificate.  A security incident."""


class GateClosed(MigrateError):
    """The gate between two waves holds or is shut."""

    def __init__(self, message: str, *, reasons: Sequence[str], hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.reasons = tuple(reasons)


class CsmsUnavailable(MigrateError):
    """A backend does not answer.  Never charged to a station."""

    def __init__(self, message: str, *, side: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.side = side


class NotAllowed(MigrateError):
    """An approval or a credential is missing."""


class Locked(MigrateError):
    """Another run holds this campaign."""


class Stale(MigrateError):
    """The journal has moved on since this process looked: state, epoch or permit no longer hold."""

    def __init__(self, message: str, *, guard: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.guard = guard  # "state", "batch", "control", "lease", "permit"


class JournalError(MigrateError):
    """Cannot record, therefore must not act."""
