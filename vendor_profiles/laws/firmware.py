"""Laws over firmware: versions in order, no promise of a return that an image has taken away."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from migrate.domain.profile import Method, Profile, Rollback
from migrate.domain.version import is_readable_version, version_key
from migrate.domain.ways import FIRMWARE_KEY, Firmware, Way
from vendor_profiles.laws.breach import Breach, carries_url

PROTOCOLS = ("http", "https", "ftp")


def _firmware_is_whole(profile: Profile) -> Iterator[Breach]:
    """The section and the write belong together; the key has one name, the value is the last step."""
    written = [(i, write) for i, write in enumerate(profile.writes) if write.via is Way.FIRMWARE]
    for i, write in enumerate(profile.writes):
        if (write.key == FIRMWARE_KEY) is not (write.via is Way.FIRMWARE):
            hint = f"Write {{key: {FIRMWARE_KEY}, via: firmware, value: …}}."
            yield Breach(f"writes[{i}].key", f"The key {FIRMWARE_KEY} and the way firmware belong together.", hint)
    if profile.method is Method.FIRMWARE and not written:
        yield Breach("writes", "No firmware is written.", "Write the version wanted, via firmware.")
    if bool(written) is not (profile.firmware is not None):
        yield Breach(
            "firmware", "A firmware that is written has steps, and steps are written.", "Give both, or neither."
        )
    if profile.firmware is None:
        return
    for i, write in written:
        if profile.firmware.steps and write.value != profile.firmware.steps[-1]:
            yield Breach(f"writes[{i}].value", f"The last step is {profile.firmware.steps[-1]}.", "Write that version.")


def _steps_go_up(profile: Profile) -> Iterator[Breach]:
    firmware = profile.firmware
    if firmware is None:
        return
    if not firmware.steps or len(set(firmware.steps)) != len(firmware.steps):
        yield Breach("firmware.steps", "Steps are one version or more, each once.")
    for i, step in enumerate(firmware.steps):
        if not is_readable_version(step):
            yield Breach(f"firmware.steps[{i}]", f"{step!r} is no version that can be compared.")
    if not firmware.allows_downgrade and not _is_ascending(firmware):
        yield Breach("firmware.steps", "The steps go down.", "Put them in order, or set allows_downgrade.")
    for i, protocol in enumerate(firmware.protocols):
        if protocol not in PROTOCOLS:
            yield Breach(
                f"firmware.protocols[{i}]", f"{protocol!r} is not served.", f"Known are {', '.join(PROTOCOLS)}."
            )
    if not firmware.protocols:
        yield Breach("firmware.protocols", "No protocol is named.", "Leave the key out, or name some.")


def _is_ascending(firmware: Firmware) -> bool:
    readable = [version_key(step) for step in firmware.steps if is_readable_version(step)]
    return all(before < after for before, after in pairwise(readable))


def _firmware_goes_first(profile: Profile) -> Iterator[Breach]:
    """It may change which key holds the address, or reset it: what is written afterwards is read afresh."""
    carriers = [i for i, write in enumerate(profile.writes) if carries_url(write)]
    for i, write in enumerate(profile.writes):
        if write.via is Way.FIRMWARE and carriers and carriers[0] < i:
            yield Breach(f"writes[{i}]", "The firmware is installed after the URL.", "Move it to the front.")


def _what_a_firmware_brings_is_written(profile: Profile) -> Iterator[Breach]:
    if profile.firmware is None or not profile.firmware.brings_keys:
        return
    if all(write.via is Way.FIRMWARE for write in profile.writes):
        hint = "Write the keys, or leave brings_keys out."
        yield Breach("firmware.brings_keys", "It brings keys, and none is written.", hint)


def _an_image_with_an_address_has_no_way_back(profile: Profile) -> Iterator[Breach]:
    """Once such an image runs, the source has nothing that it could put back."""
    if profile.firmware is None or not profile.firmware.carries_address:
        return
    if profile.rollback not in (Rollback.VISIT, Rollback.IMPOSSIBLE, Rollback.AUTOMATIC):
        hint = "Use visit, impossible, or automatic where the station falls back by itself."
        yield Breach("rollback", f"{profile.rollback} undoes no image that carries the address.", hint)
    for i, write in enumerate(profile.writes):
        if carries_url(write):
            yield Breach(f"writes[{i}]", "The image carries the address already.", "Leave this write out.")
    if profile.writes and profile.writes[-1].via is not Way.FIRMWARE:
        yield Breach(f"writes[{len(profile.writes) - 1}]", "The image that carries the address goes last.")


LAWS = (
    _firmware_is_whole,
    _steps_go_up,
    _firmware_goes_first,
    _what_a_firmware_brings_is_written,
    _an_image_with_an_address_has_no_way_back,
)
