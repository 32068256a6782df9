#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <deque>
#include <string>

#include "base/strings.h"
#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/http_get.h"
#include "cli/log_query.h"
#include "config/boot_config.h"
#include "journal/print.h"
#include "journal/serve.h"
#include "journal/settings.h"
#include "journal/sources.h"
#include "journal/store_reader.h"
#include "sys/log.h"

namespace diatom::cli {
namespace {

using journal::Record;

constexpr useconds_t kPollUs = 250'000;

std::map<std::string, std::string> container_names() {
    std::map<std::string, std::string> names;
    const auto list = http_get("/run/diatom/system.sock", "/containers/json?all=1", 1000);
    if (!list || !list->is_array()) return names;
    for (const auto& container : *list) {
        const auto all = json_strings(container, "Names");
        if (!all || all->empty()) continue;
        names[json_string(container, "Id").value_or("")] =
            all->front().starts_with('/') ? all->front().substr(1) : all->front();
    }
    return names;
}

journal::Priority usual_level() {
    return config::read_boot_config().log_level == log::Level::debug ? journal::Priority::debug
                                                                     : journal::Priority::info;
}

// The least that is kept: what is not in the store yet is shown by the same measure.
journal::Priority kept_level() {
    const auto settings =
        journal::Settings::read(std::string(journal::kSettingsDirectory) + "/" + journal::kSettingsName);
    return settings && settings->level ? *settings->level : usual_level();
}

class Printer {
public:
    explicit Printer(LogFormat format) : format_(format) {}
    // False when nobody reads any more.
    bool print(const Record& record) {
        switch (format_) {
            case LogFormat::people: return put(journal::format_short(record) + "\n");
            case LogFormat::json: return put(journal::format_json(record) + "\n");
            case LogFormat::journal: return put(journal::format_export(record, host_));
        }
        return false;
    }

private:
    static bool put(const std::string& text) { return std::fwrite(text.data(), 1, text.size(), stdout) == text.size(); }
    LogFormat format_;
    journal::Host host_ = journal::Host::read();
};

// The store, and what its sources have beyond it: the log is whole also while nobody collects, as in the first seconds
// of a boot or in the recovery console.
class Show {
public:
    Show(LogQuery wanted, journal::Places places, const journal::BootId& boot)
        : wanted_(std::move(wanted)),
          printer_(wanted_.format),
          places_(std::move(places)),
          boot_(boot),
          store_(journal::kStoreDirectory, wanted_.query) {}

    void run() {
        if (wanted_.lines) store_.seek(store_.number_of_last(*wanted_.lines));
        bool read = true;
        while (auto record = read ? store_.next() : std::nullopt) read = keep(std::move(*record));
        sources_.emplace(places_, store_.positions(), boot_);
        read = read && take_sources();
        for (const auto& record : last_) read = read && printer_.print(record);
        last_.clear();
        wanted_.lines.reset();
        while (std::fflush(stdout) == 0 && read && wanted_.follow) {
            ::usleep(kPollUs);
            // What has no source that could be read here.
            while (auto record = read ? store_.next() : std::nullopt) {
                if (record->source.empty()) read = printer_.print(*record);
            }
            read = read && take_sources();
        }
    }

private:
    bool keep(Record record) {
        if (!wanted_.lines) return printer_.print(record);
        last_.push_back(std::move(record));
        if (last_.size() > *wanted_.lines) last_.pop_front();
        return true;
    }
    bool take_sources() {
        std::vector<Record> records;
        for (bool more = true; more;) {
            records.clear();
            more = sources_->read(records);
            for (auto& record : records) {
                if (record.priority > level_ || !wanted_.query.wants(record)) continue;
                if (!keep(std::move(record))) return false;
            }
        }
        return true;
    }

    LogQuery wanted_;
    Printer printer_;
    journal::Places places_;
    journal::BootId boot_;
    journal::StoreReader store_;
    journal::Priority level_ = kept_level();
    std::optional<journal::Sources> sources_;
    std::deque<Record> last_;
};

std::vector<std::string> known_units(const journal::Places& places, const journal::BootId& boot) {
    auto units = journal::list_units(journal::kStoreDirectory);
    const auto more = journal::Sources(places, {}, boot).units();
    units.insert(units.end(), more.begin(), more.end());
    std::ranges::sort(units);
    const auto twice = std::ranges::unique(units);
    units.erase(twice.begin(), twice.end());
    return units;
}

Result<void> run(std::span<char*> args) {
    const auto arguments = TRY(parse_arguments(args, log_options()));
    if (arguments.has("--help")) {
        std::fputs(
            usage("diatom logs [OPTIONS] [SERVICE...]    also of: kernel, init, system-engine, user-engine, syslog",
                  log_options())
                .c_str(),
            stdout);
        return {};
    }
    const auto boot = TRY(journal::BootId::current());
    const bool asks_boots = arguments.has("--boot") || arguments.has("--list-boots");
    const auto boots = asks_boots ? journal::list_boots(journal::kStoreDirectory) : std::vector<journal::BootSpan>();
    auto wanted = TRY(decode_log_query(arguments, boots, boot));
    if (wanted.list_boots) {
        std::fputs(draw_boots(boots, boot).c_str(), stdout);
        return {};
    }
    const journal::Places places{.container_names = container_names()};
    if (!wanted.query.units.empty()) TRY(journal::check_units(wanted.query.units, known_units(places, boot)));
    Show(std::move(wanted), places, boot).run();
    return {};
}

Result<void> serve() {
    log::open_sink({.directory = "/run/diatom/log",
                    .unit = "log",
                    .echo = std::nullopt,
                    .least = config::read_boot_config().log_level});
    return journal::serve(
        {.socket = journal::kSyslogSocket, .boot = TRY(journal::BootId::current()), .level = usual_level()});
}

}  // namespace

int logs_command(std::span<char*> args) {
    auto done = args.size() == 2 && std::string_view(args[1]) == "serve" ? serve() : run(args);
    return done ? 0 : report("logs", done.error());
}

// In a copy of PID 1, when nothing else runs any more.
int keep_last_logs() {
    log::open_sink({.unit = "logs"});  // PID 1's is not open in a copy of it
    const auto boot = journal::BootId::current();
    const auto settings =
        journal::Settings::read(std::string(journal::kSettingsDirectory) + "/" + journal::kSettingsName);
    if (!boot) return 1;
    return journal::collect_once({}, journal::kStoreDirectory, *boot, settings.value_or(journal::Settings{})) ? 0 : 1;
}

}  // namespace diatom::cli
