// Requests to metadata servers: repeated with back-off and jitter until a deadline, redirects followed, bodies bounded.
// What comes back is whole or an error. Thread side: one executor; cancelling the coroutine ends a request (but see
// http/client.h on names). A Fetcher outlives what it fetches.
//
// Connections that break, answers that stall, and the statuses 408, 429, 500 and 502 to 504 are passing: they are tried
// again, after Retry-After where it is given. Errors never show a query, which may hold a token.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "http/client.h"
#include "http/pacing.h"
#include "platform/instance.h"

namespace diatom::platform {

using http::Task;
using http::Url;
using Headers = std::map<std::string, std::string>;

struct FetchOptions {
    std::chrono::milliseconds deadline{60'000};  // from the making of the Fetcher; all requests share it
    std::size_t limit = kMaxBody;
    // Between attempts; `attempts` does not count here, the deadline does.
    http::Pacing pacing{.first = std::chrono::milliseconds(200), .most = std::chrono::milliseconds(5'000)};
    std::chrono::seconds stall{10};  // without a byte
    http::HttpChooser http;          // proxies and authorities for the URLs of users; never for a platform's own
};

struct Request {
    std::string method = "GET";
    Headers headers = {};  // sent to the hosts that are asked, not where a redirect leads
    std::string body = {};
    std::vector<int> passing = {};  // statuses that pass here, besides the usual ones
    std::string shown_header = {};  // its value is in the answer
    bool of_platform = true;        // not through a proxy
};

struct Answer {
    int status = 0;
    std::string body;
    std::string header;  // the shown one
    Url asked;           // which of several servers answered
};

class Fetcher {
public:
    explicit Fetcher(FetchOptions options);

    // The first answer that is not passing, of any status. Of several servers with the same contents each is asked in
    // turn until one answers. timed_out: the deadline passed, with the last reason.
    Task<Answer> ask(std::vector<Url> servers, Request request);
    Task<Answer> ask(Url url, Request request);

    // What a 200 brings; not_found for 404, denied for 401 and 403, else io.
    Task<std::string> get(Url url, Request request);
    // The same; nothing for 404, 204 and an empty body.
    Task<std::optional<std::string>> find(Url url, Request request);

private:
    std::chrono::milliseconds left() const;
    Task<Answer> once(Url url, Request request);
    Task<Answer> follow(Url url, Request request);

    FetchOptions options_;
    std::int64_t until_ns_;
    std::chrono::seconds asked_for_{0};  // by the last Retry-After
};

// The same server's other place. `path` begins with "/".
Url at(Url server, std::string_view path);

// Without the query: for errors, logs and `why`.
std::string shown(const Url& url);

// What an answer of another status than 200 means; `what` is whose.
Failure refused(int status, std::string_view what);

}  // namespace diatom::platform
