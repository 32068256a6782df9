#include "image/registry_fetch.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "proc/on_worker.h"

namespace diatom::image {
namespace {

constexpr std::size_t kPiece = 1U << 20U;  // bytes read before they go to a worker

std::string short_id(const Digest& digest) { return std::string(digest.hex().substr(0, 12)); }

}  // namespace

namespace asio = boost::asio;
using proc::on_worker;

Task<void> LayerFetcher::receive(HttpResponse& response, BlobWriter& writer, const Descriptor& blob,
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

Task<void> LayerFetcher::fetch_blob_once(RegistrySession& session, Descriptor blob, ProgressSink progress) {
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

Task<void> LayerFetcher::fetch_blob(RegistrySession& session, Descriptor blob, Digest diff_id, ProgressSink progress) {
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

Task<void> LayerFetcher::fetch_layer(RegistrySession& session, Descriptor layer, Digest diff_id,
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

Task<void> LayerFetcher::fetch_layers(RegistrySession& session, const Manifest& manifest, const ImageConfig& config,
                                      const ProgressSink& progress) {
    using namespace asio::experimental::awaitable_operators;
    for (const auto& layer : manifest.layers) progress({short_id(layer.digest), "Pulling fs layer", 0, 0});
    // `parallel_` lanes take the layers in order; the first failure ends the others after their current layer.
    std::size_t next = 0;
    std::optional<Error> failure;
    const auto lane = [&]() -> asio::awaitable<void> {
        while (next < manifest.layers.size() && !failure) {
            const auto index = next++;
            auto fetched = co_await fetch_layer(session, manifest.layers[index], config.diff_ids[index], progress);
            if (!fetched && !failure) failure = std::move(fetched).error();
        }
    };
    if (parallel_ <= 1 || manifest.layers.size() <= 1) co_await lane();
    else if (parallel_ == 2 || manifest.layers.size() == 2) co_await (lane() && lane());
    else co_await (lane() && lane() && lane());
    if (failure) co_return Failure(std::move(*failure));
    co_return Result<void>{};
}

}  // namespace diatom::image
