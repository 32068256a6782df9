// The configuration that this machine keeps itself: machine.yml on the state partition, which `diatom config` changes,
// and what stood there before. A power cut leaves the old or the new one. Thread side: any; one writer at a time.
//
//   /var/lib/diatom/config/machine.yml         readable by root only, for it may hold secrets
//   /var/lib/diatom/config/history/000001.yml  what it was before the first change, with when and why it changed
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "document/value.h"

namespace diatom::machine {

inline constexpr const char* kConfigDir = "/var/lib/diatom/config";

struct Revision {
    unsigned number = 0;
    std::string at;   // RFC 3339: until when it held
    std::string why;  // "set hostname"
};

class Store {
public:
    static constexpr std::size_t kKept = 100;  // revisions

    explicit Store(std::string directory = kConfigDir) : directory_(std::move(directory)) {}

    std::string file() const { return directory_ + "/machine.yml"; }
    // An empty mapping when there is none. Not checked. invalid: no YAML.
    Result<Value> own() const;
    // invalid: the document is no configuration, and nothing was written. `why` is one line.
    Result<void> write(const Value& document, std::string_view why) const;

    Result<std::vector<Revision>> history() const;  // the newest first
    Result<Value> revision(unsigned number) const;  // not_found

private:
    Result<void> remember(std::string_view old, std::string_view why) const;
    std::string revision_file(unsigned number) const;

    std::string directory_;
};

// One mapping out of YAML text; an empty document is an empty mapping. invalid: more than one document.
Result<Value> read_document(std::string_view text, const std::string& file);

}  // namespace diatom::machine
