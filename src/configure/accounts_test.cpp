#include "configure/accounts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "configure/testing/machine_fixture.h"

namespace diatom::configure {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using Accounting = testing::MachineFixture;

TEST_F(Accounting, WhoShallBeAbsentIs) {
    EXPECT_THAT(apply("groups: {users: {absent: true}, crew: {members: [core, nobody]}}\n"
                      "users: {core: {}, nobody: {absent: true}, never: {absent: true}}"),
                IsEmpty());
    EXPECT_EQ(get("/etc/group"), "root:x:0:\ncrew:x:1000:core\ncore:x:1001:\n");
    EXPECT_THAT(get("/etc/passwd"), Not(HasSubstr("nobody")));
    EXPECT_THAT(apply("users: {root: {absent: true}}"), ElementsAre(HasSubstr("users.root.absent: root stays")));
    EXPECT_THAT(get("/etc/passwd"), HasSubstr("root:x:0:0"));
}

TEST_F(Accounting, AccountsEnd) {
    const auto users = [](const char* day) {
        return std::format(
            "users: {{core: {{expires: '{}', password_hash: $6$a$b, ssh_authorized_keys: [ssh-rsa A]}}}}", day);
    };
    EXPECT_THAT(apply(users("2099-01-01")), IsEmpty());
    EXPECT_THAT(get("/etc/shadow"), HasSubstr("core:$6$a$b:20000:0:99999:7::47117:\n"));
    EXPECT_EQ(get("/home/core/.ssh/authorized_keys"), "ssh-rsa A\n");
    EXPECT_THAT(apply(users("2020-02-29")), IsEmpty());
    EXPECT_THAT(get("/etc/shadow"), HasSubstr("core:!*:20000:0:99999:7::18321:\n"));
    EXPECT_THAT(get("/etc/passwd"), HasSubstr("core:x:1000:1000::/home/core:/bin/false\n"));
    EXPECT_EQ(get("/home/core/.ssh/authorized_keys"), "(nothing)");
}

TEST_F(Accounting, KeysThatAreNoLongerConfiguredAreTakenAway) {
    EXPECT_THAT(apply("users: {core: {ssh_authorized_keys: [ssh-rsa A]}}"), IsEmpty());
    EXPECT_THAT(apply("users: {core: {}}"), IsEmpty());
    EXPECT_EQ(get("/home/core/.ssh/authorized_keys"), "(nothing)");
    // Not what a link leads to.
    ASSERT_TRUE(sys::remove_tree(at("/home/core/.ssh")));
    put("/etc/authorized_keys", "others");
    ASSERT_EQ(::symlink("../../etc", at("/home/core/.ssh").c_str()), 0);
    EXPECT_THAT(apply("users: {core: {}}"), ElementsAre(HasSubstr("leave no keys of core")));
    EXPECT_EQ(get("/etc/authorized_keys"), "others");
}

TEST_F(Accounting, SaysWhichHashNobodyKnows) {
    EXPECT_THAT(apply("users: {core: {password_hash: $y$j9T$x$y, password_expired: true}}"),
                ElementsAre(HasSubstr("users.core.password_hash: no program of this machine knows")));
    EXPECT_THAT(get("/etc/shadow"), HasSubstr("core:$y$j9T$x$y:0:0:"));
}

}  // namespace
}  // namespace diatom::configure
