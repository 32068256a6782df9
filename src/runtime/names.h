// The words of the runtime-spec for our enums: one table for encoding and decoding. Thread side: any.
#pragma once

#include <array>
#include <string_view>
#include <utility>

#include "runtime/spec.h"

namespace diatom::runtime {

inline constexpr std::array<std::pair<std::string_view, NamespaceKind>, 8> kNamespaceNames = {{
    {"mount", NamespaceKind::mount},
    {"uts", NamespaceKind::uts},
    {"ipc", NamespaceKind::ipc},
    {"pid", NamespaceKind::pid},
    {"network", NamespaceKind::network},
    {"user", NamespaceKind::user},
    {"cgroup", NamespaceKind::cgroup},
    {"time", NamespaceKind::time},
}};

inline constexpr std::array<std::pair<std::string_view, Root::Source>, 3> kRootSources = {{
    {"directory", Root::Source::directory},
    {"overlay", Root::Source::overlay},
    {"host", Root::Source::host},
}};

inline constexpr std::array<std::pair<std::string_view, int>, 3> kIoClasses = {
    {{"IOPRIO_CLASS_RT", 1}, {"IOPRIO_CLASS_BE", 2}, {"IOPRIO_CLASS_IDLE", 3}}};

inline constexpr std::array<std::pair<const char*, std::vector<Hook> Hooks::*>, 6> kHookNames = {{
    {"prestart", &Hooks::prestart},
    {"createRuntime", &Hooks::create_runtime},
    {"createContainer", &Hooks::create_container},
    {"startContainer", &Hooks::start_container},
    {"poststart", &Hooks::poststart},
    {"poststop", &Hooks::poststop},
}};

template <class Table, class Value>
constexpr std::string_view name_of(const Table& table, Value value) {
    for (const auto& [name, candidate] : table) {
        if (candidate == value) return name;
    }
    return "unknown";
}

}  // namespace diatom::runtime
