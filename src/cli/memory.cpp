#include "cli/memory.h"

#include <optional>

#include "base/strings.h"
#include "sys/file.h"

namespace diatom::cli {
namespace {

// "MemTotal:         754140 kB"
std::optional<std::uint64_t> bytes_of_line(std::string_view line) {
    const auto words = split_words(line);
    if (words.size() != 3 || words[2] != "kB") return std::nullopt;
    const auto kibibytes = parse_uint(words[1]);
    if (!kibibytes || *kibibytes > UINT64_MAX / 1024) return std::nullopt;
    return *kibibytes * 1024;
}

}  // namespace

Result<Memory> parse_meminfo(std::string_view text) {
    std::optional<std::uint64_t> total, available;
    for (const auto line : split(text, '\n')) {
        if (line.starts_with("MemTotal:")) total = bytes_of_line(line);
        if (line.starts_with("MemAvailable:")) available = bytes_of_line(line);
    }
    if (!total || !available || *available > *total) return fail(Kind::corrupt, "no MemTotal and MemAvailable in it");
    return Memory{*total, *available};
}

Result<Memory> read_memory(const std::string& meminfo) {
    const auto text = TRY(sys::read_file(meminfo, 64U << 10U));
    return TRY(parse_meminfo(text), "{}", meminfo);
}

Result<std::uint64_t> read_container_memory(std::string_view scope, std::string_view id, const std::string& cgroups) {
    const auto path = std::format("{}/diatom/{}/{}/memory.current", cgroups, scope, id);
    const auto text = TRY(sys::read_file(path, 64));
    const auto bytes = parse_uint(trim(text));
    if (!bytes) return fail(Kind::corrupt, "{}: not a number", path);
    return *bytes;
}

}  // namespace diatom::cli
