#include "configure/certificate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>

namespace diatom::configure {
namespace {

using ::testing::HasSubstr;

std::shared_ptr<X509> parsed(const std::string& pem) {
    BIO* bio = ::BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
    std::shared_ptr<X509> certificate(::PEM_read_bio_X509(bio, nullptr, nullptr, nullptr), ::X509_free);
    ::BIO_free(bio);
    return certificate;
}

// As a TLS library looks at it: signed by this authority, for this purpose.
int verdict(const std::string& pem, const std::string& authority, X509_PURPOSE* purpose) {
    const auto certificate = parsed(pem), root = parsed(authority);
    auto* store = ::X509_STORE_new();
    ::X509_STORE_add_cert(store, root.get());
    auto* context = ::X509_STORE_CTX_new();
    ::X509_STORE_CTX_init(context, store, certificate.get(), nullptr);
    ::X509_STORE_CTX_set_purpose(context, ::X509_PURPOSE_get_id(purpose));
    ::X509_verify_cert(context);
    const int error = ::X509_STORE_CTX_get_error(context);
    ::X509_STORE_CTX_free(context);
    ::X509_STORE_free(store);
    return error;
}

X509_PURPOSE* purpose(int id) { return ::X509_PURPOSE_get0(::X509_PURPOSE_get_by_id(id)); }

TEST(CertificateTest, AServerAndAClientOfOneAuthority) {
    const auto authority = make_certificate({.purpose = Purpose::authority, .name = "a", .hosts = {}}, nullptr).value();
    const auto other = make_certificate({.purpose = Purpose::authority, .name = "a", .hosts = {}}, nullptr).value();
    const auto server = make_certificate(
        {.purpose = Purpose::server, .name = "b", .hosts = {"web.example", "192.0.2.1", "2001:db8::1"}}, &authority);
    const auto client = make_certificate({.name = "c", .hosts = {}}, &authority);
    ASSERT_TRUE(server);
    ASSERT_TRUE(client);
    auto* to_serve = purpose(X509_PURPOSE_SSL_SERVER);
    auto* to_ask = purpose(X509_PURPOSE_SSL_CLIENT);
    EXPECT_EQ(verdict(server->certificate, authority.certificate, to_serve), X509_V_OK);
    EXPECT_EQ(verdict(client->certificate, authority.certificate, to_ask), X509_V_OK);
    EXPECT_NE(verdict(client->certificate, authority.certificate, to_serve), X509_V_OK);
    EXPECT_NE(verdict(server->certificate, other.certificate, to_serve), X509_V_OK);
    const auto certificate = parsed(server->certificate);
    EXPECT_EQ(::X509_check_host(certificate.get(), "web.example", 0, 0, nullptr), 1);
    EXPECT_EQ(::X509_check_host(certificate.get(), "other.example", 0, 0, nullptr), 0);
    EXPECT_EQ(::X509_check_ip_asc(certificate.get(), "192.0.2.1", 0), 1);
    EXPECT_EQ(::X509_check_ip_asc(certificate.get(), "2001:db8::1", 0), 1);
}

TEST(CertificateTest, WhatIsWrongIsSaid) {
    const auto authority = make_certificate({.purpose = Purpose::authority, .name = "a", .hosts = {}}, nullptr).value();
    const auto bad = make_certificate({.purpose = Purpose::server, .name = "b", .hosts = {"a,DNS:b"}}, &authority);
    ASSERT_FALSE(bad);
    EXPECT_THAT(bad.error().what(), HasSubstr("a,DNS:b is no name and no address of a host"));
    const KeyPair broken{"no certificate", "no key"};
    EXPECT_EQ(make_certificate({.name = "c", .hosts = {}}, &broken).error().kind(), Kind::corrupt);
}

}  // namespace
}  // namespace diatom::configure
