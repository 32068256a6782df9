// The registry client. Source: OCI distribution-spec 1.1; token authentication: distribution's documentation.
// Thread side: the caller's executor (the engine's event loop); hashing and disk writes go to `workers`.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "image/http_client.h"
#include "image/store.h"

namespace diatom::image {

struct Credentials {
    std::string username, password, identity_token, registry_token;
};

// How a large blob is fetched.
struct DownloadLimits {
    int connections = 4;                      // of one blob
    int extra_connections = 8;                // of all blobs, beyond the first of each
    std::uint64_t span = 8U << 20U;           // bytes that one request asks for, when there are several
    std::uint64_t several_from = 16U << 20U;  // bytes that are missing
};

struct RegistryOptions {
    // Registries that are spoken to over TLS with any certificate, and over plain HTTP. Loopback addresses always are,
    // as with Docker. Entries are hosts with an optional port, or CIDR blocks.
    std::vector<std::string> insecure;
    std::string ca_file;  // PEM; empty: the system's
    // As Docker's /etc/docker/certs.d: of DIR/HOST[:PORT], *.crt are trusted for that host, and NAME.cert with NAME.key
    // are what we show it.
    std::string certs_directory;
    // By host[:port], for whoever brings none. Each goes to its own host only.
    std::map<std::string, Credentials> credentials;
    // For each registry host, the mirrors to try before it ("docker.io" -> "10.0.2.2:5000").
    std::vector<std::pair<std::string, std::string>> mirrors;
    std::string http_proxy, https_proxy, no_proxy;
    std::chrono::seconds stall_timeout{60};  // no byte for so long: retry, then timed_out
    int parallel_layers = 3;                 // of one pull, as Docker's max-concurrent-downloads
    DownloadLimits download;
    Pacing pacing;
};

struct Pulled {
    ImageRecord image;
    Digest manifest;
    bool newer = false;  // false: was complete already
};

struct Pushed {
    Digest manifest;
    std::uint64_t size = 0;  // bytes of the manifest
};

// What a registry has under a name.
struct Described {
    Descriptor descriptor;
    std::vector<Platform> platforms;
};

class Registry {
public:
    virtual ~Registry() = default;
    static std::unique_ptr<Registry> create(RegistryOptions options, Store& store, boost::asio::thread_pool& workers);
    // Cancellation: asio's cancellation of the awaiting coroutine stops the pull; partial blobs stay resumable.
    virtual boost::asio::awaitable<Result<Pulled>> pull(Reference reference, Platform platform,
                                                        std::optional<Credentials> credentials,
                                                        ProgressSink progress) = 0;
    // The image that the reference names here, to the repository and tag that it names there. Mirrors take no part.
    virtual boost::asio::awaitable<Result<Pushed>> push(Reference reference, std::optional<Credentials> credentials,
                                                        ProgressSink progress) = 0;
    virtual boost::asio::awaitable<Result<Described>> describe(Reference reference,
                                                               std::optional<Credentials> credentials) = 0;
    // All tags of a repository, by the first of its mirrors, or the registry itself, that knows it.
    virtual boost::asio::awaitable<Result<std::vector<std::string>>> tags(Reference repository,
                                                                          std::optional<Credentials> credentials) = 0;
    // A file that is no registry's, by the same proxies and certificates (download.h).
    virtual boost::asio::awaitable<Result<std::unique_ptr<HttpResponse>>> download(std::string url) = 0;
    // POST /auth: checks credentials against a registry.
    virtual boost::asio::awaitable<Result<void>> check_login(std::string host, Credentials credentials) = 0;
};

}  // namespace diatom::image
