// Accounts, passwords and SSH in the shapes of cloud-init's documentation.
#include "cloud/cloud_config.h"

#include "cloud/testing/translated.h"

namespace diatom::cloud {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::json;
using ::testing::Not;
using testing::options;
using testing::read;
using testing::texts;
using testing::translated;
using testing::warned;

// "Users and Groups", example 1 and the next.
TEST(CloudAccounts, UsersAndGroups) {
    EXPECT_EQ(json(translated(R"(
groups:
  - admingroup: [root, sys]
  - cloud-users
users:
  - default
  - name: newsuper
    gecos: Big Stuff
    groups: users, admin
    sudo: ALL=(ALL) NOPASSWD:ALL
    shell: /bin/bash
    lock_passwd: true
    ssh-authorized-keys: [ssh-ed25519 AAAA a]
  - name: cloudy
    system: true
    uid: "450"
    primary_group: adm
    groups: [adm, sudo]
    homedir: /srv/cloudy
    no_create_home: true
    expiredate: '2032-09-01'
    sudo: ["ALL=(ALL) NOPASSWD:/bin/mount", "ALL=(ALL) ALL"]
    hashed_passwd: $6$x
    lock_passwd: false
  - {name: none, sudo: false, no_user_group: true}
)")),
              R"({"groups":{"admingroup":{"members":["root","sys"]},"cloud-users":{}},)"
              R"("users":{"newsuper":{"groups":["users","admin"],"comment":"Big Stuff","shell":"/bin/bash",)"
              R"("ssh_authorized_keys":["ssh-ed25519 AAAA a"],"sudo":["ALL=(ALL) NOPASSWD:ALL"],"locked":true},)"
              R"("cloudy":{"uid":450,"group":"adm","groups":["adm","sudo"],"home":"/srv/cloudy","no_create_home":true,)"
              R"("system":true,"expires":"2032-09-01","sudo":["ALL=(ALL) NOPASSWD:/bin/mount","ALL=(ALL) ALL"],)"
              R"("password_hash":"$6$x","locked":false},"none":{"group":"users","sudo":[]}}})");
}

TEST(CloudAccounts, OlderFormsOfUsersAndGroups) {
    EXPECT_EQ(json(translated("groups: 'a, b'\nusers: 'x,y,default'")),
              R"({"groups":{"a":{},"b":{}},"users":{"x":{},"y":{}}})");
    EXPECT_EQ(json(translated("groups: {a: [x, y], b: z}\nusers: {x: {uid: 1500}, y: true, z: false}")),
              R"({"groups":{"a":{"members":["x","y"]},"b":{"members":["z"]}},"users":{"x":{"uid":1500},"y":{}}})");
    EXPECT_EQ(json(translated("users: [[a, b], {name: c, groups: {wheel: null}}]")),
              R"({"users":{"a":{},"b":{},"c":{"groups":["wheel"]}}})");
}

TEST(CloudAccounts, TheDefaultUser) {
    EXPECT_EQ(json(translated("ssh_authorized_keys: [ssh-rsa AAAA]\nusers: [default]")),
              R"({"ssh_authorized_keys":["ssh-rsa AAAA"]})");
    EXPECT_EQ(
        json(translated("user: {name: core, shell: /bin/bash}\nssh_authorized_keys: [ssh-rsa AAAA]\npassword: $6$x")),
        R"({"users":{"core":{"shell":"/bin/bash","sudo":["ALL=(ALL) NOPASSWD:ALL"],"password_hash":"$6$x",)"
        R"("locked":false,"password_expired":true,"ssh_authorized_keys":["ssh-rsa AAAA"]}}})");
    const auto unnamed = translate_cloud_config(read("user: core\nusers: [{gecos: x}]"), options());
    EXPECT_EQ(json(unnamed.document), R"({"users":{"core":{"sudo":["ALL=(ALL) NOPASSWD:ALL"],"comment":"x"}}})");
    EXPECT_THAT(texts(unnamed.warnings), ElementsAre(HasSubstr("users[0]: a name is missing: taken for")));
}

TEST(CloudAccounts, WhoStandsForDefault) {
    const std::string core =
        "system_info: {default_user: {name: core, gecos: Core, lock_passwd: true, groups: [crew], "
        "sudo: "
        "['ALL=(ALL) NOPASSWD:ALL']}}\nssh_authorized_keys: [ssh-rsa AAAA]\n";
    const std::string made =
        R"({"users":{"core":{"groups":["crew"],"comment":"Core","sudo":["ALL=(ALL) NOPASSWD:ALL"],)"
        R"("locked":true,"ssh_authorized_keys":["ssh-rsa AAAA"]}}})";
    EXPECT_EQ(json(translated(core)), made);
    EXPECT_EQ(json(translated(core + "users: [default]")), made);
    // Nobody stands for it where it is not among those that are named.
    EXPECT_EQ(json(translated(core + "users: [{name: me}]")),
              R"({"users":{"me":{}},"ssh_authorized_keys":["ssh-rsa AAAA"]})");
    EXPECT_EQ(json(translated(core + "users: []")), R"({"ssh_authorized_keys":["ssh-rsa AAAA"]})");
    EXPECT_THAT(warned("system_info: {distro: x}"),
                ElementsAre(HasSubstr("system_info.distro: what the distribution is")));
    EXPECT_THAT(warned("system_info: {default_user: {gecos: x}}"), ElementsAre(HasSubstr("a mapping with a name")));
}

TEST(CloudAccounts, Passwords) {
    EXPECT_EQ(
        json(translated(R"(
users: [{name: a, plain_text_passwd: four, lock_passwd: false}, {name: b, passwd: $6$old}, {name: c}]
chpasswd:
  expire: false
  users:
  - {name: c, password: $6$rounds=4096$x, type: hash}
  - {name: d, password: secret, type: text}
)")),
        R"({"users":{"a":{"password_hash":"$y$hash-of-4","locked":false},"b":{"password_hash":"$6$old","locked":true},)"
        R"("c":{"password_hash":"$6$rounds=4096$x","locked":false},"d":{"password_hash":"$y$hash-of-6","locked":false}}})");
    EXPECT_EQ(json(translated("chpasswd: {list: \"a:plain\\nb:$y$j9T$x\\n\"}")),
              R"({"users":{"a":{"password_hash":"$y$hash-of-5","locked":false,"password_expired":true},)"
              R"("b":{"password_hash":"$y$j9T$x","locked":false,"password_expired":true}}})");
    EXPECT_EQ(json(translated("password: four\nchpasswd: {expire: no}\nssh_pwauth: yes")),
              R"({"users":{"root":{"password_hash":"$y$hash-of-4","locked":false}},"ssh":{"passwords":true}})");
}

TEST(CloudAccounts, SaysNoSecret) {
    const auto warnings = texts(translate_cloud_config(read(R"(
users: [{name: a, plain_text_passwd: s3cret}, {name: b, hashed_passwd: [s3cret]}, {name: c, ssh_import_id: [gh:x]}]
chpasswd: {list: ['a:s3cret', s3cret, 'r:RANDOM'], users: [{name: x, type: RANDOM}, {name: y, password: {s3cret: 1}}]}
password: {x: s3cret}
ssh_keys: {rsa_private: [s3cret], dsa_private: s3cret, rsa_certificate: s3cret}
write_files: [{path: /a, encoding: b64, content: s3cret!!}, {path: /b, encoding: gz, content: s3cret}]
)"),
                                                       {})
                                    .warnings);
    EXPECT_GE(warnings.size(), 12U);
    EXPECT_THAT(warnings, Not(Contains(HasSubstr("s3cret!"))));
    for (const auto& text : warnings) EXPECT_THAT(text, Not(HasSubstr(": s3cret"))) << text;
    EXPECT_THAT(warnings, Contains(HasSubstr("a password in the clear is not kept")));
    EXPECT_THAT(warnings, Contains(HasSubstr("a random password would have to be printed")));
    EXPECT_THAT(warnings, Contains(HasSubstr("keys are not taken from an account elsewhere")));
}

TEST(CloudAccounts, Ssh) {
    EXPECT_EQ(
        json(translated("ssh_keys: {ed25519_private: \"-----BEGIN\\n\", ed25519_public: \"ssh-ed25519 AAAA x\\n\"}\n"
                        "users: [{name: a}]\ndisable_root: true\nssh_pwauth: unchanged")),
        R"({"users":{"a":{}},"ssh":{"host_keys":{"ed25519":{"private":"-----BEGIN\n","public":"ssh-ed25519 AAAA x"}},"host_key_types":[],"root":false}})");
    EXPECT_EQ(json(translated("ssh_deletekeys: no\nssh_genkeytypes: [rsa, ed25519]")),
              R"({"ssh":{"renew_host_keys":false,"host_key_types":["rsa","ed25519"]}})");
    EXPECT_THAT(warned("ssh_genkeytypes: dsa"), ElementsAre(HasSubstr("ssh_genkeytypes: must be rsa, ecdsa")));
    EXPECT_THAT(warned("disable_root: true"), ElementsAre(HasSubstr("root stays open")));
    EXPECT_FALSE(translate_cloud_config(read("allow_public_ssh_keys: false"), {}).takes_platform_keys);
}

}  // namespace
}  // namespace diatom::cloud
