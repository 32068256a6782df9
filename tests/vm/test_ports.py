"""Published ports: from everywhere and over both IP versions, beside thousands, under a host's own firewall, without an
engine."""

from __future__ import annotations

import json
import re
import subprocess

import oci
import pytest
from test_docker import fetch, wait_for
from test_faults import kill_engine

OWN_ADDRESS = "10.0.2.15"  # that QEMU gives the machine


@pytest.fixture(scope="module")
def nft(loaded, tmp_path_factory):
    """nft(8), with all the rights of the host."""
    layer = oci.busybox_layer()
    linked = subprocess.run(["ldd", "/usr/sbin/nft"], check=True, capture_output=True, text=True).stdout
    for path in ["/usr/sbin/nft", *re.findall(r"(/\S+) \(0x", linked)]:
        with open(path, "rb") as file:
            layer.add(path.lstrip("/"), file.read(), 0o755)
    folder = tmp_path_factory.mktemp("nft")
    archive = oci.save_archive(oci.write_layout(folder / "layout", [layer.bytes()]), folder / "nft.tar", "nft:latest")
    loaded.docker("load", "-i", str(archive))
    loaded.docker("run", "-d", "--name", "nft", "--privileged", "--network", "host", "nft", "sleep", "100000")
    yield lambda *words: loaded.docker("exec", "nft", "/usr/sbin/nft", *words).stdout
    loaded.docker("rm", "-f", "nft")


def gateways(docker, network: str = "bridge") -> list[str]:
    return [pool["Gateway"] for pool in json.loads(docker("network", "inspect", network).stdout)[0]["IPAM"]["Config"]]


def answers(play, box: str, server: str, port: int) -> bool:
    return "192.0.2.53" in play.sh(box, f"busybox nslookup -port={port} -type=a any.example {server} 2>&1", check=False)


def test_from_the_host_and_its_containers_over_both_versions(play, docker, answering):
    web = play.web("-p", "18100:80")
    named = play.box("-p", "18153:5353/udp", image=answering, command=("5353",))
    host, neighbour = play.box("--network", "host"), play.box()
    four, six = gateways(docker)
    assert docker("port", web).stdout.splitlines() == ["80/tcp -> 0.0.0.0:18100", "80/tcp -> [::]:18100"]
    wait_for(lambda: play.reaches(host, "127.0.0.1", 18100))
    for box in (host, neighbour):
        for address in (OWN_ADDRESS, four, f"[{six}]"):
            assert play.reaches(box, address, 18100), address
        for address in (OWN_ADDRESS, four, six):
            assert answers(play, box, address, 18153), address
    assert answers(play, host, "127.0.0.1", 18153)
    # Nothing stands between the port and the container, so what has no IPv6 has none here.
    only_four = play.web("--network", play.network(), "-p", "18101:80")
    assert docker("port", only_four).stdout.splitlines() == ["80/tcp -> 0.0.0.0:18101"]
    wait_for(lambda: play.reaches(host, OWN_ADDRESS, 18101))
    assert not play.reaches(host, f"[{six}]", 18101)
    docker("rm", "-f", web, named)
    assert not play.reaches(host, "127.0.0.1", 18100) and not answers(play, host, "127.0.0.1", 18153)


def test_on_one_address_and_in_ranges(play, docker):
    host, neighbour = play.box("--network", "host"), play.box()
    four = gateways(docker)[0]
    play.web("-p", "127.0.0.1:18200:80", "-p", "18201-18203:79-81")
    wait_for(lambda: play.reaches(host, "127.0.0.1", 18200))
    assert play.reaches(host, "127.0.0.1", 18202)
    assert not play.reaches(neighbour, four, 18200) and play.reaches(neighbour, four, 18202)
    assert not play.reaches(host, "127.0.0.1", 18201)


def test_beside_two_thousand_others(play, docker):
    crowd = play.box("-p", "20000-21999:20000-21999")
    assert len(docker("port", crowd).stdout.splitlines()) == 4000
    web = play.web("-p", "18300-18331:80-111")
    host = play.box("--network", "host")
    wait_for(lambda: play.reaches(host, "127.0.0.1", 18300))
    docker("stop", "-t", "0", web)
    docker("start", web)
    wait_for(lambda: play.reaches(host, "127.0.0.1", 18300))


def test_rules_that_somebody_flushes_come_back_by_themselves(play, nft):
    play.web("-p", "18400:80")
    host, client = play.box("--network", "host"), play.box()
    wait_for(lambda: play.reaches(host, "127.0.0.1", 18400))
    whole = nft("list", "table", "inet", "diatom")
    for change in ("flush ruleset", "delete table inet diatom", "flush chain inet diatom forward", "flush map inet diatom ports4"):
        nft(change)
        wait_for(lambda: nft("list", "table", "inet", "diatom") == whole)
        assert play.reaches(host, "127.0.0.1", 18400) and play.reaches(client, OWN_ADDRESS, 18400), change


def test_the_hosts_own_firewall_filters_published_ports(play, docker, nft, loaded, published):
    play.web("-p", f"{published.guest}:80")
    host = play.box("--network", "host")
    wait_for(lambda: fetch(published.host) is not None)
    nft("add rule inet diatom user ct original proto-dst %d iifname != lo drop" % published.guest)
    try:
        assert fetch(published.host) is None
        assert play.reaches(host, "127.0.0.1", published.guest), "this host's own connections are not forwarded"
        kill_engine(loaded, "user")
        loaded.wait_api()
        nft("flush chain inet diatom forward")
        wait_for(lambda: "jump user" in nft("list chain inet diatom forward"))
        assert fetch(published.host) is None, "an engine keeps the chain of the user"
    finally:
        nft("flush chain inet diatom user")
    wait_for(lambda: fetch(published.host) is not None)


def test_nothing_is_lost_while_the_engine_is_killed(play, docker, loaded, published):
    """What containers serve, and what they ask for, is answered throughout; afterwards everything is as it was."""
    net = play.network("--ipv6")
    web = play.web("--network", net, "--network-alias", "site", "-p", f"{published.guest}:80")
    four, six = gateways(docker, net)
    ask = f"wget -q -T 60 -O /dev/null http://{four}:{published.guest}/ && wget -q -T 60 -O /dev/null http://[{six}]:{published.guest}/"
    name = "busybox nslookup -timeout=60 -type=a site >/dev/null"
    loop = "echo begun; until test -e /tmp/end; do %s || echo failed; done; echo ended"
    wait_for(lambda: fetch(published.host) is not None)
    host = play.box("--network", "host", command=("sh", "-c", loop % ask))
    client = play.box("--network", net, command=("sh", "-c", loop % name))
    for box in (host, client):
        wait_for(lambda: "begun" in docker("logs", box).stdout)
    before = [json.loads(docker("inspect", web).stdout)[0]["NetworkSettings"], nft_free(docker, net)]
    for _ in range(2):
        kill_engine(loaded, "user")
        assert fetch(published.host) is not None
        loaded.wait_api()
    assert [json.loads(docker("inspect", web).stdout)[0]["NetworkSettings"], nft_free(docker, net)] == before
    for box in (host, client):
        docker("exec", box, "touch", "/tmp/end")
        assert docker("wait", box).stdout == "0\n"
        assert docker("logs", box).stdout == "begun\nended\n"


def nft_free(docker, net: str) -> dict:
    """What a network's inspection tells of itself and its members."""
    return json.loads(docker("network", "inspect", net).stdout)[0]
