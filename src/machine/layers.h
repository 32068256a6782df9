// The sources of a configuration on top of each other: what holds, and why. Thread side: any; values.
//
//   image < files of the state partition < the platform's metadata and user-data < kernel command line
//
// Mappings are merged key by key; lists and all else are replaced, but where the schema says that lists are appended. A
// null takes away what lower sources say.
#pragma once

#include <string>
#include <vector>

#include "machine/path.h"
#include "machine/schema.h"

namespace diatom::machine {

// What one source says of a key.
struct Opinion {
    std::string source;  // "user-data", "/var/lib/diatom/config/machine.yml"
    std::string place;   // "FILE:LINE"; empty where there is no file
    Value value;         // null: it takes away what lower ones say
    bool holds = false;  // it is what counts, or a part of it
};

class Layers {
public:
    // Of higher precedence than all that were added before.
    void add(std::string source, Value document);
    // What a source that was added says instead.
    void replace(std::string_view source, Value document);

    Value merged() const;
    // In rising order of precedence: every source that says something of the key, of what is below it, or takes it
    // away.
    std::vector<Opinion> why(const Path& path) const;

private:
    struct Layer {
        std::string source;
        Value document;
    };
    std::vector<Layer> layers_;
};

// Path::parse as people write it: below a map of texts, what follows is one key, dots included: sysctl.vm.swappiness.
Result<Path> parse_path(std::string_view text);

// `higher` on top of `lower`.
Value merge(Value lower, const Value& higher, const Type& type = machine_type());

}  // namespace diatom::machine
