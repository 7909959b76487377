"""What the journal knows, told to people: screens, pages and documents.

Everything here is folded from values that the roof hands in.  This room asks
no station, opens no database, reads no clock and decides nothing about a
campaign: the same facts always give the same report, and a report that is
wrong can therefore be mended without touching a fleet.
"""
