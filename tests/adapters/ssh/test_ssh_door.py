"""The way over SSH against a real server: what is read, written and restarted, and what every way of failing becomes."""

from __future__ import annotations

import asyncio
import hashlib
import socket
from datetime import timedelta
from pathlib import Path

import asyncssh
import pytest

from migrate.adapters.channels.ssh import Jump
from migrate.domain.errors import Impostor, Mismatch, Refused, StationError, Unreachable
from migrate.domain.profile import Restart
from migrate.domain.ways import Script
from tests.adapters.ssh.host import HOST, PASSWORD, Box, Vault, Way, a_box, a_script, a_station

# ── what a station is told ─────────────────────────────────────────────────


async def test_a_value_is_written_as_it_stands_and_read_back_whole(box: Box, way: Way) -> None:
    door = way.to(a_station())

    said = await door.write("AC1", "url", "wss://new.example/ocpp?a=1&b='2'")
    held = await door.read("AC1", ["url", "missing"])

    assert said == "Accepted"
    assert held == {"url": "wss://new.example/ocpp?a=1&b='2'"}
    assert (box.store / ".log").read_text() == "url\n"


async def test_one_line_serves_a_look_a_write_and_a_look_again(box: Box, way: Way) -> None:
    door = way.to(a_station())

    await door.read("AC1", ["url"])
    await door.write("AC1", "url", "new")
    await door.read("AC1", ["url"])

    assert len(box.connections) == 1
    assert box.tries == ["box"]


async def test_a_line_that_broke_since_the_last_look_is_opened_anew(box: Box, way: Way) -> None:
    door = way.to(a_station())
    await door.write("AC1", "url", "old")

    for connection in box.connections:
        connection.abort()
    held = await door.read("AC1", ["url"])

    assert held == {"url": "old"}
    assert len(box.connections) == 2


async def test_a_connection_that_breaks_while_it_restarts_is_what_a_restart_looks_like(box: Box, way: Way) -> None:
    await way.to(a_station()).restart("AC1", Restart.SOFT)

    assert box.commands == ["cfg reboot"]


async def test_a_station_without_a_shell_gets_its_arguments_bare(box: Box, way: Way) -> None:
    door = way.to(a_station(), a_script(shell=False))

    await door.write("AC1", "url", "wss://new.example/ocpp")

    assert box.commands == ["cfg set -- url wss://new.example/ocpp"]


async def test_many_stations_share_few_lines_and_each_is_answered(tmp_path: Path) -> None:
    addresses = [f"127.0.7.{n}" for n in range(1, 25)]
    async with a_box(tmp_path / "box", also=addresses) as box:
        way = Way(tmp_path, port=box.port, threads=3)
        way.trust(box, *addresses)
        doors = way.doors()

        looks = [way.to(a_station(ip_address=one), doors=doors).read("AC1", ["url"]) for one in addresses]
        held = await asyncio.gather(*looks)
        async with asyncio.timeout(20):
            while box.now_open > 2 * way.threads:
                await asyncio.sleep(0.01)
        await way.close()

    assert held == [{}] * len(addresses)
    assert len(box.commands) == len(addresses)


# ── exit codes and output ──────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("code", "kind", "sent"),
    [(3, Unreachable, False), (4, Refused, None), (1, Refused, None), (127, Refused, None)],
    ids=["busy", "refused", "unknown-code", "not-found"],
)
async def test_an_exit_code_means_what_the_profile_says(
    box: Box, way: Way, code: int, kind: type[StationError], sent: bool | None
) -> None:
    door = way.to(a_station(), a_script(write=("cfg", "fail", str(code), "${value}")))

    with pytest.raises(kind) as raised:
        await door.write("AC1", "url", "v")

    assert getattr(raised.value, "sent", None) is sent
    assert len(box.commands) == 1


async def test_a_write_of_a_key_that_the_build_does_not_have_is_refused(way: Way) -> None:
    door = way.to(a_station(), a_script(write=("cfg", "fail", "5", "${value}")))

    with pytest.raises(Refused, match="knows no key url"):
        await door.write("AC1", "url", "v")


async def test_what_a_station_says_of_a_refusal_is_told_without_what_was_sent_and_without_the_password(
    way: Way,
) -> None:
    door = way.to(a_station(), a_script(write=("cfg", "fail", "4", "${value}")))

    with pytest.raises(Refused) as raised:
        await door.write("AC1", "key", f"token-{PASSWORD}-{PASSWORD.encode().hex()}")

    assert "exit code 4" in raised.value.message
    assert PASSWORD not in str(raised.value)
    assert PASSWORD.encode().hex() not in str(raised.value)


async def test_a_flood_of_output_is_cut_and_is_no_value(way: Way) -> None:
    door = way.to(a_station(), a_script(read=("cfg", "flood")))

    with pytest.raises(Mismatch, match="no value of one line"):
        await door.read("AC1", ["url"])


async def test_two_lines_are_no_value(box: Box, way: Way) -> None:
    (box.store / "url").write_bytes(b"ws://old\nws://older\n")

    with pytest.raises(Mismatch, match="no value of one line"):
        await way.to(a_station()).read("AC1", ["url"])


# ── coming in ──────────────────────────────────────────────────────────────


async def test_a_host_key_that_nobody_has_seen_keeps_everything_back(tmp_path: Path, box: Box) -> None:
    way = Way(tmp_path, port=box.port)

    with pytest.raises(Mismatch, match="Nobody has seen") as raised:
        await way.to(a_station()).write("AC1", "url", "new")

    assert not isinstance(raised.value, Impostor)
    assert "migrate trust" in raised.value.hint
    assert box.tries == []
    assert box.commands == []


async def test_a_changed_host_key_is_an_impostor_and_is_told_no_password(tmp_path: Path, box: Box, way: Way) -> None:
    async with a_box(tmp_path / "other") as other:
        way.known.add(f"[{HOST}]:{other.port}", box.host_key)
        way.port = other.port

        with pytest.raises(Impostor, match="another host key"):
            await way.to(a_station()).write("AC1", "url", "new")

        assert other.tries == []
        assert other.commands == []


async def test_known_hosts_that_others_may_use_are_believed_by_nobody(box: Box, way: Way) -> None:
    (way.folder / "known_hosts").chmod(0o644)

    with pytest.raises(Mismatch, match="may be used by others"):
        await way.to(a_station()).read("AC1", ["url"])

    assert box.tries == []


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"10.0.0.9 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAABWFiY2Rl", id="half an ed25519 key"),
        pytest.param(b"10.0.0.9 ssh-rsa AAAAB3NzaC1yc2EAAAABAQ==", id="half an RSA key"),
        pytest.param(b"10.0.0.9 ssh-ed25519 AAAA", id="no key"),
        pytest.param(b"# caf\xe9", id="another encoding"),
    ],
)
async def test_a_line_of_known_hosts_that_cannot_be_read_is_named_and_ends_no_run(
    box: Box, way: Way, line: bytes
) -> None:
    known = way.folder / "known_hosts"
    known.write_bytes(known.read_bytes() + line + b"\n")

    with pytest.raises(Mismatch, match="known_hosts:2 "):
        await way.to(a_station()).read("AC1", ["url"])

    assert box.tries == []


async def test_a_refused_password_is_tried_once_and_never_again(box: Box, way: Way) -> None:
    way.vault = Vault({"box": b"wrong"})
    doors = way.doors()

    for _ in range(3):
        with pytest.raises(Mismatch, match="refused the credential") as raised:
            await way.to(a_station(), doors=doors).read("AC1", ["url"])

    assert box.tries == ["box"]
    assert "wrong" not in str(raised.value)


async def test_a_private_key_opens_the_door_and_its_passphrase_opens_the_key(tmp_path: Path) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    pem = key.export_private_key("openssh", passphrase="open sesame")
    async with a_box(tmp_path / "box", welcome_key=key.export_public_key()) as box:
        way = Way(tmp_path, port=box.port, vault=Vault({"pem": pem, "phrase": b"open sesame"}))
        way.trust(box)

        held = await way.to(a_station(), a_script(key="pem", secret="phrase")).read("AC1", ["url"])
        with pytest.raises(Mismatch, match="cannot be read with the passphrase"):
            await way.to(a_station(), a_script(key="pem", secret="pem")).read("AC1", ["url"])

        await way.close()
    assert held == {}


async def test_a_hidden_question_for_a_password_is_answered_and_any_other_question_is_not(tmp_path: Path) -> None:
    way = Way(tmp_path)
    async with a_box(tmp_path / "one", prompts=("Password: ",)) as asks:
        way.trust(asks)
        way.port = asks.port
        held = await way.to(a_station()).read("AC1", ["url"])
    async with a_box(tmp_path / "two", prompts=("New token code: ",)) as other:
        way.trust(other)
        way.port = other.port
        with pytest.raises(Mismatch, match="asks something else"):
            await way.to(a_station()).read("AC1", ["url"])
        await way.close()

    assert held == {}
    assert PASSWORD not in other.responses


async def test_a_station_of_2012_is_reported_as_one_with_what_it_speaks(tmp_path: Path) -> None:
    old = {"kex_algs": ["diffie-hellman-group1-sha1"], "encryption_algs": ["3des-cbc"], "mac_algs": ["hmac-sha1"]}
    async with a_box(tmp_path / "box", options=old) as box:
        way = Way(tmp_path, port=box.port)
        way.trust(box)

        with pytest.raises(Mismatch, match=r"speaks only .*diffie-hellman-group1-sha1") as raised:
            await way.to(a_station()).read("AC1", ["url"])

    assert "visit" in raised.value.hint
    assert "jump host" in raised.value.hint


async def test_a_port_that_nobody_serves_is_not_now(box: Box, way: Way) -> None:
    with socket.socket() as held:
        held.bind((HOST, 0))
        way.port = held.getsockname()[1]
        way.known.add(f"[{HOST}]:{way.port}", box.host_key)

        with pytest.raises(Unreachable) as raised:
            await way.to(a_station()).read("AC1", ["url"])

    assert raised.value.sent is False


async def test_a_server_that_never_says_its_banner_is_not_now(
    box: Box, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("migrate.adapters.channels.ssh.line.BANNER_S", 0.3)
    with socket.create_server((HOST, 0)) as mute:  # takes connections into its queue, and never looks at them
        way.port = mute.getsockname()[1]
        way.known.add(f"[{HOST}]:{way.port}", box.host_key)

        with pytest.raises(Unreachable) as raised:
            await way.to(a_station()).write("AC1", "url", "new")

    assert raised.value.sent is False


async def test_a_command_that_says_nothing_more_is_unknown_and_not_undone(box: Box, way: Way) -> None:
    door = way.to(a_station(), a_script(write=("cfg", "mute", "${value}"), timeout=timedelta(seconds=0.5)))

    with pytest.raises(Unreachable) as raised:
        await door.write("AC1", "url", "new")

    assert raised.value.sent is True
    assert len(box.commands) == 1


async def test_a_write_that_would_go_out_too_late_is_not_sent(
    box: Box, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("migrate.adapters.channels.ssh.doors.SEND_WITHIN_S", -1.0)

    with pytest.raises(Unreachable, match="coming in took too long") as raised:
        await way.to(a_station()).write("AC1", "url", "new")

    assert raised.value.sent is False
    assert box.commands == []


async def test_a_write_that_is_given_up_leaves_no_thread_behind_that_sends_something_later(box: Box, way: Way) -> None:
    way.threads = 1
    doors = way.doors()
    mute = way.to(a_station(), a_script(write=("cfg", "mute")), doors)
    first = asyncio.ensure_future(mute.write("AC1", "url", "new"))
    second = asyncio.ensure_future(way.to(a_station(), doors=doors).write("AC1", "url", "new"))
    async with asyncio.timeout(20):
        while not box.commands:
            await asyncio.sleep(0.01)

    second.cancel()
    first.cancel()
    await asyncio.gather(first, second, return_exceptions=True)
    await way.to(a_station(), doors=doors).read("AC1", ["url"])

    assert box.commands == ["cfg mute", "cfg get url"]


async def test_a_station_behind_a_jump_host_is_reached_through_it(tmp_path: Path, box: Box) -> None:
    async with a_box(tmp_path / "router") as router:
        way = Way(tmp_path, port=box.port, jump=Jump(user="ops", host=HOST, port=router.port, secret="box"))
        way.trust(box)
        way.trust(router)

        held = await way.to(a_station(), a_script(by_jump=True)).read("AC1", ["url"])
        await way.close()

        assert held == {}
        assert router.forwarded == [(HOST, box.port)]
        assert router.commands == []


async def test_a_write_that_is_given_up_during_the_login_leaves_no_line_open_that_nobody_closes(
    box: Box, way: Way
) -> None:
    doors = way.doors()
    box.lets_in.clear()
    writing = asyncio.ensure_future(way.to(a_station(), doors=doors).write("AC1", "url", "new"))
    async with asyncio.timeout(20):
        while not box.tries:
            await asyncio.sleep(0.01)

    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
    box.lets_in.set()
    held = await way.to(a_station(), doors=doors).read("AC1", ["url"])
    await doors.close()
    async with asyncio.timeout(20):
        while box.now_open:
            await asyncio.sleep(0.01)

    assert held == {}
    assert box.commands == ["cfg get url"]


async def test_a_jump_host_that_refuses_our_credential_is_offered_it_once_and_not_for_every_station(
    tmp_path: Path, box: Box
) -> None:
    vault = Vault({"box": PASSWORD.encode(), "router": b"no more"})
    async with a_box(tmp_path / "router") as router:
        jump = Jump(user="ops", host=HOST, port=router.port, secret="router")
        way = Way(tmp_path, port=box.port, jump=jump, vault=vault)
        way.trust(box)
        way.trust(router)
        doors = way.doors()

        for identity in ("AC1", "AC2", "AC3"):
            with pytest.raises(Mismatch, match=r"jump host .* refused the credential"):
                await way.to(a_station(identity=identity), a_script(by_jump=True), doors).read(identity, ["url"])
        await way.close()

        assert router.tries == ["ops"]


class Leg:
    """A wire to a port.  Once it is ``cut`` it carries nothing more, and says nothing of it; a new one is whole again."""

    def __init__(self, port: int) -> None:
        self._there, self.cut = port, asyncio.Event()
        self._ends: list[asyncio.StreamWriter] = []

    async def guest(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(HOST, self._there)
        self._ends += [writer, back]
        self.cut = cut = asyncio.Event()

        async def carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            while more := await source.read(65536):
                if not cut.is_set():
                    sink.write(more)

        await asyncio.gather(carry(reader, back), carry(there, writer), return_exceptions=True)

    async def close(self) -> None:
        for end in self._ends:
            end.close()
            await asyncio.gather(end.wait_closed(), return_exceptions=True)


async def test_a_jump_host_whose_line_is_dead_without_a_word_gets_a_new_one(
    tmp_path: Path, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line that looks alive would keep every station behind it away until the kernel gives up, a quarter of an hour."""
    monkeypatch.setattr("migrate.adapters.channels.ssh.line.CHANNEL_S", 1.0)
    async with a_box(tmp_path / "router") as router:
        leg = Leg(router.port)
        async with await asyncio.start_server(leg.guest, HOST, 0) as server:
            jump = Jump(user="ops", host=HOST, port=server.sockets[0].getsockname()[1], secret="box")
            way = Way(tmp_path, port=box.port, jump=jump)
            way.trust(box)
            way.known.add(f"[{HOST}]:{jump.port}", router.host_key)
            doors, by_jump = way.doors(), a_script(by_jump=True)
            await way.to(a_station(), by_jump, doors).read("AC1", ["url"])

            leg.cut.set()
            with pytest.raises(Unreachable):
                await way.to(a_station(), by_jump, doors).read("AC1", ["url"])
            held = await way.to(a_station(), by_jump, doors).read("AC1", ["url"])
            await way.close()
            await leg.close()

    assert held == {}
    assert router.tries == ["ops", "ops"]


async def test_a_silent_jump_host_is_tried_once_for_all_who_wait_for_it_and_is_named(
    tmp_path: Path, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One after the other they would hold every thread, and with them the stations that are not behind it."""
    monkeypatch.setattr("migrate.adapters.channels.ssh.line.BANNER_S", 2.0)
    tries = 0

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal tries
        tries += 1
        await reader.read()
        writer.close()

    async with await asyncio.start_server(mute, HOST, 0) as server:
        jump = Jump(user="ops", host=HOST, port=server.sockets[0].getsockname()[1], secret="box")
        way = Way(tmp_path, port=box.port, jump=jump, threads=8)
        way.trust(box)
        way.known.add(f"[{HOST}]:{jump.port}", box.host_key)
        doors = way.doors()
        looks = [way.to(a_station(), a_script(by_jump=True), doors).read("AC1", ["url"]) for _ in range(8)]
        found = await asyncio.gather(*looks, return_exceptions=True)
        await way.close()

    assert all(isinstance(one, Unreachable) and "its jump host" in one.message for one in found)
    assert tries == 1


async def test_an_untrusted_jump_host_is_told_no_password(tmp_path: Path, box: Box) -> None:
    async with a_box(tmp_path / "router") as router:
        way = Way(tmp_path, port=box.port, jump=Jump(user="ops", host=HOST, port=router.port, secret="box"))
        way.trust(box)

        with pytest.raises(Mismatch, match="Nobody has seen"):
            await way.to(a_station(), a_script(by_jump=True)).read("AC1", ["url"])
        await way.close()

        assert router.tries == []
        assert box.connections == []


@pytest.mark.parametrize(
    ("station", "script", "lacks"),
    [
        (a_station(ip_address=""), a_script(), "no ip_address"),
        (a_station(ip_address="box.example"), a_script(), "box.example"),
        (a_station(ip_address="-oProxyCommand=touch canary"), a_script(), "-oProxyCommand"),
        (a_station(ip_address="127.0.0.1;touch canary"), a_script(), "canary"),
        (a_station(), a_script(secret="nowhere"), "nowhere"),
        (a_station(), a_script(by_jump=True), "jump host"),
        (a_station(), a_script(read=("${script}", "${key}"), file="../../etc/passwd"), "passwd"),
        (a_station(), a_script(read=("${script}", "${key}"), file="none.sh"), "none.sh"),
    ],
    ids=[
        "address",
        "a-name-for-an-address",
        "an-option",
        "a-command",
        "secret",
        "jump-host",
        "a-file-elsewhere",
        "no-file",
    ],
)
def test_what_the_campaign_lacks_is_said_before_anything_is_asked(
    tmp_path: Path, station: object, script: object, lacks: str
) -> None:
    with pytest.raises(Mismatch, match=lacks):
        Way(tmp_path).to(station, script)  # type: ignore[arg-type]


# ── a script of the campaign ───────────────────────────────────────────────

SCRIPT = '#!/bin/sh\nprintf \'%s\' "$2" > "$STORE/$1"\n'


def with_script(way: Way, name: str) -> Script:
    """A script under a name that no other test sends to this machine's /tmp."""
    (way.folder / "profiles").mkdir()
    (way.folder / "profiles" / name).write_text(SCRIPT)
    return a_script(write=("${script}", "${key}", "${value}"), file=name)


def test_a_script_that_cannot_be_read_is_said_before_anything_is_asked(tmp_path: Path) -> None:
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "locked.sh").symlink_to("/proc/self/mem")  # a file whose reading fails, also for root

    with pytest.raises(Mismatch, match=r"locked\.sh.*cannot be read"):
        Way(tmp_path).to(a_station(), a_script(read=("${script}", "${key}"), file="locked.sh"))


async def test_a_script_lies_whole_and_alone_under_its_name_before_it_is_run(
    box: Box, way: Way, tmp_path: Path
) -> None:
    name = f"{tmp_path.name}.sh"
    door = way.to(a_station(), with_script(way, name))

    await door.write("AC1", "url", "a 'new' one; touch canary")
    await door.write("AC1", "url", "a 'new' one; touch canary")

    (sent,) = Path("/tmp").glob(f"migrate-*{name}*")
    assert (sent.read_text(), sent.stat().st_mode & 0o777) == (SCRIPT, 0o700)
    assert (box.store / "url").read_text() == "a 'new' one; touch canary"
    sent.unlink()


async def test_what_somebody_else_left_under_the_scripts_name_is_replaced_and_never_run(
    box: Box, way: Way, tmp_path: Path
) -> None:
    name = f"{tmp_path.name}.sh"
    digest = hashlib.sha256(SCRIPT.encode()).hexdigest()[:16]
    place = Path(f"/tmp/migrate-{digest}-{name}")
    place.write_text("#!/bin/sh\ntouch canary\n")
    place.chmod(0o755)

    await way.to(a_station(), with_script(way, name)).write("AC1", "url", "new")

    assert place.read_text() == SCRIPT
    assert not (box.folder / "canary").exists()
    place.unlink()


async def test_a_station_whose_disk_takes_no_file_is_not_now_and_runs_nothing(tmp_path: Path) -> None:
    class Full(asyncssh.SFTPServer):
        def write(self, file_obj: object, offset: int, data: bytes) -> int:
            raise asyncssh.SFTPFailure("No space left on device")

    async with a_box(tmp_path / "box", options={"sftp_factory": Full}) as box:
        way = Way(tmp_path, port=box.port)
        way.trust(box)
        name = f"{tmp_path.name}.sh"

        with pytest.raises(Unreachable, match="No space left") as raised:
            await way.to(a_station(), with_script(way, name)).write("AC1", "url", "new")
        await way.close()

    assert raised.value.sent is False
    assert box.commands == []
    assert list(Path("/tmp").glob(f"migrate-*{name}*")) == []


async def test_what_a_server_says_before_anybody_is_in_reaches_no_screen_as_it_came(tmp_path: Path) -> None:
    async with a_box(tmp_path / "box", prompts=("\x1b[2J\x07token: ",)) as box:
        way = Way(tmp_path, port=box.port)
        way.trust(box)

        with pytest.raises(Mismatch, match="asks something else") as raised:
            await way.to(a_station()).read("AC1", ["url"])
        await way.close()

    assert raised.value.message.isprintable()


async def test_a_script_that_is_edited_in_the_night_is_sent_as_it_was_when_the_night_began(
    box: Box, way: Way, tmp_path: Path
) -> None:
    name = f"{tmp_path.name}.sh"
    script = with_script(way, name)
    doors = way.doors()
    await way.to(a_station(), script, doors).write("AC1", "url", "one")

    (way.folder / "profiles" / name).write_text("#!/bin/sh\ntouch canary\n")
    await way.to(a_station(), script, doors).write("AC1", "url", "two")

    assert (box.store / "url").read_text() == "two"
    assert not (box.folder / "canary").exists()
    for sent in Path("/tmp").glob(f"migrate-*{name}"):
        sent.unlink()
