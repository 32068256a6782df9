// What a pull fetches: blobs into the store, resumed where they broke off, and layers, unpacked side by side and each
// while it comes. A blob that several pulls want is fetched once. Thread side: the registry client's executor; the
// disk's part of a download goes to `workers`, unpacking to threads of the fetcher's own, for it waits for bytes.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "image/blob_download.h"
#include "image/registry_session.h"
#include "image/store.h"

namespace diatom::image {

class LayerFetcher {
public:
    LayerFetcher(Store& store, boost::asio::thread_pool::executor_type workers, int parallel, DownloadLimits limits)
        : store_(store), workers_(std::move(workers)), parallel_(parallel), limits_(limits) {}
    LayerFetcher(const LayerFetcher&) = delete;
    LayerFetcher& operator=(const LayerFetcher&) = delete;
    ~LayerFetcher();  // ends what is being unpacked

    // A configuration, into the store's blobs.
    Task<void> fetch_blob(RegistrySession& session, Descriptor blob);
    // Whoever asks holds the layers.
    Task<void> fetch_layers(RegistrySession& session, const Manifest& manifest, const ImageConfig& config,
                            const ProgressSink& progress);

private:
    struct Flight;
    struct Unpacking;
    using FlightPtr = std::shared_ptr<Flight>;

    std::shared_ptr<boost::asio::steady_timer> landing(const Digest& digest) const;  // null: nobody fetches it
    Task<FlightPtr> board(Digest digest, ProgressSink progress);
    Task<void> fetch_layer(RegistrySession& session, Descriptor layer, Digest diff_id, ProgressSink progress);
    Task<void> stream_layer(RegistrySession& session, std::shared_ptr<IncomingBlob> blob, Digest diff_id,
                            ProgressSink progress);
    Task<void> download(RegistrySession& session, std::shared_ptr<IncomingBlob> blob, ProgressSink progress);
    Task<void> unpack(std::shared_ptr<Unpacking> unpacking);

    Store& store_;
    boost::asio::thread_pool::executor_type workers_;
    int parallel_;
    DownloadLimits limits_;
    std::shared_ptr<int> extra_ = std::make_shared<int>(limits_.extra_connections);
    // Shared, for a coroutine that is destroyed late outlives the fetcher.
    using Flights = std::map<Digest, std::weak_ptr<Flight>>;
    std::shared_ptr<Flights> flights_ = std::make_shared<Flights>();
    std::vector<std::weak_ptr<Unpacking>> unpacking_;
    std::optional<boost::asio::thread_pool> unpackers_;  // from the first layer on
};

}  // namespace diatom::image
