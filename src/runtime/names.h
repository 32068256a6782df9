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

template <class Table, class Value>
constexpr std::string_view name_of(const Table& table, Value value) {
    for (const auto& [name, candidate] : table) {
        if (candidate == value) return name;
    }
    return "unknown";
}

}  // namespace diatom::runtime
