#include "configure/certificate.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <format>
#include <memory>

namespace diatom::configure {
namespace {

constexpr long kDay = 86'400, kTenYears = 3650 * kDay;

template <auto Free>
struct Freed {
    void operator()(auto* pointer) const { Free(pointer); }
};
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Bio = std::unique_ptr<BIO, Freed<BIO_free_all>>;
using Extension = std::unique_ptr<X509_EXTENSION, Freed<X509_EXTENSION_free>>;

Failure failed(std::string_view what) {
    const auto code = ::ERR_get_error();
    char text[256] = "no memory";
    if (code != 0) ::ERR_error_string_n(code, text, sizeof text);
    return fail(Kind::io, "{}: {}", what, text);
}

bool is_host(std::string_view host) {
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
               c == ':' || c == '*' || c == '_';
    };
    return !host.empty() && host.size() <= 253 && std::ranges::all_of(host, fits);
}

bool is_address(const std::string& host) {
    in6_addr address{};
    return ::inet_pton(AF_INET, host.c_str(), &address) == 1 || ::inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

Result<void> extend(X509* certificate, X509* issuer, int kind, const std::string& value) {
    X509V3_CTX context{};
    ::X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    const Extension extension(::X509V3_EXT_nconf_nid(nullptr, &context, kind, value.c_str()));
    if (!extension || ::X509_add_ext(certificate, extension.get(), -1) != 1)
        return failed(std::format("add {} to a certificate", ::OBJ_nid2sn(kind)));
    return {};
}

Result<void> extend_for(X509* certificate, X509* issuer, const CertificateRequest& request) {
    const bool is_authority = request.purpose == Purpose::authority;
    TRY(extend(certificate, issuer, NID_basic_constraints, is_authority ? "critical,CA:TRUE" : "critical,CA:FALSE"));
    TRY(extend(certificate, issuer, NID_key_usage,
               is_authority ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature"));
    TRY(extend(certificate, issuer, NID_subject_key_identifier, "hash"));
    if (is_authority) return {};
    TRY(extend(certificate, issuer, NID_authority_key_identifier, "keyid"));
    TRY(extend(certificate, issuer, NID_ext_key_usage,
               request.purpose == Purpose::server ? "serverAuth" : "clientAuth"));
    std::string names;
    for (const auto& host : request.hosts) {
        if (!is_host(host)) return fail(Kind::invalid, "{} is no name and no address of a host", host);
        names += std::format("{}{}:{}", names.empty() ? "" : ",", is_address(host) ? "IP" : "DNS", host);
    }
    return names.empty() ? Result<void>() : extend(certificate, issuer, NID_subject_alt_name, names);
}

Result<void> fill(X509* certificate, const CertificateRequest& request) {
    unsigned char serial[16];
    if (::RAND_bytes(serial, sizeof serial) != 1) return failed("random bytes");
    serial[0] &= 0x7f;  // positive
    const std::unique_ptr<BIGNUM, Freed<BN_free>> number(::BN_bin2bn(serial, sizeof serial, nullptr));
    auto* subject = ::X509_get_subject_name(certificate);
    const auto* name = reinterpret_cast<const unsigned char*>(request.name.c_str());
    const bool done = number && ::X509_set_version(certificate, X509_VERSION_3) == 1 &&
                      ::BN_to_ASN1_INTEGER(number.get(), ::X509_get_serialNumber(certificate)) != nullptr &&
                      // Clocks of machines without one are behind until they have heard of the time.
                      ::X509_gmtime_adj(::X509_getm_notBefore(certificate), -kDay) != nullptr &&
                      ::X509_gmtime_adj(::X509_getm_notAfter(certificate), kTenYears) != nullptr &&
                      ::X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, name, -1, -1, 0) == 1;
    return done ? Result<void>() : failed("fill in a certificate");
}

template <class Write>
Result<std::string> pem(const Write& write) {
    const Bio bio(::BIO_new(::BIO_s_mem()));
    char* bytes = nullptr;
    if (!bio || write(bio.get()) != 1) return failed("write PEM");
    const auto size = BIO_get_mem_data(bio.get(), &bytes);
    return std::string(bytes, static_cast<std::size_t>(size));
}

struct Authority {
    Certificate certificate;
    Key key;
};
Result<Authority> read_authority(const KeyPair& pair) {
    const Bio certificate(::BIO_new_mem_buf(pair.certificate.data(), static_cast<int>(pair.certificate.size())));
    const Bio key(::BIO_new_mem_buf(pair.key.data(), static_cast<int>(pair.key.size())));
    Authority made{Certificate(::PEM_read_bio_X509(certificate.get(), nullptr, nullptr, nullptr)),
                   Key(::PEM_read_bio_PrivateKey(key.get(), nullptr, nullptr, nullptr))};
    const bool fits =
        made.certificate && made.key && ::X509_check_private_key(made.certificate.get(), made.key.get()) == 1;
    if (!fits) return fail(Kind::corrupt, "the authority is no certificate with its key");
    return made;
}

}  // namespace

Result<KeyPair> make_certificate(const CertificateRequest& request, const KeyPair* authority) {
    const Key key(::EVP_EC_gen("P-256"));
    const Certificate certificate(::X509_new());
    if (!key || !certificate) return failed("make a key");
    Authority signer;
    if (authority != nullptr) signer = TRY(read_authority(*authority));
    auto* issuer = authority == nullptr ? certificate.get() : signer.certificate.get();
    auto* signing = authority == nullptr ? key.get() : signer.key.get();
    TRY(fill(certificate.get(), request));
    const bool named = ::X509_set_issuer_name(certificate.get(), ::X509_get_subject_name(issuer)) == 1 &&
                       ::X509_set_pubkey(certificate.get(), key.get()) == 1;
    if (!named) return failed("fill in a certificate");
    TRY(extend_for(certificate.get(), issuer, request));
    if (::X509_sign(certificate.get(), signing, ::EVP_sha256()) == 0) return failed("sign a certificate");
    KeyPair made;
    made.certificate = TRY(pem([&](BIO* bio) { return ::PEM_write_bio_X509(bio, certificate.get()); }));
    made.key = TRY(pem(
        [&](BIO* bio) { return ::PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr); }));
    return made;
}

}  // namespace diatom::configure
