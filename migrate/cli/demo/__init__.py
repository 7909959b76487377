"""``migrate demo``: the whole job against a simulated fleet, over real sockets on loopback."""

from migrate.cli.demo.verb import demo

__all__ = ["demo"]
