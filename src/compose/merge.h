// Several files to one (Compose Specification, 13-merge). Works on expanded documents. Thread side: any.
#pragma once

#include <string>
#include <vector>

#include "compose/schema.h"
#include "document/value.h"

namespace diatom::compose {

// Puts `over`, of a later file, onto `base`. conflict: the two do not have the same form.
Result<void> merge(Value& base, Value over, const Type* type, const std::string& path = {});

// Of several items of a list that are the same thing, keeps the last, in the place of the first.
void drop_doubles(Value& value, const Type& type);

using KeyPath = std::vector<std::string>;

// Removes every !reset value of the document; gives the paths of these and of the !override ones.
std::vector<KeyPath> take_resets(Value& document);
// Removes from an earlier file's document what stands at `path`.
void drop_path(Value& document, const KeyPath& path);

}  // namespace diatom::compose
