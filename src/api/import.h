// POST /images/create is a pull or, with fromSrc, an import. Thread side: the engine's loop.
#pragma once

#include "api/router.h"

namespace diatom::api {

Task<void> import_image(Call& call);

}  // namespace diatom::api
