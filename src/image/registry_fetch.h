// What a pull fetches: blobs into the store, resumed where they broke off, and layers, unpacked side by side. A blob
// that several pulls want is fetched once. Thread side: the registry client's executor; disk and hashing go to
// `workers`.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <map>
#include <memory>

#include "image/registry_session.h"
#include "image/store.h"

namespace diatom::image {

class LayerFetcher {
public:
    LayerFetcher(Store& store, boost::asio::thread_pool::executor_type workers, int parallel)
        : store_(store), workers_(std::move(workers)), parallel_(parallel) {}

    // `diff_id`: of the layer that the blob holds, empty for others.
    Task<void> fetch_blob(RegistrySession& session, Descriptor blob, Digest diff_id, ProgressSink progress);
    Task<void> fetch_layers(RegistrySession& session, const Manifest& manifest, const ImageConfig& config,
                            const ProgressSink& progress);

private:
    Task<void> fetch_layer(RegistrySession& session, Descriptor layer, Digest diff_id, ProgressSink progress);
    Task<void> fetch_blob_once(RegistrySession& session, Descriptor blob, ProgressSink progress);
    Task<void> receive(HttpResponse& response, BlobWriter& writer, const Descriptor& blob, ProgressSink progress);

    Store& store_;
    boost::asio::thread_pool::executor_type workers_;
    int parallel_;
    std::map<Digest, std::shared_ptr<boost::asio::steady_timer>> in_flight_;  // expires at its end
};

}  // namespace diatom::image
