#include "configure/host_key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <format>

#include "base/strings.h"
#include "configure/instance_store.h"
#include "configure/testing/host_keys.h"
#include "configure/testing/machine_fixture.h"

namespace diatom::configure {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using HostKeys = testing::MachineFixture;

// What is before the private numbers is the public key, as ssh-keygen printed it.
void expect_key(const char* text, const char* kind, std::string_view shown) {
    const auto key = read_host_key(text);
    ASSERT_TRUE(key) << key.error().what();
    EXPECT_EQ(key->kind, kind);
    EXPECT_TRUE(is_public_half(*key, shown)) << key->public_key;
    const auto blob = decode_base64(split_words(shown)[1]).value_or("");
    EXPECT_TRUE(key->kind == "ed25519" || key->bytes.starts_with(blob));
    EXPECT_GT(key->bytes.size(), blob.size());
}

TEST(HostKey, ReadsWhatProgramsWrite) {
    expect_key(kEd25519, "ed25519", kEd25519Public);
    expect_key(kEcdsa, "ecdsa", kEcdsaPublic);
    expect_key(kEcdsaPem, "ecdsa", kEcdsaPemPublic);
    expect_key(kRsa, "rsa", kRsaPublic);
    const auto key = read_host_key(kEd25519Pem);
    ASSERT_TRUE(key);
    EXPECT_EQ(key->kind, "ed25519");
    EXPECT_EQ(key->bytes.size(), 4U + 11U + 4U + 64U);
    const auto openssh = read_host_key(kEd25519);
    EXPECT_EQ(openssh->bytes.size(), key->bytes.size());
}

TEST(HostKey, SaysWhatItDoesNotTake) {
    EXPECT_THAT(read_host_key(kLocked).error().what(), HasSubstr("it has a passphrase"));
    EXPECT_FALSE(read_host_key("-----BEGIN\n"));
    EXPECT_FALSE(read_host_key(""));
    const std::string text = kEd25519;
    for (std::size_t size = 0; size < text.size() - 2; size += 7) EXPECT_FALSE(read_host_key(text.substr(0, size)));
    // The public half of another key in it.
    auto digits = text.substr(text.find('\n') + 1);
    auto bytes = decode_base64(digits.substr(0, digits.find('-'))).value_or("");
    if (bytes.empty()) {
        std::erase(digits, '\n');
        bytes = decode_base64(digits.substr(0, digits.find('-'))).value_or("");
    }
    ASSERT_GT(bytes.size(), 100U);
    bytes[70] = static_cast<char>(bytes[70] ^ 1);
    EXPECT_THAT(
        read_host_key(std::format("-----BEGIN OPENSSH PRIVATE KEY-----\n{}\n-----END OPENSSH PRIVATE KEY-----\n",
                                  encode_base64(bytes)))
            .error()
            .what(),
        HasSubstr("public half is another key's"));
}

std::string indented(const std::string& text, const char* by) {
    std::string made;
    for (const auto line : split(text, '\n')) made += std::format("{}{}\n", by, line);
    return made;
}

std::string given(const char* kind, const char* key, std::string_view more = {}) {
    return std::format("ssh:\n  enabled: true\n  host_key_types: []\n  host_keys:\n    {}:\n{}      private: |\n{}",
                       kind, more, indented(key, "        "));
}

TEST_F(HostKeys, AreServedAndKeptFromOthers) {
    EXPECT_THAT(apply(given("rsa", kRsa)), IsEmpty());
    const auto* file = "/var/lib/diatom/ssh/given_rsa";
    EXPECT_EQ(get(file), read_host_key(kRsa)->bytes);
    EXPECT_EQ(sys::stat_path(at(file))->st_mode & 07777U, 0600U);
    EXPECT_THAT(get("/run/diatom/ssh/options"), ::testing::StartsWith("-r /var/lib/diatom/ssh/given_rsa -p 22"));
    // Another, and none.
    ASSERT_TRUE(sys::make_dirs(at("/run/diatom")));
    put("/run/diatom/system.sock", "");
    EXPECT_THAT(apply(given("ed25519", kEd25519), Phase::live),
                ElementsAre(HasSubstr("ssh: the server starts at the next boot")));
    EXPECT_EQ(get(file), "(nothing)");
    EXPECT_THAT(apply("ssh: {enabled: false}"), IsEmpty());
    EXPECT_EQ(get("/var/lib/diatom/ssh/given_ed25519"), "(nothing)");
}

// The machine can be reached all the same: by a key that lies there, as one that was made does.
TEST_F(HostKeys, ThatAreWrongAreSaidWithoutThem) {
    ASSERT_TRUE(sys::make_dirs(at("/var/lib/diatom/ssh")));
    put("/var/lib/diatom/ssh/host_ed25519", "made");
    const auto wrong = [&](const std::string& text) {
        const auto said = apply(text);
        EXPECT_EQ(said.size(), 1U);
        const auto line = said.empty() ? std::string() : said.front();
        EXPECT_THAT(line, Not(HasSubstr("BEGIN")));
        EXPECT_THAT(get("/run/diatom/ssh/options"), HasSubstr("-r /var/lib/diatom/ssh/host_ed25519 -p"));
        return line;
    };
    EXPECT_THAT(wrong(given("ed25519", kLocked)), HasSubstr("ssh.host_keys.ed25519.private: it has a"));
    EXPECT_THAT(wrong(given("ed25519", kRsa)), HasSubstr("it is of the kind rsa"));
    EXPECT_THAT(wrong(given("ed25519", kEd25519, "      public: ssh-ed25519 AAAA\n")),
                HasSubstr("the public key beside it is another's"));
}

TEST_F(HostKeys, OfAnotherInstanceAreMadeAnew) {
    const InstanceStore store(root());
    const auto boot = [&](const char* id, const char* text = "ssh: {enabled: true, host_key_types: [ed25519]}") {
        EXPECT_TRUE(store.keep(id, {}));
        // What makes keys is not here.
        const auto made = plan(read(text), Phase::boot, root());
        for (const auto& step : made.steps) {
            const bool first = step.what == "have host keys of this instance";
            EXPECT_TRUE(!first || step.run());
        }
    };
    ASSERT_TRUE(sys::make_dirs(at("/var/lib/diatom/ssh")));
    const auto* file = "/var/lib/diatom/ssh/host_ed25519";
    put(file, "from before there was an instance");
    boot("one");
    boot("one");
    EXPECT_TRUE(sys::exists(at(file)));
    boot("two", "ssh: {enabled: true, host_key_types: [ed25519], renew_host_keys: false}");
    EXPECT_TRUE(sys::exists(at(file)));
    boot("two");
    EXPECT_FALSE(sys::exists(at(file)));
}

}  // namespace
}  // namespace diatom::configure
