#include "image/registry_fetch.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "image/all_of.h"
#include "proc/on_worker.h"

namespace diatom::image {
namespace {

namespace asio = boost::asio;
using proc::on_worker;

std::string short_id(const Digest& digest) { return std::string(digest.hex().substr(0, 12)); }

Error cancelled() { return {Kind::cancelled, "the pull was cancelled"}; }

// Nobody writes it from here on, whatever happened: who reads it must not wait for ever.
class Stopping {
public:
    explicit Stopping(std::shared_ptr<IncomingBlob> blob) : blob_(std::move(blob)) {}
    Stopping(const Stopping&) = delete;
    Stopping& operator=(const Stopping&) = delete;
    ~Stopping() { blob_->stop(cancelled()); }

private:
    std::shared_ptr<IncomingBlob> blob_;
};

}  // namespace

// The fetching of one blob; while it is there, others wait for its end.
struct LayerFetcher::Flight {
    Flight(std::shared_ptr<Flights> all, Digest blob, const asio::any_io_executor& executor)
        : flights(std::move(all)),
          digest(std::move(blob)),
          landed(std::make_shared<asio::steady_timer>(executor, asio::steady_timer::time_point::max())) {}
    Flight(const Flight&) = delete;
    Flight& operator=(const Flight&) = delete;
    ~Flight() {
        flights->erase(digest);
        landed->expires_at(asio::steady_timer::time_point::min());
    }
    std::shared_ptr<Flights> flights;
    Digest digest;
    std::shared_ptr<asio::steady_timer> landed;
};

// A layer that a thread unpacks.
struct LayerFetcher::Unpacking {
    std::shared_ptr<IncomingBlob> blob;
    Digest diff_id;
    ProgressSink progress;
    std::atomic<bool> cancelled = false;
    std::atomic<bool> downloaded = false;  // what is shown of a layer is its download first
    void cancel() {
        cancelled = true;
        blob->stop(image::cancelled());
    }
};

LayerFetcher::~LayerFetcher() {
    for (const auto& weak : unpacking_) {
        if (const auto one = weak.lock()) one->cancel();
    }
    if (unpackers_) unpackers_->join();
}

std::shared_ptr<asio::steady_timer> LayerFetcher::landing(const Digest& digest) const {
    const auto it = flights_->find(digest);
    const auto flight = it == flights_->end() ? nullptr : it->second.lock();
    return flight ? flight->landed : nullptr;
}

// The right to fetch the blob, after whoever had it before.
Task<LayerFetcher::FlightPtr> LayerFetcher::board(Digest digest, ProgressSink progress) {
    for (;;) {
        const auto landed = landing(digest);
        if (!landed) break;
        progress({short_id(digest), "Waiting", 0, 0});
        if (const auto [error] = co_await landed->async_wait(asio::as_tuple(asio::use_awaitable));
            error && landed->expiry() == asio::steady_timer::time_point::max()) {
            co_return Failure(cancelled());
        }
    }
    auto flight = std::make_shared<Flight>(flights_, digest, co_await asio::this_coro::executor);
    (*flights_)[digest] = flight;
    co_return flight;
}

Task<void> LayerFetcher::download(RegistrySession& session, std::shared_ptr<IncomingBlob> blob, ProgressSink progress) {
    BlobDownload download(session, std::move(blob), workers_, limits_, extra_, std::move(progress));
    co_return co_await download.run();
}

Task<void> LayerFetcher::fetch_blob(RegistrySession& session, Descriptor blob) {
    const ProgressSink nobody = [](const Progress&) {};
    auto boarded = co_await board(blob.digest, nobody);
    const auto flight = CO_TRY(std::move(boarded));
    const auto present = CO_TRY(store_.has_blob(blob.digest));
    if (present) co_return Result<void>{};
    for (bool first = true;; first = false) {
        const auto incoming = CO_TRY(store_.receive_blob(blob));
        auto received = co_await download(session, incoming, nobody);
        CO_TRY(std::move(received));
        auto committed = co_await on_worker(workers_, [&] { return IncomingBlob::commit(incoming); });
        // What another engine left may be to blame: once more, without it.
        const bool blamed = !committed && committed.error().kind() == Kind::corrupt && incoming->inherited() > 0;
        if (!first || !blamed) co_return std::move(committed);
    }
}

Task<void> LayerFetcher::unpack(std::shared_ptr<Unpacking> unpacking) {
    if (!unpackers_) unpackers_.emplace(std::max(parallel_, 1));
    std::erase_if(unpacking_, [](const auto& weak) { return weak.expired(); });
    unpacking_.push_back(unpacking);
    co_return co_await on_worker(
        unpackers_->get_executor(),
        [this, unpacking] {
            const ProgressSink shown = [&](const Progress& step) {
                if (unpacking->downloaded) unpacking->progress(step);
            };
            return store_.unpack_layer(unpacking->blob, unpacking->diff_id, shown, &unpacking->cancelled);
        },
        [unpacking] { unpacking->cancel(); });
}

// The download and the unpacking side by side. Each ends the other when it fails; the blob keeps the first word.
Task<void> LayerFetcher::stream_layer(RegistrySession& session, std::shared_ptr<IncomingBlob> blob, Digest diff_id,
                                      ProgressSink progress) {
    const auto unpacking = std::make_shared<Unpacking>(blob, std::move(diff_id), progress);
    Result<void> received, unpacked;
    bool download_failed_first = false;
    const auto receive = [&]() -> asio::awaitable<void> {
        const Stopping stopping(blob);
        received = co_await download(session, blob, progress);
        if (!received) {
            download_failed_first = blob->stop(received.error());
            co_return;
        }
        unpacking->downloaded = true;
        progress({short_id(blob->descriptor().digest), "Download complete", 0, 0});
    };
    const auto take_apart = [&]() -> asio::awaitable<void> { unpacked = co_await unpack(unpacking); };
    std::vector<asio::awaitable<void>> both;
    both.push_back(receive());
    both.push_back(take_apart());
    co_await all_of(std::move(both));
    co_return download_failed_first && !unpacked ? std::move(received) : std::move(unpacked);
}

Task<void> LayerFetcher::fetch_layer(RegistrySession& session, Descriptor layer, Digest diff_id,
                                     ProgressSink progress) {
    const auto id = short_id(layer.digest);
    auto boarded = co_await board(layer.digest, progress);
    const auto flight = CO_TRY(std::move(boarded));
    // Another pull may have brought it meanwhile.
    const auto present = CO_TRY(store_.has_layer(diff_id));
    if (present) {
        progress({id, "Already exists", 0, 0});
        co_return Result<void>{};
    }
    for (bool first = true;; first = false) {
        const auto blob = CO_TRY(store_.receive_blob(layer), "layer {}", id);
        auto streamed = co_await stream_layer(session, blob, diff_id, progress);
        // What another engine left may be to blame: once more, without it.
        if (first && !streamed && streamed.error().kind() == Kind::corrupt && blob->inherited() > 0) {
            blob->give_up();
            continue;
        }
        CO_TRY(std::move(streamed), "layer {}", id);
        progress({id, "Pull complete", 0, 0});
        co_return Result<void>{};
    }
}

Task<void> LayerFetcher::fetch_layers(RegistrySession& session, const Manifest& manifest, const ImageConfig& config,
                                      const ProgressSink& progress) {
    for (const auto& layer : manifest.layers) progress({short_id(layer.digest), "Pulling fs layer", 0, 0});
    // The lanes take the layers in order; the first failure ends the others after their current layer.
    std::size_t next = 0;
    std::optional<Error> failure;
    const auto lane = [&]() -> asio::awaitable<void> {
        while (next < manifest.layers.size() && !failure) {
            const auto index = next++;
            auto fetched = co_await fetch_layer(session, manifest.layers[index], config.diff_ids[index], progress);
            if (!fetched && !failure) failure = std::move(fetched).error();
        }
    };
    std::vector<asio::awaitable<void>> lanes;
    const auto count = std::min<std::size_t>(manifest.layers.size(), static_cast<std::size_t>(std::max(parallel_, 1)));
    for (std::size_t i = 0; i < count; ++i) lanes.push_back(lane());
    co_await all_of(std::move(lanes));
    if (failure) co_return Failure(std::move(*failure));
    co_return Result<void>{};
}

}  // namespace diatom::image
