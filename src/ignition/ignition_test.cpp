#include "ignition/ignition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace diatom::ignition {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::filesystem::path> corpus(const std::string& folder) {
    std::vector<std::filesystem::path> files;
    const auto root = std::filesystem::path(DIATOM_SOURCE_DIR) / "tests/ignition/corpus" / folder;
    for (const auto& entry : std::filesystem::directory_iterator(root)) files.push_back(entry.path());
    std::ranges::sort(files);
    return files;
}

std::string slurp(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// tests/ignition/test_verdicts.py holds Debian's ignition-validate to the same folders.
TEST(IgnitionCorpus, IsAcceptedOrRefusedAsIgnitionDoes) {
    std::size_t count = 0;
    for (const auto* folder : {"accepted", "newer"}) {
        for (const auto& file : corpus(folder)) {
            ++count;
            EXPECT_THAT(read_ignition(slurp(file), file.filename()).report.problems, IsEmpty()) << file;
        }
    }
    for (const auto* folder : {"refused", "stricter"}) {
        for (const auto& file : corpus(folder)) {
            ++count;
            const auto config = read_ignition(slurp(file), file.filename());
            EXPECT_FALSE(config.ok()) << file;
            for (const auto& problem : config.report.problems)
                EXPECT_THAT(problem, HasSubstr(file.filename().string() + ":"));
        }
    }
    EXPECT_GE(count, 40U);
}

std::string of(std::string_view rest) { return std::format(R"({{"ignition":{{"version":"3.4.0"}},{}}})", rest); }

Translation translated(std::string_view rest, const Fetch& fetch = {}) { return translate(of(rest), "a.ign", fetch); }

std::string json(const Translation& result) {
    EXPECT_THAT(result.report.problems, IsEmpty());
    return to_json(result.machine, JsonStyle::compact);
}

TEST(Ignition, TranslatesFiles) {
    EXPECT_EQ(
        json(translated(R"("storage":{
        "files":[{"path":"/etc/a","mode":384,"overwrite":true,"contents":{"source":"data:,hi"},"user":{"name":"core"},"group":{"id":7}},
                 {"path":"/etc/b","append":[{"source":"data:,1"},{"source":"data:,2"}]},
                 {"path":"/etc/c","contents":{"source":"data:;base64,AAE="}},
                 {"path":"/opt/d","contents":{"source":"https://example.com/d","verification":{"hash":"sha256-2CF24DBA5FB0A30E26E83B2AC5B9E29E1B161E5C1FA7425E73043362938B9824"}}}],
        "directories":[{"path":"/srv","mode":448}],
        "links":[{"path":"/l","target":"../x"},{"path":"/h","target":"/etc/a","hard":true}]})")),
        R"({"files":{"/srv":{"kind":"directory","overwrite":false,"mode":"0700"},)"
        R"("/etc/a":{"overwrite":true,"mode":"0600","owner":"core","group":"7","content":"hi"},)"
        R"("/etc/b":{"overwrite":false,"append":true,"content":"12"},)"
        R"("/etc/c":{"overwrite":false,"content_base64":"AAE="},)"
        R"("/opt/d":{"overwrite":false,"source":"https://example.com/d","digest":"sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"},)"
        R"("/l":{"kind":"symlink","overwrite":false,"target":"../x"},)"
        R"("/h":{"kind":"hardlink","overwrite":false,"target":"/etc/a"}}})");
}

TEST(Ignition, FetchesWhatCannotWait) {
    const Fetch fetch = [](const Request& request) -> diatom::Result<std::string> {
        return request.headers.at(0).value;
    };
    EXPECT_EQ(
        json(translated(
            R"("storage":{"files":[{"path":"/a","contents":{"source":"http://h/","httpHeaders":[{"name":"X","value":"v"}]}}]})",
            fetch)),
        R"({"files":{"/a":{"overwrite":false,"content":"v"}}})");
    EXPECT_THAT(translated(R"("storage":{"files":[{"path":"/a","append":[{"source":"s3://b/k"}]}]})").report.problems,
                ElementsAre(HasSubstr("a.ign:1: storage.files[0].append[0]: S3 needs")));
}

TEST(Ignition, TranslatesAccounts) {
    EXPECT_EQ(
        json(translated(R"("passwd":{"users":[
        {"name":"core","uid":1000,"passwordHash":"$6$x","sshAuthorizedKeys":["ssh-ed25519 AAAA a\nssh-rsa AAAA b"],"groups":["sudo"],
         "gecos":"Core","homeDir":"/home/core","shell":"/bin/sh","noUserGroup":true,"system":false},
        {"name":"gone","shouldExist":false}],"groups":[{"name":"web","gid":90,"system":true}]})")),
        R"({"users":{"core":{"uid":1000,"groups":["sudo"],"comment":"Core","home":"/home/core","shell":"/bin/sh",)"
        R"("password_hash":"$6$x","system":false,"group":"users","ssh_authorized_keys":["ssh-ed25519 AAAA a","ssh-rsa AAAA b"]},)"
        R"("gone":{"absent":true}},"groups":{"web":{"gid":90,"system":true}}})");
    EXPECT_THAT(translated(R"("passwd":{"groups":[{"name":"a","passwordHash":"$6$secret"}]})").report.problems,
                ElementsAre("a.ign:1: passwd.groups[0].passwordHash: groups have no passwords here: name its members"));
}

TEST(Ignition, TranslatesDisksAndArguments) {
    EXPECT_EQ(
        json(translated(R"("kernelArguments":{"shouldExist":["a=b"],"shouldNotExist":["quiet"]},"storage":{
        "disks":[{"device":"/dev/vdb","wipeTable":true,"partitions":[{"number":1,"label":"data","sizeMiB":512,"startMiB":1,"typeGuid":"0FC63DAF-8483-4772-8E79-3D69D8477DE4"},
                 {"number":2,"shouldExist":false,"wipePartitionEntry":true}]}],
        "filesystems":[{"device":"/dev/disk/by-partlabel/data","format":"ext4","label":"data","path":"/var/data","wipeFilesystem":true,"options":["-O","casefold"],"mountOptions":["ro"]}]})")),
        R"({"disks":{"/dev/vdb":{"table":"gpt","wipe":true,"partitions":[{"number":1,"label":"data","type":"0FC63DAF-8483-4772-8E79-3D69D8477DE4","start":"1m","size":"512m"},)"
        R"({"number":2,"wipe":true,"absent":true}]}},)"
        R"("filesystems":[{"device":"/dev/disk/by-partlabel/data","type":"ext4","label":"data","options":["-O","casefold"],"wipe":true}],)"
        R"("mounts":[{"source":"/dev/disk/by-partlabel/data","target":"/var/data","options":["ro"],"type":"ext4"}],)"
        R"("kernel_arguments":{"add":["a=b"],"remove":["quiet"]}})");
}

TEST(Ignition, RefusesWhatTheMachineDoesNotDo) {
    EXPECT_THAT(translated(R"("storage":{"raid":[{"name":"md","level":"raid1","devices":["/dev/a","/dev/b"]}],
        "luks":[{"name":"l","device":"/dev/c"}],"filesystems":[{"device":"/dev/d","format":"xfs"}]})")
                    .report.problems,
                ElementsAre(HasSubstr("xfs: ext4, vfat and swap"), HasSubstr("no mdadm"), HasSubstr("no cryptsetup")));
}

TEST(Ignition, NamesFileLineAndPath) {
    const auto config = read_ignition(
        "{\n\"ignition\":{\"version\":\"3.0.0\"},\n\"storage\":{\"files\":[\n{\"path\":\"a\",\"mode\":\"420\"},\n"
        "{\"pth\":\"/b\"}]},\n\"kernelArguments\":{}}",
        "x.ign");
    EXPECT_THAT(config.report.problems, ElementsAre("x.ign:4: storage.files[0].mode: must be a whole number, not text",
                                                    "x.ign:4: storage.files[0].path: must be an absolute path",
                                                    "x.ign:5: storage.files[1].path: is missing"));
    EXPECT_THAT(config.report.warnings,
                ElementsAre("x.ign:5: storage.files[1].pth: unknown key, which is ignored: did you mean \"path\"?",
                            HasSubstr("x.ign:6: kernelArguments: is of Ignition 3.3.0")));
}

TEST(Ignition, MarksStay) {
    const auto result =
        translate("{\"ignition\":{\"version\":\"3.4.0\"},\n\"passwd\":{\"users\":[\n{\"name\":\"core\",\n\"uid\":5}]}}",
                  "x.ign", {});
    EXPECT_EQ(result.machine.at("users").at("core").mark().line, 3U);
    EXPECT_EQ(result.machine.at("users").at("core").at("uid").mark().line, 4U);
}

}  // namespace
}  // namespace diatom::ignition
