// What a configuration names by a URL: fetched with patience, and kept by instance, so that a later boot needs neither
// the network nor the server. The network is raised for it when it is first needed. Thread side: any; blocks.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>

#include "base/error.h"
#include "base/fd.h"
#include "http/client.h"

namespace diatom::configure {

enum class Look : std::uint8_t {
    kept_only,   // who only wants to know what holds
    kept_first,  // a boot
    anew,        // and what is kept where that fails
};

struct FetchRequest {
    std::string url;
    std::map<std::string, std::string> headers = {};
    http::HttpOptions http = {};         // proxy and authorities
    std::chrono::seconds patience{120};  // with all attempts
    std::chrono::seconds stall{10};      // without a byte
    bool once = true;                    // what was fetched before will do, even where it is looked for anew
};

class Fetching {
public:
    struct Options {
        Look look = Look::kept_only;
        std::string directory = {};  // where what was fetched is kept; empty: nowhere
        std::function<Result<void>()> raise_network = {};
    };
    explicit Fetching(Options options) : options_(std::move(options)) {}

    // not_found: it was not fetched before, and may not be now.
    Result<std::string> get(const FetchRequest& request);
    // Into a file, without being kept and of any size.
    Result<void> download(const FetchRequest& request, FdRef file);

    // Whether anything that was brought now differs from what was kept.
    bool found_news() const noexcept { return news_; }
    void keep_in(std::string directory) { options_.directory = std::move(directory); }
    Result<void> raise_network();

private:
    std::string file_of(const FetchRequest& request) const;

    Options options_;
    bool raised_ = false, news_ = false;
};

}  // namespace diatom::configure
