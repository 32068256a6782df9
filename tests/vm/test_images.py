"""Images that leave the machine and come back: export, save, push, commit, import; with skopeo and a real registry."""

from __future__ import annotations

import json
import subprocess
import tarfile
import uuid

import pytest


@pytest.fixture
def box(loaded, docker):
    """Makes containers that are gone afterwards."""
    made = []

    def run(*args: str) -> str:
        made.append(f"box-{uuid.uuid4().hex[:8]}")
        docker("run", "--name", made[-1], *args)
        return made[-1]

    yield run
    for name in made:
        docker("rm", "-f", "-v", name, check=False)


def skopeo(*args: str) -> str:
    return subprocess.run(["skopeo", *args], check=True, stdout=subprocess.PIPE, text=True).stdout


def image_id(docker, name: str) -> str:
    return docker("image", "inspect", "--format", "{{.Id}}", name).stdout.strip()


def local(registry, name: str) -> str:
    """What the machine calls 10.0.2.2, as this host calls it."""
    return f"docker://127.0.0.1:{registry.port}/{name}"


def test_export_is_the_merged_root(docker, box, tmp_path):
    name = box("-v", "/vol", "busybox", "sh", "-c", "echo fresh > /root/made; rm /etc/notexec; echo hidden > /vol/inside")
    archive = tmp_path / "root.tar"
    docker("export", "-o", str(archive), name)
    with tarfile.open(archive) as tar:
        names = tar.getnames()
        assert {"bin/busybox", "bin/sh", "root/made", "etc/passwd"} <= set(names)
        assert not {"etc/notexec", "vol/inside"} & set(names)
        assert tar.extractfile("root/made").read() == b"fresh\n"
        assert tar.getmember("bin/sh").linkname == "busybox"
        assert tar.getmember("tmp").mode == 0o1777
    missing = docker("export", "-o", str(archive), "nonesuch", check=False)
    assert missing.returncode == 1 and "No such container: nonesuch" in missing.stderr


def test_save_of_one_and_of_several(docker, loaded, registry, layouts, tmp_path):
    web = registry.push(layouts["web"], "saved-web")
    docker("pull", web)
    archive = tmp_path / "images.tar"
    docker("save", "-o", str(archive), "busybox:latest", web)
    for name, layers in (("busybox:latest", 1), (f"{web}:latest", 2)):
        assert len(json.loads(skopeo("inspect", f"docker-archive:{archive}:{name}"))["Layers"]) == layers
    with tarfile.open(archive) as tar:
        index = json.load(tar.extractfile("index.json"))
        assert json.load(tar.extractfile("oci-layout")) == {"imageLayoutVersion": "1.0.0"}
        assert len(index["manifests"]) == 2
    single = tmp_path / "busybox.tar"
    docker("save", "-o", str(single), "busybox:latest")
    assert len(json.loads(skopeo("inspect", f"oci-archive:{single}:latest"))["Layers"]) == 1
    before = image_id(docker, web)
    docker("rmi", web)
    assert f"Loaded image: {web}" in docker("load", "-i", str(archive)).stdout
    assert image_id(docker, web) == before
    assert docker("run", "--rm", web, "cat", "/second/file").stdout == "of the second layer\n"
    missing = docker("save", "-o", str(tmp_path / "x.tar"), "nonesuch", check=False)
    assert missing.returncode == 1 and "No such image: nonesuch" in missing.stderr


def test_push_and_pull_by_another_name(docker, loaded, registry):
    name = f"{registry.address}/pushed/app:v1"
    docker("tag", "busybox", name)
    said = docker("push", name).stdout
    digest = next(line.split()[2] for line in said.splitlines() if "digest: sha256:" in line)
    assert json.loads(skopeo("inspect", "--tls-verify=false", local(registry, "pushed/app:v1")))["Digest"] == digest
    assert "Layer already exists" in docker("push", name).stdout
    again = f"{registry.address}/pushed/app@{digest}"
    assert digest in docker("pull", again).stdout
    assert image_id(docker, again) == image_id(docker, "busybox")
    other = f"{registry.address}/elsewhere/app:v2"
    docker("tag", "busybox", other)
    said = docker("push", other).stdout
    assert "Mounted from " in said and digest in said, "from pushed/app, or where another test has pushed the same layers"


def test_push_says_what_is_wrong(docker, loaded, registry):
    missing = docker("push", f"{registry.address}/nonesuch:v1", check=False)
    assert missing.returncode == 1 and "does not exist locally" in missing.stderr
    docker("tag", "busybox", "10.0.2.2:1/app:v1")
    nobody = docker("push", "10.0.2.2:1/app:v1", check=False)
    assert nobody.returncode == 1 and "10.0.2.2:1" in nobody.stderr
    docker("rmi", "10.0.2.2:1/app:v1")


def test_commit(docker, box):
    name = box("busybox", "sh", "-c", "echo kept > /root/kept; rm /etc/notexec; rm -r /www; mkdir /www")
    docker("commit", "-a", "me", "-m", "why", "-c", "ENV A=b", "-c", 'CMD ["cat", "/root/kept"]', name, "committed:v1")
    assert docker("run", "--rm", "committed:v1").stdout == "kept\n"
    shown = docker("run", "--rm", "committed:v1", "sh", "-c", "echo $A; ls /etc/notexec /www 2>&1; true").stdout
    assert shown.startswith("b\n") and "No such file" in shown and "index.html" not in shown
    inspected = json.loads(docker("image", "inspect", "committed:v1").stdout)[0]
    assert (inspected["Author"], inspected["Comment"]) == ("me", "why")
    newest, *older = docker("history", "--no-trunc", "--format", "{{.CreatedBy}}|{{.Comment}}", "committed:v1").stdout.splitlines()
    assert newest.startswith("sh -c echo kept") and newest.endswith("|why") and len(older) == 1
    refused = docker("commit", "-c", "RUN true", name, check=False)
    assert refused.returncode == 1 and "RUN is not one of" in refused.stderr
    docker("rmi", "committed:v1")


def test_commit_of_a_running_container_lets_it_go_on(docker, box):
    name = box("-d", "busybox", "sleep", "1000")
    docker("commit", name, "committed:running")
    assert docker("inspect", "--format", "{{.State.Status}}", name).stdout == "running\n"
    docker("rmi", "committed:running")


def test_import(docker, box, tmp_path):
    archive = tmp_path / "root.tar"
    docker("export", "-o", str(archive), box("busybox", "true"))
    said = docker("import", "-c", 'CMD ["echo", "imported"]', "-c", "ENV PATH=/bin", "-m", "by hand", str(archive), "imported:v1").stdout
    assert said.startswith("sha256:")
    assert docker("run", "--rm", "imported:v1").stdout == "imported\n"
    assert len(json.loads(docker("image", "inspect", "imported:v1").stdout)[0]["RootFS"]["Layers"]) == 1
    assert docker("history", "--format", "{{.Comment}}", "imported:v1").stdout == "by hand\n"
    again = docker("import", "-", binary=True, input=archive.read_bytes()).stdout.decode().strip()
    assert docker("history", "--format", "{{.Comment}}", again).stdout == "Imported from -\n"
    docker("rmi", again)
    docker("rmi", "imported:v1")
    broken = tmp_path / "broken.tar"
    broken.write_bytes(b"no archive" * 1000)
    assert docker("import", str(broken), check=False).returncode == 1


def test_distribution_is_asked_of_the_registry(machine, registry, layouts):
    import docker as sdk

    name = registry.push(layouts["web"], "asked")
    tls = sdk.tls.TLSConfig(
        client_cert=(f"{machine.cert_path}/cert.pem", f"{machine.cert_path}/key.pem"), ca_cert=f"{machine.cert_path}/ca.pem", verify=True
    )
    client = sdk.DockerClient(base_url=machine.docker_host.replace("tcp://", "https://"), tls=tls, timeout=120)
    data = client.images.get_registry_data(f"{name}:latest")
    assert data.id == json.loads(skopeo("inspect", "--tls-verify=false", local(registry, "asked:latest")))["Digest"]
    assert data.has_platform("linux/amd64")
