"""Who may log in and by what: host keys that are given, passwords that have expired, rules of sudo, who "default" is."""

from __future__ import annotations

import io
import subprocess
import time

import paramiko
import pytest
from conftest import free_port, shell
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from seeds import seed_disk
from test_cloud_config import boot_with, restart, start
from test_config import write
from vm.config import Forward

FIRST, SECOND = "the first password", "the second one"
META_DATA = "instance-id: i-accounts\nlocal-hostname: keyed\n"


def new_key() -> paramiko.RSAKey:
    return paramiko.RSAKey.generate(2048)


def pem(key: paramiko.RSAKey) -> str:
    text = io.StringIO()
    key.write_private_key(text)
    return text.getvalue()


def indented(text: str) -> str:
    return "".join(f"    {line}\n" for line in text.splitlines())


def user_data(host_key: str) -> str:
    return f"""\
#cloud-config
system_info: {{default_user: {{name: core, shell: /bin/ash, lock_passwd: false}}}}
users:
  - default
  - {{name: quiet, hashed_passwd: "*", sudo: "ALL=(ALL) NOPASSWD:ALL"}}
password: {FIRST}
ssh_pwauth: true
ssh_keys:
  rsa_private: |
{indented(host_key)}
"""


def other_public(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode().split()[1]


class Line:
    """A terminal over SSH."""

    def __init__(self, channel: paramiko.Channel):
        channel.settimeout(120)
        self.channel, self.text = channel, ""

    def expect(self, wanted: str) -> None:
        deadline = time.monotonic() + 120
        while wanted not in self.text:
            assert time.monotonic() < deadline, self.text
            got = self.channel.recv(4096).decode(errors="replace")
            assert got, f"the session ended without {wanted!r}: {self.text}"
            self.text += got
        self.text = self.text.partition(wanted)[2]

    def send(self, text: str) -> None:
        self.channel.sendall(text.encode())


def host_key(port: int, kind: str = "rsa-sha2-256") -> paramiko.PKey | None:
    """The server may be on its way: it is tried until it answers. Nothing where it has no key of that kind."""
    deadline = time.monotonic() + 300
    while True:
        transport = None
        try:
            transport = paramiko.Transport(("127.0.0.1", port))
            transport.get_security_options().key_types = [kind]
            transport.start_client(timeout=60)
            return transport.get_remote_server_key()
        except paramiko.ssh_exception.IncompatiblePeer:
            return None
        except (OSError, EOFError, paramiko.SSHException):
            if time.monotonic() > deadline:
                raise
            time.sleep(1)
        finally:
            if transport is not None:
                transport.close()


def connect(port: int, password: str) -> paramiko.SSHClient:
    """As core, once the server answers."""
    host_key(port)
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
    client.connect("127.0.0.1", port, "core", password, look_for_keys=False, allow_agent=False, timeout=60,
                   auth_timeout=60, banner_timeout=60)  # fmt: skip
    return client


@pytest.fixture(scope="module")
def key():
    return new_key()


@pytest.fixture(scope="module")
def port():
    return free_port()


@pytest.fixture(scope="module")
def box(make_box, tmp_path_factory, key, port):
    folder = tmp_path_factory.mktemp("accounts")
    seed = seed_disk(folder, {"meta-data": META_DATA, "user-data": user_data(pem(key))})
    box = boot_with(make_box, folder, seed=seed, publish=[Forward(port, 22)])
    start(box)
    yield box
    box.kill()


def test_a_host_key_that_is_given_is_the_machines(box, key, port):
    assert host_key(port) == key
    assert shell(box, "cd /var/lib/diatom/ssh && stat -c '%n %a %U' *_*").split() == ["given_rsa", "600", "root"]
    # A secret of the configuration is in no log.
    secret = pem(key).splitlines()[3]
    assert box.shell(f"diatom logs | grep -F '{secret}'", 120)[0] != 0


def test_the_default_user_is_who_the_configuration_says(box):
    assert shell(box, "id -un core; grep -c ^default: /etc/passwd; true").split() == ["core", "0"]


def test_who_has_rules_of_sudo_is_told_where_they_count(box):
    assert "users.quiet.sudo: counts on a console of an image" in shell(box, "diatom logs -u init | grep sudo")
    assert shell(box, "stat -c '%a %U' /run/diatom/sudoers; cat /run/diatom/sudoers").splitlines() == [
        "440 root", "quiet ALL=(ALL) NOPASSWD:ALL"]  # fmt: skip


def test_an_expired_password_is_changed_at_the_log_in(box, port):
    with connect(port, FIRST) as client:
        _, _, errors = client.exec_command("echo let in", timeout=120)
        assert "log in on a terminal" in errors.read().decode()
        line = Line(client.invoke_shell())
        line.expect("has expired")
        line.expect("New password: ")
        line.send(f"{FIRST}\n")
        line.expect("again: ")
        line.send(f"{FIRST}\n")
        line.expect("It is not changed: it is the password that expired.")
        line.expect("New password: ")
        line.send(f"{SECOND}\n")
        line.expect("again: ")
        line.send(f"{SECOND}\n")
        line.expect("$ ")
        line.send("echo I am $(id -un) in $SHELL\n")
        line.expect("I am core in /bin/ash")
    with connect(port, SECOND) as client:
        assert client.exec_command("echo let in", timeout=120)[1].read() == b"let in\n"
    with pytest.raises(paramiko.AuthenticationException):
        connect(port, FIRST)
    logged = shell(box, "diatom logs | grep -c 'an expired password was changed'; diatom logs | grep -c 'second one'; true")
    assert logged.split() == ["1", "0"]


def test_a_chosen_password_is_kept_and_another_key_is_served_at_once(box, port, key):
    restart(box)
    assert host_key(port, "ssh-ed25519") is None
    other = Ed25519PrivateKey.generate()
    text = other.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    with connect(port, SECOND) as client:
        line = Line(client.invoke_shell())
        line.expect("$ ")
        write(box, "/tmp/keys", f"ssh:\n  host_keys:\n    ed25519:\n      private: |\n{indented(indented(text))}")
        shell(box, "diatom config merge /tmp/keys && diatom config apply")
        box.wait_until(lambda: host_key(port, "ssh-ed25519") is not None, 120, "the other host key")
        assert host_key(port, "ssh-ed25519").get_base64() == other_public(other)
        assert host_key(port) == key
        # A session goes on when the server has other keys.
        line.send("echo still $((40 + 2))\n")
        line.expect("still 42")
    shell(box, "diatom config unset ssh && diatom config apply")
    box.wait_until(lambda: host_key(port, "ssh-ed25519") is None, 120, "the key to be gone")
    assert box.shell("test -e /var/lib/diatom/ssh/given_ed25519", 60)[0] != 0


def test_the_consoles_log_in_asks_for_another_password_too(box):
    """As whom the machine's own file says, at the next boot, when there is who takes it."""
    made = subprocess.run(["openssl", "passwd", "-6", "-salt", "abc", FIRST], check=True, capture_output=True, text=True)
    write(box, "/tmp/users", f"users: {{term: {{password_expired: true, password_hash: '{made.stdout.strip()}'}}}}")
    said = shell(box, "diatom config merge /tmp/users && diatom config apply 2>&1")
    assert "users.term.password_expired: another password is asked for from the next boot on" in said
    restart(box)
    box.send("login term\n")
    box.expect("Password: ", 120)
    box.send(f"{FIRST}\n")
    box.expect("has expired", 120)
    for _ in range(2):
        box.expect("(New password|again): ", 60)
        box.send("short\n")
    box.expect("8 characters", 60)
    for _ in range(2):
        box.expect("(New password|again): ", 60)
        box.send("the third password\n")
    box.expect(r"\S+[$] ", 120)
    box.send("exit\n")
    box.expect(r"root@[\w-]+:~# ", 120)
    assert shell(box, "grep -c '^term:[$]6[$]' /etc/shadow; cat /run/diatom/passwords/expired").split() == ["1", "term:/bin/sh:done"]


def test_kernel_arguments_need_a_boot_loader_of_ours(box):
    shell(box, "diatom config set kernel_arguments '{add: [quiet]}' && diatom config apply")
    shell(box, "diatom config set kernel_arguments '{add: [loglevel=5]}'")
    code, said = box.shell("diatom config apply", 120)
    assert code != 0 and "was not started by systemd-boot from a disk" in said, said
    shell(box, "diatom config unset kernel_arguments")
