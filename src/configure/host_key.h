// Private keys of the SSH server, as administrators have them, for a server that knows a form of its own. Thread side:
// any; values. No error has a part of the key in it.
//
// In: OpenSSH's form (PROTOCOL.key of OpenSSH 9), PKCS#1, SEC 1 and PKCS#8 in PEM, without a passphrase: Ed25519, RSA,
// ECDSA over P-256, P-384 and P-521. Out: dropbear's, which is the public key as SSH sends it (RFC 4253 section 6.6,
// RFC 5656 section 3.1, RFC 8709), with the private numbers behind it.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace diatom::configure {

struct HostKey {
    std::string kind;        // "ed25519", "rsa", "ecdsa"
    std::string bytes;       // for the server; a secret
    std::string public_key;  // "ssh-ed25519 AAAA…"
};

// invalid: no such key, damaged, or too weak for the server; unsupported: it has a passphrase, or is of another kind.
Result<HostKey> read_host_key(std::string_view text);

// Whether a line of authorized_keys(5) or KIND.pub names this key; comments do not count.
bool is_public_half(const HostKey& key, std::string_view line);

}  // namespace diatom::configure
