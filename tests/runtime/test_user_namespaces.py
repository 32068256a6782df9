"""User namespaces, and mounts whose files' owners are shown through mappings."""

from __future__ import annotations

import os

import pytest


def test_user_namespace(runtime, bundle):
    bundle.add_namespace("user")
    bundle.linux["uidMappings"] = [{"containerID": 0, "hostID": 100000, "size": 1000}]
    bundle.linux["gidMappings"] = [{"containerID": 0, "hostID": 200000, "size": 1000}]
    for path in [bundle.root, *bundle.root.rglob("*")]:
        os.chown(path, 100000, 200000, follow_symlinks=False)
    if not runtime.is_ours:  # they want a way to the root that the mapped user may go
        for parent in list(bundle.path.parents)[:4]:
            parent.chmod(parent.stat().st_mode | 0o011)
    script = "id -u; tr -s ' ' < /proc/self/uid_map; tr -s ' ' < /proc/self/gid_map; touch /tmp/mine"
    assert runtime.output(bundle, script).split() == ["0", "0", "100000", "1000", "0", "200000", "1000"]
    made = (bundle.root / "tmp/mine").stat()
    assert (made.st_uid, made.st_gid) == (100000, 200000)


def test_idmapped_mounts(runtime, bundle, tmp_path):
    if runtime.name == "runc":
        pytest.skip("Debian's runc 1.1 has no idmapped mounts")
    source = tmp_path / "source"
    source.mkdir()
    (source / "file").touch()
    os.chown(source / "file", 7, 8)
    mapping = {"uidMappings": [{"containerID": 7, "hostID": 1007, "size": 1}], "gidMappings": [{"containerID": 8, "hostID": 1008, "size": 1}]}
    bundle.mount("/mapped", "bind", str(source), "bind", **mapping)
    done = runtime.run(bundle.shell("stat -c '%u %g' /mapped/file"), check=False)
    assert done.stdout == "1007 1008\n", done.stderr
