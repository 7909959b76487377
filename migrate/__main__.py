"""``python -m migrate``: the same program as ``migrate``."""

from migrate.cli import main

main()
