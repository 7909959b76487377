"""A station that hides what it holds is not written to by a profile that must read back."""

from __future__ import annotations

import pytest

from migrate.domain.address import parse_backend
from migrate.domain.errors import Mismatch
from migrate.domain.filling import Goal, prepare
from migrate.domain.unit import is_mask
from tests.doubles.catalogue import a_profile


@pytest.mark.parametrize("shown", ["********", "••••", "xxxxx", "DummyAuthorizationKey"])
def test_a_masked_old_value_stops_the_attempt_before_anything_is_written(shown: str) -> None:
    with pytest.raises(Mismatch, match="hides the value of Url"):
        prepare(a_profile(), Goal(backend=parse_backend("ws://new.example/ocpp"), identity="AC-1"), {"Url": shown})


@pytest.mark.parametrize("shown", ["ws://legacy.example/ocpp", "xx", "", "3"])
def test_a_value_that_is_shown_is_no_mask(shown: str) -> None:
    assert not is_mask(shown)
