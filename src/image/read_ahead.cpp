#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "image/byte_source.h"

namespace diatom::image {
namespace {

constexpr std::size_t kPiece = 512U << 10U;
constexpr std::size_t kMostPieces = 4;

class ReadAhead final : public ByteSource {
public:
    ReadAhead(std::unique_ptr<ByteSource> source, ByteExaminer& examiner)
        : source_(std::move(source)),
          examiner_(examiner),
          thread_([this](const std::stop_token& stop) { fill(stop); }) {}

    ~ReadAhead() override {
        thread_.request_stop();
        source_->interrupt();
        room_.notify_all();
    }
    void interrupt() override { source_->interrupt(); }

    Result<std::size_t> read(std::span<std::uint8_t> buffer) override {
        if (given_ == current_.size() && !TRY(take())) return std::size_t{0};
        const auto size = std::min(buffer.size(), current_.size() - given_);
        std::copy_n(current_.data() + given_, size, buffer.data());
        given_ += size;
        return size;
    }

private:
    // The next piece, false at the end.
    Result<bool> take() {
        std::unique_lock lock(mutex_);
        ready_.wait(lock, [this] { return !pieces_.empty() || ended_; });
        if (pieces_.empty()) {
            if (failure_) return Failure(*failure_);
            return false;
        }
        current_ = std::move(pieces_.front());
        pieces_.pop_front();
        given_ = 0;
        room_.notify_one();
        return true;
    }

    Result<bool> produce(const std::stop_token& stop) {
        std::vector<std::uint8_t> piece(kPiece);
        std::size_t filled = 0;
        while (filled < piece.size()) {
            const auto got = TRY(source_->read(std::span(piece).subspan(filled)));
            if (got == 0) break;
            filled += got;
        }
        piece.resize(filled);
        if (filled == 0) return false;
        TRY(examiner_.examine(piece));
        std::unique_lock lock(mutex_);
        if (!room_.wait(lock, stop, [this] { return pieces_.size() < kMostPieces; })) return false;
        pieces_.push_back(std::move(piece));
        ready_.notify_one();
        return true;
    }

    void fill(const std::stop_token& stop) {
        std::optional<Error> failure;
        while (!stop.stop_requested()) {
            auto more = produce(stop);
            if (more && *more) continue;
            if (!more) failure = std::move(more).error();
            break;
        }
        const std::lock_guard guard(mutex_);
        failure_ = std::move(failure);
        ended_ = true;
        ready_.notify_one();
    }

    std::unique_ptr<ByteSource> source_;
    ByteExaminer& examiner_;
    std::mutex mutex_;
    std::condition_variable_any ready_, room_;
    std::deque<std::vector<std::uint8_t>> pieces_;
    std::optional<Error> failure_;
    bool ended_ = false;
    std::vector<std::uint8_t> current_;
    std::size_t given_ = 0;
    std::jthread thread_;  // last: it uses all of the above
};

}  // namespace

std::unique_ptr<ByteSource> read_ahead(std::unique_ptr<ByteSource> source, ByteExaminer& examine) {
    return std::make_unique<ReadAhead>(std::move(source), examine);
}

}  // namespace diatom::image
