#include "image/blob_download.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/strings.h"
#include "image/all_of.h"
#include "proc/on_worker.h"

namespace diatom::image {
namespace {

namespace asio = boost::asio;
constexpr std::size_t kPiece = 512U << 10U;     // bytes read before they go to a worker
constexpr std::uint64_t kHeadway = 64U << 10U;  // bytes after which a fault is a new one
constexpr int kPartialContent = 206;

// "bytes 0-1/2": whether the answer begins where it was asked to. Without the header the digest will tell.
bool begins_at(const std::string& content_range, std::uint64_t begin) {
    if (!content_range.starts_with("bytes ")) return content_range.empty();
    const auto range = cut(std::string_view(content_range).substr(6), '-');
    return range && parse_uint(trim(range->first)) == begin;
}

}  // namespace

BlobDownload::BlobDownload(RegistrySession& session, std::shared_ptr<IncomingBlob> blob,
                           asio::thread_pool::executor_type workers, DownloadLimits limits, std::shared_ptr<int> extra,
                           ProgressSink progress)
    : session_(session),
      blob_(std::move(blob)),
      workers_(std::move(workers)),
      limits_(limits),
      extra_(std::move(extra)),
      progress_(std::move(progress)) {}

BlobDownload::~BlobDownload() { *extra_ += taken_; }

Task<void> BlobDownload::run() {
    const auto first = claim();
    if (!first) co_return Result<void>{};
    // Only the answer tells whether the server knows ranges.
    auto asked = co_await ask(*first);
    auto response = CO_TRY(std::move(asked));
    std::vector<asio::awaitable<void>> lanes;
    probed_ = true;
    const bool ranges = response->status() == kPartialContent;
    lanes.push_back(lane(first, std::move(response)));
    if (ranges) open_helpers(lanes);
    co_await all_of(std::move(lanes));
    if (failure_) co_return Failure(std::move(*failure_));
    co_return Result<void>{};
}

void BlobDownload::open_helpers(std::vector<asio::awaitable<void>>& lanes) {
    const auto missing = blob_->descriptor().size - blob_->size_present();
    if (missing < limits_.several_from) return;
    const auto useful = static_cast<int>(std::min<std::uint64_t>(missing / limits_.span, 1000));
    taken_ = std::clamp(std::min(limits_.connections, useful) - 1, 0, std::max(*extra_, 0));
    *extra_ -= taken_;
    lanes_ += taken_;
    for (int i = 0; i < taken_; ++i) lanes.push_back(lane(std::nullopt, nullptr));
}

// The next range that nobody fetches: nearest to the beginning, for the blob is read from there while it comes.
std::optional<ByteRange> BlobDownload::claim() {
    if (whole_) return std::nullopt;
    const auto size = blob_->descriptor().size;
    auto busy = blob_->present();
    const bool may_be_several = limits_.connections > 1 && *extra_ > 0 && size - busy.total() >= limits_.several_from;
    const bool several = probed_ ? lanes_ > 1 : may_be_several;
    for (const auto& [begin, end] : claimed_.ranges()) busy.add({begin, end});
    auto gap = busy.first_gap(size);
    if (!gap) return std::nullopt;
    if (several) gap->end = std::min(gap->end, gap->begin + limits_.span);
    claimed_.add(*gap);
    return gap;
}

Task<BlobDownload::Response> BlobDownload::ask(ByteRange range) {
    const auto& descriptor = blob_->descriptor();
    std::map<std::string, std::string> headers;
    if (range.size() < descriptor.size) headers["Range"] = std::format("bytes={}-{}", range.begin, range.end - 1);
    auto answered = co_await session_.get("blobs/" + descriptor.digest.text(), std::move(headers));
    auto response = CO_TRY(std::move(answered));
    if (response->status() == kPartialContent && !begins_at(response->header("Content-Range"), range.begin)) {
        co_return fail(Kind::io, "the registry {} sends \"{}\" of {} where the bytes from {} on were asked for",
                       session_.base().authority(), response->header("Content-Range"), descriptor.digest.text(),
                       range.begin);
    }
    co_return response;
}

asio::awaitable<void> BlobDownload::lane(std::optional<ByteRange> range, Response response) {
    while (!failure_) {
        if (!range) range = claim();
        if (!range) break;
        if (!response) {
            auto asked = co_await ask(*range);
            if (!asked) {
                // A server that refuses one more connection has the others go on.
                if (lanes_ == 1 || !is_passing(asked.error())) failure_ = std::move(asked).error();
                break;
            }
            response = std::move(*asked);
        }
        const bool all = response->status() != kPartialContent;
        if (all && whole_) break;  // it knows ranges no more, and another connection brings everything
        whole_ = whole_ || all;
        auto received = co_await receive(*response, all ? ByteRange{0, blob_->descriptor().size} : *range);
        response.reset();
        if (all) whole_ = false;
        claimed_.remove(*std::exchange(range, std::nullopt));
        if (received || failure_) continue;
        if (!is_passing(received.error())) {
            failure_ = std::move(received).error();
            break;
        }
        auto faced = co_await after_fault(std::move(received).error());
        if (!faced && !failure_) failure_ = std::move(faced).error();
    }
    --lanes_;
    if (range) claimed_.remove(*range);
}

// Waits before the next attempt; fails when there is none.
Task<void> BlobDownload::after_fault(Error error) {
    const auto present = blob_->size_present();
    if (present >= at_fault_ + kHeadway) faults_ = 0;
    at_fault_ = present;
    if (++faults_ >= session_.attempts())
        co_return fail(error.kind(), "{} (gave up after {} interruptions)", error.what(), faults_);
    co_return co_await session_.back_off(faults_);
}

Task<void> BlobDownload::receive(HttpResponse& response, ByteRange range) {
    std::string piece(kPiece, '\0');
    std::size_t filled = 0;
    std::uint64_t at = range.begin;
    std::optional<Error> broken;
    for (bool more = true; more && !failure_;) {
        auto read = co_await response.read(std::span(piece).subspan(filled));
        // What came before the connection broke is kept, so that the next attempt goes on behind it.
        if (!read && read.error().kind() == Kind::cancelled) co_return forward_error(std::move(read));
        const auto size = read ? *read : 0;
        if (!read) broken = std::move(read).error();
        filled += size;
        more = size > 0;
        // More than was asked for is not looked at; more than there is comes to the blob's own notice.
        const bool end = range.end < blob_->descriptor().size && at + filled >= range.end;
        if (end) filled = range.end - at;
        more = more && !end;
        if (filled < piece.size() && more) continue;
        auto stored = co_await store(at, std::string_view(piece).substr(0, filled));
        CO_TRY(std::move(stored));
        at += std::exchange(filled, 0);
    }
    if (broken) co_return Failure(std::move(*broken));
    if (at < range.end && !failure_) {
        co_return fail(Kind::unavailable, "the download of {} ended after {} of {} bytes",
                       blob_->descriptor().digest.text(), at, blob_->descriptor().size);
    }
    co_return Result<void>{};
}

Task<void> BlobDownload::store(std::uint64_t offset, std::string_view bytes) {
    auto written = co_await proc::on_worker(workers_, [this, offset, bytes] { return blob_->write(offset, bytes); });
    CO_TRY(std::move(written));
    progress_({std::string(blob_->descriptor().digest.hex().substr(0, 12)), "Downloading", blob_->size_present(),
               blob_->descriptor().size});
    co_return Result<void>{};
}

}  // namespace diatom::image
