// The template of `--log-opt tag=`: text with the fields that Docker documents, "{{.Name}}/{{.ID}}"; nothing else of
// Go's templates. Thread side: any.
#pragma once

#include <string>

#include "base/error.h"
#include "engine/model.h"

namespace diatom::engine {

Result<void> check_log_tag(const std::string& text);  // invalid: a field that is not known, by name
std::string expand_log_tag(const std::string& text, const Container& container);  // of a text that was checked

}  // namespace diatom::engine
