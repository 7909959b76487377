"""The ways in which stations were seen to differ, each a closed list of what was met in the field or on the wire."""

from __future__ import annotations

from enum import StrEnum


class Storing(StrEnum):
    """What becomes of a value that is written."""

    STORES = "stores"
    NOTHING = "nothing"  # accepts any key, also one that it does not have, and stores nothing
    NEVER_USED = "never_used"  # stores it, shows it, and goes on with the old one


class Writing(StrEnum):
    """Whether a write of the backend is answered."""

    ANSWERS = "answers"
    STORES_SILENTLY = "stores_silently"
    LOSES_FIRST = "loses_first"  # the first is lost on its way, neither stored nor answered; later ones are taken
    IGNORES = "ignores"  # neither stored nor answered, however often


class SlotWriting(StrEnum):
    """What becomes of a network profile (OCPP 2.0.1 SetNetworkProfile)."""

    STORES = "stores"
    INERT = "inert"  # Accepted, and the slot stays as it was
    FAILS = "fails"  # Failed: the third status that there is


class Apply(StrEnum):
    """When a written backend comes into use."""

    RESTART = "restart"
    AT_ONCE = "at_once"  # leaves the old backend at once, and does not boot on the new one


class Fallback(StrEnum):
    """How a station saves itself from a backend that does not answer."""

    NONE = "none"
    TRANSACTION = "transaction"  # old values and a restart, unless a boot was accepted in time
    SLOTS = "slots"  # the next slot after some failed dials
    PROFILES = "profiles"  # as slots, and it stays with the one that took it until that one fails too (2.0.1, B10)


class Resetting(StrEnum):
    """What a station does with a Reset."""

    ANSWERS = "answers"
    UNANSWERED = "unanswered"  # restarts a moment later and has said nothing
    CLOSES = "closes"  # closes the connection at once, without any answer
    TWO_SOCKETS = "two_sockets"  # a Hard one: no answer, and the old socket stays beside the new one
    NOTHING = "nothing"  # Accepted, and that is all
    SCHEDULED = "scheduled"  # 2.0.1: Scheduled, and it restarts when it is ready to
    REJECTED = "rejected"


class Reporting(StrEnum):
    """What a station does when it is asked for a report of its device model (OCPP 2, GetBaseReport)."""

    WELL = "well"
    NOT_IMPLEMENTED = "not_implemented"  # CALLERROR
    NOT_SUPPORTED = "not_supported"  # whatever is asked for
    SUMMARY_ONLY = "summary_only"  # and nothing else is supported
    EMPTY = "empty"  # EmptyResultSet
    SILENT = "silent"  # Accepted, and never a report
    ENDLESS = "endless"  # every part is to be continued
    SHUFFLED = "shuffled"  # the last part first
    REPEATED = "repeated"  # each part twice
    LOSES_ONE = "loses_one"  # the second part never leaves


class Drop(StrEnum):
    """How a station leaves before a restart."""

    CLEAN = "clean"
    ABRUPT = "abrupt"  # no close frame: the far side sees 1006


class Trigger(StrEnum):
    """How a station takes a TriggerMessage."""

    ANSWERS = "answers"
    UNTIL_RECONNECT = "until_reconnect"  # Rejected after a reconnect until the next restart
    NEVER = "never"  # NotImplemented
    SILENT = "silent"  # Accepted, and nothing is sent
    NO_BOOT = "no_boot"  # Rejected for BootNotification
    ERROR = "error"  # CALLERROR
    OTHER_NAME = "other_name"  # Accepted, and another message is sent than was asked for


class Flashing(StrEnum):
    """What a station does with an UpdateFirmware."""

    NOT_IMPLEMENTED = "not_implemented"  # CALLERROR
    NOT_SUPPORTED = "not_supported"  # CALLERROR of the other name
    SILENT = "silent"  # an empty answer, and nothing ever
    FAILS = "fails"  # Downloading, then DownloadFailed
    PRETENDS = "pretends"  # every status up to Installed, and no download
    UPDATES = "updates"  # restarts with the new version
    LOADS = "loads"  # fetches the file, proves it, installs what is in it, and restarts
    REJECTS = "rejects"  # Rejected, where the command has a status; in 1.6 a CALLERROR


class OverLimit(StrEnum):
    """What a station does when asked for more keys than it can list."""

    TRUNCATE = "truncate"
    REFUSE = "refuse"


class Webbing(StrEnum):
    """How a station's own HTTP interface, or its maker's cloud on its behalf, takes a request."""

    WELL = "well"
    REFUSES = "refuses"  # a write: 400 and a sentence
    REFUSES_APPLY = "refuses_apply"  # stores, and does not put into use (a cloud)
    STORES_NOTHING = "stores_nothing"  # 200, and the old value stays
    SILENT = "silent"  # takes the connection and never answers
    SWALLOWS = "swallows"  # a write is neither stored nor answered; reads go well
    HANGS_AFTER = "hangs_after"  # stores, and never answers
    HALF_BODY = "half_body"  # stores, and breaks off in the middle of its answer
    LOCKED_OUT = "locked_out"  # 401 to everything
    UNAVAILABLE = "unavailable"  # 503
    REDIRECTS = "redirects"  # to another host
    HUGE = "huge"  # shows more than anybody reads
    AFTER_RESTART = "after_restart"  # stores, and dials the new backend after its next restart only


class Shelling(StrEnum):
    """How a station with an SSH server of its own takes those who come in."""

    WELL = "well"
    REFUSES_LOGIN = "refuses_login"
    ANOTHER_KEY = "another_key"  # its host key is not the one that it had
    SILENT = "silent"  # takes the connection and never says its banner
    TOO_OLD = "too_old"  # speaks algorithms that nobody takes any more
    HANGS_AFTER = "hangs_after"  # carries the command out and says nothing
    HALF_FILES = "half_files"  # of a file that is sent to it only half arrives
    BUSY = "busy"  # its maker's script says: not now
    REFUSES = "refuses"  # its maker's script says no
    REFUSES_SECOND = "refuses_second"  # the first value is taken, the second is not
    STORES_NOTHING = "stores_nothing"  # exit code 0, and the old value stays
