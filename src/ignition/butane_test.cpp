#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ignition/ignition.h"

namespace diatom::ignition {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string translated(const std::string& text) {
    const auto config = read_butane(text, "a.bu");
    EXPECT_THAT(config.report.problems, IsEmpty());
    EXPECT_THAT(config.report.warnings, IsEmpty());
    auto document = config.document;
    document.sort();
    return to_json(document, JsonStyle::compact);
}

std::vector<std::string> problems(const std::string& text) { return read_butane(text, "a.bu").report.problems; }

TEST(Butane, TranslatesItsExamples) {
    EXPECT_EQ(translated(R"(
variant: fcos
version: 1.5.0
passwd:
  users:
    - name: core
      ssh_authorized_keys:
        - ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA me
storage:
  files:
    - path: /etc/motd
      mode: 0644
      contents:
        inline: |
          hi there
      append:
        - source: https://example.com/x
          http_headers: [{name: A, value: b}]
)"),
              R"({"ignition":{"version":"3.4.0"},"passwd":{"users":[{"name":"core","sshAuthorizedKeys":)"
              R"(["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA me"]}]},"storage":{"files":[{"path":"/etc/motd","mode":420,)"
              R"("contents":{"source":"data:,hi%20there%0A"},"append":[{"source":"https://example.com/x",)"
              R"("httpHeaders":[{"name":"A","value":"b"}]}]}]}})");
}

TEST(Butane, KnowsEveryNameOfTheTable) {
    EXPECT_EQ(translated(R"(
variant: flatcar
version: 1.1.0
storage:
  disks: [{device: /dev/vdb, wipe_table: true, partitions: [{number: 1, size_mib: 8, start_mib: 1, type_guid: "", should_exist: true}]}]
kernel_arguments: {should_exist: [quiet], should_not_exist: [debug]}
ignition: {timeouts: {http_total: 5}, proxy: {no_proxy: [a]}}
)"),
              R"({"ignition":{"timeouts":{"httpTotal":5},"proxy":{"noProxy":["a"]},"version":"3.4.0"},)"
              R"("kernelArguments":{"shouldExist":["quiet"],"shouldNotExist":["debug"]},"storage":{"disks":[{"device":)"
              R"("/dev/vdb","wipeTable":true,"partitions":[{"number":1,"sizeMiB":8,"startMiB":1,"typeGuid":"",)"
              R"("shouldExist":true}]}]}})");
}

TEST(Butane, MakesMountUnits) {
    const auto result = translate(R"(
variant: fcos
version: 1.4.0
storage:
  filesystems:
    - {device: /dev/vdb1, format: ext4, path: /var/lib/my-data, with_mount_unit: true, mount_options: [noatime, ro]}
    - {device: /dev/vdb2, format: swap, with_mount_unit: true}
)",
                                  "a.bu", {});
    EXPECT_THAT(result.report.problems, IsEmpty());
    EXPECT_EQ(result.config.at("systemd").at("units").items().at(0).text_of("name"), "var-lib-my\\x2ddata.mount");
    EXPECT_EQ(to_json(result.machine.at("mounts"), JsonStyle::compact),
              R"([{"source":"/dev/vdb1","target":"/var/lib/my-data","type":"ext4","options":["noatime","ro"]}])");
    EXPECT_EQ(to_json(result.machine.at("swap"), JsonStyle::compact), R"({"device":"/dev/vdb2"})");
}

TEST(Butane, RefusesWhatOnlyItsOwnProgramCanDo) {
    EXPECT_THAT(
        problems(R"(
variant: fcos
version: 1.6.0
boot_device: {mirror: {devices: [/dev/a, /dev/b]}}
grub: {users: [{name: root}]}
storage:
  trees: [{local: tree}]
  files: [{path: /a, contents: {local: a}}, {path: /b, contents: {inline: x, source: "data:,y"}}]
systemd: {units: [{name: a.service, contents_local: a.service}]}
passwd: {users: [{name: core, ssh_authorized_keys_local: [id.pub]}]}
)"),
        ::testing::UnorderedElementsAre(HasSubstr("a.bu:4: bootDevice: the disk"), HasSubstr("grub: there is no GRUB"),
                                        HasSubstr("storage.trees: a directory"), HasSubstr("contents.local: a file"),
                                        HasSubstr("contents.inline: stands beside source"), HasSubstr("contentsLocal"),
                                        HasSubstr("sshAuthorizedKeysLocal")));
}

TEST(Butane, IsOfAVariantAndAVersion) {
    EXPECT_THAT(problems("variant: openshift\nversion: 4.14.0\n"), ElementsAre(HasSubstr("must be fcos or flatcar")));
    EXPECT_THAT(problems("variant: fcos\nversion: 1.7.0\n"), ElementsAre(HasSubstr("from 1.0.0 to 1.6.0")));
    EXPECT_THAT(problems("variant: flatcar\nversion: 1.2.0-experimental\n"),
                ElementsAre(HasSubstr("from 1.0.0 to 1.1.0")));
    EXPECT_THAT(problems("a: [\n"), ElementsAre(HasSubstr("not valid YAML")));
    EXPECT_THAT(problems("a: 1\n---\nb: 2\n"), ElementsAre(HasSubstr("must be one document")));
}

TEST(Butane, WarnsOfUnknownKeysAndDecimalModes) {
    const auto config = read_butane(
        "variant: fcos\nversion: 1.0.0\nstorage:\n  files:\n    - {path: /a, mode: 755, content: {inline: x}}\n"
        "kernel_arguments: {should_exist: [a]}\n",
        "a.bu");
    EXPECT_THAT(config.report.problems, IsEmpty());
    EXPECT_THAT(
        config.report.warnings,
        ElementsAre(
            HasSubstr("a.bu:5: storage.files[0].content: unknown key, which is ignored: did you mean \"contents\"?"),
            HasSubstr("kernel_arguments: is of Ignition 3.3.0"), HasSubstr("is a decimal number"),
            HasSubstr("setuid")));
}

}  // namespace
}  // namespace diatom::ignition
