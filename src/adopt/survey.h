// What there is of a RancherOS below a directory: looked at, nothing is changed. Bytes of disks are untrusted, paths
// are resolved inside it. Thread side: any; blocks.
//
//   var/lib/rancher/conf/cloud-config.d/*, cloud-config.yml    its configuration, the later over the earlier
//   var/lib/user-docker, var/lib/docker, or rancher.docker.graph  the user Docker's: volumes, containers, images
//   home, opt                                                  what its user-volumes keep
// Source: RancherOS 1.5, os-config.tpl.yml (user-volumes, container-data-volumes), config/disk.go.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "adopt/docker_files.h"
#include "base/fd.h"
#include "document/value.h"

namespace diatom::adopt {

struct Extent {
    std::uint64_t bytes = 0;  // that it takes on the disk
    std::uint64_t files = 0;  // of every kind
    void add(const Extent& more) {
        bytes += more.bytes;
        files += more.files;
    }
};
// Of a directory and all below it, without following links.
Result<Extent> measure(FdRef directory);

struct FoundVolume {
    OldVolume volume;
    std::string path;  // of its data, below the root; empty where they are elsewhere
    Extent extent;
};
struct FoundEntry {
    std::string path;  // "home/rancher"
    Extent extent;
};
struct Left {
    std::string what, why;
};

struct Survey {
    Value configuration = Value::map();  // in our own words
    std::vector<std::string> warnings;   // what of it has no meaning here
    std::string docker;                  // where the user Docker's files are; empty without
    std::vector<FoundVolume> volumes;    // by name
    std::vector<FoundEntry> entries;
    std::vector<OldContainer> containers;
    std::vector<std::string> images;
    std::vector<Left> left;  // what cannot be taken, and why

    Extent extent() const;  // of all that is to be copied
};

// not_found: there is nothing of RancherOS here.
Result<Survey> survey(FdRef root);

// Its parts.
void survey_configuration(FdRef root, Survey& found, std::string& graph);
void survey_docker(FdRef root, const std::string& graph, Survey& found);
void survey_entries(FdRef root, Survey& found);

}  // namespace diatom::adopt
