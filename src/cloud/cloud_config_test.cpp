// The shapes of cloud-init's documentation, to the machine's configuration.
#include "cloud/cloud_config.h"

#include "cloud/draft.h"
#include "cloud/testing/translated.h"

namespace diatom::cloud {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::json;
using testing::options;
using testing::read;
using testing::texts;
using testing::translated;
using testing::warned;

TEST(CloudConfig, NamesUnknownKeys) {
    EXPECT_THAT(warned("#cloud-config\nhostnam: x\nruncmds: []\nqwertyuiop: 1\n"),
                ElementsAre("user-data:2: hostnam: unknown key: did you mean \"hostname\"?",
                            "user-data:3: runcmds: unknown key: did you mean \"runcmd\"?",
                            "user-data:4: qwertyuiop: unknown key"));
    EXPECT_THAT(warned("users: [{name: a, shel: /bin/sh}]\nwrite_files: [{path: /a, perms: '0644'}]"),
                ElementsAre(HasSubstr("users[0].shel: unknown key: did you mean \"shell\"?"),
                            HasSubstr("write_files[0].perms: unknown key")));
}

TEST(CloudConfig, AnswersEveryKeyThatIsNotTaken) {
    EXPECT_THAT(
        warned("packages: [nginx]\nlocale: de_DE.UTF-8"),
        ElementsAre(HasSubstr("packages: packages are not installed into this system: run what you need from an image"),
                    HasSubstr("locale: there are no locales")));
    for (const auto& known : cloud_config_keys()) {
        if (known.answer.empty()) continue;
        const auto translation = translate_cloud_config(read(std::string(known.name) + ": x"), {});
        ASSERT_EQ(translation.warnings.size(), 1U) << known.name;
        EXPECT_EQ(translation.warnings[0].kind, Warning::Kind::no_meaning);
        EXPECT_EQ(translation.warnings[0].key, known.name);
    }
}

TEST(CloudConfig, TellsNoMoreThanOneCanRead) {
    std::string text;
    for (int i = 0; i < 2000; ++i) text += std::format("key{}: x\n", i);
    const auto warnings = warned(text);
    ASSERT_EQ(warnings.size(), kMaxWarnings);
    EXPECT_THAT(warnings.back(), HasSubstr("at more places than are told"));
}

TEST(CloudConfig, KeepsPlacesOfTheUsersFile) {
    const auto document = translated("#cloud-config\nhostname: web\n\nusers:\n  - name: a\n    uid: 1001\n");
    EXPECT_EQ(document.at("hostname").mark().line, 2U);
    EXPECT_EQ(*document.at("hostname").mark().file, "user-data");
    EXPECT_EQ(document.at("users").at("a").at("uid").mark().line, 6U);
}

TEST(CloudConfig, KeepsWhatIsRightBesideWhatIsWrong) {
    const auto translation = translate_cloud_config(
        read("hostname: -bad-\ntimezone: [x]\nusers: [{name: Bad}, {name: good, uid: x}]\nruncmd: [ok, {a: 1}]\n"),
        options());
    EXPECT_THAT(
        texts(translation.warnings),
        ::testing::UnorderedElementsAre(HasSubstr("user-data:2: timezone: must be text, not a list"),
                                        HasSubstr("user-data:3: users[1].uid: must be a whole number, not text"),
                                        HasSubstr("user-data:4: runcmd[1]: must be a command line"),
                                        HasSubstr("user-data:1: hostname: \"-bad-\""),
                                        HasSubstr("user-data:3: users.Bad: \"Bad\" is not a user name")));
    for (const auto& warning : translation.warnings) {
        EXPECT_EQ(warning.file, "user-data");
        EXPECT_GT(warning.line, 0U);
    }
    EXPECT_THAT(json(translation.document), HasSubstr(R"("users":{"good":{}},"commands":{"run":["ok"]})"));
}

// What cloud-init's schema refuses, and once was left out here in silence or taken for something else.
TEST(CloudConfig, SaysWhatItCannotTake) {
    EXPECT_THAT(warned("users: true"), ElementsAre(HasSubstr("users: must be names")));
    EXPECT_THAT(warned("users: [{gecos: nobody}]"), ElementsAre(HasSubstr("a name is missing")));
    EXPECT_THAT(warned("users: [{name: a, sudo: 1}]"), ElementsAre(HasSubstr("sudo: must be a rule")));
    EXPECT_THAT(warned("password: 0755"), ElementsAre(HasSubstr("password: must be text, not a whole number")));
    EXPECT_THAT(warned("chpasswd: {list: [{root: x}]}"), ElementsAre(HasSubstr("list[0]: must be USER:PASSWORD")));
    EXPECT_THAT(warned("runcmd: [5]"), ElementsAre(HasSubstr("runcmd[0]: must be a command line")));
    EXPECT_THAT(warned("growpart: {mode: always}"), ElementsAre(HasSubstr("mode: must be auto or off")));
    EXPECT_THAT(warned("resize_rootfs: later"), ElementsAre(HasSubstr("must be true, false or noblock")));
    EXPECT_THAT(warned("device_aliases: {a: [b]}"), ElementsAre(HasSubstr("device_aliases.a: must be a device")));
    EXPECT_THAT(warned("mounts: [[/dev/vdb, /mnt, ext4, ro, '0', '0', more]]"), ElementsAre(HasSubstr("six fields")));
    EXPECT_THAT(warned("swap: {size: 1G, maxsize: much}"), ElementsAre(HasSubstr("maxsize: must be a size")));
    EXPECT_THAT(warned("write_files: [{path: /a, source: {}}]"), ElementsAre(HasSubstr("a uri is missing")));
    EXPECT_THAT(warned("vendor_data: {enable: false}"), ElementsAre(HasSubstr("did you mean \"enabled\"?")));
    EXPECT_THAT(warned("ntp: {servers: [not a name]}"), ElementsAre(HasSubstr("time.servers[0]")));
    EXPECT_THAT(warned("launch-index: second"), ElementsAre(HasSubstr("must be a whole number")));
}

TEST(CloudConfig, Names) {
    EXPECT_EQ(json(translated("hostname: web")), R"({"hostname":"web"})");
    EXPECT_EQ(json(translated("hostname: web.example.com")), R"({"fqdn":"web.example.com","hostname":"web"})");
    EXPECT_EQ(json(translated("hostname: a\nfqdn: web.example.com\nmanage_etc_hosts: localhost")),
              R"({"fqdn":"web.example.com","hostname":"a"})");
    EXPECT_EQ(json(translated("fqdn: web.example.com\nprefer_fqdn_over_hostname: true")),
              R"({"fqdn":"web.example.com","hostname":"web.example.com"})");
    const auto kept = translate_cloud_config(read("preserve_hostname: true\nhostname: x"), {});
    EXPECT_TRUE(kept.keeps_hostname);
    EXPECT_FALSE(kept.document.has("hostname"));
    EXPECT_THAT(warned("manage_etc_hosts: maybe"), ElementsAre(HasSubstr("must be true, false or localhost")));
}

// "Write Files", all examples.
TEST(CloudConfig, WriteFiles) {
    EXPECT_EQ(json(translated(R"(
write_files:
- {encoding: b64, content: aGVsbG8K, owner: "root:wheel", path: /etc/a, permissions: '0600'}
- {content: "15 * * * * root ship\n", path: /etc/crontab, append: true}
- {encoding: gzip, content: !!binary H4sIAAAAAAACA8tIzcnJ5wIAIDA6NgYAAAA=, path: /usr/bin/hello, permissions: '0755'}
- {encoding: gz+base64, content: H4sIAAAAAAACA8tIzcnJ5wIAIDA6NgYAAAA=, path: /c}
- {path: /root/CLOUD_INIT_WAS_HERE}
- {path: /d, source: {uri: "https://example.com/d"}, defer: true, owner: "1000"}
- {path: /bin/arch, content: !!binary f0VMRgIBAQA=, permissions: 0555}
- {path: /e//f/../g, content: "1", permissions: "0o640"}
)")),
              R"({"files":{"/etc/a":{"content":"hello\n","mode":"0600","owner":"root","group":"wheel"},)"
              R"("/etc/crontab":{"append":true,"content":"15 * * * * root ship\n"},)"
              R"("/usr/bin/hello":{"content":"hello\n","mode":"0755"},"/c":{"content":"hello\n"},)"
              R"("/root/CLOUD_INIT_WAS_HERE":{"content":""},)"
              R"("/d":{"source":"https://example.com/d","owner":"1000","when":"late"},)"
              R"("/bin/arch":{"content_base64":"f0VMRgIBAQA=","mode":"0555"},"/e/g":{"content":"1","mode":"0640"}}})");
}

TEST(CloudConfig, WriteFilesThatAreWrong) {
    EXPECT_THAT(warned(R"(
write_files:
- content: x
- {path: a}
- {path: /a, encoding: rot13, content: x}
- {path: /b, encoding: base64, content: "*"}
- {path: /c, encoding: gzip, content: x}
- {path: /d, permissions: 644}
- {path: /e, permissions: "999"}
- {path: /f, source: {uri: "http://h", headers: {a: b}}, content: x}
- {path: /g, container: console}
)"),
                ElementsAre(HasSubstr("write_files[0]: a path is missing"), HasSubstr("must be absolute"),
                            HasSubstr("must be text/plain, b64"), HasSubstr("is not base64"), HasSubstr("gzip"),
                            HasSubstr("taken for \"0644\""), HasSubstr("must be an octal mode"),
                            HasSubstr("no headers are sent"), HasSubstr("a file has one source"),
                            HasSubstr("files are written into the system")));
}

TEST(CloudConfig, AppendsWithinADocument) {
    EXPECT_EQ(json(translated("write_files:\n- {path: /a, content: one}\n- {path: /a, content: two, append: true}\n"
                              "- {path: /b, content: x, append: true}\n- {path: /b, content: y, append: true}\n")),
              R"({"files":{"/a":{"content":"onetwo"},"/b":{"append":true,"content":"xy"}}})");
}

TEST(CloudConfig, Commands) {
    EXPECT_EQ(
        json(translated("bootcmd:\n- echo 1\n- [cloud-init-per, once, mymkfs, mkfs, /dev/vdb]\nruncmd:\n- [ls, -l, "
                        "1]\n- null\n- []\n"
                        "final_message: up $uptime\npower_state: {delay: +5, mode: poweroff, message: Bye, condition: "
                        "[test, -f, /a]}")),
        R"({"commands":{"boot":["echo 1",["cloud-init-per","once","mymkfs","mkfs","/dev/vdb"]],"run":[["ls","-l","1"]]},)"
        R"("power":{"mode":"off","delay":"5m","message":"Bye","condition":["test","-f","/a"]},"final_message":"up $uptime"})");
    EXPECT_EQ(json(translated("power_state: {delay: now, mode: reboot, condition: false}")),
              R"({"power":{"mode":"reboot","condition":"false"}})");
    EXPECT_THAT(warned("power_state: {mode: sleep}"), ElementsAre(HasSubstr("mode must be poweroff")));
    EXPECT_THAT(warned("power_state: {mode: halt, delay: soon, timeout: 30}"),
                ElementsAre(HasSubstr("timeout"), HasSubstr("must be now, or minutes")));
}

TEST(CloudConfig, MountsAndSwap) {
    EXPECT_EQ(
        json(translated(R"(
mounts:
- [ /dev/sdc, /opt/data ]
- [ sdb1, /mnt, ext4, "defaults,noexec" ]
- [ LABEL=x, /x, auto, "x-systemd.automount" ]
- [ "nas:/vol", /nas, nfs ]
- [ /dev/vdz, none, swap, sw, '0', '0' ]
- [ /dev/gone, /gone ]
- [ /dev/gone, null ]
mount_default_fields: [null, null, auto, "defaults,nofail", '0', '2']
swap: {filename: /swapfile, size: auto, maxsize: 512M}
)")),
        R"({"mounts":[{"source":"/dev/sdc","target":"/opt/data","options":["nofail"]},)"
        R"({"source":"/dev/sdb1","target":"/mnt","type":"ext4","options":["noexec"]},)"
        R"({"source":"LABEL=x","target":"/x"},{"source":"nas:/vol","target":"/nas","type":"nfs","options":["nofail"]}],)"
        R"("swap":{"device":"/dev/vdz","size":"512m","file":"/swapfile"}})");
    EXPECT_EQ(json(translated("swap: {size: 1073741824}")), R"({"swap":{"size":"1024m","file":"/swap.img"}})");
    EXPECT_EQ(json(translated("swap: {size: 0}")), "{}");
    EXPECT_THAT(warned("mounts: [[ephemeral0, /mnt], x]\nswap: {size: big}"),
                ElementsAre(HasSubstr("mounts[0][0]: only a platform's list of devices"),
                            HasSubstr("mounts[1]: must be a list"), HasSubstr("swap.size: must be a size")));
}

TEST(CloudConfig, Disks) {
    EXPECT_EQ(
        json(translated(R"(
device_aliases: {my_alias: /dev/sdb, swap_disk: /dev/nvme0n1}
disk_setup:
  /dev/sdd: {layout: true, overwrite: true, table_type: mbr}
  my_alias: {layout: [50, 50], table_type: gpt}
  swap_disk: {layout: [[100, 82]], table_type: gpt}
  /dev/vdc: {layout: remove}
fs_setup:
- {cmd: null, device: my_alias.1, filesystem: ext4, label: fs1}
- {device: swap_disk.1, filesystem: swap, label: swap}
- {device: /dev/sdd, partition: auto, filesystem: ext4, extra_opts: -F -q}
- {device: /dev/vdx, partition: none, filesystem: vfat, overwrite: false}
growpart: {mode: auto, devices: [/, /dev/vdb1, /dev/nvme1n1p2]}
)")),
        R"({"disks":{"/dev/sdd":{"table":"mbr","wipe":true,"partitions":[{}]},)"
        R"("/dev/sdb":{"table":"gpt","partitions":[{"percent":50},{"percent":50}]},)"
        R"("/dev/nvme0n1":{"table":"gpt","partitions":[{"type":"swap"}]},)"
        R"("/dev/vdc":{"table":"mbr","wipe":true,"partitions":[]},)"
        R"("/dev/vdb":{"partitions":[{"number":1,"resize":true}]},"/dev/nvme1n1":{"partitions":[{"number":2,"resize":true}]}},)"
        R"("filesystems":[{"device":"/dev/sdb1","type":"ext4","label":"fs1"},{"device":"/dev/nvme0n1p1","type":"swap","label":"swap"},)"
        R"({"device":"/dev/sdd1","type":"ext4","options":["-F","-q"]},{"device":"/dev/vdx","type":"vfat","wipe":true}]})");
    EXPECT_THAT(
        warned("disk_setup: {ephemeral0: {layout: true}, /dev/vda: {layout: [x]}}\nfs_setup: [{filesystem: ext4}]\n"
               "growpart: {mode: off}\nresize_rootfs: false"),
        ElementsAre(HasSubstr("only a platform's list"), HasSubstr("must be a share of the disk"),
                    HasSubstr("a device is missing"), HasSubstr("resize_rootfs"), HasSubstr("growpart.mode")));
}

TEST(CloudConfig, TimeCertificatesResolvers) {
    EXPECT_EQ(
        json(translated(R"(
timezone: Europe/Berlin
ntp: {enabled: true, pools: [0.pool.example], servers: [ntp.example]}
ca-certs:
  remove-defaults: true
  trusted: ["-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----"]
manage_resolv_conf: true
resolv_conf: {nameservers: [192.0.2.1], searchdomains: [a.example], domain: example}
)")),
        R"({"time":{"zone":"Europe/Berlin","servers":["ntp.example","0.pool.example"],"enabled":true},)"
        R"("certificates":{"trusted":["-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----"],"only_these":true},)"
        R"("network":{"dns":{"servers":["192.0.2.1"],"search":["example","a.example"]}}})");
    EXPECT_THAT(warned("ntp: {ntp_client: chrony}"), ElementsAre(HasSubstr("own NTP client")));
}

}  // namespace
}  // namespace diatom::cloud
