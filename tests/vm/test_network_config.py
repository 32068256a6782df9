"""The network as the configuration says: static, bonds, VLANs, bridges, name servers; live, at a boot, and undone."""

from __future__ import annotations

import json
import re

import pytest
from conftest import shell
from seeds import seed_disk
from vm.config import Disk

PATIENCE = 120  # seconds of what happens by itself in an emulated machine


def cards(*macs: str) -> list[str]:
    """Further network cards that lead nowhere."""
    args = []
    for number, mac in enumerate(macs, 1):
        args += ["-netdev", f"user,id=more{number},net=10.0.1{number}.0/24,restrict=on,ipv6=off", "-device", f"virtio-net-pci,netdev=more{number},mac={mac}"]
    return args


@pytest.fixture(scope="module")
def box(make_box, tmp_path_factory):
    disk = Disk(tmp_path_factory.mktemp("network") / "state.img", 1 << 30)
    box = make_box(disks=[disk], kernel_args=["diatom.state.autoformat=/dev/vda"], qemu_args=cards("52:54:00:00:00:11", "52:54:00:00:00:12"))
    box.start_console()
    # An advertisement of a router brings it online; what is asked for is DHCP's.
    wait(box, "test -e /run/diatom/online && grep -q 10.0.2.3 /run/diatom/resolv.conf")
    yield box
    box.kill()


def wait(box, condition: str) -> None:
    shell(box, f"(for i in $(seq {PATIENCE * 2}); do {condition} && exit 0; sleep 0.5; done; diatom network status; diatom logs -u network -n 40; exit 1)")


def configure(box, path: str, value) -> None:
    """JSON is YAML; a serial line takes one line at a time."""
    shell(box, f"diatom config set {path} '{json.dumps(value)}'")


def runs(box, pattern: str) -> bool:
    return shell(box, f"ps -o args | grep -c '{pattern}'; true").strip() != "0"


def status(box) -> dict:
    return json.loads(shell(box, "diatom network status --json"))


def restart(box) -> None:
    box.send("reboot\n")
    box.expect("Restarting system", 300)
    box.expect(r"root@[\w-]+:~# ", 300)


# What the user network of QEMU would give by DHCP, so that the machine stays reachable.
STATIC = {"addresses": ["10.0.2.15/24"], "gateway4": "10.0.2.2", "accept_ra": False, "dns": {"servers": ["10.0.2.3"]}}


def test_without_configuration_dhcpcd_runs_alone(box):
    assert not runs(box, "[d]iatom network serve") and runs(box, "[d]hcpcd: ")
    seen = status(box)
    assert seen["online"] and "10.0.2.15/24" in seen["links"]["eth0"]["addresses"], seen
    assert seen["dns"]["servers"][0] == "10.0.2.3", seen


def test_it_is_set_up_live(box):
    configure(box, "network.interfaces.eth0", STATIC | {"mtu": 1400, "routes": [{"to": "198.51.100.0/24", "via": "10.0.2.9", "metric": 7, "table": 100}],
                                                         "rules": [{"from": "10.0.2.0/24", "table": 100, "priority": 99}], "up": ["echo $INTERFACE >>/run/was-up"]})
    configure(box, "network.interfaces.team", {"bond": {"interfaces": ["eth1", "mac=52:54:00:00:00:12"], "mode": "active-backup", "options": {"miimon": "100"}}, "dhcp4": False})
    configure(box, "network.interfaces.lab", {"vlan": {"link": "team", "id": 7}, "dhcp4": False})
    configure(box, "network.interfaces.br0", {"bridge": {"interfaces": ["lab"], "stp": False}, "addresses": ["192.0.2.7/24", "2001:db8::7/64"],
                                              "routes": [{"to": "203.0.113.0/24", "kind": "blackhole"}]})
    configure(box, "network.dns", {"servers": ["192.0.2.53"], "search": ["corp.example"]})
    shown = shell(box, "diatom network show")
    assert "VLAN 7 of team" in shown, shown
    shell(box, "diatom config apply")
    assert re.search(r"inet 10\.0\.2\.15/24 .*scope global eth0$", shell(box, "ip addr show dev eth0"), re.MULTILINE)
    assert "dynamic" not in shell(box, "ip -4 addr show dev eth0")
    assert "mtu 1400" in shell(box, "ip link show eth0")
    assert re.search(r"^default via 10\.0\.2\.2 dev eth0", shell(box, "ip route"), re.MULTILINE)
    assert "198.51.100.0/24 via 10.0.2.9 dev eth0" in shell(box, "ip route show table 100")
    bonding = shell(box, "cat /proc/net/bonding/team")
    assert "active-backup" in bonding and "Slave Interface: eth1" in bonding and "Slave Interface: eth2" in bonding, bonding
    assert re.search(r"VID: 7\b", shell(box, "cat /proc/net/vlan/lab"))
    assert "2001:db8::7/64" in shell(box, "ip addr show dev br0")
    assert "blackhole 203.0.113.0/24" in shell(box, "ip route")
    assert shell(box, "cat /etc/resolv.conf").splitlines() == ["nameserver 192.0.2.53", "nameserver 10.0.2.3", "search corp.example"]
    wait(box, "diatom network status | grep -q '^online: true'")
    seen = status(box)
    assert "problems" not in seen, seen
    assert seen["rules"] == ["99: from 10.0.2.0/24 table 100"], seen
    assert seen["links"]["lab"]["member_of"] == "br0"
    wait(box, "grep -qx eth0 /run/was-up")
    # Only what lives by router advertisements still asks.
    assert runs(box, "[d]iatom network serve")
    assert "eth0" not in shell(box, "grep allowinterfaces /run/diatom/network/dhcpcd.conf; true")
    # The way in is as it was.
    box.wait_api(300)


def test_what_goes_is_made_again(box):
    shell(box, "ip addr del 192.0.2.7/24 dev br0")
    wait(box, "ip addr show dev br0 | grep -q 192.0.2.7/24")
    shell(box, "ip link del team")
    wait(box, "ip addr show dev br0 | grep -q 'state UP' && grep -q eth2 /proc/net/bonding/team")


PID = "$(ps -o pid,args | awk '/[d]iatom network serve/ {print $1}')"


def test_its_own_memory_is_small(box):
    anonymous = re.search(r"RssAnon:\s+(\d+) kB", shell(box, f"grep RssAnon /proc/{PID}/status"))
    assert int(anonymous[1]) < 4096, anonymous[0]


def kill_service(box) -> None:
    shell(box, f"kill -9 {PID}")


def test_a_change_that_nobody_confirms_is_undone(box):
    before = shell(box, "diatom config export")
    configure(box, "network.interfaces.br0.addresses", ["192.0.2.99/24"])
    assert "for 20 seconds" in shell(box, "diatom network apply --confirm-within 20")
    assert "192.0.2.99/24" in shell(box, "ip addr show dev br0")
    assert "goes back in" in status(box)["unconfirmed"]
    # Whoever is killed meanwhile.
    kill_service(box)
    wait(box, "ip addr show dev br0 | grep -q 192.0.2.7/24")
    assert "192.0.2.99" not in shell(box, "ip addr show dev br0")
    assert shell(box, "diatom config export") == before
    assert "unconfirmed" not in status(box)
    code, output = box.shell("diatom network confirm", 120)
    assert code == 3 and "nothing waits" in output, output


def test_a_change_that_is_confirmed_stays(box):
    configure(box, "network.interfaces.br0.addresses", ["192.0.2.98/24"])
    shell(box, "diatom network apply --confirm-within 15 && diatom network confirm && sleep 20")
    assert "192.0.2.98/24" in shell(box, "ip addr show dev br0")
    restart(box)
    wait(box, "test -e /run/diatom/online")
    assert "192.0.2.98/24" in shell(box, "ip addr show dev br0")
    assert "dynamic" not in shell(box, "ip -4 addr show dev eth0")
    box.wait_api(300)


def test_a_machine_that_ends_unconfirmed_comes_back_as_it_was(box):
    configure(box, "network.interfaces.br0.addresses", ["192.0.2.97/24"])
    shell(box, "diatom network apply --confirm-within 3600")
    restart(box)
    wait(box, "ip addr show dev br0 | grep -q 192.0.2.98/24")
    assert "192.0.2.98/24" in shell(box, "diatom config get network.interfaces.br0.addresses")
    assert "before its network was confirmed" in shell(box, "diatom logs -u init")


def test_dhcp_by_glob_beside_static_ones(box):
    shell(box, "diatom config unset network")
    configure(box, "network", {"interfaces": {"eth0": {"dhcp4": True}, "e*": {"match": {"mac": "52:54:00:00:00:11"}, "link_local": True, "optional": True}}, "dns": {"search": ["two.example"]}})
    shell(box, "diatom network apply")
    wait(box, "ip -4 addr show dev eth0 | grep -q 10.0.2.15/24")
    wait(box, "ip addr show dev eth1 | grep -q 'inet 169.254'")
    wait(box, "grep -q 10.0.2.3 /etc/resolv.conf")
    assert "search two.example" in shell(box, "cat /etc/resolv.conf")
    assert box.shell("ip link show br0", 120)[0] != 0
    assert "10.0.2.15/24" in status(box)["links"]["eth0"]["addresses"]


def test_without_it_all_is_as_before(box):
    shell(box, "diatom config unset network && diatom config apply")
    wait(box, "ps -o args | grep -q '[d]hcpcd: '")
    wait(box, "ip -4 addr show dev eth0 | grep -q 10.0.2.15/24")
    assert "two.example" not in shell(box, "cat /etc/resolv.conf")
    box.wait_api(300)


NETWORK_CONFIG = """\
version: 2
ethernets:
  eth0:
    addresses: [10.0.2.77/24]
    routes: [{to: default, via: 10.0.2.2}]
    nameservers: {addresses: [10.0.2.3], search: [seed.example]}
"""


def test_a_seed_describes_it(make_box, tmp_path):
    seed = seed_disk(tmp_path, {"meta-data": "instance-id: i-1\n", "user-data": "#cloud-config\n{}\n", "network-config": NETWORK_CONFIG})
    box = make_box(disks=[Disk(tmp_path / "state.img", 1 << 30), seed], kernel_args=["diatom.state.autoformat=/dev/vda"])
    box.start_console()
    wait(box, "test -e /run/diatom/online")
    assert "10.0.2.77/24" in shell(box, "ip -4 addr show dev eth0")
    assert "10.0.2.15" not in shell(box, "ip -4 addr show dev eth0")
    names = shell(box, "cat /etc/resolv.conf").splitlines()
    assert names[0] == "nameserver 10.0.2.3" and "search seed.example" in names, names
    assert "is not applied" not in shell(box, "diatom logs -u init")
    box.kill()
