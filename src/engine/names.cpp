#include "engine/names.h"

#include <sys/random.h>

#include <array>
#include <span>

#include "base/strings.h"

namespace diatom::engine {
namespace {

constexpr std::array kAdjectives = std::to_array<std::string_view>(
    {"able",   "agile",   "amber",  "ancient", "apt",      "blue",   "bold",   "brave",  "bright", "brisk",  "calm",
     "candid", "clear",   "clever", "coral",   "cosmic",   "crisp",  "deep",   "deft",   "dewy",   "eager",  "early",
     "even",   "fair",    "fine",   "fleet",   "fond",     "fresh",  "gentle", "glad",   "glassy", "golden", "grand",
     "green",  "hale",    "handy",  "hardy",   "honest",   "humble", "ideal",  "jolly",  "keen",   "kind",   "light",
     "lively", "lucid",   "lucky",  "lunar",   "mellow",   "merry",  "mild",   "modest", "neat",   "nimble", "noble",
     "pale",   "patient", "plain",  "prime",   "proud",    "quick",  "quiet",  "rapid",  "ready",  "regal",  "serene",
     "sharp",  "silent",  "silver", "smooth",  "snowy",    "solar",  "solid",  "steady", "still",  "stoic",  "sunny",
     "swift",  "tender",  "tidal",  "tidy",    "tranquil", "true",   "vivid",  "warm",   "wise",   "witty",  "zesty"});

constexpr std::array kSurnames = std::to_array<std::string_view>(
    {"agassiz",   "anning",      "audubon",  "banks",    "bartram", "bates",    "belon",    "bonpland",   "boole",
     "brahe",     "buffon",      "carson",   "curie",    "cuvier",  "darwin",   "dijkstra", "ehrenberg",  "euler",
     "faraday",   "fermi",       "franklin", "galois",   "gauss",   "gesner",   "goodall",  "gould",      "haeckel",
     "halley",    "hamilton",    "herschel", "hooke",    "hopper",  "humboldt", "huxley",   "johnson",    "kepler",
     "lamarck",   "leeuwenhoek", "linnaeus", "lovelace", "lyell",   "margulis", "maxwell",  "mayr",       "mendel",
     "merian",    "muir",        "noether",  "owen",     "pasteur", "ray",      "sagan",    "swammerdam", "thoreau",
     "tinbergen", "turing",      "vavilov",  "wallace",  "wegener", "wilson"});

void fill_random(std::span<std::uint8_t> bytes) {
    std::size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t n = ::getrandom(bytes.data() + done, bytes.size() - done, 0);
        if (n > 0) done += static_cast<std::size_t>(n);
    }
}

bool alphanumeric(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

}  // namespace

std::string random_id() {
    std::array<std::uint8_t, 32> bytes{};
    fill_random(bytes);
    return to_hex(bytes);
}

std::string random_name() {
    std::array<std::uint8_t, 4> bytes{};
    fill_random(bytes);
    const auto pick = [&](std::size_t i, std::size_t size) {
        return (static_cast<std::size_t>(bytes[i]) << 8U | bytes[i + 1]) % size;
    };
    return std::string(kAdjectives[pick(0, kAdjectives.size())]) + "_" +
           std::string(kSurnames[pick(2, kSurnames.size())]);
}

Result<std::string> check_name(std::string_view name, std::string_view what) {
    if (name.starts_with('/')) name.remove_prefix(1);
    bool good = name.size() >= 2 && alphanumeric(name.front());
    for (const char c : name) good = good && (alphanumeric(c) || c == '_' || c == '.' || c == '-');
    if (!good) {
        return fail(Kind::invalid, "Invalid {} name ({}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed", what, name);
    }
    return std::string(name);
}

bool is_id_prefix(std::string_view text) {
    return !text.empty() && text.size() <= 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool is_id(std::string_view text) { return text.size() == 64 && is_id_prefix(text); }

}  // namespace diatom::engine
