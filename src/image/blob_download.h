// One blob's bytes, from a registry into an IncomingBlob: what is missing of it, over several connections where that is
// much and the server knows ranges. A connection that breaks goes on where it broke. Thread side: the registry client's
// executor; the disk's part goes to `workers`.
#pragma once

#include <boost/asio/thread_pool.hpp>
#include <memory>
#include <optional>

#include "image/incoming_blob.h"
#include "image/registry_session.h"

namespace diatom::image {

class BlobDownload {
public:
    // `extra`: connections beyond the first that all downloads may still open; what this one takes it gives back.
    BlobDownload(RegistrySession& session, std::shared_ptr<IncomingBlob> blob,
                 boost::asio::thread_pool::executor_type workers, DownloadLimits limits, std::shared_ptr<int> extra,
                 ProgressSink progress);
    BlobDownload(const BlobDownload&) = delete;
    BlobDownload& operator=(const BlobDownload&) = delete;
    ~BlobDownload();

    // Until all bytes are there; whether they are the right ones is the caller's business.
    Task<void> run();

private:
    using Response = std::unique_ptr<HttpResponse>;
    boost::asio::awaitable<void> lane(std::optional<ByteRange> claim, Response response);
    std::optional<ByteRange> claim();
    Task<Response> ask(ByteRange range);
    Task<void> receive(HttpResponse& response, ByteRange range);
    Task<void> store(std::uint64_t offset, std::string_view bytes);
    Task<void> after_fault(Error error);
    void open_helpers(std::vector<boost::asio::awaitable<void>>& lanes);

    RegistrySession& session_;
    std::shared_ptr<IncomingBlob> blob_;
    boost::asio::thread_pool::executor_type workers_;
    DownloadLimits limits_;
    std::shared_ptr<int> extra_;
    ProgressSink progress_;
    RangeSet claimed_;
    bool probed_ = false;  // whether it is known if there are several connections
    int lanes_ = 1;
    int taken_ = 0;               // of *extra_
    bool whole_ = false;          // a server that knows no ranges sends all of it over one connection
    int faults_ = 0;              // since bytes came
    std::uint64_t at_fault_ = 0;  // bytes that were there at the last of them
    std::optional<Error> failure_;
};

}  // namespace diatom::image
