// What a configuration refers to: from where, unpacked, verified. Thread side: that of Fetch. Source: Ignition's
// specification 3.5.0 ("source", "compression", "httpHeaders", "verification") and operator notes (HTTP back-off).
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "ignition/report.h"

namespace diatom::ignition {

struct Header {
    std::string name, value;
};

// What stands in ignition.timeouts, ignition.proxy and ignition.security.tls: it holds for requests only.
struct Access {
    int header_timeout_s = 10;  // for the head of the answer; 0: none
    int total_timeout_s = 0;    // with all attempts; 0: none
    std::string http_proxy, https_proxy;
    std::vector<std::string> no_proxy;
    std::string authorities;  // PEM: trusted beside the machine's own

    bool is_default() const { return http_proxy.empty() && https_proxy.empty() && authorities.empty(); }
};

struct Request {
    std::string url;  // http or https
    std::vector<Header> headers;
    Access access;
};

// The body of a 2xx answer. Who implements it tries again after an answer of 5xx or none, waiting 0.1 s, then twice as
// long each time up to 5 s, and fails at once on other answers; headers are not sent to where a redirect leads.
using Fetch = std::function<Result<std::string>(const Request& request)>;

// Unpacked data beyond this are refused.
inline constexpr std::size_t kMaxResource = 64U << 20U;

struct Hash {
    std::string algorithm;  // sha256, sha512
    std::string hex;        // lower case
};
Result<Hash> parse_hash(std::string_view text);  // "sha512-HEX"

// corrupt: the bytes are others.
Result<void> verify(const Hash& hash, std::string_view bytes);

// Of a resource that check_resource found right: its bytes, unpacked and verified. unsupported: s3, gs, arn, tftp.
Result<std::string> obtain(const Value& resource, const Access& access, const Fetch& fetch);

// Nothing for what can be fetched.
std::string_view scheme_refusal(std::string_view url);

}  // namespace diatom::ignition
