// `diatom tls generate`: certificates for the engine's API over TLS, as `ros tls generate` makes them.
#include <unistd.h>

#include <array>
#include <cstdio>

#include "cli/arguments.h"
#include "cli/command.h"
#include "configure/certificate.h"
#include "sys/file.h"

namespace diatom::cli {
namespace {

using configure::KeyPair;
using configure::Purpose;

constexpr const char* kServerDirectory = "/var/lib/diatom/tls";
constexpr const char* kUserDirectory = "/root/.docker";
constexpr std::size_t kMaxPem = 64U << 10U;

constexpr std::array<OptionSpec, 3> kOptions{{
    {"--hostname", 'H', true, "a name or an address of this machine; again for more (its host name, localhost)"},
    {"--server", 's', false, "the server's certificate; without, a client's"},
    {"--dir", 'd', true, "where it is written (server: /var/lib/diatom/tls; client: ~/.docker)"},
}};
constexpr const char* kUsage =
    "diatom tls generate\n"
    "  Makes an authority where there is none (/var/lib/diatom/tls/ca.pem, ca-key.pem), and by it a certificate.\n"
    "  Copy ca.pem, cert.pem and key.pem to ~/.docker of who is to use the engine from elsewhere.";

std::string host_name() {
    char name[256] = "";
    return ::gethostname(name, sizeof name - 1) == 0 ? name : "diatom";
}

Result<void> write_pair(const std::string& directory, const std::string& prefix, const KeyPair& pair) {
    TRY(sys::make_dirs(directory, 0700));
    TRY(sys::write_file_atomic(directory + "/" + prefix + "key.pem", pair.key, 0600));
    return sys::write_file_atomic(directory + "/" + prefix + "cert.pem", pair.certificate, 0644);
}

Result<KeyPair> authority() {
    const auto certificate = std::string(kServerDirectory) + "/ca.pem",
               key = std::string(kServerDirectory) + "/ca-key.pem";
    if (sys::exists(certificate) && sys::exists(key))
        return KeyPair{TRY(sys::read_file(certificate, kMaxPem)), TRY(sys::read_file(key, kMaxPem))};
    // One of another's making would no longer be trusted, and its clients locked out.
    if (sys::exists(certificate))
        return fail(Kind::conflict, "{} is not of this machine's making: its key, {}, is not here", certificate, key);
    auto made = TRY(configure::make_certificate(
        {.purpose = Purpose::authority, .name = "Diatom OS " + host_name(), .hosts = {}}, nullptr));
    TRY(sys::make_dirs(kServerDirectory, 0700));
    TRY(sys::write_file_atomic(key, made.key, 0600));
    TRY(sys::write_file_atomic(certificate, made.certificate, 0644));
    return made;
}

Result<int> generate(const Arguments& arguments) {
    const bool server = arguments.has("--server");
    auto hosts = arguments.values("--hostname");
    if (hosts.empty()) hosts = {host_name()};
    if (server) hosts.insert(hosts.end(), {"localhost", "127.0.0.1", "::1"});
    const auto by = TRY(authority());
    const auto made = TRY(configure::make_certificate({.purpose = server ? Purpose::server : Purpose::client,
                                                       .name = hosts.front(),
                                                       .hosts = server ? hosts : std::vector<std::string>()},
                                                      &by));
    const auto directory = arguments.value("--dir", server ? kServerDirectory : kUserDirectory);
    TRY(write_pair(directory, server ? "server-" : "", made));
    if (directory != kServerDirectory) TRY(sys::write_file_atomic(directory + "/ca.pem", by.certificate, 0644));
    std::puts(directory.c_str());
    return 0;
}

Result<int> run(std::span<char*> args) {
    const auto arguments = TRY(parse_arguments(args, kOptions));
    const bool asked = arguments.rest.size() == 1 && arguments.rest[0] == "generate";
    if (arguments.has("--help") || !asked) {
        std::fputs((usage(kUsage, kOptions) + "\n").c_str(), stdout);
        return arguments.has("--help") ? 0 : 2;
    }
    return generate(arguments);
}

}  // namespace

int tls_command(std::span<char*> args) {
    const auto code = run(args);
    return code ? *code : report("tls", code.error());
}

}  // namespace diatom::cli
