// The registry client: resolves the reference, chooses among the registry and its mirrors, makes a pulled image
// visible.
#include <boost/asio/this_coro.hpp>

#include "image/download.h"
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
          tokens_(options_.pacing.monotonic_ns),
          fetcher_(store_, workers_, options_.parallel_layers, options_.download) {
        std::map<std::string, Credentials> by_host;
        for (auto& [address, credentials] : options_.credentials)
            by_host.emplace(login_host(address), std::move(credentials));
        options_.credentials = std::move(by_host);
    }

    Task<Pulled> pull(Reference reference, Platform platform, std::optional<Credentials> credentials,
                      ProgressSink progress) override;
    Task<Pushed> push(Reference reference, std::optional<Credentials> credentials, ProgressSink progress) override;
    Task<Described> describe(Reference reference, std::optional<Credentials> credentials) override;
    Task<std::vector<std::string>> tags(Reference repository, std::optional<Credentials> credentials) override;
    Task<std::unique_ptr<HttpResponse>> download(std::string url) override;
    Task<void> check_login(std::string host, Credentials credentials) override;

private:
    template <class T, class Work>
    Task<T> ask(std::vector<RegistryBase> bases, Reference reference, std::optional<Credentials> credentials,
                Work work);
    HttpOptions http_options(const Url& url) const;
    std::unique_ptr<RegistrySession> session(const RegistryBase& base, const std::string& repository,
                                             const std::string& name, const std::optional<Credentials>& given);
    Task<Pulled> pull_from_any(Reference reference, Platform platform, std::optional<Credentials> credentials,
                               ProgressSink progress);
    Task<Pulled> pull_from(RegistrySession& session, Reference reference, Platform platform, ProgressSink progress);
    Task<Pulled> pull_layers(RegistrySession& session, FetchedManifest found, Reference reference, Platform platform,
                             Lease& lease, ProgressSink progress);
    Task<FetchedManifest> fetch_manifest(RegistrySession& session, const Reference& reference, const Platform& platform,
                                         Lease& lease);
    Task<std::pair<Digest, std::variant<Manifest, Index>>> fetch_document(RegistrySession& session, std::string name,
                                                                          Digest expected, Lease& lease);

    RegistryOptions options_;
    Store& store_;
    asio::thread_pool::executor_type workers_;
    TokenCache tokens_;
    LayerFetcher fetcher_;
};

HttpOptions RegistryClient::http_options(const Url& url) const {
    HttpOptions http;
    http.tls_advice = "check the registry's certificate, or list it as insecure";
    http.ca_file = options_.ca_file;
    if (!options_.certs_directory.empty() && !url.host.contains(".."))
        http.host_directory = options_.certs_directory + "/" + url.authority();
    http.verify = !is_insecure(url, options_);
    http.stall_timeout = options_.stall_timeout;
    if (!bypasses_proxy(url.host, options_.no_proxy)) http.proxy = url.tls ? options_.https_proxy : options_.http_proxy;
    return http;
}

std::unique_ptr<RegistrySession> RegistryClient::session(const RegistryBase& base, const std::string& repository,
                                                         const std::string& name,
                                                         const std::optional<Credentials>& given) {
    return std::make_unique<RegistrySession>(
        base.url, repository, name, credentials_for(base, given, options_),
        [this](const Url& url) { return http_options(url); }, options_.pacing, tokens_);
}

Task<Pulled> RegistryClient::pull(Reference reference, Platform platform, std::optional<Credentials> credentials,
                                  ProgressSink progress) {
    auto pulled =
        co_await pull_from_any(std::move(reference), std::move(platform), std::move(credentials), std::move(progress));
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) co_return std::move(pulled);  // an await would throw
    const auto leftovers = pulled ? Leftovers::keep_a_day : leftovers_of(pulled.error());
    auto collected = co_await on_worker(workers_, [this, leftovers] { return store_.collect(leftovers); });
    if (!collected) log::warning("what no image uses stays on the disk", {{"error", collected.error().what()}});
    co_return std::move(pulled);
}

Task<Pulled> RegistryClient::pull_from_any(Reference reference, Platform platform,
                                           std::optional<Credentials> credentials, ProgressSink progress) {
    const auto bases = registry_bases(reference.domain, options_, Mirrors::first);
    co_return co_await ask<Pulled>(bases, reference, std::move(credentials), [&](RegistrySession& session) {
        return pull_from(session, reference, platform, progress);
    });
}

Task<std::pair<Digest, std::variant<Manifest, Index>>> RegistryClient::fetch_document(RegistrySession& session,
                                                                                      std::string name, Digest expected,
                                                                                      Lease& lease) {
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
    if (std::holds_alternative<Manifest>(document)) {  // an index is nothing that an image needs
        lease.hold(digest);
        auto stored = co_await on_worker(workers_, [this, digest, text] { return store_.put_blob(digest, text); });
        CO_TRY(std::move(stored));
    }
    co_return std::pair{digest, std::move(document)};
}

Task<FetchedManifest> RegistryClient::fetch_manifest(RegistrySession& session, const Reference& reference,
                                                     const Platform& platform, Lease& lease) {
    auto fetched = co_await fetch_document(session, reference.digest.empty() ? reference.tag : reference.digest.text(),
                                           reference.digest, lease);
    auto [top, document] = CO_TRY(std::move(fetched));
    if (auto* manifest = std::get_if<Manifest>(&document)) co_return FetchedManifest{std::move(*manifest), top, top};
    const auto chosen = CO_TRY(std::get<Index>(document).select(platform), "{}", reference.familiar());
    auto inner = co_await fetch_document(session, chosen.digest.text(), chosen.digest, lease);
    auto [digest, second] = CO_TRY(std::move(inner));
    auto* manifest = std::get_if<Manifest>(&second);
    if (manifest == nullptr)
        co_return fail(Kind::invalid, "{}: an index that points to an index is not supported", reference.familiar());
    co_return FetchedManifest{std::move(*manifest), digest, top};
}

Task<Pulled> RegistryClient::pull_from(RegistrySession& session, Reference reference, Platform platform,
                                       ProgressSink progress) {
    // What is found or put into the store from here on stays there until the image is.
    const auto lease = store_.lease();
    auto fetched = co_await fetch_manifest(session, reference, platform, *lease);
    auto found = CO_TRY(std::move(fetched));
    co_return co_await pull_layers(session, std::move(found), std::move(reference), std::move(platform), *lease,
                                   std::move(progress));
}

Task<Pulled> RegistryClient::pull_layers(RegistrySession& session, FetchedManifest found, Reference reference,
                                         Platform platform, Lease& lease, ProgressSink progress) {
    lease.hold(found.manifest.config.digest);
    auto got_config = co_await fetcher_.fetch_blob(session, found.manifest.config);
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
    for (const auto& diff_id : config.diff_ids) lease.hold(diff_id);
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
    const auto lease = store_.lease();
    for (const auto& part : image.config.diff_ids) lease->hold(part);
    if (!image.manifest.empty()) lease->hold(image.manifest);
    const auto bases = registry_bases(reference.domain, options_, Mirrors::none);
    auto pushed = co_await ask<Pushed>(bases, reference, std::move(credentials), [&](RegistrySession& session) {
        return push_image(session, store_, workers_, reference, image, Throttle(progress));
    });
    const auto done = CO_TRY(std::move(pushed));
    const auto name = std::format("{}/{}@{}", reference.domain, reference.repository, done.manifest.text());
    auto named = co_await on_worker(workers_, [&] { return store_.add_image(image.id, {}, {}, name); });
    CO_TRY(std::move(named));
    co_return done;
}

Task<Described> RegistryClient::describe(Reference reference, std::optional<Credentials> credentials) {
    const auto bases = registry_bases(reference.domain, options_, Mirrors::first);
    co_return co_await ask<Described>(bases, reference, std::move(credentials),
                                      [&](RegistrySession& session) { return describe_image(session, reference); });
}

Task<std::vector<std::string>> RegistryClient::tags(Reference repository, std::optional<Credentials> credentials) {
    const auto bases = registry_bases(repository.domain, options_, Mirrors::first);
    co_return co_await ask<std::vector<std::string>>(bases, repository, std::move(credentials), list_tags);
}

Task<std::unique_ptr<HttpResponse>> RegistryClient::download(std::string url) {
    auto parsed = CO_TRY(Url::parse(url));
    co_return co_await open_download(std::move(parsed), [this](const Url& to) { return http_options(to); });
}

Task<void> RegistryClient::check_login(std::string host, Credentials credentials) {
    const auto bases = registry_bases(login_host(host), options_, Mirrors::none);
    const Reference whole{.domain = std::move(host), .repository = {}, .tag = {}, .digest = {}};
    co_return co_await ask<void>(bases, whole, std::move(credentials),
                                 [](RegistrySession& session) { return session.ping(); });
}

// One base after the other, until one does the work.
template <class T, class Work>
Task<T> RegistryClient::ask(std::vector<RegistryBase> bases, Reference reference,
                            std::optional<Credentials> credentials, Work work) {
    if (bases.empty()) co_return fail(Kind::invalid, "\"{}\" is not the address of a registry", reference.domain);
    Failures failures;
    for (const auto& base : bases) {
        if (failures.forbid(base)) continue;
        const auto there = session(base, reference.repository, reference.familiar(), credentials);
        auto done = co_await work(*there);
        if (done) co_return std::move(done);
        if (!failures.add(base, std::move(done).error())) break;
    }
    co_return Failure(failures.error());
}

}  // namespace

std::unique_ptr<Registry> Registry::create(RegistryOptions options, Store& store, asio::thread_pool& workers) {
    return std::make_unique<RegistryClient>(std::move(options), store, workers);
}

}  // namespace diatom::image
