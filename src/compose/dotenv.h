// Files of variables: .env of a project, env_file of a service. Thread side: any.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "compose/interpolate.h"

namespace diatom::compose {

// Lines of NAME=VALUE, `export NAME=VALUE` or NAME: VALUE, comments, 'literal' and "escaped $NAME" values over several
// lines. A value may name earlier ones of the file, and `outer`, which goes before them. A line that is only a NAME
// takes its value from `outer`, or is left out.
Result<Environment> parse_dotenv(std::string_view text, const std::string& file, const Environment& outer);

// Lines of NAME=VALUE taken as they are: format "raw".
Result<Environment> parse_raw_env(std::string_view text, const std::string& file);

}  // namespace diatom::compose
