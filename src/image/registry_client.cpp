// The registry client: resolves the reference, chooses among the registry and its mirrors, makes a pulled image
// visible.
#include <boost/asio/this_coro.hpp>

#include "image/registry.h"
#include "image/registry_fetch.h"
#include "image/registry_hosts.h"
#include "image/registry_push.h"
#include "image/registry_session.h"
#include "image/throttle.h"
#include "proc/on_worker.h"
#include "sys/log.h"

namespace diatom::image {
namespace {

namespace asio = boost::asio;
using proc::on_worker;

struct FetchedManifest {
    Manifest manifest;
    Digest digest;  // of the image manifest
    Digest top;     // of what the tag points to: the index, where there is one
};

class RegistryClient final : public Registry {
public:
    RegistryClient(RegistryOptions options, Store& store, asio::thread_pool& workers)
        : options_(std::move(options)),
          store_(store),
          workers_(workers.get_executor()),
          fetcher_(store_, workers_, options_.parallel_downloads) {}

    Task<Pulled> pull(Reference reference, Platform platform, std::optional<Credentials> credentials,
                      ProgressSink progress) override;
    Task<Pushed> push(Reference reference, std::optional<Credentials> credentials, ProgressSink progress) override;
    Task<Described> describe(Reference reference, std::optional<Credentials> credentials) override;
    Task<void> check_login(std::string host, Credentials credentials) override;

private:
    template <class T, class Work>
    Task<T> with_registry(const Reference& reference, std::optional<Credentials> credentials, Work work);
    HttpOptions http_options(const Url& url) const;
    Task<Pulled> pull_from_any(Reference reference, Platform platform, std::optional<Credentials> credentials,
                               ProgressSink progress);
    Task<Pulled> pull_from(Url base, Reference reference, Platform platform, std::optional<Credentials> credentials,
                           ProgressSink progress);
    Task<FetchedManifest> fetch_manifest(RegistrySession& session, const Reference& reference,
                                         const Platform& platform);
    Task<std::pair<Digest, std::variant<Manifest, Index>>> fetch_document(RegistrySession& session, std::string name,
                                                                          Digest expected);

    RegistryOptions options_;
    Store& store_;
    asio::thread_pool::executor_type workers_;
    LayerFetcher fetcher_;
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

Task<Pulled> RegistryClient::pull_from(Url base, Reference reference, Platform platform,
                                       std::optional<Credentials> credentials, ProgressSink progress) {
    RegistrySession session(base, reference.repository, reference.familiar(), std::move(credentials),
                            http_options(base), options_.attempts);
    auto fetched = co_await fetch_manifest(session, reference, platform);
    const auto found = CO_TRY(std::move(fetched));
    auto got_config = co_await fetcher_.fetch_blob(session, found.manifest.config, Digest(), [](const Progress&) {});
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
    auto layers = co_await fetcher_.fetch_layers(session, found.manifest, config, throttled);
    CO_TRY(std::move(layers));
    const std::string tag = reference.digest.empty() ? reference.full() : std::string();
    const std::string repo_digest = std::format("{}/{}@{}", reference.domain, reference.repository, found.top.text());
    auto added = co_await on_worker(
        workers_, [&] { return store_.add_image(found.manifest.config.digest, found.digest, tag, repo_digest); });
    auto image = CO_TRY(std::move(added));
    co_return Pulled{std::move(image), found.top, newer};
}

Task<Pushed> RegistryClient::push(Reference reference, std::optional<Credentials> credentials, ProgressSink progress) {
    auto found = co_await on_worker(workers_, [this, name = reference.full()] { return store_.find(name); });
    if (!found && found.error().kind() == Kind::not_found)
        co_return fail(Kind::not_found, "An image does not exist locally with the tag: {}", reference.familiar());
    const auto image = CO_TRY(std::move(found));
    auto pushed = co_await with_registry<Pushed>(reference, std::move(credentials), [&](RegistrySession& session) {
        return push_image(session, store_, workers_, reference, image, Throttle(progress));
    });
    const auto done = CO_TRY(std::move(pushed));
    const auto name = std::format("{}/{}@{}", reference.domain, reference.repository, done.manifest.text());
    auto named = co_await on_worker(workers_, [&] { return store_.add_image(image.id, {}, {}, name); });
    CO_TRY(std::move(named));
    co_return done;
}

Task<Described> RegistryClient::describe(Reference reference, std::optional<Credentials> credentials) {
    co_return co_await with_registry<Described>(reference, std::move(credentials), [&](RegistrySession& session) {
        return describe_image(session, reference);
    });
}

// The registry itself, without its mirrors: over TLS, and in the clear where that is allowed.
template <class T, class Work>
Task<T> RegistryClient::with_registry(const Reference& reference, std::optional<Credentials> credentials, Work work) {
    auto options = options_;
    options.mirrors.clear();
    std::optional<Error> first;
    for (const auto& base : registry_bases(reference.domain, options)) {
        RegistrySession session(base, reference.repository, reference.familiar(), credentials, http_options(base),
                                options_.attempts);
        auto done = co_await work(session);
        if (done) co_return std::move(done);
        const auto kind = done.error().kind();
        if (!first || first->kind() == Kind::unavailable) first = std::move(done).error();
        if (kind != Kind::unavailable && kind != Kind::timed_out) break;
    }
    co_return Failure(std::move(*first));
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
