"""The simulated fleet: stations, two CSMSes and a wire log, outside of the toolkit they test."""
