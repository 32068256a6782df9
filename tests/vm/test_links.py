"""`docker run --link` on the default bridge, by the docker command line."""

from __future__ import annotations

import json

import pytest
from test_docker import name, wait_for

pytestmark = pytest.mark.usefixtures("loaded")


def test_a_link_gives_names_and_variables(play, docker):
    db = play.box("--expose", "80", "-e", "MODE=fast", "--hostname", "dbhost", command=("httpd", "-f", "-h", "/www"))
    web = play.box("--link", f"{db}:the-db")
    address = play.address(db, "bridge")
    assert f"{address}\tthe-db dbhost {db}\n" in play.sh(web, "cat /etc/hosts")
    wait_for(lambda: play.reaches(web, "the-db"))
    assert play.reaches(web, db)
    wanted = {
        f"THE_DB_PORT=tcp://{address}:80",
        f"THE_DB_PORT_80_TCP=tcp://{address}:80",
        f"THE_DB_PORT_80_TCP_ADDR={address}",
        "THE_DB_PORT_80_TCP_PORT=80",
        "THE_DB_PORT_80_TCP_PROTO=tcp",
        f"THE_DB_NAME=/{web}/the-db",
        "THE_DB_ENV_MODE=fast",
    }
    assert wanted <= set(play.sh(web, "env").splitlines())
    assert wanted <= set(play.sh(web, "tr '\\0' '\\n' < /proc/1/environ").splitlines())
    assert json.loads(docker("inspect", web).stdout)[0]["HostConfig"]["Links"] == [f"/{db}:/{web}/the-db"]


def test_a_link_follows_its_target(play, docker):
    db, web = play.box(), name()
    play.boxes.append(web)
    docker("run", "-d", "--name", web, "--link", f"{db}:db", "busybox", "sleep", "100000")
    docker("stop", "-t", "0", db)
    play.box()  # the address is likely to be another's now
    docker("start", db)
    wait_for(lambda: f"{play.address(db, 'bridge')}\tdb " in play.sh(web, "cat /etc/hosts"))
    assert play.sh(web, "grep -c '\tdb ' /etc/hosts") in ("1\n", "2\n")  # with IPv6 two
    renamed = name()
    docker("rename", db, renamed)
    play.boxes.append(renamed)
    wait_for(lambda: renamed in play.sh(web, "cat /etc/hosts"))
    docker("stop", "-t", "0", web, renamed)
    stopped = docker("start", web, check=False)
    assert f"Cannot link to a non running container: /{renamed} AS /{web}/db" in stopped.stderr
    docker("start", renamed)
    docker("start", web)


def test_a_link_is_removed(play, docker):
    db, web = play.box(), name()
    play.boxes.append(web)
    docker("run", "-d", "--name", web, "--link", f"{db}:db", "busybox", "sleep", "100000")
    docker("rm", "--link", f"{web}/db")
    assert "\tdb " not in play.sh(web, "cat /etc/hosts")
    assert json.loads(docker("inspect", web).stdout)[0]["HostConfig"]["Links"] is None
    again = docker("rm", "--link", f"{web}/db", check=False)
    assert again.returncode == 1 and "No such link" in again.stderr
    # Without the container there is nothing to link to, and nothing in the way of a start.
    docker("run", "-d", "--name", web + "x", "--link", db, "busybox", "sleep", "100000")
    play.boxes.append(web + "x")
    docker("rm", "-f", db)
    docker("restart", "-t", "0", web + "x")
    assert db not in play.sh(web + "x", "cat /etc/hosts")


def test_what_links_refuse(play, docker):
    own = play.network()
    elsewhere = play.box("--network", own)
    for args, why in (
        (("--link", "nonesuch:a"), "could not get container for nonesuch"),
        (("--network", "host", "--link", elsewhere), "links are only supported for user-defined networks"),  # by the client
        (("--link", f"{elsewhere}:a"), "does not belong to the default network"),
    ):
        done = docker("run", "--rm", *args, "busybox", "true", check=False)
        assert done.returncode == 125 and why in done.stderr, done.stderr
