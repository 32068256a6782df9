// Short forms to the one long form that every later stage knows. Thread side: any.
#pragma once

#include <string>

#include "compose/schema.h"
#include "document/value.h"

namespace diatom::compose {

// Rewrites the short forms of `value` and of everything below it. What has neither the short nor the long form stays,
// for validate() to refuse. Applied to what it made it changes nothing.
Result<void> expand(Value& value, const Type& type, const std::string& path = {});

// "echo 'a b'" to words, as a shell without expansions would; ends at ; & | < > as docker compose does.
Result<std::vector<std::string>> split_command(std::string_view line);

// "[IP:][PUBLISHED[-LAST]:]TARGET[-LAST][/PROTOCOL]" to the list of its ports.
Result<Value> parse_ports(std::string_view text);
// "[SOURCE:]TARGET[:OPTIONS]"
Result<Value> parse_volume(std::string_view text);

std::string child_path(const std::string& path, std::string_view key);

}  // namespace diatom::compose
