"""Networks and names, by the docker command line."""

from __future__ import annotations

import ipaddress
import json
import re
from contextlib import contextmanager

import pytest
from playground import name
from test_docker import wait_for
from test_faults import kill_engine

pytestmark = pytest.mark.usefixtures("loaded")


@contextmanager
def nothing_left(machine):
    """What the kernel holds of networks is the same afterwards."""
    before = traces(machine)
    yield
    wait_for(lambda: traces(machine) == before)


def traces(machine) -> str:
    # Links but for their numbers; elements of the nftables table are in a namespace that this shell shares.
    return machine.shell("ls /sys/class/net | grep -v '^veth' | sort; ls /sys/class/net | grep -c '^veth'", 120)[1]


def test_create_list_inspect_remove(docker, loaded):
    with nothing_left(loaded):
        net = name()
        created = docker("network", "create", "--label", "a=b", "--attachable", net).stdout.strip()
        assert re.fullmatch("[0-9a-f]{64}", created)
        assert net in docker("network", "ls", "--filter", "label=a=b", "--format", "{{.Name}}").stdout.split()
        assert net not in docker("network", "ls", "--filter", "type=builtin", "--format", "{{.Name}}").stdout.split()
        for named in (net, created, created[:12]):
            details = json.loads(docker("network", "inspect", named).stdout)[0]
            assert (details["Name"], details["Id"], details["Driver"], details["Scope"]) == (net, created, "bridge", "local")
        assert details["Labels"] == {"a": "b"} and details["Attachable"] is True and details["EnableIPv6"] is False
        pool = details["IPAM"]["Config"][0]
        assert ipaddress.ip_address(pool["Gateway"]) in ipaddress.ip_network(pool["Subnet"])
        twice = docker("network", "create", net, check=False)
        assert twice.returncode == 1 and f"network with name {net} already exists" in twice.stderr
        assert docker("network", "rm", net).stdout.strip() == net
        assert "not found" in docker("network", "inspect", net, check=False).stderr
    for builtin in ("bridge", "host", "none"):
        assert "not permitted on predefined" in docker("network", "rm", builtin, check=False).stderr


def test_containers_find_each_other_by_name(play):
    net = play.network()
    web = play.web("--network", net, "--network-alias", "site", "--hostname", "front")
    client = play.box("--network", net)
    assert play.sh(client, "cat /etc/resolv.conf").splitlines()[0] == "nameserver 127.0.0.11"
    assert "ndots:0" in play.sh(client, "cat /etc/resolv.conf")
    address = play.address(web, net)
    short = play.docker("inspect", "-f", "{{.Id}}", web).stdout[:12]
    for asked in (web, web.upper(), "site", "front", short, f"{web}.{net}"):
        assert play.lookup(client, asked) == [address], asked
    assert play.lookup(client, web, "aaaa") == []
    assert play.lookup(client, address, "ptr") == [f"{web}.{net}"]
    assert "NXDOMAIN" in play.sh(client, "busybox nslookup -type=a nonesuch 2>&1", check=False)
    wait_for(lambda: play.reaches(client, "site"))
    details = json.loads(play.docker("inspect", web).stdout)[0]["NetworkSettings"]["Networks"][net]
    assert details["Aliases"] == ["site"] and details["DNSNames"] == [web, "site", short, "front"]
    # By TCP too.
    query = r"\000\026\000\007\001\000\000\001\000\000\000\000\000\000\004site\000\000\001\000\001"
    answer = play.sh(client, f"printf '{query}' | busybox nc -w 2 127.0.0.11 53 | wc -c")
    assert int(answer) == 2 + 22 + 16


def test_one_alias_for_several_is_rotated(play):
    net = play.network()
    boxes = [play.box("--network", net, "--network-alias", "many") for _ in range(3)]
    client = play.box("--network", net)
    answers = [play.lookup(client, "many") for _ in range(6)]
    assert {tuple(sorted(answer)) for answer in answers} == {tuple(sorted(play.address(box, net) for box in boxes))}
    assert {answer[0] for answer in answers} == set(answers[0])
    play.docker("stop", "-t", "0", boxes[0])
    assert play.address(boxes[1], net) in play.lookup(client, "many") and len(play.lookup(client, "many")) == 2


def test_default_bridge_has_no_names_and_refuses_what_docker_refuses(play, docker):
    client = play.box()
    assert "127.0.0.11" not in play.sh(client, "cat /etc/resolv.conf")
    for option in (["--network-alias", "x"], ["--ip", "172.17.0.9"]):
        refused = docker("run", "--rm", *option, "busybox", "true", check=False)
        assert refused.returncode == 125 and "user" in refused.stderr
    net = play.network()
    refused = docker("run", "--rm", "--network", net, "--ip", "10.1.2.3", "busybox", "true", check=False)
    assert "user configured subnets" in refused.stderr
    assert "not found" in docker("run", "--rm", "--network", "nonesuch", "busybox", "true", check=False).stderr


def test_addresses_subnets_ranges_and_options(play, docker):
    net = play.network("--subnet", "10.88.0.0/16", "--ip-range", "10.88.5.0/24", "--gateway", "10.88.0.254", "--aux-address", "router=10.88.5.0",
                       "--aux-address", "printer=10.88.5.1", "-o", "com.docker.network.bridge.name=brtest", "-o", "com.docker.network.driver.mtu=1400")
    box = play.box("--network", net)
    assert play.address(box, net) == "10.88.5.2"
    assert "mtu 1400" in play.sh(box, "busybox ip link show eth0")
    assert "default via 10.88.0.254" in play.sh(box, "busybox ip route")
    fixed = play.box("--network", net, "--ip", "10.88.9.9", "--mac-address", "02:00:00:00:00:99")
    assert play.address(fixed, net) == "10.88.9.9" and play.address(fixed, net, "MacAddress") == "02:00:00:00:00:99"
    assert "02:00:00:00:00:99" in play.sh(fixed, "cat /sys/class/net/eth0/address")
    taken = docker("run", "--rm", "--network", net, "--ip", "10.88.9.9", "busybox", "true", check=False)
    assert taken.returncode == 125 and "Address already in use" in taken.stderr
    config = json.loads(docker("network", "inspect", net).stdout)[0]["IPAM"]["Config"][0]
    assert config["IPRange"] == "10.88.5.0/24" and config["AuxiliaryAddresses"]["printer"] == "10.88.5.1"
    overlap = docker("network", "create", "--subnet", "10.88.128.0/24", name(), check=False)
    assert "Pool overlaps" in overlap.stderr
    for bad in (["--subnet", "10.89.0.1/16"], ["--subnet", "10.89.0.0/16", "--gateway", "10.90.0.1"], ["-d", "nonesuch"]):
        assert docker("network", "create", *bad, name(), check=False).returncode == 1


def test_ipv6(play):
    net = play.network("--ipv6", "--subnet", "fd99:1::/64", "--subnet", "10.99.0.0/24")
    web = play.web("--network", net, "--ip6", "fd99:1::42")
    client = play.box("--network", net)
    assert play.address(web, net, "GlobalIPv6Address") == "fd99:1::42"
    assert play.lookup(client, web, "aaaa") == ["fd99:1::42"]
    assert play.lookup(client, "fd99:1::42", "ptr") == [f"{web}.{net}"]
    wait_for(lambda: play.reaches(client, "[fd99:1::42]"))
    automatic = play.network("--ipv6")
    subnets = [pool["Subnet"] for pool in json.loads(play.docker("network", "inspect", automatic).stdout)[0]["IPAM"]["Config"]]
    assert any(subnet.startswith("fd") and subnet.endswith("/64") for subnet in subnets)


def test_several_subnets(play, loaded):
    """On a bridge too, where Docker has one of each version. Not by the docker command line: it keeps them in a map of
    Go's, and sends them in any order."""
    subnets = [{"Subnet": "10.71.0.0/29"}, {"Subnet": "10.72.0.0/24", "Gateway": "10.72.0.254"}]
    for driver in ("bridge", "macvlan"):
        net = name()
        status, body = loaded.api.request("POST", "/networks/create", {"Name": net, "Driver": driver, "IPAM": {"Config": subnets}})
        assert status == 201, body
        play.networks.append(net)
        web = play.web("--network", net, "--ip", "10.72.0.9")
        clients = [play.box("--network", net) for _ in range(6)]
        addresses = [play.address(client, net) for client in clients]
        assert [address.rsplit(".", 2)[0] for address in addresses] == ["10.71"] * 5 + ["10.72"], addresses
        wait_for(lambda: play.reaches(clients[-1], web))
        if driver == "bridge":
            assert "default via 10.72.0.254" in play.sh(web, "busybox ip route")
            assert play.reaches(clients[0], web), "from one subnet to the other by the bridge"
        play.close()


def test_networks_are_isolated_from_each_other(play):
    one, other = play.network(), play.network()
    web, client = play.web("--network", one), play.box("--network", other)
    assert not play.reaches(client, play.address(web, one))
    assert play.lookup(client, web) == []
    neighbour = play.box("--network", one)
    wait_for(lambda: play.reaches(neighbour, web))


def test_inter_container_traffic_off(play):
    net = play.network("-o", "com.docker.network.bridge.enable_icc=false")
    web, client = play.web("--network", net), play.box("--network", net)
    assert not play.reaches(client, play.address(web, net))


def test_internal_has_no_way_out_but_names(play, registry):
    inside, outside = play.network("--internal"), play.network()
    web, client = play.web("--network", inside), play.box("--network", inside)
    assert "default" not in play.sh(client, "busybox ip route")
    wait_for(lambda: play.reaches(client, web))
    out = f"wget -q -T 3 -O - http://10.0.2.2:{registry.port}/v2/"
    assert play.sh(client, out, check=False) == ""
    assert "SERVFAIL" in play.sh(client, "busybox nslookup -type=a example.org 2>&1", check=False)
    free = play.box("--network", outside)
    assert play.sh(free, out).strip() == "{}"


def test_connect_and_disconnect_while_running(play, docker, loaded):
    with nothing_left(loaded):
        first, second = play.network(), play.network()
        web = play.web("--network", first)
        client = play.box("--network", second)
        assert play.lookup(client, web) == []
        docker("network", "connect", "--alias", "joined", second, web)
        assert play.sh(web, "ls /sys/class/net").split() == ["bonding_masters", "eth0", "eth1", "lo"]
        assert play.lookup(client, "joined") == [play.address(web, second)]
        wait_for(lambda: play.reaches(client, "joined"))
        assert play.address(web, second) in play.sh(web, "cat /etc/hosts")
        twice = docker("network", "connect", second, web, check=False)
        assert "already exists in network" in twice.stderr
        busy = docker("network", "rm", second, check=False)
        assert busy.returncode == 1 and "has active endpoints" in busy.stderr
        members = json.loads(docker("network", "inspect", second).stdout)[0]["Containers"]
        assert sorted(member["Name"] for member in members.values()) == sorted([web, client])
        docker("network", "disconnect", second, web)
        assert play.sh(web, "ls /sys/class/net").split() == ["bonding_masters", "eth0", "lo"]
        assert play.lookup(client, "joined") == []
        assert "is not connected" in docker("network", "disconnect", second, web, check=False).stderr
        play.close()


def test_a_stopped_container_is_connected_at_its_next_start(play, docker):
    first, second = play.network(), play.network()
    box = name()
    play.boxes.append(box)
    docker("create", "--name", box, "--network", first, "busybox", "sleep", "100000")
    docker("network", "connect", second, box)
    docker("start", box)
    assert play.address(box, first) and play.address(box, second)
    docker("stop", "-t", "0", box)
    docker("network", "disconnect", second, box)
    docker("start", box)
    assert list(json.loads(docker("inspect", box).stdout)[0]["NetworkSettings"]["Networks"]) == [first]


def test_several_networks_at_run_and_the_default_route(play, docker):
    a, b = sorted([play.network(), play.network()])
    box = play.box("--network", b, "--network", a)
    gateway = json.loads(docker("network", "inspect", a).stdout)[0]["IPAM"]["Config"][0]["Gateway"]
    assert f"default via {gateway}" in play.sh(box, "busybox ip route")
    docker("network", "disconnect", a, box)
    gateway = json.loads(docker("network", "inspect", b).stdout)[0]["IPAM"]["Config"][0]["Gateway"]
    assert f"default via {gateway}" in play.sh(box, "busybox ip route")


def test_published_ports_follow_the_networks(play, docker, loaded, published):
    inside = play.network("--internal")
    outside = play.network()
    web = play.web("--network", inside, "-p", f"{published.guest + 1}:80")
    assert docker("port", web).stdout == ""
    fetch = f"wget -q -T 3 -O - http://127.0.0.1:{published.guest + 1}/"
    docker("network", "connect", outside, web)
    assert f"0.0.0.0:{published.guest + 1}" in docker("port", web).stdout
    wait_for(lambda: "hello" in loaded.shell(fetch, 120)[1])
    docker("network", "disconnect", outside, web)
    assert docker("port", web).stdout == ""
    assert "hello" not in loaded.shell(fetch, 120)[1]


@pytest.mark.parametrize("driver, options", [("macvlan", []), ("macvlan", ["-o", "macvlan_mode=private"]), ("ipvlan", []), ("ipvlan", ["-o", "ipvlan_mode=l3"])])
def test_interfaces_on_a_card(play, docker, driver, options, loaded):
    card = loaded.shell("ls /sys/class/net | grep -E '^(eth|en)' | head -1", 120)[1].strip()
    with nothing_left(loaded):
        net = play.network("-d", driver, "--subnet", "10.77.0.0/24", "-o", f"parent={card}", *options)
        web, client = play.web("--network", net), play.box("--network", net, "--ip", "10.77.0.77")
        assert play.address(client, net) == "10.77.0.77"
        assert play.lookup(client, web) == [play.address(web, net)]
        if "macvlan_mode=private" in options:
            assert not play.reaches(client, web)
        else:
            wait_for(lambda: play.reaches(client, web))
        docker("network", "disconnect", net, client)
        assert "eth0" not in play.sh(client, "ls /sys/class/net").split()
        play.close()


def test_macvlan_without_a_card_and_on_a_vlan(play, docker, loaded):
    card = loaded.shell("ls /sys/class/net | grep -E '^(eth|en)' | head -1", 120)[1].strip()
    with nothing_left(loaded):
        alone = play.network("-d", "macvlan")
        web, client = play.web("--network", alone), play.box("--network", alone)
        wait_for(lambda: play.reaches(client, web))
        play.network("-d", "macvlan", "--subnet", "10.78.0.0/24", "-o", f"parent={card}.12")
        assert f"{card}.12" in loaded.shell("ls -1 --color=never /sys/class/net", 120)[1].split()
        missing = docker("network", "create", "-d", "macvlan", "-o", "parent=nonesuch", name(), check=False)
        assert missing.returncode == 1 and "nonesuch" in missing.stderr
        play.close()


def test_modes(play, docker):
    net = play.network()
    web = play.web("--network", net)
    shared = docker("run", "--rm", "--network", f"container:{web}", "busybox", "wget", "-q", "-O", "-", "http://127.0.0.1/").stdout
    assert "hello" in shared
    refused = docker("run", "--rm", "--network", f"container:{web}", "-p", "9999:80", "busybox", "true", check=False)
    assert "conflicting options" in refused.stderr
    nowhere = play.box("--network", "none")
    assert "private (none) mode" in docker("network", "connect", net, nowhere, check=False).stderr
    host = play.box("--network", "host")
    assert "cannot be connected to any other network" in docker("network", "connect", net, host, check=False).stderr


def test_links(play):
    net = play.network()
    web = play.web("--network", net)
    client = play.box("--network", net, "--link", f"{web}:db")
    other = play.box("--network", net)
    assert play.lookup(client, "db") == [play.address(web, net)]
    assert play.lookup(other, "db") == []


def test_prune_takes_what_nobody_uses(play, docker):
    used, unused, labelled = play.network(), play.network(), play.network("--label", "keep")
    play.box("--network", used)
    pruned = docker("network", "prune", "-f", "--filter", "label!=keep").stdout
    assert unused in pruned and used not in pruned and labelled not in pruned
    assert labelled in docker("network", "prune", "-f").stdout
    assert used in docker("network", "ls", "--format", "{{.Name}}").stdout.split()


def test_events(play, docker):
    net = play.network()
    box = play.box("--network", net)
    docker("rm", "-f", box)
    docker("network", "rm", net)
    now = docker("info", "--format", "{{.SystemTime}}").stdout.strip()
    lines = docker("events", "--since", "10m", "--until", now, "--filter", "type=network", "--format", "{{.Action}} {{.Actor.Attributes.name}}").stdout.splitlines()
    assert [line.split()[0] for line in lines if line.endswith(net)] == ["create", "connect", "disconnect", "destroy"]


def test_port_53_stays_free_for_the_container(play):
    net = play.network()
    box = play.box("--network", net)
    assert play.sh(box, "(busybox nc -l -p 53 </dev/null >/dev/null & p=$!; sleep 1; kill $p && echo free)").strip() == "free"


def test_networks_outlive_their_engine(play, docker, loaded):
    net, second = play.network("--subnet", "10.66.0.0/24"), play.network()
    play.web("--network", net, "--network-alias", "site", "--ip", "10.66.0.66")
    client = play.box("--network", net)
    docker("network", "connect", second, client)
    kill_engine(loaded, "user")
    wait_for(lambda: docker("version", check=False).returncode == 0)
    assert play.lookup(client, "site") == ["10.66.0.66"]
    wait_for(lambda: play.reaches(client, "site"))
    assert play.address(client, second)
    late = play.box("--network", net)
    assert play.address(late, net) not in ("10.66.0.66", play.address(client, net))
    assert play.lookup(late, client) == [play.address(client, net)]
    taken = docker("run", "--rm", "--network", net, "--ip", "10.66.0.66", "busybox", "true", check=False)
    assert "Address already in use" in taken.stderr
    docker("network", "disconnect", second, client)
    docker("network", "rm", second)
    play.networks.remove(second)
