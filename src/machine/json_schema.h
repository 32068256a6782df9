// The configuration as a JSON Schema (draft 2020-12), made of its table: for editors, and for who writes it by program.
// Thread side: any.
#pragma once

#include "base/json.h"

namespace diatom::machine {

Json json_schema();

}  // namespace diatom::machine
