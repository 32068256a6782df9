// Whom we trust, and what we show: over TLS through a proxy's tunnel.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "image/testing/pull_fixture.h"
#include "image/testing/tls_tunnel.h"
#include "sys/file.h"

namespace diatom::image {
namespace {

using testing::FakeRequest;
using ::testing::HasSubstr;
using testing::serve_image;
using testing::TlsTunnel;

class PullTlsTest : public testing::PullFixture {
protected:
    PullTlsTest() {
        ::signal(SIGPIPE, SIG_IGN);  // of a server whose client turned away
        options_.certs_directory = directory_ / "certs.d";
    }
    void use(const TlsTunnel& tunnel) { options_.https_proxy = "http://" + tunnel.address(); }
    void put(const std::string& name, const std::string& text) {
        ASSERT_TRUE(sys::make_dirs(options_.certs_directory + "/registry.test"));
        ASSERT_TRUE(sys::write_file(options_.certs_directory + "/registry.test/" + name, text));
    }
    testing::FakeRegistry::Handler images() {
        return [this](const FakeRequest& request) { return serve_image(image_, request); };
    }
};

TEST_F(PullTlsTest, AnAuthorityIsTrustedForItsHost) {
    const TlsTunnel tunnel(images(), TlsTunnel::Clients::any);
    use(tunnel);
    EXPECT_THAT(pull_error("registry.test/app", Kind::unavailable), HasSubstr("check the registry's certificate"));
    EXPECT_EQ(tunnel.tunnels().size(), 1U);  // nobody asks twice whom he does not trust
    put("ca.crt", tunnel.certificate());
    const auto pulled = pull("registry.test/app");
    ASSERT_TRUE(pulled) << pulled.error().what();
    EXPECT_EQ(tunnel.tunnels().back(), "CONNECT registry.test:443 HTTP/1.1");
    // The certificate is for another name, and another host's authorities are not asked.
    pull_error("other.test/app", Kind::unavailable);
}

// image/libraries leaves things out of OpenSSL: these are what registries have.
TEST_F(PullTlsTest, RegistriesHaveKeysOfEveryKind) {
    for (const auto& [key, newest] : {std::pair("RSA", TLS1_3_VERSION), std::pair("RSA", TLS1_2_VERSION),
                                      std::pair("P-256", TLS1_2_VERSION), std::pair("P-384", TLS1_3_VERSION),
                                      std::pair("P-521", TLS1_3_VERSION), std::pair("ED25519", TLS1_3_VERSION)}) {
        SCOPED_TRACE(key);
        const TlsTunnel tunnel(images(), TlsTunnel::Clients::certified, {.key = key, .newest = newest});
        use(tunnel);
        put("ca.crt", tunnel.certificate());
        put("client.cert", tunnel.certificate());
        put("client.key", tunnel.key());
        const auto pulled = pull("registry.test/app");
        ASSERT_TRUE(pulled) << pulled.error().what();
    }
}

TEST_F(PullTlsTest, AnInsecureRegistryMayShowAnyCertificate) {
    const TlsTunnel tunnel(images(), TlsTunnel::Clients::any);
    use(tunnel);
    options_.insecure = {"registry.test"};
    const auto pulled = pull("registry.test/app");
    ASSERT_TRUE(pulled) << pulled.error().what();
}

TEST_F(PullTlsTest, WhoAsksForAPasswordOverTlsIsNotAskedInTheClear) {
    const TlsTunnel tunnel(
        [](const FakeRequest&) -> testing::FakeResponse {
            return {.status = 401, .headers = {"WWW-Authenticate: Basic realm=\"x\""}};
        },
        TlsTunnel::Clients::any);
    const testing::FakeRegistry clear([](const FakeRequest&) -> testing::FakeResponse { return {.status = 400}; });
    use(tunnel);
    options_.http_proxy = "http://" + clear.address();
    options_.insecure = {"registry.test"};
    EXPECT_THAT(pull_error("registry.test/app", Kind::unauthorized), HasSubstr("may require 'docker login'"));
    EXPECT_THAT(pull_error("registry.test/app", Kind::unauthorized, Credentials{.username = "me", .password = "no"}),
                HasSubstr("may require 'docker login'"));
    EXPECT_TRUE(clear.requests().empty());
}

TEST_F(PullTlsTest, AClientCertificateIsShown) {
    const TlsTunnel tunnel(images(), TlsTunnel::Clients::certified);
    use(tunnel);
    put("ca.crt", tunnel.certificate());
    pull_error("registry.test/app", Kind::unavailable);
    put("client.cert", tunnel.certificate());
    EXPECT_THAT(pull_error("registry.test/app", Kind::invalid), HasSubstr("client.key"));
    put("client.key", tunnel.key());
    const auto pulled = pull("registry.test/app");
    ASSERT_TRUE(pulled) << pulled.error().what();
}

}  // namespace
}  // namespace diatom::image
