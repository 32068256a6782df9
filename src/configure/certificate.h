// Certificates of the engine's API: an authority of the machine's own, and keys that it signs. ECDSA on P-256, ten
// years. Thread side: any; blocks. Source: RFC 5280; what docker asks of certificates: "Protect the Docker daemon
// socket".
#pragma once

#include <string>
#include <vector>

#include "base/error.h"

namespace diatom::configure {

struct KeyPair {
    std::string certificate, key;  // PEM
};

enum class Purpose : std::uint8_t { authority, server, client };

struct CertificateRequest {
    Purpose purpose = Purpose::client;
    std::string name;                // of the subject
    std::vector<std::string> hosts;  // a server's: names and addresses
};

// Signed by `authority`; an authority signs itself. invalid: a host that is none; corrupt: the authority is no key
// pair.
Result<KeyPair> make_certificate(const CertificateRequest& request, const KeyPair* authority);

}  // namespace diatom::configure
