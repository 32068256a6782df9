// Compose documents with RancherOS's labels, as what Compose itself understands. Thread side: any; pure.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "document/value.h"
#include "service/definitions.h"

namespace diatom::service {

struct Translated {
    std::vector<Value> documents;  // as they came, without the services of the other engine
    std::map<std::string, Traits> traits;
    std::vector<std::string> problems;  // services that were taken out, and why
};

// Of `sources` the names: who needed a service that is disabled does without, for that is what was asked for.
Translated translate(std::vector<Value> documents, const Sources& sources, Scope scope);

// A label of a service, which are written as a mapping or as NAME=VALUE; empty where it is not there.
std::string label_of(const Value& service, std::string_view name);

}  // namespace diatom::service
