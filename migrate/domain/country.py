"""Where countries lie, coarsely: enough to see that a coordinate is abroad.

Boxes are those of Natural Earth 1:110m cultural vectors (public domain),
rounded outward to half a degree, without overseas territories; islands that
the 1:110m map leaves out (Shetland, Bornholm, the Canaries, Madeira and the
Azores, Gotland, Crete's neighbours) were added by hand.  A box is no border:
this module can say "certainly not in the country", never "in the country".
"""

from __future__ import annotations

from typing import NamedTuple


class Box(NamedTuple):
    """South, north, west, east, in degrees."""

    south: float
    north: float
    west: float
    east: float

    def holds(self, latitude: float, longitude: float) -> bool:
        return self.south <= latitude <= self.north and self.west <= longitude <= self.east


BOXES: dict[str, Box] = {
    "at": Box(46, 49.5, 9, 17.5),
    "au": Box(-44, -10, 112.5, 154),
    "ba": Box(42, 45.5, 15.5, 20),
    "be": Box(49, 52, 2, 6.5),
    "bg": Box(41, 44.5, 22, 29),
    "br": Box(-34, 5.5, -74, -32),
    "ca": Box(41, 83.5, -141, -52),
    "ch": Box(45.5, 48, 5.5, 10.5),
    "cy": Box(34.5, 36, 32, 35),
    "cz": Box(48.5, 51.5, 12, 19),
    "de": Box(47, 55.5, 5.5, 15.5),
    "dk": Box(54.5, 58, 8, 15.5),
    "ee": Box(57, 60, 21.5, 28.5),
    "es": Box(27.5, 44, -18.5, 4.5),
    "fi": Box(59, 70.5, 19, 32),
    "fr": Box(41, 51.5, -5.5, 10),
    "gb": Box(49.5, 61, -9, 2),
    "gr": Box(34.5, 42, 19, 30),
    "hr": Box(42, 47, 13, 19.5),
    "hu": Box(45.5, 49, 16, 23),
    "ie": Box(51, 55.5, -11, -5.5),
    "il": Box(29, 33.5, 34, 36),
    "in": Box(6.5, 36, 68, 97.5),
    "is": Box(63, 67, -25, -13),
    "it": Box(35, 47.5, 6.5, 19),
    "jp": Box(24, 46, 122.5, 146),
    "lt": Box(53.5, 56.5, 20.5, 27),
    "lu": Box(49, 50.5, 5.5, 7),
    "lv": Box(55.5, 58.5, 20.5, 28.5),
    "mt": Box(35.5, 36.5, 14, 15),
    "mx": Box(14.5, 33, -118.5, -86.5),
    "nl": Box(50.5, 54, 3, 7.5),
    "no": Box(57.5, 81, 4, 31.5),
    "nz": Box(-47.5, -34, 166, 179),
    "pl": Box(49, 55, 14, 24.5),
    "pt": Box(32, 42.5, -31.5, -6),
    "ro": Box(43.5, 48.5, 20, 30),
    "rs": Box(42, 46.5, 18.5, 23.5),
    "se": Box(55, 69.5, 10.5, 24.5),
    "sg": Box(1, 1.5, 103.5, 104.5),
    "si": Box(45, 47, 13, 17),
    "sk": Box(47.5, 50, 16.5, 23),
    "tr": Box(35.5, 42.5, 25.5, 45),
    "us": Box(18.5, 71.5, -180, -66.5),
    "za": Box(-35, -22, 16, 33.5),
}
"""By ISO 3166-1 alpha-2 code in lower case."""


def is_abroad(country: str, latitude: float, longitude: float) -> bool:
    """Whether a place lies certainly outside a country.  An unknown country is never a reason to say so.

    >>> is_abroad("gb", 40.416288, -3.703373)
    True
    >>> is_abroad("gb", 60.15, -1.14)
    False
    """
    box = BOXES.get(country)
    return box is not None and not box.holds(latitude, longitude)
