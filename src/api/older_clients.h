// What the API's versions below the newest mean differently. Source: moby's docs/api/version-history.md.
// Thread side: any; pure functions.
#pragma once

#include "base/json.h"
#include "engine/model.h"

namespace diatom::api {

// The body of POST /containers/create as version 1.`version` has it: without the fields that came later, which Docker
// ignores from an older client, and with that version's defaults. Refuses what Docker refuses from older clients.
Result<Json> container_body_of(Json body, int version);

// Members that went with a later version, or whose values were others, put into what the newest version has.
void add_older_container(Json& body, const engine::Container& container, int version);
void add_older_image(Json& body, int version);
void add_older_image_row(Json& row, int version);

}  // namespace diatom::api
