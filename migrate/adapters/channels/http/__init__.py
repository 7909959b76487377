"""Values that reach a station by HTTP: its own interface on the local network, or its maker's cloud."""
