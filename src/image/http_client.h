// The words of the HTTP client, as this folder says them. Thread side: as in http/client.h.
#pragma once

#include "http/client.h"
#include "http/pacing.h"

namespace diatom::image {

using http::back_off_delay;
using http::http_exchange;
using http::HttpChooser;
using http::HttpOptions;
using http::HttpRequest;
using http::HttpResponse;
using http::is_passing;
using http::is_redirect;
using http::Pacing;
using http::parse_http_date;
using http::percent_encode;
using http::random_share;
using http::retry_after;
using http::Task;
using http::Url;
using http::wait_on_timer;

}  // namespace diatom::image
