#include "configure/chosen_passwords.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/strings.h"
#include "configure/password.h"
#include "configure/testing/machine_fixture.h"

namespace diatom::configure {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using Choosing = testing::MachineFixture;

std::string expired(const std::string& hash) {
    return std::format("users: {{core: {{shell: /bin/ash, password_expired: true, password_hash: {}}}}}", hash);
}

TEST_F(Choosing, WhoMustChooseIsAsked) {
    const auto hash = sha512_crypt("the first one", "salt");
    EXPECT_THAT(apply(expired(hash)), IsEmpty());
    EXPECT_THAT(get("/etc/passwd"), HasSubstr("core:x:1000:1000::/home/core:/usr/sbin/choose-password\n"));
    EXPECT_THAT(get("/etc/shadow"), HasSubstr(std::format("core:{}:0:0:", hash)));
    EXPECT_EQ(get("/run/diatom/passwords/expired"), "core:/bin/ash:must\n");
    EXPECT_TRUE(read_expired(root(), "core").must_choose);

    EXPECT_THAT(choose_password(root(), "core", "short").error().what(), HasSubstr("8 characters"));
    EXPECT_THAT(choose_password(root(), "core", "the first one").error().what(), HasSubstr("that expired"));
    EXPECT_EQ(choose_password(root(), "nobody", "long enough").error().kind(), Kind::denied);
    ASSERT_TRUE(choose_password(root(), "core", "the second one"));
    const auto kept = get("/etc/shadow");
    EXPECT_THAT(kept, Not(HasSubstr(hash)));
    EXPECT_THAT(kept, Not(HasSubstr("core:$6$salt")));
    EXPECT_THAT(kept, HasSubstr("root:*:"));
    EXPECT_EQ(sys::stat_path(at("/etc/shadow"))->st_mode & 07777U, 0640U);
    EXPECT_EQ(get("/run/diatom/passwords/expired"), "core:/bin/ash:done\n");
    EXPECT_EQ(choose_password(root(), "core", "the third one").error().kind(), Kind::denied);

    // It holds at the next boot, as long as the configuration says the same.
    EXPECT_THAT(apply(expired(hash)), IsEmpty());
    EXPECT_THAT(get("/etc/passwd"), HasSubstr("core:x:1000:1000::/home/core:/bin/ash\n"));
    EXPECT_EQ(split(get("/etc/shadow"), '\n').back(), "");
    EXPECT_THAT(get("/etc/shadow"), HasSubstr(":20000:0:"));
    EXPECT_THAT(get("/etc/shadow"), Not(HasSubstr(hash)));
    EXPECT_EQ(get("/run/diatom/passwords/expired"), "(nothing)");
    const auto newer = sha512_crypt("the fourth one", "salt");
    EXPECT_THAT(apply(expired(newer)), IsEmpty());
    EXPECT_THAT(get("/etc/shadow"), HasSubstr(newer));
    EXPECT_TRUE(read_expired(root(), "core").must_choose);
}

TEST_F(Choosing, NobodyChoosesForAnother) {
    EXPECT_THAT(apply("users: {core: {uid: 1500, password_expired: true, password_hash: $6$a$b}, me: {uid: 1501}}"),
                IsEmpty());
    const auto ask = [&](const char* user, unsigned uid) {
        return answer_chooser(root(), std::format(R"({{"user":"{}","password":"long enough"}})", user), uid);
    };
    EXPECT_THAT(ask("core", 1501), HasSubstr("core is another user"));
    EXPECT_THAT(ask("nobody", 1500), HasSubstr("nobody is another user"));
    EXPECT_THAT(ask("me", 1501), HasSubstr("did not expire"));
    EXPECT_THAT(answer_chooser(root(), "{", 1500), HasSubstr("\"ok\":false"));
    EXPECT_THAT(answer_chooser(root(), R"({"user":7})", 1500), HasSubstr("\"ok\":false"));
    EXPECT_THAT(get("/etc/shadow"), HasSubstr("core:$6$a$b:0:"));
    EXPECT_EQ(ask("core", 1500), R"({"ok":true})");
    EXPECT_EQ(user_of(root(), 1500, "me"), "core");
}

TEST_F(Choosing, WithoutAPasswordNothingExpires) {
    EXPECT_THAT(apply("users: {core: {password_expired: true}, locked: {password_hash: $6$a$b, locked: true, "
                      "password_expired: true}}"),
                IsEmpty());
    EXPECT_EQ(get("/run/diatom/passwords/expired"), "(nothing)");
    EXPECT_THAT(get("/etc/passwd"), Not(HasSubstr("choose-password")));
}

TEST_F(Choosing, WhoIsAskedOnARunningMachineIsSaid) {
    ASSERT_TRUE(sys::make_dirs(at("/run/diatom")));
    put("/run/diatom/system.sock", "");
    EXPECT_THAT(apply(expired("$6$a$b"), Phase::live),
                ::testing::ElementsAre(HasSubstr("users.core.password_expired: another password is asked for from")));
}

TEST_F(Choosing, WhatAConfigurationSaysInTheClearIsTheSameAtEachBoot) {
    const auto kept = hash_configured_password(root(), "secret");
    ASSERT_TRUE(kept);
    EXPECT_EQ(*kept, *hash_configured_password(root(), "secret"));
    EXPECT_EQ(*kept, sha512_crypt("secret", kept->substr(3, 16)));
    EXPECT_NE(kept->substr(0, 19), hash_configured_password(root(), "other")->substr(0, 19));
    const test::TempDir there;
    EXPECT_NE(*kept, *hash_configured_password({there.path()}, "secret"));
    EXPECT_FALSE(hash_configured_password(root(), ""));
}

TEST(ChosenPasswords, WhatIsMalformedIsLeftOut) {
    const auto document = parse_json(R"({"a":{"hash":"$6$x","instead_of":"$6$y"},"b":{"hash":"x:0:0","instead_of":""},)"
                                     R"("c":7,"d":{"hash":"x\ny","instead_of":"z"}})",
                                     "passwords.json");
    ASSERT_TRUE(document);
    EXPECT_EQ(dump_json(encode_chosen(decode_chosen(*document))), R"({"a":{"hash":"$6$x","instead_of":"$6$y"}})");
    EXPECT_TRUE(decode_chosen(Json()).empty());
}

}  // namespace
}  // namespace diatom::configure
