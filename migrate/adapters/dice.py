"""Chance from the operating system."""

from __future__ import annotations

import random
import secrets

_SYSTEM = random.SystemRandom()


class SystemDice:
    """Implements ``migrate.ports.Dice``."""

    def between(self, low: float, high: float) -> float:
        return _SYSTEM.uniform(low, high)

    def token(self) -> str:
        return secrets.token_hex(16)
