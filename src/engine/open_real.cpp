// The engine on the real store, registry, network and runtime. Apart from the rest: unit tests link without these.
#include <sys/stat.h>

#include <cerrno>

#include "engine/engine_impl.h"
#include "sys/file.h"

namespace diatom::engine {
namespace {

constexpr std::size_t kWorkers = 4;

Result<Parts> open_parts(const EngineOptions& options) {
    Parts parts;
    parts.bulk = std::make_unique<asio::thread_pool>(kWorkers);
    parts.store = TRY(image::Store::open(options.root), "open the image store");
    image::RegistryOptions registry{.insecure = options.insecure_registries,
                                    .certs_directory = options.registry_certificates,
                                    .credentials = options.registry_credentials,
                                    .mirrors = options.mirrors,
                                    .http_proxy = options.http_proxy,
                                    .https_proxy = options.https_proxy,
                                    .no_proxy = options.no_proxy};
    parts.registry = image::Registry::create(std::move(registry), *parts.store, *parts.bulk);
    if (!options.table.empty()) parts.network = TRY(net::Network::open(options.table), "open the network");
    parts.launcher = Launcher::real();
    return parts;
}

// For root alone, also where it was there: who could enter could execute the set-user-ID programs of all images
// (CVE-2021-41091, CVE-2021-41103, CVE-2024-25621).
Result<void> make_private(const std::string& directory) {
    TRY(sys::make_dirs(directory, 0700));
    if (::chmod(directory.c_str(), 0700) < 0) return fail_errno(errno, "close {} to others", directory);
    return {};
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::open(asio::any_io_executor loop, EngineOptions options) {
    TRY(make_private(options.root));
    TRY(make_private(options.run));
    auto workers = std::make_unique<asio::thread_pool>(kWorkers);
    auto records = TRY(Records::open(options.root + "/engine.db"));
    auto parts = TRY(open_parts(options));
    auto engine = std::make_unique<EngineImpl>(std::move(loop), std::move(options), std::move(records),
                                               std::move(workers), std::move(parts));
    TRY(engine->restore());
    return engine;
}

}  // namespace diatom::engine
