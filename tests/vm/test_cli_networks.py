"""The commands for networks and volumes and their flags, beyond what the other tests ask, by the docker command line."""

from __future__ import annotations

import json

import pytest

from clients import SID, lines
from playground import name

pytestmark = pytest.mark.usefixtures("loaded")


# --- networks


def test_network_create_keeps(docker, play):
    net = play.network("--driver", "bridge", "--scope", "local", "--ipam-driver", "default", "--ipam-opt", "kept=1", "--opt", "com.docker.network.driver.mtu=1300",
                       "--subnet", "10.84.0.0/16", "--ip-range", "10.84.7.0/24", "--gateway", "10.84.0.9", "--aux-address", "printer=10.84.7.1",
                       "--label", "a=b", "--attachable", "--internal", "--ipv6")  # fmt: skip
    shown = json.loads(docker("network", "inspect", "--verbose", net).stdout)[0]
    kept = {key: shown[key] for key in ("Driver", "Scope", "Internal", "Attachable", "EnableIPv6", "Labels")}
    assert kept == {"Driver": "bridge", "Scope": "local", "Internal": True, "Attachable": True, "EnableIPv6": True, "Labels": {"a": "b"}}
    pool = shown["IPAM"]["Config"][0]
    assert pool == {"Subnet": "10.84.0.0/16", "IPRange": "10.84.7.0/24", "Gateway": "10.84.0.9", "AuxiliaryAddresses": {"printer": "10.84.7.1"}}
    assert shown["IPAM"]["Options"] == {"kept": "1"}
    assert "mtu 1300" in play.sh(play.box("--network", net), "busybox ip link show eth0")


def test_network_without_ipv4(machine, play):
    net = name()
    play.networks.append(net)
    machine.docker("network", "create", "--ipv4=false", "--ipv6", net, suite=SID)
    addresses = play.sh(play.box("--network", net), "busybox ip -o addr show dev eth0")
    assert "inet6" in addresses and "inet " not in addresses


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        (["--ingress"], "not a swarm manager"),
        (["--scope", "swarm"], "not a swarm manager"),
        (["--ipam-driver", "dhcp"], 'IPAM driver "dhcp"'),
        (["--driver", "overlay"], "overlay"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_network_create_refuses(docker, flags, why):
    done = docker("network", "create", *flags, name(), check=False)
    assert done.returncode == 1 and why in done.stderr, done.stderr


def test_network_ls_chooses_and_shows(docker, play):
    net, other = play.network("--label", "a=b"), play.network()
    names = ["--format", "{{.Name}}"]
    assert lines(docker("network", "ls", "--filter", "label=a=b", *names)) == [net]
    assert lines(docker("network", "ls", "-f", f"name={other}", "-f", "driver=bridge", *names)) == [other]
    assert {"bridge", "host", "none"} == set(lines(docker("network", "ls", "-f", "type=builtin", *names)))
    whole = docker("network", "ls", "--quiet", "--no-trunc", "-f", f"name={net}").stdout.strip()
    assert whole == docker("network", "inspect", "--format", "{{.Id}}", net).stdout.strip()
    assert docker("network", "ls", "-q", "-f", f"id={whole}").stdout.strip() == whole[:12]


def test_network_connect_with_everything(machine, docker, play):
    net = play.network("--subnet", "10.83.0.0/24", "--ipv6", "--subnet", "fd83::/64")
    web, box = play.web("--network", net), play.box()
    flags = ["--alias", "joined", "--ip", "10.83.0.33", "--ip6", "fd83::33", "--link", f"{web}:db", "--driver-opt", "note=kept", "--gw-priority", "5"]
    machine.docker("network", "connect", *flags, net, box, suite=SID)
    shown = json.loads(docker("inspect", box).stdout)[0]["NetworkSettings"]["Networks"][net]
    assert (shown["IPAddress"], shown["GlobalIPv6Address"], shown["DriverOpts"], shown["GwPriority"]) == ("10.83.0.33", "fd83::33", {"note": "kept"}, 5)
    assert play.lookup(box, "db") == [play.address(web, net)]
    assert play.lookup(web, "joined") == ["10.83.0.33"]
    gateway = docker("network", "inspect", "-f", "{{(index .IPAM.Config 0).Gateway}}", net).stdout.strip()
    assert f"default via {gateway}" in play.sh(box, "busybox ip route")
    docker("network", "disconnect", "--force", net, box)
    assert "eth1" not in play.sh(box, "ls /sys/class/net")
    docker("network", "connect", "--link-local-ip", "169.254.9.9", net, box)
    assert "169.254.9.9" in play.sh(box, "busybox ip -o addr show dev eth1")
    given = docker("create", "--network", net, "--link-local-ip", "169.254.9.8", "busybox").stdout.strip()
    play.boxes.append(given)
    shown = json.loads(docker("inspect", given).stdout)[0]["NetworkSettings"]["Networks"][net]
    assert shown["IPAMConfig"]["LinkLocalIPs"] == ["169.254.9.8"]


def test_network_prune_and_rm(docker, play):
    chosen, spared = play.network("--label", "prune=me"), play.network()
    assert chosen not in docker("network", "prune", "--force", "--filter", "until=1h").stdout
    assert chosen in docker("network", "prune", "-f", "--filter", "label=prune=me").stdout
    assert lines(docker("network", "ls", "-f", f"name={spared}", "--format", "{{.Name}}")) == [spared]
    assert docker("network", "rm", "--force", spared, "nonesuch").stdout.strip() == spared


# --- volumes


@pytest.fixture
def volume(docker):
    made = []

    def make(*args: str) -> str:
        made.append(name())
        assert docker("volume", "create", *args, made[-1]).stdout.strip() == made[-1]
        return made[-1]

    yield make
    docker("volume", "rm", "--force", *made)


def test_volume_create_ls_inspect(docker, play, volume):
    one, other = volume("--label", "a=b", "--driver", "local"), volume("--opt", "type=tmpfs", "--opt", "device=tmpfs", "--opt", "o=size=1m")
    assert docker("volume", "inspect", "--format", "{{.Driver}} {{.Labels.a}}", one).stdout == "local b\n"
    assert lines(docker("volume", "ls", "--quiet", "--filter", "label=a=b")) == [one]
    assert lines(docker("volume", "ls", "-f", f"name={other}", "-f", "driver=local", "--format", "{{.Name}}")) == [other]
    play.box("-v", f"{one}:/v")
    free = lines(docker("volume", "ls", "-q", "-f", "dangling=true"))
    assert other in free and one not in free
    busy = docker("volume", "rm", one, check=False)
    assert busy.returncode == 1 and "in use" in busy.stderr
    play.close()


def test_volume_prune_takes_what_is_chosen(docker, volume):
    named, labelled = volume(), volume("--label", "prune=me")
    assert docker("volume", "rm", "-f", "nonesuch").returncode == 0
    assert labelled not in docker("volume", "prune", "--force", "--filter", "label=prune=me").stdout, "it has a name"
    assert labelled in docker("volume", "prune", "--all", "-f", "--filter", "label=prune=me").stdout
    assert lines(docker("volume", "ls", "-q", "-f", f"name={named}")) == [named]


CLUSTER = ["--availability=active", "--limit-bytes=1", "--required-bytes=1", "--scope=multi", "--secret=a=b", "--sharing=all",
           "--topology-preferred=a=b", "--topology-required=a=b", "--type=mount"]  # fmt: skip


def test_volumes_of_a_cluster(docker, volume):
    for flag in CLUSTER:
        done = docker("volume", "create", "--group=g", flag, name(), check=False)
        assert done.returncode == 1 and "swarm" in done.stderr, done.stderr
    assert docker("volume", "ls", "--cluster", "--quiet").stdout == ""
    done = docker("volume", "update", "--availability", "drain", volume(), check=False)
    assert done.returncode == 1 and "Can only update cluster volumes" in done.stderr
