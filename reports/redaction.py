"""What no report may repeat, by the one rule of the house: :mod:`migrate.domain.secrecy`."""

from __future__ import annotations

from migrate.domain.secrecy import MASK, is_secret_name, redact, redact_document

__all__ = ["MASK", "is_secret_name", "redact", "redact_document"]
