// Mount namespaces that are there before the container, and what goes with them.
#include <gmock/gmock.h>

#include "runtime/testing/container.h"
#include "runtime/testing/main.h"
#include "sys/mount.h"

namespace diatom::runtime::testing {
namespace {

using ::testing::HasSubstr;

class Namespaces : public ContainerTest {
protected:
    // A copy of ours with a file system that only it has, at home()/theirs.
    Result<Fd> other_mounts() const {
        TRY(sys::make_dirs(home() + "/theirs"));
        return sys::in_private_mounts([&]() -> Result<void> {
            TRY(sys::mount_fs("tmpfs", home() + "/theirs"));
            return sys::write_file(home() + "/theirs/file", "theirs\n");
        });
    }
    static std::string path_of(FdRef fd) { return std::format("/proc/{}/fd/{}", ::getpid(), fd.raw()); }
    // `given`, in that namespace, with its file system at /theirs.
    Spec in(FdRef mounts, Spec given) const {
        for (auto& entry : given.namespaces) {
            if (entry.kind == NamespaceKind::mount) entry.path = path_of(mounts);
        }
        given.mounts.push_back({"/theirs", "bind", home() + "/theirs", {"rbind"}});
        return given;
    }
    // What is mounted in it, of which only a process in it can tell.
    std::string mounted_in(FdRef mounts) {
        auto given = spec({"/bin/busybox", "cat", "/proc/self/mounts"});
        given.root = {.source = Root::Source::host};
        given.namespaces = {{NamespaceKind::mount, path_of(mounts)}};
        given.mounts.clear();
        given.masked_paths.clear();
        given.readonly_paths.clear();
        const auto outcome = run(given);
        EXPECT_EQ(outcome.error, "");
        return outcome.out;
    }
};

TEST_F(Namespaces, AMountNamespaceIsJoinedByPath) {
    const auto mounts = other_mounts();
    ASSERT_TRUE(mounts) << mounts.error().what();
    const auto outcome = run(in(*mounts, shell("cat /theirs/file; ls /src; readlink /proc/self/ns/mnt")));
    EXPECT_EQ(outcome.error, "");
    EXPECT_THAT(outcome.out, HasSubstr("theirs\nls: /src: No such file or directory\nmnt:["));
    std::array<char, 64> name{};
    ASSERT_GT(::readlink(path_of(*mounts).c_str(), name.data(), name.size() - 1), 0);
    EXPECT_THAT(outcome.out, HasSubstr(name.data()));
    EXPECT_FALSE(sys::is_mount_point(root()));
}

TEST_F(Namespaces, ClocksAndIdmappedMountsGoWithAJoinedOne) {
    const auto mounts = other_mounts();
    ASSERT_TRUE(mounts) << mounts.error().what();
    auto given = in(*mounts, shell("stat -c '%u %g' /mapped/file; cat /proc/self/timens_offsets"));
    given.namespaces.push_back({NamespaceKind::time});
    given.time_offsets = {{"boottime", 1234567, 0}};
    given.mounts.push_back({"/mapped", "bind", home() + "/theirs", {"bind", "idmap"}, {{0, 7, 1}}, {{0, 8, 1}}});
    const auto outcome = run(given);
    EXPECT_EQ(outcome.error, "");
    EXPECT_THAT(outcome.out, HasSubstr("7 8\n"));
    EXPECT_THAT(outcome.out, HasSubstr("1234567"));
}

TEST_F(Namespaces, ThatAreJoinedKeepNothingOfAContainerThatDidNotComeToBe) {
    const auto mounts = other_mounts();
    ASSERT_TRUE(mounts) << mounts.error().what();
    const auto before = mounted_in(*mounts);
    EXPECT_THAT(before, HasSubstr(home() + "/theirs tmpfs"));
    auto given = in(*mounts, shell("true"));
    given.hooks.create_container = {{.path = "/bin/false", .args = {"false"}}};
    EXPECT_THAT(run(given).error, HasSubstr("createContainer hook"));
    EXPECT_EQ(mounted_in(*mounts), before);
}

TEST_F(Namespaces, AMountNamespaceThatCannotBeJoinedIsRefused) {
    auto given = shell("true");
    const auto join = [&](const std::string& path) {
        for (auto& entry : given.namespaces) {
            if (entry.kind == NamespaceKind::mount) entry.path = path;
        }
        return run(given).error;
    };
    EXPECT_THAT(join("/proc/self/ns/mnt"), HasSubstr("the runtime's own mount namespace"));
    EXPECT_THAT(join("/proc/self/ns/net"), HasSubstr("join namespace /proc/self/ns/net"));
    EXPECT_THAT(join(home() + "/absent"), HasSubstr("absent"));
    given.namespaces.push_back({NamespaceKind::user});
    given.uid_mappings = given.gid_mappings = {{0, 100'000, 1000}};
    EXPECT_THAT(join("/proc/1/ns/mnt"), HasSubstr("a new user namespace cannot use a mount namespace"));
}

}  // namespace
}  // namespace diatom::runtime::testing
