// The shapes of RancherOS's documentation.
#include "cloud/rancher.h"

#include <array>

#include "cloud/testing/translated.h"

namespace diatom::cloud {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::json;
using testing::translated;
using testing::warned;

TEST(Rancher, TheWholeOfACloudConfig) {
    EXPECT_EQ(
        json(translated(R"(#cloud-config
ssh_authorized_keys: [ssh-rsa AAAA me]
hostname: myhost
mounts: [["/dev/vdb", "/mnt/s", "ext4", ""]]
runcmd: [[touch, /home/rancher/test1], echo "test" > /home/rancher/test2]
write_files: [{path: /etc/rc.local, permissions: "0755", owner: root, content: "#!/bin/bash\n"}]
rancher:
  console: ubuntu
  environment: {ETCD: "http://192.0.2.1", FLAG: true}
  sysctl: {net.ipv4.conf.default.rp_filter: 1}
  debug: true
  services_include: {kernel-headers: true, rancher-server: false}
  disable: [acpid]
  services:
    nginxapp: {image: nginx, restart: always, net: host, log_driver: none, log_opt: {a: b}, labels: {io.rancher.os.scope: system}}
  ssh: {daemon: true, port: 34, listen_address: 172.22.100.100, keys: {ed25519: "-----BEGIN\n", ed25519-pub: "ssh-ed25519 AAAA\n"}}
  registry_auths: {"https://index.docker.io/v1/": {auth: dXNlcm5hbWU6cGFzc3dvcmQ=, username: u, password: p}}
  docker:
    tls: true
    registry_mirror: "http://10.10.10.10:5000"
    insecure_registry: [my.registry]
    environment: ["HTTP_PROXY=http://10.0.0.1:3128", "no_proxy=localhost, 127.0.0.1"]
)")),
        R"({"hostname":"myhost","ssh_authorized_keys":["ssh-rsa AAAA me"],)"
        R"("files":{"/etc/rc.local":{"content":"#!/bin/bash\n","mode":"0755","owner":"root"}},)"
        R"("commands":{"run":[["touch","/home/rancher/test1"],"echo \"test\" \u003e /home/rancher/test2"]},)"
        R"("mounts":[{"source":"/dev/vdb","target":"/mnt/s","type":"ext4"}],"console":{"image":"ubuntu"},)"
        R"("environment":{"ETCD":"http://192.0.2.1","FLAG":"true"},"sysctl":{"net.ipv4.conf.default.rp_filter":"1"},)"
        R"("services":{"define":{"nginxapp":{"image":"nginx","restart":"always","network_mode":"host",)"
        R"("logging":{"driver":"none","options":{"a":"b"}},"labels":{"io.rancher.os.scope":"system"}}},)"
        R"("enable":["kernel-headers"],"disable":["rancher-server","acpid"]},"logs":{"level":"debug"},)"
        R"("ssh":{"enabled":true,"port":34,"listen":["172.22.100.100"],"host_keys":{"ed25519":{"private":"-----BEGIN\n","public":"ssh-ed25519 AAAA"}}},)"
        R"("engine":{"auths":{"https://index.docker.io/v1/":{"username":"u","password":"p","auth":"dXNlcm5hbWU6cGFzc3dvcmQ="}},)"
        R"("tls":{"enabled":true},"mirrors":{"docker.io":"http://10.10.10.10:5000"},"insecure":["my.registry"]},)"
        R"("proxies":{"http":"http://10.0.0.1:3128","none":["localhost","127.0.0.1"]}})");
}

TEST(Rancher, ServicesAreTheUsersUnlessTheySay) {
    EXPECT_EQ(json(translated(R"(
rancher:
  services:
    a: {image: a}
    b: {image: b, labels: [x=y]}
    c: {image: c, labels: [io.rancher.os.scope=system]}
    d: {image: d, labels: {x: y}}
)")),
              R"({"services":{"define":{"a":{"image":"a","labels":{"io.rancher.os.scope":"user"}},)"
              R"("b":{"image":"b","labels":["x=y","io.rancher.os.scope=user"]},)"
              R"("c":{"image":"c","labels":["io.rancher.os.scope=system"]},)"
              R"("d":{"image":"d","labels":{"x":"y","io.rancher.os.scope":"user"}}}}})");
}

TEST(Rancher, Network) {
    EXPECT_EQ(
        json(translated(R"(
rancher:
  network:
    pre_cmds: [echo before]
    post_cmds: [[echo, after]]
    dhcp_timeout: 10
    http_proxy: http://p:1
    https_proxy: http://p:2
    no_proxy: localhost,127.0.0.1
    dns: {nameservers: [8.8.8.8, 8.8.4.4], search: [mydomain.com]}
    interfaces:
      eth0: {addresses: [172.19.8.101/24, "2001:db8::1/64"], address: 10.0.0.1/8, gateway: 172.19.8.100, gateway_ipv6: "2001:db8::2", mtu: 1460}
      eth1: {bridge: br0}
      br0: {bridge: true, dhcp: true}
      eth2: {bond: bond0}
      bond0: {address: 192.168.101.33/31, bond_opts: {mode: 1, downdelay: "200", miimon: 100}, gateway: 192.168.101.32, vlans: "108,109:san"}
      "eth*": {dhcp: true, ipv4ll: true, pre_up: [a], post_up: [b]}
      x: {match: "mac=EA:34:71:66:90:12", dhcp: false}
)")),
        R"({"network":{"dns":{"servers":["8.8.8.8","8.8.4.4"],"search":["mydomain.com"]},"dhcp_timeout":"10s",)"
        R"("pre_commands":["echo before","a"],"post_commands":[["echo","after"]],"interfaces":{)"
        R"("eth0":{"gateway4":"172.19.8.100","gateway6":"2001:db8::2","mtu":1460,"addresses":["10.0.0.1/8","172.19.8.101/24","2001:db8::1/64"]},)"
        R"("eth1":{},"br0":{"bridge":{"interfaces":["eth1"]},"dhcp4":true},"eth2":{},)"
        R"("bond0":{"bond":{"interfaces":["eth2"],"mode":"active-backup","options":{"downdelay":"200","miimon":"100"}},)"
        R"("gateway4":"192.168.101.32","addresses":["192.168.101.33/31"]},)"
        R"("bond0.108":{"vlan":{"link":"bond0","id":108}},"san":{"vlan":{"link":"bond0","id":109}},)"
        R"("eth*":{"dhcp4":true,"link_local":true,"up":["b"]},"mac=ea:34:71:66:90:12":{"dhcp4":false}}},)"
        R"("proxies":{"http":"http://p:1","https":"http://p:2","none":["localhost","127.0.0.1"]}})");
}

TEST(Rancher, AnswersWhatItDoesNotTake) {
    EXPECT_THAT(
        warned("rancher: {no_sharedroot: true, modules: [x], console: arch, cloud_ini: {}, network: {wifi_networks: "
               "{}, interfaces: {eth0: {dhcp_args: x, vlans: a}}}, docker: {graph: /x, environment: [A=b]}}"),
        ElementsAre(HasSubstr("rancher.no_sharedroot: the root file system is read-only"),
                    HasSubstr("rancher.modules: the kernel has no modules"),
                    HasSubstr("rancher.cloud_ini: unknown key: did you mean \"cloud_init\"?"),
                    HasSubstr("rancher.console: must be default"),
                    HasSubstr("rancher.docker.graph: where the engine keeps"), HasSubstr("only proxies have a meaning"),
                    HasSubstr("rancher.network.wifi_networks"), HasSubstr("dhcp_args"),
                    HasSubstr("vlans: must be numbers")));
}

TEST(Rancher, DefaultsHoldWhereNothingElseIsSaid) {
    EXPECT_EQ(json(translated("rancher: {defaults: {hostname: rancher, network: {interfaces: {eth0: {dhcp: true}}}}}")),
              R"({"hostname":"rancher","network":{"interfaces":{"eth0":{"dhcp4":true}}}})");
    EXPECT_EQ(json(translated("hostname: x\nrancher: {defaults: {hostname: rancher, network: {dns: {search: [a]}}}, "
                              "network: {dns: {search: [b]}}}")),
              R"({"hostname":"x","network":{"dns":{"search":["b"]}}})");
}

TEST(Rancher, OnTheKernelCommandLine) {
    const std::array parameters{
        Parameter{"quiet", {}},
        Parameter{"rancher.network.interfaces.eth0.address", "10.0.0.2/24"},
        Parameter{"rancher.network.interfaces.eth0.gateway", "10.0.0.1"},
        Parameter{"rancher.network.interfaces.eth0.mtu", "1400"},
        Parameter{"rancher.network.dns.nameservers", "[192.0.2.1, '2001:db8::1']"},
        Parameter{"cc.hostname", "first"},
        Parameter{"cc.hostname", "'second'"},
        Parameter{"rancher.autologin", "tty1"},
        Parameter{"rancher.password", "secret"},
        Parameter{"rancher.debug", {}},
        Parameter{"rancher.", "x"},
        Parameter{"rancher.a..b", "x"},
    };
    const auto config = rancher_config(parameters);
    const auto translation = translate_cloud_config(config, testing::options());
    EXPECT_THAT(testing::texts(translation.warnings), ::testing::IsEmpty());
    EXPECT_EQ(
        json(translation.document),
        R"({"hostname":"second","console":{"autologin":true},"logs":{"level":"debug"},"network":{"dns":{"servers":["192.0.2.1","2001:db8::1"]},)"
        R"("interfaces":{"eth0":{"gateway4":"10.0.0.1","mtu":1400,"addresses":["10.0.0.2/24"]}}},)"
        R"("users":{"root":{"password_hash":"$y$hash-of-6","locked":false}}})");
    EXPECT_THAT(
        testing::texts(
            translate_cloud_config(rancher_config(std::array{Parameter{"rancher.networ.x", "1"}}), {}).warnings),
        ElementsAre("kernel command line:1: rancher.networ: unknown key: did you mean \"network\"?"));
}

}  // namespace
}  // namespace diatom::cloud
