"""Every asynchronous test of the engine runs in virtual time."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.doubles.clock import VirtualLoop


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], VirtualLoop]]:
    return {"virtual": VirtualLoop}
