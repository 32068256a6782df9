// All that is said of this machine's configuration, by everyone who may say something. Thread side: any; reads files,
// and fetches through the caller's Fetching.
//
//   image       /usr/share/diatom/machine.yml
//   state       /var/lib/diatom/config/cloud-config.d/*.yml by name, then cloud-config.yml, which `ros config` changes:
//               in the words of cloud-init and RancherOS; then machine.d/*.yml by name and machine.yml, in our own:
//               each of these taken whole or not at all
//   platform    what was handed to this instance (configure/instance_store.h): metadata, vendor-data, user-data
//   cmdline     rancher.*, then diatom.KEY=VALUE and diatom.set.PATH=VALUE of the kernel command line
#pragma once

#include <string>
#include <vector>

#include "cloud/user_data.h"
#include "configure/apply.h"
#include "configure/fetching.h"
#include "machine/layers.h"

namespace diatom::configure {

struct Places {
    std::string image = "/usr/share/diatom/machine.yml";
    std::string state = "/var/lib/diatom/config";
    std::string command_line = "/proc/cmdline";
    Root root = {};  // what was handed over is below it
};

struct Gathered {
    machine::Layers layers;
    std::vector<std::string> warnings;  // what was left out, and why
    std::vector<cloud::Part> scripts;   // boothooks and scripts of user-data, in order
    std::string platform;               // who handed something over: "nocloud"
    std::string ignition;               // the digest of what was read as Ignition; empty without
    std::vector<std::string> refused;   // what is wrong with that: it stops an instance's first boot
    Value ignition_machine;             // what it says
};

// What cannot be read or is no configuration is left out, with a warning: a mistake in a file must not keep a machine
// from its other sources.
Gathered gather(const Places& places, Fetching& fetching);
// Of who only wants to know: nothing is fetched.
Gathered gather(const Places& places = {});

// What is said in the words of cloud-init and RancherOS on the state partition: where they are, in rising order.
std::vector<std::string> cloud_config_files(const std::string& state);

// What the kernel command line says, as a document. A key of a list takes words that are separated by commas.
Value decode_command_line(std::string_view line, std::vector<std::string>& warnings);

}  // namespace diatom::configure
