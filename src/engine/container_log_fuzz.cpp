// What a container writes comes back from its log, whatever it is and however it is cut; and any file is read as a log.
// The first line of an input says which: written (then the size of the pieces, a byte), rotated (the same with small
// files) or read.
#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/strings.h"
#include "engine/log_cursor.h"
#include "sys/file.h"
#include "tests/support/temp_dir.h"

namespace {

using namespace diatom;
using namespace diatom::engine;

using Texts = std::array<std::string, 2>;  // by stream

void check(bool holds) {
    if (!holds) __builtin_trap();
}

std::vector<LogEntry> read_log(const std::string& path, std::uint64_t generation, std::optional<std::uint64_t> tail) {
    auto cursor = LogCursor::open(path, 5, generation, tail);
    check(cursor.has_value());
    std::vector<LogEntry> entries;
    for (;;) {
        auto entry = cursor->next(generation);
        check(entry.has_value());
        if (!*entry) return entries;
        entries.push_back(std::move(**entry));
    }
}

Texts texts_of(const std::vector<LogEntry>& entries) {
    Texts texts;
    for (const auto& entry : entries) texts[static_cast<std::size_t>(entry.stream)] += entry.text;
    return texts;
}

void check_tail(const std::string& path, std::uint64_t generation, const std::vector<LogEntry>& all) {
    for (const std::size_t wanted : {0U, 1U, 3U}) {
        const auto last = read_log(path, generation, wanted);
        check(last.size() == std::min(wanted, all.size()));
        for (std::size_t i = 0; i < last.size(); ++i) check(last[i].text == all[all.size() - last.size() + i].text);
    }
}

void fuzz_written(const std::string& path, std::string_view bytes, LogOptions options) {
    auto log = JsonLog::open(path, options);
    check(log.has_value());
    if (bytes.empty()) return;
    const std::size_t piece = static_cast<std::uint8_t>(bytes.front()) + 1;
    bytes.remove_prefix(1);
    Texts written;
    std::int64_t time = 1'700'000'000'000'000'000;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
        const auto stream = at / piece % 3 == 2 ? LogStream::err : LogStream::out;
        check((*log)->append(stream, bytes.substr(at, piece), ++time).has_value());
        written[static_cast<std::size_t>(stream)] += bytes.substr(at, piece);
    }
    check((*log)->flush().has_value());
    const auto entries = read_log(path, (*log)->generation(), std::nullopt);
    check_tail(path, (*log)->generation(), entries);
    // JSON has no other bytes than UTF-8: those are replaced.
    if (std::ranges::any_of(bytes, [](char c) { return static_cast<unsigned char>(c) >= 0x80; })) return;
    const auto found = texts_of(entries);
    for (std::size_t i = 0; i < found.size(); ++i)
        check(options.max_size == 0 ? found[i] == written[i] : written[i].ends_with(found[i]));
}

void fuzz_read(const std::string& path, std::string_view bytes) {
    check(sys::write_file(path, bytes, 0600).has_value());
    const auto lines = std::ranges::count(bytes, '\n');
    check(std::cmp_less_equal(read_log(path, 0, std::nullopt).size(), lines));
    std::ignore = read_log(path, 0, 2);
    // A log goes on behind what a crash left.
    auto log = JsonLog::open(path, {});
    check(log.has_value() && (*log)->append(LogStream::out, "goes on\n", 1).has_value());
    const auto entries = read_log(path, 0, 1);
    check(entries.size() == 1 && entries.front().text == "goes on\n");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const test::TempDir place;
    const auto halves = cut({reinterpret_cast<const char*>(data), size}, '\n');
    if (!halves) return 0;
    const auto directory = place / "log";
    check(sys::make_dirs(directory).has_value());
    const auto path = directory + "/x-json.log";
    if (halves->first == "written") fuzz_written(path, halves->second, {.max_size = 0, .max_files = 1});
    else if (halves->first == "rotated") fuzz_written(path, halves->second, {.max_size = 500, .max_files = 3});
    else if (halves->first == "read") fuzz_read(path, halves->second);
    check(sys::remove_tree(directory).has_value());
    return 0;
}
