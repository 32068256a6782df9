// The pull: resolve the reference, fetch what is missing in parallel, unpack, make the image visible.
#include <arpa/inet.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <deque>

#include "base/strings.h"
#include "image/registry.h"
#include "image/registry_hosts.h"
#include "image/registry_session.h"
#include "image/throttle.h"
#include "proc/on_worker.h"
#include "sys/log.h"

namespace diatom::image {
namespace {

namespace asio = boost::asio;
using proc::on_worker;
constexpr std::size_t kPiece = 1U << 20U;  // bytes read before they go to a worker
constexpr const char* kAcceptManifest =
    "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";

std::string short_id(const Digest& digest) { return std::string(digest.hex().substr(0, 12)); }

struct FetchedManifest {
    Manifest manifest;
    Digest digest;  // of the image manifest
    Digest top;     // of what the tag points to: the index, where there is one
};

class RegistryClient final : public Registry {
public:
    RegistryClient(RegistryOptions options, Store& store, asio::thread_pool& workers)
        : options_(std::move(options)), store_(store), workers_(workers.get_executor()) {}

    Task<Pulled> pull(Reference reference, Platform platform, std::optional<Credentials> credentials,
                      ProgressSink progress) override;
    Task<void> check_login(std::string host, Credentials credentials) override;

private:
    HttpOptions http_options(const Url& url) const;
    Task<Pulled> pull_from_any(Reference reference, Platform platform, std::optional<Credentials> credentials,
                               ProgressSink progress);
    Task<Pulled> pull_from(Url base, Reference reference, Platform platform, std::optional<Credentials> credentials,
                           ProgressSink progress);
    Task<FetchedManifest> fetch_manifest(RegistrySession& session, const Reference& reference,
                                         const Platform& platform);
    Task<std::pair<Digest, std::variant<Manifest, Index>>> fetch_document(RegistrySession& session, std::string name,
                                                                          Digest expected);
    Task<void> fetch_layers(RegistrySession& session, const Manifest& manifest, const ImageConfig& config,
                            const ProgressSink& progress);
    Task<void> fetch_layer(RegistrySession& session, Descriptor layer, Digest diff_id, ProgressSink progress);
    // `diff_id`: of the layer that the blob holds, empty for others.
    Task<void> fetch_blob(RegistrySession& session, Descriptor blob, Digest diff_id, ProgressSink progress);
    Task<void> fetch_blob_once(RegistrySession& session, Descriptor blob, ProgressSink progress);
    Task<void> receive(HttpResponse& response, BlobWriter& writer, const Descriptor& blob, ProgressSink progress);

    RegistryOptions options_;
    Store& store_;
    asio::thread_pool::executor_type workers_;
    std::map<Digest, std::shared_ptr<asio::steady_timer>> in_flight_;  // expires at its end: a blob is fetched once
};

HttpOptions RegistryClient::http_options(const Url& url) const {
    HttpOptions http;
    http.ca_file = options_.ca_file;
    if (!options_.certs_directory.empty()) http.host_ca_directory = options_.certs_directory + "/" + url.authority();
    http.stall_timeout = options_.stall_timeout;
    if (!bypasses_proxy(url.host, options_.no_proxy)) http.proxy = url.tls ? options_.https_proxy : options_.http_proxy;
    return http;
}

Task<Pulled> RegistryClient::pull(Reference reference, Platform platform, std::optional<Credentials> credentials,
                                  ProgressSink progress) {
    auto pulled =
        co_await pull_from_any(std::move(reference), std::move(platform), std::move(credentials), std::move(progress));
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) co_return std::move(pulled);  // an await would throw
    auto swept = co_await on_worker(workers_, [this] { return store_.sweep_partials(); });
    if (!swept) log::warning("old partial downloads stay", {{"error", swept.error().what()}});
    co_return std::move(pulled);
}

Task<Pulled> RegistryClient::pull_from_any(Reference reference, Platform platform,
                                           std::optional<Credentials> credentials, ProgressSink progress) {
    const auto bases = registry_bases(reference.domain, options_);
    std::optional<Error> first;
    for (const auto& base : bases) {
        auto pulled = co_await pull_from(base, reference, platform, credentials, progress);
        if (pulled) co_return std::move(pulled);
        const auto kind = pulled.error().kind();
        // What the next base cannot mend ends the search: our own disk, the client's departure, a wrong platform.
        if (kind != Kind::unavailable && kind != Kind::timed_out && kind != Kind::not_found && kind != Kind::denied &&
            kind != Kind::unauthorized) {
            co_return std::move(pulled);
        }
        // The registry's own word counts more than that of a mirror, or of https where http was meant; an answer counts
        // more than none.
        if (!first || kind != Kind::unavailable || first->kind() == Kind::unavailable)
            first = std::move(pulled).error();
    }
    co_return Failure(std::move(*first));
}

Task<std::pair<Digest, std::variant<Manifest, Index>>> RegistryClient::fetch_document(RegistrySession& session,
                                                                                      std::string name,
                                                                                      Digest expected) {
    auto answered = co_await session.get("manifests/" + name, {{"Accept", kAcceptManifest}});
    const auto response = CO_TRY(std::move(answered));
    auto read = co_await response->read_all(kMaxManifest);
    const auto text = CO_TRY(std::move(read), "manifest {}", name);
    const auto digest = Digest::of(text);
    if (!expected.empty() && expected != digest) {
        co_return fail(Kind::corrupt, "manifest {}: the registry sent bytes with digest {}", expected.text(),
                       digest.text());
    }
    auto document = CO_TRY(decode_manifest(text, response->header("Content-Type")), "manifest {}", name);
    auto stored = co_await on_worker(workers_, [this, digest, text] { return store_.put_blob(digest, text); });
    CO_TRY(std::move(stored));
    co_return std::pair{digest, std::move(document)};
}

Task<FetchedManifest> RegistryClient::fetch_manifest(RegistrySession& session, const Reference& reference,
                                                     const Platform& platform) {
    auto fetched = co_await fetch_document(session, reference.digest.empty() ? reference.tag : reference.digest.text(),
                                           reference.digest);
    auto [top, document] = CO_TRY(std::move(fetched));
    if (auto* manifest = std::get_if<Manifest>(&document)) co_return FetchedManifest{std::move(*manifest), top, top};
    const auto chosen = CO_TRY(std::get<Index>(document).select(platform), "{}", reference.familiar());
    auto inner = co_await fetch_document(session, chosen.digest.text(), chosen.digest);
    auto [digest, second] = CO_TRY(std::move(inner));
    auto* manifest = std::get_if<Manifest>(&second);
    if (manifest == nullptr)
        co_return fail(Kind::invalid, "{}: an index that points to an index is not supported", reference.familiar());
    co_return FetchedManifest{std::move(*manifest), digest, top};
}

Task<void> RegistryClient::receive(HttpResponse& response, BlobWriter& writer, const Descriptor& blob,
                                   ProgressSink progress) {
    std::string piece(kPiece, '\0');
    std::size_t filled = 0;
    std::optional<Error> broken;
    for (bool more = true; more;) {
        auto read = co_await response.read(std::span(piece).subspan(filled));
        // What came before the connection broke is kept, so that the next attempt goes on behind it.
        if (!read && read.error().kind() == Kind::cancelled) co_return forward_error(std::move(read));
        const auto size = read ? *read : 0;
        if (!read) broken = std::move(read).error();
        more = size > 0;
        filled += size;
        if (filled < piece.size() && more) continue;
        auto written = co_await on_worker(
            workers_, [&writer, bytes = std::string_view(piece).substr(0, filled)] { return writer.write(bytes); });
        CO_TRY(std::move(written));
        filled = 0;
        progress({short_id(blob.digest), "Downloading", writer.offset(), blob.size});
    }
    if (broken) co_return Failure(std::move(*broken));
    if (writer.offset() < blob.size)
        co_return fail(Kind::unavailable, "the download of {} ended after {} of {} bytes", blob.digest.text(),
                       writer.offset(), blob.size);
    co_return Result<void>{};
}

Task<void> RegistryClient::fetch_blob_once(RegistrySession& session, Descriptor blob, ProgressSink progress) {
    const auto writer = CO_TRY(store_.write_blob(blob));
    for (int attempt = 1;; ++attempt) {
        std::map<std::string, std::string> headers;
        if (writer->offset() > 0) headers["Range"] = std::format("bytes={}-", writer->offset());
        Result<void> received{};
        if (writer->offset() < blob.size || blob.size == 0) {
            auto answered = co_await session.get("blobs/" + blob.digest.text(), std::move(headers));
            const auto response = CO_TRY(std::move(answered));
            if (response->status() == 200 && writer->offset() > 0) CO_TRY(writer->restart());
            received = co_await receive(*response, *writer, blob, progress);
        }
        if (received) {
            progress({short_id(blob.digest), "Verifying Checksum", 0, 0});
            co_return co_await on_worker(workers_, [&writer] { return writer->commit(); });
        }
        const auto kind = received.error().kind();
        if (attempt >= session.attempts() || (kind != Kind::unavailable && kind != Kind::timed_out))
            co_return std::move(received);
        auto waited = co_await session.back_off(attempt);
        CO_TRY(std::move(waited));
    }
}

Task<void> RegistryClient::fetch_blob(RegistrySession& session, Descriptor blob, Digest diff_id,
                                      ProgressSink progress) {
    while (const auto it = in_flight_.contains(blob.digest) ? in_flight_[blob.digest] : nullptr) {
        progress({short_id(blob.digest), "Waiting", 0, 0});
        if (const auto [error] = co_await it->async_wait(asio::as_tuple(asio::use_awaitable));
            error && it->expiry() == asio::steady_timer::time_point::max()) {
            co_return fail(Kind::cancelled, "the pull was cancelled");
        }
    }
    const auto present = CO_TRY(store_.has_blob(blob.digest));
    if (present) co_return Result<void>{};
    // Another pull may have unpacked it meanwhile, which removes the blob after the layer is there.
    if (!diff_id.empty()) {
        const auto unpacked = CO_TRY(store_.has_layer(diff_id));
        if (unpacked) co_return Result<void>{};
    }
    auto done =
        std::make_shared<asio::steady_timer>(co_await asio::this_coro::executor, asio::steady_timer::time_point::max());
    in_flight_[blob.digest] = done;
    const std::shared_ptr<void> leave(nullptr, [this, done, digest = blob.digest](void*) {
        in_flight_.erase(digest);
        done->expires_at(asio::steady_timer::time_point::min());
    });
    co_return co_await fetch_blob_once(session, std::move(blob), std::move(progress));
}

Task<void> RegistryClient::fetch_layer(RegistrySession& session, Descriptor layer, Digest diff_id,
                                       ProgressSink progress) {
    const auto id = short_id(layer.digest);
    const auto present = CO_TRY(store_.has_layer(diff_id));
    if (present) {
        progress({id, "Already exists", 0, 0});
        co_return Result<void>{};
    }
    auto fetched = co_await fetch_blob(session, layer, diff_id, progress);
    CO_TRY(std::move(fetched), "layer {}", id);
    progress({id, "Download complete", 0, 0});
    const auto cancelled = std::make_shared<std::atomic<bool>>(false);
    auto unpacked = co_await on_worker(workers_, [this, layer, diff_id, progress, cancelled] {
        return store_.unpack_layer(layer, diff_id, progress, cancelled.get());
    });
    CO_TRY(std::move(unpacked), "layer {}", id);
    progress({id, "Pull complete", 0, 0});
    co_return Result<void>{};
}

Task<void> RegistryClient::fetch_layers(RegistrySession& session, const Manifest& manifest, const ImageConfig& config,
                                        const ProgressSink& progress) {
    using namespace asio::experimental::awaitable_operators;
    for (const auto& layer : manifest.layers) progress({short_id(layer.digest), "Pulling fs layer", 0, 0});
    // `parallel` lanes take the layers in order; the first failure ends the others after their current layer.
    std::size_t next = 0;
    std::optional<Error> failure;
    const auto lane = [&]() -> asio::awaitable<void> {
        while (next < manifest.layers.size() && !failure) {
            const auto index = next++;
            auto fetched = co_await fetch_layer(session, manifest.layers[index], config.diff_ids[index], progress);
            if (!fetched && !failure) failure = std::move(fetched).error();
        }
    };
    if (options_.parallel_downloads <= 1 || manifest.layers.size() <= 1) co_await lane();
    else if (options_.parallel_downloads == 2 || manifest.layers.size() == 2) co_await (lane() && lane());
    else co_await (lane() && lane() && lane());
    if (failure) co_return Failure(std::move(*failure));
    co_return Result<void>{};
}

Task<Pulled> RegistryClient::pull_from(Url base, Reference reference, Platform platform,
                                       std::optional<Credentials> credentials, ProgressSink progress) {
    RegistrySession session(base, reference.repository, reference.familiar(), std::move(credentials),
                            http_options(base), options_.attempts);
    auto fetched = co_await fetch_manifest(session, reference, platform);
    const auto found = CO_TRY(std::move(fetched));
    auto got_config = co_await fetch_blob(session, found.manifest.config, Digest(), [](const Progress&) {});
    CO_TRY(std::move(got_config), "image configuration");
    auto raw = co_await on_worker(
        workers_, [this, &found] { return store_.read_blob(found.manifest.config.digest, kMaxManifest); });
    const auto text = CO_TRY(std::move(raw));
    const auto config = CO_TRY(ImageConfig::decode(text), "{}", reference.familiar());
    if (config.diff_ids.size() != found.manifest.layers.size()) {
        co_return fail(Kind::corrupt, "{}: the manifest has {} layers and the configuration {}", reference.familiar(),
                       found.manifest.layers.size(), config.diff_ids.size());
    }
    if (!config.platform.architecture.empty() && config.platform.architecture != platform.architecture) {
        co_return fail(Kind::invalid, "{}: no matching manifest for {}: the image is for {}", reference.familiar(),
                       platform.text(), config.platform.text());
    }
    auto known = co_await on_worker(workers_, [this, name = reference.full()] { return store_.find(name); });
    const bool newer = !known || known->id != found.manifest.config.digest;
    const Throttle throttled(progress);
    auto layers = co_await fetch_layers(session, found.manifest, config, throttled);
    CO_TRY(std::move(layers));
    const std::string tag = reference.digest.empty() ? reference.full() : std::string();
    const std::string repo_digest = std::format("{}/{}@{}", reference.domain, reference.repository, found.top.text());
    auto added = co_await on_worker(
        workers_, [&] { return store_.add_image(found.manifest.config.digest, found.digest, tag, repo_digest); });
    auto image = CO_TRY(std::move(added));
    co_return Pulled{std::move(image), found.top, newer};
}

Task<void> RegistryClient::check_login(std::string host, Credentials credentials) {
    std::optional<Error> first;
    for (const auto& base : registry_bases(login_host(host), options_)) {
        RegistrySession session(base, "", host, credentials, http_options(base), 1);
        auto answered = co_await session.ping();
        if (answered) co_return Result<void>{};
        if (!first || answered.error().kind() != Kind::unavailable) first = std::move(answered).error();
    }
    co_return Failure(std::move(*first));
}

}  // namespace

std::unique_ptr<Registry> Registry::create(RegistryOptions options, Store& store, asio::thread_pool& workers) {
    return std::make_unique<RegistryClient>(std::move(options), store, workers);
}

}  // namespace diatom::image
