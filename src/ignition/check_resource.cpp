#include <algorithm>
#include <array>

#include "base/strings.h"
#include "ignition/check.h"
#include "ignition/data_url.h"
#include "ignition/resource.h"

namespace diatom::ignition {
namespace {

bool known_scheme(std::string_view scheme, int minor) {
    static constexpr std::array<std::string_view, 4> kAlways{"http", "https", "tftp", "s3"};
    return std::ranges::contains(kAlways, scheme) || (scheme == "gs" && minor >= 2) || (scheme == "arn" && minor >= 4);
}

void check_source(const Value& source, int minor, const Path& path, Report& report) {
    const auto scheme = url_scheme(source.text());
    if (scheme == "data") {
        if (const auto data = decode_data_url(source.text()); !data) report.problem(source, path, data.error().what());
        return;
    }
    if (!known_scheme(scheme, minor)) {
        report.problem(source, path, "must be a URL of http, https, tftp, s3, arn, gs or data");
        return;
    }
    const bool blank = std::ranges::any_of(source.text(), [](char c) { return static_cast<unsigned char>(c) <= 0x20; });
    if (blank) report.problem(source, path, "a URL has no blanks and no control characters");
}

void check_headers(const Value& resource, const Path& path, Report& report) {
    const auto& headers = resource.at("httpHeaders");
    if (headers.items().empty()) return;
    const auto scheme = url_scheme(resource.text_of("source"));
    if (scheme != "http" && scheme != "https") {
        report.problem(headers, path, "only requests by http and https have headers");
    }
    for (std::size_t i = 0; i < headers.items().size(); ++i) {
        const auto& header = headers.items()[i];
        if (header.text_of("name").empty()) report.problem(header, path.item(i) / "name", "must not be empty");
        if (header.has("value") && header.text_of("value").empty()) {
            report.problem(header, path.item(i) / "value", "must not be empty");
        }
        const auto line = header.text_of("name") + header.text_of("value");
        if (line.find_first_of("\r\n") != std::string::npos) {
            report.problem(header, path.item(i), "a header is one line");
        }
    }
}

}  // namespace

void check_resource(const Value& resource, int minor, const Path& path, Report& report) {
    if (!resource.is_map()) return;
    if (const auto compression = resource.text_of("compression"); !compression.empty() && compression != "gzip") {
        report.problem(resource.at("compression"), path / "compression", "must be gzip, or be left out");
    }
    const auto* source = resource.find("source");
    if (source != nullptr && !source->text().empty()) check_source(*source, minor, path / "source", report);
    if (const auto* hash = resource.at("verification").find("hash")) {
        const auto here = path / "verification" / "hash";
        if (source == nullptr) report.problem(*hash, here, "there is no source that could be verified");
        if (const auto parsed = parse_hash(hash->text()); !parsed) report.problem(*hash, here, parsed.error().what());
    }
    check_headers(resource, path / "httpHeaders", report);
}

void check_reference(const Value& resource, int, const Path& path, Report& report) {
    if (resource.text_of("source").empty()) report.problem(resource, path / "source", "is missing");
}

}  // namespace diatom::ignition
