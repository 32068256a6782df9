// What registries, their token services and mirrors say in headers. The first line of an input says what the rest is:
// challenge (WWW-Authenticate), url (a Location, or the realm of a challenge), pace (Retry-After, and Date in the line
// after it) or host (of docker login, and no_proxy in the line after it).
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/strings.h"
#include "image/http_client.h"
#include "image/registry_auth.h"
#include "image/registry_hosts.h"

namespace {

using namespace diatom;
using namespace diatom::image;

void check(bool holds) {
    if (!holds) __builtin_trap();
}

void fuzz_challenge(std::string_view header) {
    for (const auto& challenge : parse_challenges(header)) {
        check(!challenge.scheme.empty() && challenge.scheme == to_lower(challenge.scheme));
        check(challenge.scheme.find_first_of(" \t,=\"") == std::string::npos);
        check(!challenge.parameters.contains(""));
    }
}

// A request is "METHOD TARGET HTTP/1.1" and "Host: AUTHORITY": nothing in a URL may end a word or a line of it.
void check_url(const Url& url) {
    const auto breaks = [](unsigned char c) { return c <= ' ' || c == 0x7f; };
    check(url.target.starts_with('/') && std::ranges::none_of(url.target, breaks));
    check(!url.host.empty() && std::ranges::none_of(url.host, breaks));
    const auto again = Url::parse(url.text());
    check(again && again->text() == url.text() && again->host == url.host && again->port == url.port);
}

void fuzz_url(std::string_view text) {
    if (const auto url = Url::parse(text)) check_url(*url);
    static const Url kBase = *Url::parse("https://registry.example:5000/v2/app/manifests/latest");
    if (const auto url = kBase.resolve(text)) check_url(*url);
}

void fuzz_pace(std::string_view header, std::string_view date) {
    if (const auto wanted = retry_after(header, date, 1'700'000'000'000'000'000)) check(wanted->count() >= 0);
    std::ignore = parse_http_date(header);
}

void fuzz_host(std::string_view address, std::string_view exempted) {
    const auto host = login_host(address);
    check(host.find('/') == std::string::npos);
    std::ignore = bypasses_proxy(host, exempted);
    check(bypasses_proxy("localhost", exempted));
    for (const auto& base : registry_bases(host, {.mirrors = {{host, std::string(exempted)}}}, Mirrors::first))
        check_url(base.url);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto halves = cut({reinterpret_cast<const char*>(data), size}, '\n');
    if (!halves) return 0;
    const auto [kind, text] = *halves;
    const auto lines = cut(text, '\n').value_or(Halves{text, ""});
    if (kind == "challenge") fuzz_challenge(text);
    else if (kind == "url") fuzz_url(text);
    else if (kind == "pace") fuzz_pace(lines.first, lines.second);
    else if (kind == "host") fuzz_host(lines.first, lines.second);
    return 0;
}
