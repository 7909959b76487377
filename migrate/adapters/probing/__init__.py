"""Looks at backends, at this host and at stations' own ports, and changes nothing."""
