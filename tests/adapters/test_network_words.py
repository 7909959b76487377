"""Errors of the network as an operator reads them: no numbers of the system, no names of classes."""

from __future__ import annotations

import errno
import socket

import pytest

from migrate.adapters.network_words import in_words


@pytest.mark.parametrize(
    ("error", "words"),
    [
        pytest.param(OSError(errno.ECONNREFUSED, "Connection refused"), "nobody listens there", id="nobody listens"),
        pytest.param(
            OSError("Multiple exceptions: [Errno 111] Connect call failed ('::1', 1), [Errno 111] Connect call failed"),
            "nobody listens there",
            id="nobody listens at any address of the name",
        ),
        pytest.param(
            socket.gaierror(-2, "Name or service not known"), "its name is not known here (DNS)", id="no name"
        ),
        pytest.param(TimeoutError(), "no answer in time", id="silence"),
        pytest.param(OSError(errno.EHOSTUNREACH, "No route to host"), "no way leads there", id="no way"),
        pytest.param(
            OSError("Multiple exceptions: [Errno 111] refused, [Errno 113] no route"),
            "Multiple exceptions: refused, no route",
            id="two addresses, two reasons",
        ),
        pytest.param(EOFError(), "EOFError", id="without words"),
    ],
)
def test_what_went_wrong_is_said_in_words(error: BaseException, words: str) -> None:
    assert in_words(error) == words
