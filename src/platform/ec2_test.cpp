// Amazon's service in its three moods: with tokens, without, and forbidden.
#include <gmock/gmock.h>

#include <atomic>

#include "platform/testing/cloud_fixture.h"

namespace diatom::platform {
namespace {

using ::testing::ElementsAre;
using testing::FakeRequest;
using testing::FakeResponse;
using testing::FakeServer;
using ::testing::HasSubstr;
using testing::Pages;

constexpr const char* kIdentity = R"({"accountId":"123456789012","architecture":"x86_64","availabilityZone":
"eu-west-1b","imageId":"ami-1","instanceId":"i-0abc","instanceType":"t3.micro","privateIp":"10.0.0.5","region":
"eu-west-1","version":"2017-09-30"})";

Pages pages() {
    return {
        {"/latest/meta-data/",
         {.body = "ami-id\nhostname\niam/\ninstance-id\ninstance-type\nlocal-hostname\nlocal-ipv4\nnetwork/\n"
                  "placement/\npublic-keys/\nsecurity-groups\n../escape\nwith space"}},
        {"/latest/meta-data/ami-id", {.body = "ami-1"}},
        {"/latest/meta-data/hostname", {.body = "ip-10-0-0-5.internal"}},
        {"/latest/meta-data/instance-id", {.body = "i-0abc"}},
        {"/latest/meta-data/instance-type", {.body = "t3.micro"}},
        {"/latest/meta-data/local-hostname", {.body = "ip-10-0-0-5.eu-west-1.compute.internal second.name"}},
        {"/latest/meta-data/local-ipv4", {.body = "10.0.0.5"}},
        {"/latest/meta-data/network/", {.body = "interfaces/"}},
        {"/latest/meta-data/network/interfaces/", {.body = "macs/"}},
        {"/latest/meta-data/network/interfaces/macs/", {.body = "02:29:96:8f:6a:2d/"}},
        {"/latest/meta-data/network/interfaces/macs/02:29:96:8f:6a:2d/", {.body = "device-number\nlocal-ipv4s"}},
        {"/latest/meta-data/network/interfaces/macs/02:29:96:8f:6a:2d/device-number", {.body = "0"}},
        {"/latest/meta-data/network/interfaces/macs/02:29:96:8f:6a:2d/local-ipv4s", {.body = "10.0.0.5\n10.0.0.6"}},
        {"/latest/meta-data/placement/", {.body = "availability-zone\nregion"}},
        {"/latest/meta-data/placement/availability-zone", {.body = "eu-west-1b"}},
        {"/latest/meta-data/placement/region", {.body = "eu-west-1"}},
        {"/latest/meta-data/public-keys/", {.body = "0=my key\n1=other"}},
        {"/latest/meta-data/public-keys/0/openssh-key", {.body = "ssh-ed25519 AAAA me\n"}},
        {"/latest/meta-data/public-keys/1/openssh-key", {.body = "ssh-rsa BBBB you"}},
        {"/latest/meta-data/security-groups", {.body = "default\nweb"}},
        {"/latest/dynamic/instance-identity/document", {.body = kIdentity}},
        {"/latest/user-data", {.body = "#cloud-config\nhostname: x\n"}},
    };
}

constexpr const char* kTokenTime = "x-aws-ec2-metadata-token-ttl-seconds";
constexpr const char* kToken = "x-aws-ec2-metadata-token";

// Version 2: without the token it answers 401. The token changes after so many requests.
FakeServer::Handler with_tokens(Pages known, int lasts = 1000) {
    return [known = std::move(known), lasts,
            uses = std::make_shared<std::atomic<int>>(0)](const FakeRequest& request) -> FakeResponse {
        const auto current = "token-" + std::to_string(*uses / lasts);
        if (request.target == "/latest/api/token") {
            if (request.method != "PUT" || request.header(kTokenTime) != "21600") return {.status = 400};
            return {.body = current};
        }
        if (request.header(kToken) != current) return {.status = 401};
        ++*uses;
        const auto page = known.find(request.target);
        return page == known.end() ? FakeResponse{.status = 404} : page->second;
    };
}

class Ec2Test : public testing::CloudFixture {
protected:
    Candidate candidate_{.platform = Platform::ec2, .cloud = "aws"};
    void use(const FakeServer& server) { endpoints_.ec2 = {"http://" + server.address()}; }
};

void expect_whole(const Instance& instance) {
    EXPECT_EQ(instance.platform, Platform::ec2);
    EXPECT_EQ(instance.cloud, "aws");
    EXPECT_EQ(instance.instance_id, "i-0abc");
    EXPECT_EQ(instance.hostname, "ip-10-0-0-5.eu-west-1.compute.internal");
    EXPECT_EQ(instance.region, "eu-west-1");
    EXPECT_EQ(instance.zone, "eu-west-1b");
    EXPECT_EQ(instance.instance_type, "t3.micro");
    EXPECT_THAT(instance.public_keys, ElementsAre("ssh-ed25519 AAAA me", "ssh-rsa BBBB you"));
    ASSERT_TRUE(instance.user_data);
    EXPECT_EQ(instance.user_data->bytes, "#cloud-config\nhostname: x\n");
    EXPECT_THAT(instance.user_data->from, HasSubstr("/latest/user-data"));
    const auto& cards = instance.metadata["network"]["interfaces"]["macs"];
    EXPECT_EQ(cards["02:29:96:8f:6a:2d"]["local-ipv4s"], Json({"10.0.0.5", "10.0.0.6"}));
    EXPECT_EQ(instance.metadata["local-ipv4"], "10.0.0.5");
    EXPECT_FALSE(instance.metadata.contains("iam"));
    EXPECT_FALSE(instance.metadata.contains(".."));
}

TEST_F(Ec2Test, VersionTwoWithItsToken) {
    const FakeServer server(with_tokens(pages()));
    use(server);
    const auto got = read(candidate_);
    ASSERT_TRUE(got) << got.error().what();
    expect_whole(*got);
    EXPECT_TRUE(server.requests("iam").empty());
    EXPECT_EQ(server.requests("/latest/api/token").size(), 1U);
}

TEST_F(Ec2Test, ATokenThatRunsOutIsRenewed) {
    const FakeServer server(with_tokens(pages(), 5));
    use(server);
    const auto got = read(candidate_);
    ASSERT_TRUE(got) << got.error().what();
    expect_whole(*got);
    EXPECT_GE(server.requests("/latest/api/token").size(), 3U);
}

TEST_F(Ec2Test, VersionOneWhereThereIsNoOther) {
    for (const int status : {404, 405}) {
        const FakeServer server([status, known = pages()](const FakeRequest& request) -> FakeResponse {
            if (request.method != "GET") return {.status = status};
            EXPECT_EQ(request.header(kToken), "");
            const auto page = known.find(request.target);
            return page == known.end() ? FakeResponse{.status = 404} : page->second;
        });
        use(server);
        const auto got = read(candidate_);
        ASSERT_TRUE(got) << got.error().what();
        expect_whole(*got);
    }
}

TEST_F(Ec2Test, AServiceThatIsTurnedOffIsNotAskedForEver) {
    const FakeServer server([](const FakeRequest&) -> FakeResponse { return {.status = 403}; });
    use(server);
    EXPECT_THAT(read_error(candidate_, Kind::denied), HasSubstr("HttpEndpoint"));
    EXPECT_EQ(server.requests().size(), 1U);
}

TEST_F(Ec2Test, WithoutTokensButWanted) {
    const FakeServer server(
        [](const FakeRequest& request) -> FakeResponse { return {.status = request.method == "PUT" ? 404 : 401}; });
    use(server);
    read_error(candidate_, Kind::denied);
    EXPECT_LE(server.requests().size(), 4U);
}

TEST_F(Ec2Test, ATokenThatIsNoneIsRefused) {
    const FakeServer server([](const FakeRequest&) -> FakeResponse { return {.body = "<html>\r\nX: y</html>"}; });
    use(server);
    read_error(candidate_, Kind::corrupt);
}

TEST_F(Ec2Test, NoUserDataIsNone) {
    auto known = pages();
    known.erase("/latest/user-data");
    known.erase("/latest/dynamic/instance-identity/document");
    const FakeServer server(with_tokens(known));
    use(server);
    const auto got = read(candidate_);
    ASSERT_TRUE(got) << got.error().what();
    EXPECT_FALSE(got->user_data);
    EXPECT_EQ(got->region, "eu-west-1");
    EXPECT_EQ(got->zone, "eu-west-1b");
    EXPECT_EQ(got->origins.at("zone"), "http://" + server.address() + "/latest/meta-data/placement/");
}

TEST_F(Ec2Test, NoHalfOfIt) {
    // All is there but the user-data, whose server fails for good: nothing is given out.
    auto known = pages();
    known["/latest/user-data"] = {.status = 503};
    const FakeServer server(with_tokens(known));
    use(server);
    read_error(candidate_, Kind::timed_out);
    known["/latest/user-data"] = {.body = "#cloud-config", .only = 5};
    const FakeServer torn(with_tokens(known));
    use(torn);
    read_error(candidate_, Kind::timed_out);
}

TEST_F(Ec2Test, ATreeWithoutEndIsCutOff) {
    const FakeServer server([](const FakeRequest& request) -> FakeResponse {
        if (request.method == "PUT") return {.status = 404};
        return {.body = request.target.ends_with('/') ? "a/\nb/\nc" : "x"};
    });
    use(server);
    const auto got = read(candidate_);
    ASSERT_TRUE(got) << got.error().what();
    EXPECT_THAT(got->warnings, ::testing::Contains(HasSubstr("too many entries")));
    EXPECT_LE(server.requests().size(), 310U);
}

TEST_F(Ec2Test, TheSixthVersionOfTheProtocolServesToo) {
    const FakeServer server(with_tokens(pages()));
    std::string gone;
    {
        const FakeServer closed(with_tokens({}));
        gone = closed.address();
    }
    endpoints_.ec2 = {"http://" + gone, "http://" + server.address()};
    const auto got = read(candidate_);
    ASSERT_TRUE(got) << got.error().what();
    expect_whole(*got);
}

}  // namespace
}  // namespace diatom::platform
