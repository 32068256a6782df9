#include "journal/collector.h"

#include <malloc.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/strings.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/log.h"
#include "sys/socket.h"

namespace diatom::journal {
namespace {

constexpr std::int64_t kCollectNs = 100'000'000, kFlushNs = 250'000'000, kTidyNs = 600'000'000'000;
constexpr std::int64_t kRetryNs = 5'000'000'000;  // when the store cannot be written
constexpr int kDatagrams = 256;                   // taken at a time
constexpr std::size_t kMaxReceived = 4096;        // that wait for the store; what comes beyond is lost
constexpr std::size_t kLargeRound = 1000;         // records, whose memory goes back at once
constexpr std::uint32_t kFiles = IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_ONLYDIR;
constexpr std::uint32_t kTree = IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_ONLYDIR;

Priority level_of(const Settings& settings, Priority otherwise) { return settings.level.value_or(otherwise); }

// Whose process it is, by the machine's cgroups: "0::/diatom/system/ID", "0::/diatom/user/ID". Beside the unit, not in
// its place: a process that has ended by now is in none.
void name_sender(Record& record, int pid, const Sources& sources) {
    if (pid <= 0) return;
    record.fields.push_back({"pid", std::to_string(pid)});
    const auto text = sys::read_file(std::format("/proc/{}/cgroup", pid), 4096);
    if (!text) return;
    for (const std::string_view scope : {"/diatom/system/", "/diatom/user/"}) {
        const auto at = text->find(scope);
        if (at == std::string::npos) continue;
        const auto rest = std::string_view(*text).substr(at + scope.size());
        const auto id = rest.substr(0, rest.find_first_of("/\n"));
        if (const auto unit = sources.unit_of_container(id)) record.fields.push_back({"service", *unit});
        record.fields.push_back({"container", std::string(id.substr(0, 12))});
        return;
    }
}

std::uint64_t file_system_bytes(const std::string& directory) {
    const auto space = sys::free_space(directory);
    return space ? space->total : 0;
}

}  // namespace

Result<std::unique_ptr<Collector>> Collector::create(proc::EventLoop& loop, CollectorOptions options) {
    auto collector = std::unique_ptr<Collector>(new Collector(loop, std::move(options)));
    TRY(collector->start());
    return collector;
}

Collector::~Collector() {
    for (const auto watch : watches_) loop_.remove(watch);
}

Result<void> Collector::start() {
    TRY(sys::make_dirs(options_.store, 0700));
    store_ = TRY(StoreWriter::open(options_.store, options_.boot, {}));
    sources_ = std::make_unique<Sources>(options_.places, store_->positions(), options_.boot);
    collect_timer_ = TRY(loop_.add_timer(0, 0, [this] { collect(); }));
    flush_timer_ = TRY(loop_.add_timer(0, 0, [this] { flush(); }));
    const auto tidy_timer = TRY(loop_.add_timer(kTidyNs, kTidyNs, [this] { tidy(); }));
    watches_ = {collect_timer_, flush_timer_, tidy_timer};
    inotify_ = Fd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!inotify_) return fail_errno(errno, "watch the logs");
    watches_.push_back(TRY(loop_.add(inotify_, EPOLLIN, [this](std::uint32_t) { take_events(); })));
    TRY(sys::make_dirs(options_.settings_directory, 0700));
    follow_directory(options_.settings_directory, IN_MOVED_TO | IN_DELETE | IN_CLOSE_WRITE | IN_ONLYDIR);
    // Once for each time that the kernel says something, not for as long as it is unread.
    if (const auto kernel = sources_->kernel())
        watches_.push_back(TRY(loop_.add(kernel, EPOLLIN | EPOLLET, [this](std::uint32_t) { want_collection(); })));
    say(kernel_problem_, sources_->kernel_problem(), "the kernel's log cannot be read");
    if (!options_.socket.empty()) {
        socket_ = TRY(sys::listen_unix(options_.socket, sys::SocketType::datagram, 0666));
        TRY(sys::set_nonblocking(socket_));
        const int on = 1;
        if (::setsockopt(socket_.raw(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) < 0)
            return fail_errno(errno, "learn who sends to {}", options_.socket);
        watches_.push_back(TRY(loop_.add(socket_, EPOLLIN, [this](std::uint32_t) { take_datagrams(); })));
    }
    read_settings();
    collect();
    return {};
}

void Collector::follow_directory(const std::string& directory, std::uint32_t events) {
    if (!directories_.insert(directory).second) return;
    const int number = ::inotify_add_watch(inotify_.raw(), directory.c_str(), events);
    if (number >= 0) watched_[number] = directory;
    else directories_.erase(directory);
}

void Collector::watch_sources() {
    const auto& places = options_.places;
    follow_directory(places.own, kFiles);
    follow_directory(places.containers, kTree);
    for (const auto& id : sys::list_dir(places.containers).value_or(std::vector<std::string>()))
        follow_directory(places.containers + "/" + id, kFiles);
}

void Collector::take_events() {
    alignas(inotify_event) std::array<char, 4096> events;
    for (;;) {
        const ssize_t got = ::read(inotify_.raw(), events.data(), events.size());
        if (got <= 0) return;
        for (std::size_t at = 0; at + sizeof(inotify_event) <= static_cast<std::size_t>(got);) {
            const auto* event = reinterpret_cast<const inotify_event*>(events.data() + at);
            at += sizeof(inotify_event) + event->len;
            const auto watched = watched_.find(event->wd);
            if (watched == watched_.end()) {
                want_collection();  // some were lost
                continue;
            }
            if (watched->second == options_.settings_directory) {
                if (event->len > 0 && std::string_view(event->name) == kSettingsName) read_settings();
                continue;
            }
            if ((event->mask & IN_IGNORED) != 0) {
                directories_.erase(watched->second);
                watched_.erase(watched);
            }
            want_collection();
        }
    }
}

void Collector::take_datagrams() {
    const auto clocks = Clocks::now();
    for (int i = 0; i < kDatagrams; ++i) {
        const auto message = sys::receive_message(socket_);
        if (!message) {
            if (message.error().kind() == Kind::invalid) continue;  // too long, and gone
            break;
        }
        if (message->bytes.empty() || received_.size() >= kMaxReceived) continue;
        auto record = parse_syslog(message->bytes, clocks);
        name_sender(record, message->sender_pid, *sources_);
        record.boot = options_.boot;
        if (message->sender_uid >= 0) record.fields.push_back({"uid", std::to_string(message->sender_uid)});
        received_.push_back(std::move(record));
    }
    if (!received_.empty()) want_collection();
}

void Collector::read_settings() {
    auto read = Settings::read(options_.settings_directory + "/" + kSettingsName);
    say(settings_problem_, read ? "" : read.error().what(), "the settings of the log are not used");
    // The first time also without any.
    if (!read && !settings_) read = Settings{};
    if (!read || (settings_ && *read == *settings_)) return;
    settings_ = std::move(*read);
    store_->set_limits(limits_of(*settings_, file_system_bytes(options_.store)));
    tidy();
    options_.changed(*settings_);
}

void Collector::want_collection() {
    if (std::exchange(collecting_, true)) return;
    std::ignore = loop_.set_timer(collect_timer_, store_problem_.empty() ? kCollectNs : kRetryNs);
}

// What cannot be stored is read again: the store says how far the sources were taken.
bool Collector::keep(std::vector<Record> records) {
    const auto level = level_of(settings_.value_or(Settings{}), options_.level);
    bool urgent = false;
    std::erase_if(records, [&](const Record& record) { return record.priority > level; });
    for (const auto& record : records) urgent |= record.priority <= Priority::critical;
    auto kept = store_->append(records);
    say(store_problem_, kept ? "" : kept.error().what(), "the log cannot be written");
    if (!kept) {
        for (auto& record : records) {
            if (record.source.empty() && received_.size() < kMaxReceived) received_.push_back(std::move(record));
        }
        sources_ = std::make_unique<Sources>(options_.places, store_->positions(), options_.boot);
        return false;
    }
    if (urgent) flush();
    else if (store_->unsynced() && !std::exchange(flushing_, true))
        std::ignore = loop_.set_timer(flush_timer_, kFlushNs);
    return true;
}

void Collector::collect() {
    collecting_ = false;
    watch_sources();
    std::size_t total = 0;
    bool more = true;
    while (more) {
        auto records = std::exchange(received_, {});
        more = sources_->read(records);
        total += records.size();
        if (!keep(std::move(records))) {
            want_collection();
            return;
        }
    }
    if (total > kLargeRound) ::malloc_trim(0);
}

void Collector::flush() {
    flushing_ = false;
    auto flushed = store_->sync();
    say(store_problem_, flushed ? "" : flushed.error().what(), "the log cannot be written");
}

void Collector::tidy() {
    const auto names = sources_->names();
    store_->keep_sources({names.begin(), names.end()});
    auto done = store_->enforce(sys::wall_ns());
    say(store_problem_, done ? "" : done.error().what(), "the log cannot be written");
}

// Once when it begins and once when it is over: what is said here comes back as something to be kept.
void Collector::say(std::string& before, const std::string& now, const char* what) {
    if (now == before) return;
    if (now.empty()) log::info("this is over", {{"what", what}});
    else log::error(what, {{"why", now}});
    before = now;
}

Result<void> Collector::finish() {
    collect();
    if (!store_problem_.empty()) return fail(Kind::io, "{}", store_problem_);
    return store_->sync();
}

Result<void> collect_once(const Places& places, const std::string& store, const BootId& boot,
                          const Settings& settings) {
    auto writer = TRY(StoreWriter::open(store, boot, limits_of(settings, file_system_bytes(store))));
    Sources sources(places, writer->positions(), boot);
    for (bool more = true; more;) {
        std::vector<Record> records;
        more = sources.read(records);
        std::erase_if(records, [&](const Record& r) { return r.priority > level_of(settings, Priority::info); });
        TRY(writer->append(records));
    }
    return writer->sync();
}

}  // namespace diatom::journal
