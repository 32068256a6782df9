// A file of any web server, as registries are spoken to: proxies, certificates, redirects. Thread side: the executor of
// the caller.
#pragma once

#include <memory>

#include "image/http_client.h"

namespace diatom::image {

// With status 200. Never from https to http. Another status is told by name: not_found, denied, or unavailable.
Task<std::unique_ptr<HttpResponse>> open_download(Url url, HttpChooser http);

}  // namespace diatom::image
