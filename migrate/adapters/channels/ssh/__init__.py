"""Scripts over SSH: the way to stations whose backend no OCPP key holds."""

from migrate.adapters.channels.ssh.doors import SshDoors
from migrate.adapters.channels.ssh.login import Jump, SshSettings

__all__ = ["Jump", "SshDoors", "SshSettings"]
