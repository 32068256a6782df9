// Google, Azure, DigitalOcean and Hetzner, as their servers answer.
#include <gmock/gmock.h>

#include <atomic>

#include "base/strings.h"
#include "platform/testing/cloud_fixture.h"
#include "platform/xml.h"

namespace diatom::platform {
namespace {

using ::testing::ElementsAre;
using testing::FakeRequest;
using testing::FakeResponse;
using testing::FakeServer;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class CloudsTest : public testing::CloudFixture {
protected:
    static std::vector<std::string> at(const FakeServer& server) { return {"http://" + server.address()}; }
};

FakeServer::Handler google(const std::string& instance_attributes, const std::string& project_attributes = "{}") {
    return [=](const FakeRequest& request) -> FakeResponse {
        if (request.header("metadata-flavor") != "Google" || !request.header("x-forwarded-for").empty())
            return {.status = 403, .headers = {"Metadata-Flavor: Google"}};
        if (request.target != "/computeMetadata/v1/?recursive=true&alt=json") return {.status = 404};
        return {.headers = {"Metadata-Flavor: Google", "Content-Type: application/json"},
                .body = R"({"instance":{"attributes":)" + instance_attributes +
                        R"(,"hostname":"web.c.p.internal","id":1234567890123456789,"machineType":)"
                        R"("projects/1/machineTypes/e2-small","name":"web","zone":"projects/1/zones/europe-west1-b"},)"
                        R"("project":{"attributes":)" +
                        project_attributes + R"(,"projectId":"p"}})"};
    };
}

TEST_F(CloudsTest, Google) {
    const FakeServer server(google(
        R"J({"user-data":"#cloud-config\n","ssh-keys":"core:ssh-ed25519 AAAA core\nold:ssh-rsa BBBB google-ssh {\"userName\":\"o\",\"expireOn\":\"2018-11-04T20:12:00+0000\"}\nnew:ssh-rsa CCCC google-ssh {\"userName\":\"n\",\"expireOn\":\"2199-11-04T20:12:00+0000\"}\nno colon"})J",
        R"({"ssh-keys":"ops:ssh-ed25519 DDDD ops"})"));
    endpoints_.gce = at(server);
    const auto got = read({.platform = Platform::gce});
    ASSERT_TRUE(got) << got.error().what();
    EXPECT_EQ(got->instance_id, "1234567890123456789");
    EXPECT_EQ(got->hostname, "web.c.p.internal");
    EXPECT_EQ(got->zone, "europe-west1-b");
    EXPECT_EQ(got->region, "europe-west1");
    EXPECT_EQ(got->instance_type, "e2-small");
    EXPECT_EQ(got->user_data->bytes, "#cloud-config\n");
    ASSERT_EQ(got->public_keys.size(), 3U);
    EXPECT_EQ(got->public_keys[0], "ssh-ed25519 AAAA core");
    EXPECT_THAT(got->public_keys[1], HasSubstr("CCCC"));
    EXPECT_EQ(got->public_keys[2], "ssh-ed25519 DDDD ops");
    EXPECT_EQ(got->metadata["project"]["projectId"], "p");
    EXPECT_FALSE(got->metadata["instance"]["attributes"].contains("user-data"));
}

TEST_F(CloudsTest, GoogleKeysThatAreBlockedOrNotUsed) {
    const std::string project = R"({"ssh-keys":"ops:ssh-ed25519 DDDD ops"})";
    const FakeServer blocked(google(R"({"block-project-ssh-keys":"TRUE"})", project));
    endpoints_.gce = at(blocked);
    EXPECT_THAT(read({.platform = Platform::gce})->public_keys, IsEmpty());
    const FakeServer login(google(R"({"ssh-keys":"a:ssh-rsa A"})", R"({"enable-oslogin":"true"})"));
    endpoints_.gce = at(login);
    const auto got = read({.platform = Platform::gce});
    EXPECT_THAT(got->public_keys, IsEmpty());
    EXPECT_THAT(got->warnings, ElementsAre(HasSubstr("OS Login")));
}

TEST_F(CloudsTest, GoogleUserDataInBase64) {
    const FakeServer server(google(R"({"user-data":"I2Nsb3VkLWNvbmZpZwo=","user-data-encoding":"base64"})"));
    endpoints_.gce = at(server);
    EXPECT_EQ(read({.platform = Platform::gce})->user_data->bytes, "#cloud-config\n");
    const FakeServer torn(google(R"({"user-data":"*","user-data-encoding":"base64"})"));
    endpoints_.gce = at(torn);
    read_error({.platform = Platform::gce}, Kind::corrupt);
}

TEST_F(CloudsTest, WhoIsNotGoogleIsNotBelieved) {
    const FakeServer server([](const FakeRequest&) -> FakeResponse { return {.body = R"({"instance":{"id":1}})"}; });
    endpoints_.gce = at(server);
    EXPECT_THAT(read_error({.platform = Platform::gce}, Kind::corrupt), HasSubstr("Metadata-Flavor"));
}

constexpr const char* kAzure = R"({"compute":{"location":"westeurope","name":"vm1","osProfile":{"adminUsername":"core",
"computerName":"web-1","disablePasswordAuthentication":"true"},"publicKeys":[{"keyData":"ssh-rsa AAAA\r\n","path":
"/home/core/.ssh/authorized_keys"}],"userData":"I2Nsb3VkLWNvbmZpZwo=","vmId":"AAAAAAAA-bbbb-cccc-dddd-eeeeeeeeeeee",
"vmSize":"Standard_B1s","zone":"2"},"network":{"interface":[]}})";

FakeServer::Handler azure(int not_yet = 0, bool old = false) {
    return [=, asked = std::make_shared<std::atomic<int>>(0)](const FakeRequest& request) -> FakeResponse {
        if (request.header("metadata") != "true") return {.status = 400, .body = R"({"error":"Bad request."})"};
        if ((*asked)++ < not_yet) return {.status = *asked % 2 == 0 ? 404 : 410};
        if (request.target == "/metadata/instance?api-version=2021-08-01&extended=true" && !old)
            return {.body = kAzure};
        if (request.target == "/metadata/instance?api-version=2019-06-01") return {.body = kAzure};
        return {.status = 400};
    };
}

TEST_F(CloudsTest, Azure) {
    const FakeServer server(azure(3));
    endpoints_.azure = at(server);
    const auto got = read({.platform = Platform::azure});
    ASSERT_TRUE(got) << got.error().what();
    EXPECT_EQ(waits_.size(), 3U);
    EXPECT_EQ(got->instance_id, "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee");
    EXPECT_EQ(got->hostname, "web-1");
    EXPECT_EQ(got->region + got->zone + got->instance_type, "westeurope2Standard_B1s");
    EXPECT_THAT(got->public_keys, ElementsAre("ssh-rsa AAAA"));
    EXPECT_EQ(got->user_data->bytes, "#cloud-config\n");
    EXPECT_FALSE(got->metadata["compute"].contains("userData"));
    const FakeServer old(azure(0, true));
    endpoints_.azure = at(old);
    EXPECT_TRUE(read({.platform = Platform::azure}));
}

TEST_F(CloudsTest, AzureWithItsDisc) {
    write("rd_rdfe_stable.1/ovf-env.xml", R"(<?xml version="1.0" encoding="utf-8"?>
<ns0:Environment xmlns="http://schemas.dmtf.org/ovf/environment/1" xmlns:ns0="http://schemas.dmtf.org/ovf/environment/1"
 xmlns:wa="http://schemas.microsoft.com/windowsazure"><wa:ProvisioningSection><wa:Version>1.0</wa:Version>
<wa:LinuxProvisioningConfigurationSet><wa:HostName>other</wa:HostName><wa:UserName>core</wa:UserName>
<wa:UserPassword>hunter2</wa:UserPassword><wa:DisableSshPasswordAuthentication>false
</wa:DisableSshPasswordAuthentication><wa:CustomData>I2Nsb3VkLWNvbmZpZwojIGR2ZAo=</wa:CustomData>
</wa:LinuxProvisioningConfigurationSet></wa:ProvisioningSection></ns0:Environment>)");
    const FakeServer server(azure());
    endpoints_.azure = at(server);
    const auto got = read({.platform = Platform::azure, .label = "rd_rdfe_stable.1"});
    ASSERT_TRUE(got) << got.error().what();
    EXPECT_EQ(got->user_data->bytes, "#cloud-config\n# dvd\n");
    EXPECT_EQ(got->user_data->from, "ovf-env.xml on rd_rdfe_stable.1 CustomData");
    EXPECT_EQ(got->hostname, "web-1");
    EXPECT_THAT(got->warnings, ElementsAre(::testing::AllOf(HasSubstr("password"), Not(HasSubstr("hunter2")))));
}

// The wire server: a goal state, and who is told of the machine's health.
FakeServer::Handler wire(std::string goal) {
    return [goal = std::move(goal)](const FakeRequest& request) -> FakeResponse {
        if (request.header("x-ms-version") != "2012-11-30" || request.header("x-ms-agent-name").empty())
            return {.status = 400};
        if (request.method == "GET" && request.target == "/machine/?comp=goalstate") return {.body = goal};
        if (request.method == "POST" && request.target == "/machine?comp=health") return {};
        return {.status = 404};
    };
}
constexpr const char* kGoal = R"(<?xml version="1.0" encoding="utf-8"?><GoalState><Version>2012-11-30</Version>
<Incarnation>7</Incarnation><Container><ContainerId>c-1</ContainerId><RoleInstanceList><RoleInstance>
<InstanceId>i.1&amp;2</InstanceId></RoleInstance></RoleInstanceList></Container></GoalState>)";

TEST_F(CloudsTest, AzureIsToldThatTheMachineIsUp) {
    const FakeServer server(wire(kGoal));
    endpoints_.azure_wireserver = at(server);
    Fetcher fetcher(options_);
    Access access{.facts = {}, .fetcher = fetcher, .endpoints = endpoints_};
    ASSERT_TRUE(testing::run(azure_ready(access)));
    ASSERT_TRUE(testing::run(azure_failed(access, "no <user> \"core\"")));
    const auto told = server.requests("comp=health");
    ASSERT_EQ(told.size(), 2U);
    EXPECT_EQ(told[0].header("content-type"), "text/xml; charset=utf-8");
    const auto up = parse_xml(told[0].body, "report"), down = parse_xml(told[1].body, "report");
    ASSERT_TRUE(up && down);
    EXPECT_EQ(up->text_at({"GoalStateIncarnation"}), "7");
    EXPECT_EQ(up->text_at({"Container", "ContainerId"}), "c-1");
    EXPECT_EQ(up->text_at({"Container", "RoleInstanceList", "Role", "InstanceId"}), "i.1&2");
    EXPECT_EQ(up->text_at({"Container", "RoleInstanceList", "Role", "Health", "State"}), "Ready");
    EXPECT_EQ(down->text_at({"Container", "RoleInstanceList", "Role", "Health", "State"}), "NotReady");
    EXPECT_EQ(down->text_at({"Container", "RoleInstanceList", "Role", "Health", "Details", "Description"}),
              "no <user> \"core\"");
}

TEST_F(CloudsTest, AGoalStateThatNamesNobody) {
    const FakeServer server(wire("<GoalState><Incarnation>7</Incarnation></GoalState>"));
    endpoints_.azure_wireserver = at(server);
    Fetcher fetcher(options_);
    Access access{.facts = {}, .fetcher = fetcher, .endpoints = endpoints_};
    const auto told = testing::run(azure_ready(access));
    ASSERT_FALSE(told);
    EXPECT_EQ(told.error().kind(), Kind::corrupt);
}

constexpr const char* kDroplet = R"({"droplet_id":2756294,"hostname":"sample","vendor_data":"#cloud-config\n# v\n",
"user_data":"#cloud-config\n","auth_key":"secret","public_keys":["ssh-rsa AAAA a","ssh-rsa BBBB b"],"region":"nyc3",
"interfaces":{"private":[{"ipv4":{"ip_address":"10.132.255.113","netmask":"255.255.0.0","gateway":"10.132.0.1"},
"mac":"04:01:2a:0f:2a:02","type":"private"}],"public":[{"ipv4":{"ip_address":"104.131.20.105","netmask":
"255.255.192.0","gateway":"104.131.0.1"},"ipv6":{"ip_address":"2604:A880:0800:0010:0000:0000:017D:2001","cidr":64,
"gateway":"2604:A880:0800:0010:0000:0000:0000:0001"},"anchor_ipv4":{"ip_address":"10.17.0.9","netmask":"255.255.0.0",
"gateway":"10.17.0.1"},"mac":"04:01:2a:0f:2a:01","type":"public"}]},"dns":{"nameservers":["67.207.67.2"]}})";

TEST_F(CloudsTest, DigitalOcean) {
    const FakeServer server(testing::serve({{"/metadata/v1.json", {.body = kDroplet}}}));
    endpoints_.digitalocean = at(server);
    const auto got = read({.platform = Platform::digitalocean});
    ASSERT_TRUE(got) << got.error().what();
    EXPECT_EQ(got->instance_id, "2756294");
    EXPECT_EQ(got->hostname, "sample");
    EXPECT_EQ(got->region, "nyc3");
    EXPECT_EQ(got->public_keys.size(), 2U);
    EXPECT_EQ(got->user_data->bytes, "#cloud-config\n");
    ASSERT_EQ(got->vendor_data.size(), 1U);
    EXPECT_FALSE(got->metadata.contains("user_data") || got->metadata.contains("auth_key"));
    const auto network = Json::parse(got->network_config->bytes);
    EXPECT_EQ(network["version"], 2);
    const auto& outside = network["ethernets"]["public0"];
    EXPECT_EQ(outside["match"]["macaddress"], "04:01:2a:0f:2a:01");
    EXPECT_EQ(outside["addresses"],
              Json({"104.131.20.105/18", "2604:A880:0800:0010:0000:0000:017D:2001/64", "10.17.0.9/16"}));
    EXPECT_EQ(outside["routes"].size(), 2U);
    EXPECT_EQ(outside["routes"][1]["to"], "::/0");
    EXPECT_EQ(outside["nameservers"]["addresses"][0], "67.207.67.2");
    EXPECT_FALSE(network["ethernets"]["private0"].contains("routes"));
}

TEST_F(CloudsTest, ADropletOfNobody) {
    const FakeServer server(testing::serve({{"/metadata/v1.json", {.body = "[]"}}}));
    endpoints_.digitalocean = at(server);
    read_error({.platform = Platform::digitalocean}, Kind::corrupt);
    const FakeServer page(testing::serve({{"/metadata/v1.json", {.body = "<html>"}}}));
    endpoints_.digitalocean = at(page);
    read_error({.platform = Platform::digitalocean}, Kind::invalid);
}

constexpr const char* kHetzner =
    "availability-zone: fsn1-dc14\nhostname: box\ninstance-id: 42\npublic-ipv4: 192.0.2.5\npublic-keys:\n"
    "- ssh-ed25519 AAAA me\nregion: eu-central\nvendor_data: |\n  #cloud-config\n  x: 1\nnetwork-config:\n"
    "  version: 1\n  config:\n  - name: eth0\n    type: physical\n    mac_address: 96:00:00:08:19:da\n    subnets:\n"
    "    - ipv4: true\n      type: dhcp\n";

TEST_F(CloudsTest, Hetzner) {
    for (const auto* sent : {"#cloud-config\n", "I2Nsb3VkLWNv\nbmZpZwo=\n"}) {
        const FakeServer server(
            testing::serve({{"/hetzner/v1/metadata", {.body = kHetzner}}, {"/hetzner/v1/userdata", {.body = sent}}}));
        endpoints_.hetzner = at(server);
        const auto got = read({.platform = Platform::hetzner});
        ASSERT_TRUE(got) << got.error().what();
        EXPECT_EQ(got->instance_id, "42");
        EXPECT_EQ(got->hostname, "box");
        EXPECT_EQ(got->zone + got->region, "fsn1-dc14eu-central");
        EXPECT_THAT(got->public_keys, ElementsAre("ssh-ed25519 AAAA me"));
        EXPECT_EQ(got->user_data->bytes, "#cloud-config\n");
        EXPECT_EQ(got->vendor_data.at(0).bytes, "#cloud-config\nx: 1\n");
        EXPECT_EQ(Json::parse(got->network_config->bytes)["version"], 1);
    }
    for (const int status : {404, 204}) {
        const FakeServer server(testing::serve(
            {{"/hetzner/v1/metadata", {.body = kHetzner}}, {"/hetzner/v1/userdata", {.status = status}}}));
        endpoints_.hetzner = at(server);
        EXPECT_FALSE(read({.platform = Platform::hetzner})->user_data);
    }
}

}  // namespace
}  // namespace diatom::platform
