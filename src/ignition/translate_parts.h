// The parts of the translation to the machine's configuration. Only translate*.cpp include it. Thread side: that of
// Fetch.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "ignition/resource.h"

namespace diatom::ignition {

struct Rename {
    std::string_view theirs, ours;
};
// What is there and not empty, with its marks.
void copy_keys(const Value& from, std::span<const Rename> names, Value& to);
Value marked(Value value, const Value& from);

struct Sources {
    const Access& access;
    const Fetch& fetch;
};

void translate_passwd(const Value& passwd, Value& machine, Report& report);
void translate_files(const Value& storage, const Sources& sources, Value& machine, Report& report);
void translate_disks(const Value& storage, Value& machine, Report& report);

}  // namespace diatom::ignition
