// Platforms and how an index is matched against one. Source: OCI image-spec 1.1, image-index.md "platform"; variants as
// containerd normalises them (arm64 is v8, arm without a variant is v7, amd64 levels as the x86-64 psABI names them).
#include <algorithm>

#include "base/strings.h"
#include "image/manifest.h"

namespace diatom::image {
namespace {

constexpr const char* host_architecture() noexcept {
#if defined(__x86_64__)
    return "amd64";
#elif defined(__aarch64__)
    return "arm64";
#else
#error "name this architecture as Go does"
#endif
}

Platform normalised(Platform platform) {
    auto& architecture = platform.architecture;
    auto& variant = platform.variant;
    if (architecture == "x86_64" || architecture == "x86-64") architecture = "amd64";
    if (architecture == "aarch64") architecture = "arm64";
    if (architecture == "armhf" || architecture == "armel") {
        variant = architecture == "armhf" ? "v7" : "v6";
        architecture = "arm";
    }
    if (!variant.empty() && variant.front() >= '0' && variant.front() <= '9') variant.insert(0, "v");
    if (architecture == "arm64" && variant == "v8") variant.clear();
    if (architecture == "amd64" && variant == "v1") variant.clear();
    if (architecture == "arm" && variant.empty()) variant = "v7";
    return platform;
}

// As Go lists what it can be built for (GOOS, GOARCH): what a word alone may be.
constexpr std::string_view kSystems[] = {"aix",   "android", "darwin",  "dragonfly", "freebsd", "illumos",
                                         "ios",   "js",      "linux",   "macos",     "netbsd",  "openbsd",
                                         "plan9", "solaris", "windows", "zos"};
constexpr std::string_view kArchitectures[] = {
    "386",   "aarch64", "amd64", "arm",    "arm64",    "arm64be", "armbe", "armel",  "armhf",
    "i386",  "loong64", "mips",  "mips64", "mips64le", "mipsle",  "ppc",   "ppc64",  "ppc64le",
    "riscv", "riscv64", "s390",  "s390x",  "sparc",    "sparc64", "wasm",  "x86-64", "x86_64"};

int variant_level(const Platform& platform) noexcept {
    if (platform.variant.size() == 2 && platform.variant[0] == 'v') return platform.variant[1] - '0';
    return platform.architecture == "arm64" ? 8 : 1;
}

// How well an offer fits, larger is better; nothing when it cannot run. Lower variants of one architecture can.
std::optional<int> fitness(const Platform& wanted, const Platform& offered) {
    const auto want = normalised(wanted);
    const auto offer = normalised(offered);
    if (want.os != offer.os || want.architecture != offer.architecture) return std::nullopt;
    const int level = variant_level(offer);
    return level <= variant_level(want) ? std::optional(level) : std::nullopt;
}

}  // namespace

Platform Platform::host() { return {.os = "linux", .architecture = host_architecture(), .variant = ""}; }

Result<Platform> Platform::parse(std::string_view text) {
    const auto parts = split(text, '/');
    const auto valid = [](std::string_view part) {
        return !part.empty() && std::ranges::all_of(part, [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
                   c == '.';
        });
    };
    if (!valid(parts.front()))
        return fail(Kind::invalid, "invalid platform \"{}\": \"{}\" is an invalid OS component", text, parts.front());
    if (parts.size() > 3 || !std::ranges::all_of(parts, valid)) {
        return fail(Kind::invalid, "invalid platform \"{}\": want OS/ARCHITECTURE or OS/ARCHITECTURE/VARIANT", text);
    }
    Platform platform = host();
    if (const auto first = to_lower(parts[0]); parts.size() == 1) {
        if (std::ranges::contains(kSystems, first)) platform.os = first;
        else if (std::ranges::contains(kArchitectures, first)) platform.architecture = first;
        else return fail(Kind::invalid, "invalid platform \"{}\": unknown operating system or architecture", text);
    } else {
        platform = {.os = first, .architecture = to_lower(parts[1]), .variant = ""};
        if (parts.size() == 3) platform.variant = to_lower(parts[2]);
    }
    if (platform.os == "macos") platform.os = "darwin";
    // Only the names are brought to Go's; a variant that was written stays, so that text() shows it.
    const auto canonical = normalised(platform);
    platform.architecture = canonical.architecture;
    if (platform.variant.empty()) platform.variant = canonical.variant;
    return platform;
}

std::string Platform::text() const {
    auto text = os + "/" + architecture;
    return variant.empty() ? text : text + "/" + variant;
}

bool Platform::runs(const Platform& offered) const { return fitness(*this, offered).has_value(); }

Result<Descriptor> Index::select(const Platform& platform) const {
    const Descriptor* best = nullptr;
    const Descriptor* unlabelled = nullptr;
    int best_fitness = -1;
    std::vector<std::string> offers;
    for (const auto& manifest : manifests) {
        if (!manifest.platform) {
            if (unlabelled == nullptr) unlabelled = &manifest;
            continue;
        }
        if (manifest.platform->os != "unknown") offers.push_back(manifest.platform->text());
        const auto fits = fitness(platform, *manifest.platform);
        if (fits && *fits > best_fitness) {
            best = &manifest;
            best_fitness = *fits;
        }
    }
    if (best == nullptr) best = unlabelled;  // its configuration tells the platform
    if (best != nullptr) return *best;
    return fail(Kind::not_found, "no matching manifest for {} in the manifest list entries{}{}", platform.text(),
                offers.empty() ? "" : ": it offers ", join(offers, ", "));
}

}  // namespace diatom::image
