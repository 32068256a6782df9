#include "journal/forwarder.h"

#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/strings.h"
#include "journal/frame.h"
#include "journal/syslog_message.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/log.h"

namespace diatom::journal {
namespace {

constexpr std::size_t kBatchBytes = 64U << 10U, kBatchRecords = 500;
constexpr std::int64_t kSaveNs = 1'000'000'000, kStepNs = 500'000'000;
constexpr int kListenMs = 1000;

std::string position_file(const std::string& store, const std::string& url) {
    return std::format("{}/forward/{:08x}", store, crc32c(url));
}

}  // namespace

Forwarder::Forwarder(ForwardOptions options)
    : options_(std::move(options)),
      file_(position_file(options_.store, options_.receiver.url())),
      reader_(options_.store, {}) {
    std::ignore = sys::make_dirs(options_.store + "/forward", 0700);
    if (const auto kept = parse_uint(trim(sys::read_file(file_, 64).value_or("")))) {
        position_ = saved_ = *kept;
        return;
    }
    for (const auto& span : list_boots(options_.store)) {
        position_ = span.boot == options_.boot ? span.first_number : span.next_number;
        if (span.boot == options_.boot) return;
    }
}

// No fsync: after a power cut some things are told again.
void Forwarder::save(bool at_once) {
    const auto now = sys::monotonic_ns();
    if (position_ == saved_ || (!at_once && now - saved_at_ < kSaveNs)) return;
    if (!sys::replace_file(file_, std::to_string(position_) + "\n", 0600)) return;
    saved_ = position_;
    saved_at_ = now;
}

void Forwarder::rest(std::int64_t nanoseconds) {
    for (const auto end = sys::monotonic_ns() + nanoseconds; sys::monotonic_ns() < end && !options_.stopped();)
        ::usleep(static_cast<useconds_t>(std::clamp<std::int64_t>(end - sys::monotonic_ns(), 1, kStepNs) / 1000));
}

void Forwarder::run() {
    const auto url = options_.receiver.url();
    while (!options_.stopped()) {
        const auto told = tell();
        save(true);
        if (told) return;
        if (!std::exchange(away_, true))
            log::warning("the log is not forwarded", {{"to", url}, {"why", told.error().what()}});
        back_off_ns_ = std::clamp(back_off_ns_ * 2, options_.first_back_off_ns, options_.max_back_off_ns);
        rest(back_off_ns_);
    }
}

// Until it is stopped or the receiver is away.
Result<void> Forwarder::tell() {
    const auto connection = TRY(Connection::open(options_.receiver, options_.authorities));
    Fd watch(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!watch || ::inotify_add_watch(watch.raw(), options_.store.c_str(), IN_MODIFY | IN_CREATE) < 0)
        return fail_errno(errno, "watch {}", options_.store);
    reader_.seek(position_);
    while (!options_.stopped()) {
        if (TRY(send_batch(*connection), "{}", options_.receiver.url())) {
            back_off_ns_ = 0;
            if (std::exchange(away_, false)) log::info("the log is forwarded again", {{"to", options_.receiver.url()}});
            save(false);
        } else {
            save(true);
            TRY(await_news(*connection, watch), "{}", options_.receiver.url());
        }
    }
    return {};
}

// False when there is nothing to tell.
Result<bool> Forwarder::send_batch(Connection& connection) {
    std::size_t bytes = 0, count = 0;
    auto next = position_;
    while (bytes < kBatchBytes && count < kBatchRecords) {
        const auto record = reader_.next();
        if (!record) break;
        if (count == 0 && record->number > position_ && position_ > 1)
            log::warning("records were removed before they could be forwarded",
                         {{"to", options_.receiver.url()}, {"count", record->number - position_}});
        const auto message = format_syslog(*record, host_, connection.max_message());
        TRY(connection.send(message));
        bytes += message.size();
        ++count;
        next = record->number + 1;
    }
    if (count == 0) return false;
    TRY(connection.await_delivery());
    position_ = next;
    return true;
}

Result<void> Forwarder::await_news(Connection& connection, FdRef watch) {
    std::array<pollfd, 2> waits{{{watch.raw(), POLLIN, 0}, {connection.fd().raw(), POLLIN, 0}}};
    if (::poll(waits.data(), waits.size(), kListenMs) < 0 && errno != EINTR) return fail_errno(errno, "wait");
    if (waits[1].revents != 0) TRY(connection.check());
    std::array<char, 4096> events;
    while (::read(watch.raw(), events.data(), events.size()) > 0) continue;
    return {};
}

}  // namespace diatom::journal
