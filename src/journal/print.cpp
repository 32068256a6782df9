#include "journal/print.h"

#include <sys/utsname.h>

#include <algorithm>
#include <format>

#include "base/json.h"
#include "base/strings.h"
#include "journal/frame.h"
#include "sys/clock.h"
#include "sys/file.h"

namespace diatom::journal {
namespace {

// "pid" to "PID": what trusted fields begin with, an underscore, does not begin one of ours.
std::string export_name(std::string_view name) {
    std::string out;
    for (const char c : name) {
        const bool lower = c >= 'a' && c <= 'z';
        const bool plain = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (lower) out += static_cast<char>(c - 'a' + 'A');
        else if (plain || !out.empty()) out += plain ? c : '_';
    }
    if (out.empty()) return "DIATOM_FIELD";
    return out.front() >= '0' && out.front() <= '9' ? "DIATOM_" + out : out;
}

// Its own form for what has a line's end or other control characters in it.
void add_export(std::string& out, std::string_view name, std::string_view value) {
    const bool plain =
        std::ranges::all_of(value, [](char c) { return static_cast<unsigned char>(c) >= 32 || c == '\t'; });
    out += name;
    if (plain) {
        out += '=';
    } else {
        out += '\n';
        Packer(out).fixed(value.size(), 8);
    }
    out += value;
    out += '\n';
}

std::string_view transport_of(const Record& record) {
    if (record.unit == "kernel") return "kernel";
    if (record.source.starts_with("container/")) return "stdout";
    return record.source.empty() ? "syslog" : "journal";
}

}  // namespace

Host Host::read() {
    struct utsname names{};
    Host host;
    if (::uname(&names) == 0) host.name = names.nodename;
    host.machine_id = trim(sys::read_file("/etc/machine-id", 64).value_or(""));
    return host;
}

std::string fields_text(const Record& record) {
    std::string text;
    for (const auto& [name, value] : record.fields) {
        if (name == "stream" || name == "identifier") continue;
        const bool plain = !value.empty() && value.find_first_of(" \t\n\"") == std::string::npos;
        text += std::format(" {}={}", name, plain ? value : dump_json(Json(value)));
    }
    return text;
}

std::string format_short(const Record& record) {
    // Microseconds: RFC 3339 has nine digits here.
    const auto time = sys::format_rfc3339(record.time);
    const auto level = record.priority <= Priority::warning ? std::format("{}: ", to_string(record.priority)) : "";
    const auto* identifier = record.field("identifier");
    const auto who = identifier == nullptr || *identifier == record.unit ? "" : *identifier + ": ";
    return std::format("{}Z {}: {}{}{}{}", time.substr(0, 26), record.unit, who, level, record.text,
                       record.unit == "kernel" ? "" : fields_text(record));
}

std::string format_json(const Record& record) {
    Json fields = Json::object();
    for (const auto& [name, value] : record.fields) fields[name] = value;
    Json json{{"time", sys::format_rfc3339(record.time)},
              {"since_boot_us", record.since_boot / 1000},
              {"boot", record.boot.text()},
              {"unit", record.unit},
              {"level", to_string(record.priority)},
              {"priority", static_cast<int>(record.priority)},
              {"facility", static_cast<int>(record.facility)},
              {"text", record.text},
              {"fields", std::move(fields)}};
    if (record.number != 0) json["number"] = record.number;
    return dump_json(json);
}

std::string format_export(const Record& record, const Host& host) {
    std::string out = std::format("__CURSOR=b={};n={:x};t={:x}\n", record.boot.text(), record.number,
                                  static_cast<std::uint64_t>(record.time / 1000));
    out +=
        std::format("__REALTIME_TIMESTAMP={}\n__MONOTONIC_TIMESTAMP={}\n",
                    std::max<std::int64_t>(record.time / 1000, 1), std::max<std::int64_t>(record.since_boot / 1000, 1));
    add_export(out, "_BOOT_ID", record.boot.text());
    if (!host.machine_id.empty()) add_export(out, "_MACHINE_ID", host.machine_id);
    if (!host.name.empty()) add_export(out, "_HOSTNAME", host.name);
    add_export(out, "_TRANSPORT", transport_of(record));
    add_export(out, record.source.starts_with("container/") ? "CONTAINER_NAME" : "DIATOM_UNIT", record.unit);
    add_export(out, "PRIORITY", std::to_string(static_cast<int>(record.priority)));
    add_export(out, "SYSLOG_FACILITY", std::to_string(static_cast<int>(record.facility)));
    const auto* identifier = record.field("identifier");
    add_export(out, "SYSLOG_IDENTIFIER", identifier == nullptr ? record.unit : *identifier);
    add_export(out, "MESSAGE", record.text);
    for (const auto& [name, value] : record.fields) {
        if (name != "identifier") add_export(out, export_name(name), value);
    }
    return out + "\n";
}

}  // namespace diatom::journal
