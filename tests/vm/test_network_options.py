"""What Docker's bridge driver takes as options, and networks made from configurations, by the docker command line."""

from __future__ import annotations

import json
from functools import partial

import pytest
from clients import SID
from conftest import assert_invariants
from playground import name
from test_docker import wait_for
from test_faults import kill_engine

pytestmark = pytest.mark.usefixtures("loaded")

MODE = "com.docker.network.bridge.gateway_mode_ipv"


def inspected(docker, net: str) -> dict:
    return json.loads(docker("network", "inspect", net).stdout)[0]


def test_routed_networks_publish_at_the_containers_addresses(play, docker, loaded):
    net = play.network("--ipv6", "-o", f"{MODE}6=routed", "-o", f"{MODE}4=nat")
    web = play.web("--network", net, "-p", "8093:80")
    ports = json.loads(docker("inspect", web).stdout)[0]["NetworkSettings"]["Ports"]["80/tcp"]
    assert ports == [{"HostIp": "0.0.0.0", "HostPort": "8093"}, {"HostIp": "::", "HostPort": ""}]
    client = play.box("--network", play.network("--ipv6"))
    six = play.address(web, net, "GlobalIPv6Address")
    wait_for(lambda: play.reaches(client, f"[{six}]"))
    assert not play.reaches(client, play.address(web, net)), "IPv4 is translated, and networks are apart"
    kill_engine(loaded, "user")
    loaded.wait_api()
    assert play.reaches(client, f"[{six}]")
    all_routed = play.network("-o", f"{MODE}4=routed")
    box = play.web("--network", all_routed, "-p", "8094:80")
    assert json.loads(docker("inspect", box).stdout)[0]["NetworkSettings"]["Ports"]["80/tcp"] == [{"HostIp": "0.0.0.0", "HostPort": ""}]
    wait_for(lambda: play.reaches(client, play.address(box, all_routed)))
    kill_engine(loaded, "user")
    loaded.wait_api()
    assert json.loads(docker("inspect", box).stdout)[0]["NetworkSettings"]["Ports"]["80/tcp"] == [{"HostIp": "0.0.0.0", "HostPort": ""}]
    assert play.reaches(client, play.address(box, all_routed))
    held = docker("run", "--rm", "--network", all_routed, "-p", "127.0.0.1:8095:80", "busybox", "true", check=False)
    assert held.returncode == 125 and "routed" in held.stderr
    assert_invariants(loaded)


def test_isolated_and_unknown_modes(play, docker):
    net = play.network("--internal", "-o", f"{MODE}4=isolated")
    assert "Gateway" not in inspected(docker, net)["IPAM"]["Config"][0]
    web, client = play.web("--network", net), play.box("--network", net)
    wait_for(lambda: play.reaches(client, web))
    for options, why in ((["-o", f"{MODE}4=isolated"], "internal"), (["-o", f"{MODE}4=sideways"], "sideways")):
        refused = docker("network", "create", *options, name(), check=False)
        assert refused.returncode == 1 and why in refused.stderr


def test_configurations(play, docker, loaded):
    settings = play.network("--config-only", "--subnet", "10.78.0.0/24", "-o", "com.docker.network.driver.mtu=1400", "--label", "a=b")
    details = inspected(docker, settings)
    assert details["ConfigOnly"] is True and details["Driver"] == "null"
    refused = docker("run", "--rm", "--network", settings, "busybox", "true", check=False)
    assert refused.returncode == 125 and "configuration network" in refused.stderr
    net = play.network("--config-from", settings)
    details = inspected(docker, net)
    assert details["ConfigFrom"] == {"Network": settings} and details["Labels"] == {"a": "b"}
    box = play.box("--network", net)
    assert play.address(box, net) == "10.78.0.2" and "mtu 1400" in play.sh(box, "busybox ip link show eth0")
    used = docker("network", "rm", settings, check=False)
    assert used.returncode == 1 and "in use" in used.stderr
    twice = docker("network", "create", "--config-from", settings, "--label", "x=y", name(), check=False)
    assert "user specified configurations are not supported" in twice.stderr
    assert settings not in docker("network", "prune", "-f").stdout
    kill_engine(loaded, "user")
    loaded.wait_api()
    assert inspected(docker, settings)["ConfigOnly"] is True
    assert_invariants(loaded)


def test_endpoint_options(loaded, play, docker):
    play.docker = partial(loaded.docker, suite=SID)  # Debian 13's command line writes options small
    net, second = play.network(), play.network()
    sysctls = "com.docker.network.endpoint.sysctls=net.ipv4.conf.IFNAME.log_martians=1"
    options = f'"driver-opt={sysctls}"'
    box = play.box("--network", f"name={net},driver-opt=com.docker.network.endpoint.ifname=lan0,{options}", "--network", second)
    assert play.sh(box, "ls /sys/class/net").split() == ["bonding_masters", "eth0", "lan0", "lo"]
    assert play.sh(box, "cat /proc/sys/net/ipv4/conf/lan0/log_martians /proc/sys/net/ipv4/conf/eth0/log_martians") == "1\n0\n"
    for option in ("ifname=much-too-long-a-name", "colour=red", "sysctls=net.ipv4.ip_forward=1"):
        given = f"name={net},driver-opt=com.docker.network.endpoint.{option}"
        refused = docker("run", "--rm", "--network", given, "busybox", "true", check=False)
        assert refused.returncode == 125 and "com.docker.network.endpoint" in refused.stderr


def test_link_local_addresses(play, docker):
    net = play.network("--subnet", "10.79.0.0/24")
    one = play.box("--network", net, "--link-local-ip", "169.254.7.1")
    other = play.box("--network", net, "--link-local-ip", "169.254.7.2")
    assert "169.254.7.1/16" in play.sh(one, "busybox ip addr show eth0")
    play.sh(other, "busybox ping -c 1 -W 3 169.254.7.1")
    given = json.loads(docker("inspect", one).stdout)[0]["NetworkSettings"]["Networks"][net]["IPAMConfig"]
    assert given["LinkLocalIPs"] == ["169.254.7.1"]
