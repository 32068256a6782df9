#include "image/download.h"

namespace diatom::image {
namespace {

constexpr int kMostRedirects = 10;

Failure refused(int status, const Url& url) {
    const Kind kind = status == 404 || status == 410   ? Kind::not_found
                      : status == 401 || status == 403 ? Kind::denied
                                                       : Kind::unavailable;
    return fail(kind, "got HTTP status {} from {}", status, url.text());
}

}  // namespace

Task<std::unique_ptr<HttpResponse>> open_download(Url url, HttpChooser http) {
    const auto first = url.authority();
    for (int hop = 0; hop <= kMostRedirects; ++hop) {
        HttpRequest request;
        request.url = url;
        auto exchanged = co_await http_exchange(std::move(request), http(url));
        auto response = CO_TRY(std::move(exchanged));
        if (response->status() == 200) co_return response;
        if (!is_redirect(response->status())) co_return refused(response->status(), url);
        auto next = CO_TRY(url.resolve(response->header("Location")), "redirect of {}", url.authority());
        if (url.tls && !next.tls)
            co_return fail(Kind::denied, "{} redirects from https to http: refused", url.authority());
        url = std::move(next);
    }
    co_return fail(Kind::unavailable, "{} redirects more than {} times: stopped", first, kMostRedirects);
}

}  // namespace diatom::image
