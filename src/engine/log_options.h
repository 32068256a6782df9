// What `docker run --log-driver … --log-opt …` asks for: decoded and validated once, and what of it goes into each
// entry. Thread side: any.
#pragma once

#include <map>
#include <string>

#include "base/error.h"
#include "engine/model.h"

namespace diatom::engine {

// `driver`: as the client names it, empty for the default one. unsupported: a driver of Docker's that is not here.
// Sizes and numbers of files are Docker's, but json-file rotates without being asked.
Result<LogOptions> parse_log_options(const std::string& driver, const std::map<std::string, std::string>& given);

// What each entry of the container's log carries: the labels and variables that its options name, and its tag.
std::map<std::string, std::string> log_attributes(const Container& container);
std::string log_details(const std::map<std::string, std::string>& attributes);  // docker logs --details: "a=b,c=d "

}  // namespace diatom::engine
