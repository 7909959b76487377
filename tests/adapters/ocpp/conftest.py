"""A relay between raw ends of a wire, up and running."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import uvloop

from tests.adapters.ocpp.wire import Csms, Field


def pytest_asyncio_loop_factories() -> dict[str, Any]:
    """The event loop that ``migrate listen`` runs on."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
async def csms() -> AsyncIterator[Csms]:
    backend = Csms()
    await backend.up()
    yield backend
    await backend.down()


@pytest.fixture
async def field(csms: Csms) -> AsyncIterator[Field]:
    """A relay in front of a CSMS that is up, with ordinary limits."""
    field = Field(csms)
    await field.start()
    yield field
    await field.stop()


@pytest.fixture
async def field_with(csms: Csms) -> AsyncIterator[Callable[..., Awaitable[Field]]]:
    """The same, with limits or an upstream of one's own."""
    built: list[Field] = []

    async def build(**settings: Any) -> Field:
        field = Field(csms)
        await field.start(**settings)
        built.append(field)
        return field

    yield build
    for field in built:
        await field.stop()
