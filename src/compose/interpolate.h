// ${VARIABLES} of the Compose Specification (12-interpolation). Thread side: any.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/error.h"
#include "document/value.h"

namespace diatom::compose {

using Environment = std::map<std::string, std::string, std::less<>>;

struct Variables {
    const Environment& values;
    // Called with the name of a variable that is not set and stands for "".
    std::function<void(std::string_view)> unset = {};
};

// $NAME, ${NAME}, ${NAME:-default}, ${NAME-default}, ${NAME:?error}, ${NAME?error}, ${NAME:+other}, ${NAME+other},
// nested; $$ is a dollar sign, a dollar sign before anything else stays.
Result<std::string> interpolate(std::string_view text, const Variables& variables);

// Every text of the tree; mapping keys stay.
Result<void> interpolate_tree(Value& value, const Variables& variables, const std::string& path = {});

}  // namespace diatom::compose
