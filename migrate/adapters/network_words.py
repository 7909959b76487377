"""What the network's errors mean to somebody who has to call a backend's operators."""

from __future__ import annotations

import errno
import re
import socket

_BY_NUMBER = {
    errno.ECONNREFUSED: "nobody listens there",
    errno.ECONNRESET: "the connection was cut",
    errno.EPIPE: "the connection was cut",
    errno.EHOSTUNREACH: "no way leads there",
    errno.ENETUNREACH: "no way leads there",
    errno.ETIMEDOUT: "no answer in time",
}
_NUMBER = re.compile(r"\[Errno (-?\d+)\] ")


def in_words(error: BaseException) -> str:
    """An error of the network in a few words; of one that has none, the words of the system.

    >>> in_words(ConnectionRefusedError(111, "Connect call failed ('127.0.0.1', 9017)")), in_words(TimeoutError())
    ('nobody listens there', 'no answer in time')
    >>> in_words(socket.gaierror(-2, "Name or service not known"))
    'its name is not known here (DNS)'
    """
    if isinstance(error, socket.gaierror):
        return "its name is not known here (DNS)"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    found = {error.errno} if isinstance(error, OSError) and error.errno else set(map(int, _NUMBER.findall(str(error))))
    told = {_BY_NUMBER.get(number) for number in found}
    if len(told) == 1 and (words := told.pop()):  # several addresses of one name fail as one error without a number
        return words
    return _NUMBER.sub("", str(error)) or type(error).__name__
