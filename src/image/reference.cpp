#include "image/reference.h"

#include <algorithm>

#include "base/strings.h"

namespace diatom::image {
namespace {

constexpr std::string_view kDefaultDomain = "docker.io";
constexpr std::string_view kLegacyDefaultDomain = "index.docker.io";
constexpr std::string_view kOfficial = "library/";
constexpr std::size_t kMaxRepository = 255;
constexpr std::size_t kMaxTag = 128;
constexpr std::size_t kMaxDomain = 255 + 6;  // RFC 1035 and a port

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool is_lower(char c) noexcept { return c >= 'a' && c <= 'z'; }
constexpr bool is_upper(char c) noexcept { return c >= 'A' && c <= 'Z'; }
constexpr bool is_alnum(char c) noexcept { return is_digit(c) || is_lower(c) || is_upper(c); }
constexpr bool is_hex(char c) noexcept { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

bool valid_label(std::string_view label) noexcept {
    return !label.empty() && label.front() != '-' && label.back() != '-' &&
           std::ranges::all_of(label, [](char c) { return is_alnum(c) || c == '-'; });
}

bool valid_host(std::string_view host) {
    if (host.starts_with('[')) {
        const auto inner = host.substr(1, host.size() - 2);
        return host.size() > 2 && host.ends_with(']') &&
               std::ranges::all_of(inner, [](char c) { return is_hex(c) || c == ':'; });
    }
    return std::ranges::all_of(split(host, '.'), valid_label);
}

bool valid_domain(std::string_view domain) {
    if (domain.empty() || domain.size() > kMaxDomain) return false;
    const auto bracket = domain.rfind(']');
    const auto colon = domain.find(':', bracket == std::string_view::npos ? 0 : bracket);
    if (colon == std::string_view::npos) return valid_host(domain);
    const auto port = parse_uint(domain.substr(colon + 1));
    return port && *port <= 65535 && domain.size() - colon <= 6 && valid_host(domain.substr(0, colon));
}

// Letters and digits; between them one '.', one or two '_', or any number of '-'.
bool valid_component(std::string_view part) noexcept {
    const auto plain = [](char c) { return is_lower(c) || is_digit(c); };
    if (part.empty() || !plain(part.front()) || !plain(part.back())) return false;
    for (std::size_t i = 0; i < part.size();) {
        if (plain(part[i])) {
            ++i;
            continue;
        }
        const auto end = std::min(part.find_first_not_of(part[i], i), part.size());
        const auto run = end - i;
        const bool fits = part[i] == '-' || (part[i] == '.' && run == 1) || (part[i] == '_' && run <= 2);
        if (!fits || !plain(part[end])) return false;
        i = end;
    }
    return true;
}

bool valid_tag(std::string_view tag) noexcept {
    const auto word = [](char c) { return is_alnum(c) || c == '_'; };
    return !tag.empty() && tag.size() <= kMaxTag && word(tag.front()) &&
           std::ranges::all_of(tag, [&](char c) { return word(c) || c == '.' || c == '-'; });
}

// What tells a registry from the first part of a path: a dot, a port, "localhost", or capitals, which no path has.
bool names_registry(std::string_view first) noexcept {
    return first.find_first_of(".:") != std::string_view::npos || first == "localhost" ||
           std::ranges::any_of(first, is_upper);
}

// 64 hexadecimal digits name an image by its digest, never a repository.
bool is_image_id(std::string_view name) noexcept {
    return name.size() == 64 && std::ranges::all_of(name, [](char c) { return is_hex(c) && !is_upper(c); });
}

Result<void> check_repository(std::string_view text, const Reference& reference) {
    const auto& repository = reference.repository;
    if (repository.size() > kMaxRepository) {
        return fail(Kind::invalid, "invalid reference \"{}\": repository name must not be more than {} characters",
                    text, kMaxRepository);
    }
    if (std::ranges::any_of(repository, is_upper)) {
        return fail(Kind::invalid, "invalid reference format: repository name ({}) must be lowercase", repository);
    }
    if (!std::ranges::all_of(split(repository, '/'), valid_component)) {
        return fail(Kind::invalid, "invalid reference format: \"{}\"", text);
    }
    return {};
}

void normalise(Reference& reference, std::string_view name) {
    const auto halves = cut(name, '/');
    if (halves && names_registry(halves->first)) {
        reference.domain = halves->first;
        reference.repository = halves->second;
    } else {
        reference.domain = kDefaultDomain;
        reference.repository = name;
    }
    if (reference.domain == kLegacyDefaultDomain) reference.domain = kDefaultDomain;
    if (reference.domain == kDefaultDomain && !reference.repository.contains('/')) {
        reference.repository.insert(0, kOfficial);
    }
}

}  // namespace

Result<Reference> Reference::parse(std::string_view text) {
    Reference reference;
    std::string_view name = text;
    if (const auto halves = cut(text, '@')) {
        reference.digest = TRY(Digest::parse(halves->second), "invalid reference \"{}\"", text);
        name = halves->first;
    }
    const auto slash = name.rfind('/');
    const auto colon = name.rfind(':');
    if (colon != std::string_view::npos && (slash == std::string_view::npos || colon > slash)) {
        reference.tag = name.substr(colon + 1);
        name = name.substr(0, colon);
        if (!valid_tag(reference.tag)) {
            return fail(Kind::invalid,
                        "invalid reference format: \"{}\": a tag is 1 to {} letters, digits, '_', '.', '-'", text,
                        kMaxTag);
        }
    }
    if (is_image_id(name)) {
        return fail(Kind::invalid, "invalid repository name ({}), cannot specify 64-byte hexadecimal strings", name);
    }
    normalise(reference, name);
    if (!valid_domain(reference.domain)) return fail(Kind::invalid, "invalid reference format: \"{}\"", text);
    TRY(check_repository(text, reference));
    // As Docker: what a digest pins, a tag beside it cannot change.
    if (!reference.digest.empty()) {
        reference.tag.clear();
    } else if (reference.tag.empty()) {
        reference.tag = "latest";
    }
    return reference;
}

Result<void> check_taggable(const Reference& reference) {
    if (!reference.digest.empty()) return fail(Kind::invalid, "refusing to create a tag with a digest reference");
    if (reference.familiar_repository() == "sha256")
        return fail(Kind::invalid, "refusing to create an ambiguous tag using digest algorithm as name");
    return {};
}

std::string Reference::familiar_repository() const {
    // docker.io/quay.io/x must not come out as quay.io/x, which is another registry's.
    const auto first = cut(repository, '/');
    if (domain != kDefaultDomain || (first && names_registry(first->first))) return domain + "/" + repository;
    const auto rest = std::string_view(repository).substr(std::min(kOfficial.size(), repository.size()));
    if (repository.starts_with(kOfficial) && !rest.contains('/') && !is_image_id(rest)) return std::string(rest);
    return repository;
}

std::string Reference::familiar() const {
    return digest.empty() ? familiar_repository() + ":" + tag : familiar_repository() + "@" + digest.text();
}

std::string Reference::full() const {
    const auto name = domain + "/" + repository;
    return digest.empty() ? name + ":" + tag : name + "@" + digest.text();
}

}  // namespace diatom::image
