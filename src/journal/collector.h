// Who keeps the machine's log: reads the sources as soon as something is new in them, takes what programs send by
// syslog(3), and writes it to the store, which is flushed within the second. Thread side: the loop's.
//
//   kmsg, log files (inotify) ──a tenth of a second──> read ──> store ──a quarter of a second──> fdatasync
//   /run/diatom/log.sock ─────────────────────────────┘
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>

#include "base/error.h"
#include "journal/settings.h"
#include "journal/sources.h"
#include "journal/store_writer.h"
#include "proc/event_loop.h"

namespace diatom::journal {

struct CollectorOptions {
    Places places;
    std::string store = kStoreDirectory;
    std::string settings_directory = kSettingsDirectory;
    std::string socket;  // where syslog(3)'s datagrams come in; empty: nowhere
    BootId boot;
    Priority level = Priority::info;                                        // where the settings say nothing
    std::function<void(const Settings&)> changed = [](const Settings&) {};  // also at the beginning
};

class Collector {
public:
    static Result<std::unique_ptr<Collector>> create(proc::EventLoop& loop, CollectorOptions options);
    ~Collector();
    // Everything that is there by now is in the store, and on the disk.
    Result<void> finish();

private:
    Collector(proc::EventLoop& loop, CollectorOptions options) : loop_(loop), options_(std::move(options)) {}
    Result<void> start();
    void watch_sources();
    void follow_directory(const std::string& directory, std::uint32_t events);
    void take_events();
    void take_datagrams();
    void read_settings();
    void want_collection();
    void collect();
    bool keep(std::vector<Record> records);
    void flush();
    void tidy();
    void say(std::string& before, const std::string& now, const char* what);

    proc::EventLoop& loop_;
    CollectorOptions options_;
    std::optional<Settings> settings_;
    std::unique_ptr<StoreWriter> store_;
    std::unique_ptr<Sources> sources_;
    Fd inotify_, socket_;
    std::map<int, std::string> watched_;  // by inotify's number
    std::set<std::string> directories_;
    std::vector<Record> received_;
    std::vector<proc::EventLoop::Watch> watches_;
    proc::EventLoop::Watch collect_timer_{}, flush_timer_{};
    bool collecting_ = false, flushing_ = false;
    std::string store_problem_, kernel_problem_, settings_problem_;
};

// For who does it once: reads all that is there into the store. conflict: a collector runs.
Result<void> collect_once(const Places& places, const std::string& store, const BootId& boot, const Settings& settings);

}  // namespace diatom::journal
