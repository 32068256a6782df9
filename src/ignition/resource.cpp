#include "ignition/resource.h"

#include <openssl/evp.h>

#include <array>

#include "base/strings.h"
#include "cloud/gzip.h"
#include "ignition/data_url.h"

namespace diatom::ignition {

Result<Hash> parse_hash(std::string_view text) {
    const auto halves = cut(text, '-');
    const auto algorithm = halves ? halves->first : std::string_view();
    if (algorithm != "sha256" && algorithm != "sha512") {
        return fail(Kind::invalid, "must be sha256-HEX or sha512-HEX");
    }
    const std::size_t digits = algorithm == "sha256" ? 64 : 128;
    auto hex = to_lower(halves->second);
    if (hex.size() != digits || hex.find_first_not_of("0123456789abcdef") != std::string::npos) {
        return fail(Kind::invalid, "{} has {} hexadecimal digits", algorithm, digits);
    }
    return Hash{std::string(algorithm), std::move(hex)};
}

Result<void> verify(const Hash& hash, std::string_view bytes) {
    std::array<std::uint8_t, EVP_MAX_MD_SIZE> sum;
    unsigned size = 0;
    const auto* algorithm = hash.algorithm == "sha256" ? EVP_sha256() : EVP_sha512();
    if (EVP_Digest(bytes.data(), bytes.size(), sum.data(), &size, algorithm, nullptr) != 1) {
        return fail(Kind::bug, "{} cannot be computed", hash.algorithm);
    }
    const auto actual = to_hex(std::span(sum).first(size));
    if (actual == hash.hex) return {};
    return fail(Kind::corrupt, "its {} is {}, not {}", hash.algorithm, actual, hash.hex);
}

std::string_view scheme_refusal(std::string_view url) {
    const auto scheme = url_scheme(url);
    if (scheme == "s3" || scheme == "arn") {
        return "S3 needs the cloud's credentials, which this machine does not ask for: use a presigned https URL";
    }
    if (scheme == "gs") return "Google Cloud Storage needs the cloud's credentials: use a signed https URL";
    if (scheme == "tftp") return "TFTP neither proves nor protects what it brings: use https, or http with a hash";
    return {};
}

Result<std::string> obtain(const Value& resource, const Access& access, const Fetch& fetch) {
    const auto url = resource.text_of("source");
    if (const auto refusal = scheme_refusal(url); !refusal.empty()) return fail(Kind::unsupported, "{}", refusal);
    std::string bytes;
    if (url_scheme(url) == "data") {
        bytes = TRY(decode_data_url(url));
    } else if (!url.empty()) {
        if (!fetch) return fail(Kind::unavailable, "nothing can be fetched here");
        Request request{.url = url, .headers = {}, .access = access};
        for (const auto& header : resource.at("httpHeaders").items()) {
            if (header.has("value")) request.headers.push_back({header.text_of("name"), header.text_of("value")});
        }
        bytes = TRY(fetch(request));
    }
    if (resource.text_of("compression") == "gzip") bytes = TRY(cloud::gunzip(bytes, kMaxResource));
    if (bytes.size() > kMaxResource) return fail(Kind::exhausted, "more than {}", format_bytes(kMaxResource));
    if (const auto* hash = resource.at("verification").find("hash")) {
        TRY(verify(TRY(parse_hash(hash->text())), bytes));
    }
    return bytes;
}

}  // namespace diatom::ignition
