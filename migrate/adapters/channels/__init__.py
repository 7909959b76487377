"""Channels: how commands reach stations."""
