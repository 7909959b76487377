"""Witnesses: who sees stations arrive and leave."""
