// Whom to ask, by what a machine looks like: a platform that it is not on is never probed. Thread side: any; pure.
//
// In order: what the kernel command line names; QEMU's fw_cfg; a NoCloud seed (command line, SMBIOS, file system); a
// config drive; the cloud whose firmware this is. A file on the state partition and a URL of the command line are no
// platform: they lie below and above what the platform says.
// Source: the DMI values of cloud-init 24.4 (docs.cloud-init.io, the page of each data source) and of Afterburn 5.8.
#pragma once

#include <string>
#include <vector>

#include "platform/facts.h"
#include "platform/parameters.h"

namespace diatom::platform {

struct Candidate {
    Platform platform = Platform::none;
    std::string cloud;   // "aws", "brightbox": where a platform's protocol has several providers
    std::string reason;  // "the file system labelled cidata"
    NoCloudSeed seed;    // of nocloud
    std::string label;   // of the file system to mount, as the device has it; empty: none
    std::string url;     // of Platform::url
};

struct Plan {
    std::vector<Candidate> below;     // all of them count
    std::vector<Candidate> platform;  // the first that is there counts
    std::vector<Candidate> above;     // all of them count
    std::vector<std::string> warnings;
};

Plan identify(const Facts& facts);

}  // namespace diatom::platform
