"""Firmware files on their way to stations: the store, the links, the servers, and the byte-rate that they share."""
