"""The least that a campaign.toml has to say."""

from __future__ import annotations

LEAST = """
name = "cutover"
[source]
url = "ws://legacy.example/ocpp"
[source.relay]
upstream = "ws://legacy-internal:8080/ocpp"
[target]
url = "wss://new.example/ocpp"
[target.relay]
upstream = "ws://new-internal:8080/ocpp"
"""
