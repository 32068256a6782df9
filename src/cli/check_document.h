// What is wrong with a description of a machine, in whatever form: as user-data are known by theirs. Nothing is
// fetched, and nothing that needs to be is judged. Thread side: any.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "platform/instance.h"

namespace diatom::cli {

struct Checked {
    std::vector<std::string> mistakes;  // "FILE:LINE: hostname: must be text, not a list"
    std::vector<std::string> notes;     // what is right, and has no meaning here
};

// cloud-config, and all that cloud-init reads. Templates see the instance.
Checked check_cloud_init(const std::string& text, const std::string& file, const platform::Instance& instance = {});
Result<Checked> check_network_config(const std::string& text, const std::string& file);

// Our own document, Ignition, Butane, or what cloud-init reads, by how it begins.
Result<Checked> check_document(const std::string& text, const std::string& file);

}  // namespace diatom::cli
