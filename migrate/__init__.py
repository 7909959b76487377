"""fleet-migrate: moves fleets of EV charging stations from one CSMS to another.

The house is described in ``docs/architecture.md``.  This package is its roof
(``cli``, ``wiring``, ``engine``, ``settings``) and its ground (``ports``,
``domain``); the rooms between are ``batches``, ``reports``,
``vendor_profiles``, ``migrate.adapters`` and ``migrate.simulator``.
"""

__version__ = "0.1.0"
