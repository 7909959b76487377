"""OCPP-J on the wire: the relay, what it taps, the calls it puts in, and the door to its process."""
