// The specification's rules beyond names and forms: of one document, and again of what several were merged to. Thread
// side: any. Source: Ignition's specification 3.5.0 and its operator notes.
#pragma once

#include "ignition/conform.h"

namespace diatom::ignition {

void check_rules(const Value& config, int minor, Report& report);

// Parts of it, which stand in files of their own.
void check_storage(const Value& storage, int minor, Report& report);
void check_luks(const Value& luks, int minor, const Path& path, Report& report);
void check_resource(const Value& resource, int minor, const Path& path, Report& report);
// Of one that is nothing without a source.
void check_reference(const Value& resource, int minor, const Path& path, Report& report);

// An absolute path without "." and "..", empty parts, or '/' at its end; empty: none of the faults.
std::string_view path_fault(std::string_view path);

}  // namespace diatom::ignition
