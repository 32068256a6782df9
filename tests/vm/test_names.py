"""Names that are not of containers: other servers, search domains, and what never leaves the machine."""

from __future__ import annotations

import pytest
from test_docker import wait_for

ELSEWHERE = ["192.0.2.53"]  # what that server says of every name


@pytest.fixture
def outside(play, docker, answering):
    """A network, a name server on it, and what that was asked."""
    net = play.network()
    server = play.box("--network", net, image=answering, command=())
    wait_for(lambda: "ready" in docker("logs", server).stdout)
    return net, play.address(server, net), lambda: [line.split()[-1] for line in docker("logs", server).stdout.splitlines()]


def test_other_names_are_asked_elsewhere(play, outside):
    net, server, asked = outside
    client = play.box("--network", net, "--dns", "192.0.2.1", "--dns", server, "--dns-search", "corp.example")
    assert "search corp.example" in play.sh(client, "cat /etc/resolv.conf").splitlines()
    assert play.lookup(client, "www.example.org") == ELSEWHERE, "the first server is dead"
    assert play.lookup(client, "www.example.org") == ELSEWHERE
    # As programs ask, by the C library: a name without a dot in the search domain too.
    assert f"({ELSEWHERE[0]})" in play.sh(client, "busybox ping -c 1 -W 1 printer 2>&1", check=False)
    assert "printer.corp.example" in asked() and "printer" not in asked()


def test_local_names_do_not_leave(play, docker, outside):
    net, server, asked = outside
    web = play.web("--network", net, "--network-alias", "site")
    client = play.box("--network", net, "--dns", server)
    stopped = play.box("--network", net)
    docker("stop", "-t", "0", stopped)
    address = play.address(web, net)
    nobody = address.rsplit(".", 1)[0] + ".250"
    for name, kind in ((web, "a"), ("site", "aaaa"), ("site", "mx"), ("nonesuch", "a"), (f"{stopped}.{net}", "a"), (f"site.{net}", "a")):
        play.lookup(client, name, kind)
    assert play.lookup(client, address, "ptr") == [f"{web}.{net}"]
    assert play.lookup(client, nobody, "ptr") == []
    assert play.lookup(client, "last.example") == ELSEWHERE
    assert asked() == ["ready", "last.example"]


def test_a_dead_server_is_a_failure_and_no_silence(play, outside):
    net, _, _ = outside
    client = play.box("--network", net, "--dns", "192.0.2.1")
    assert "SERVFAIL" in play.sh(client, "busybox nslookup -type=a example.org 2>&1", check=False)
    assert play.lookup(client, client) == [play.address(client, net)]
