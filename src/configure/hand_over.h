// What a platform handed over, as sources of the configuration. User-data are known by their form:
//
//   #diatom-config                 our own document, taken whole or not at all
//   {"ignition": …                 Ignition
//   variant: …                     Butane
//   everything else                as cloud-init knows it: #cloud-config, #!, #include, MIME, gzip, templates
// Thread side: any; fetches through the caller's Fetching.
#pragma once

#include "cloud/cloud_config.h"
#include "configure/gather.h"
#include "platform/instance.h"

namespace diatom::configure {

void hand_over(const platform::Instance& instance, const Root& root, Fetching& fetching, Gathered& gathered);

// Ignition or Butane, to gathered.ignition_machine and `refused`; its layer is added.
void take_ignition(const std::string& text, const std::string& file, const std::string& source, Fetching& fetching,
                   Gathered& gathered);

// What a translation of cloud-config goes by on this machine.
cloud::Options options_of_machine();
cloud::Options options_of_machine(const Root& root);  // whose hashes of passwords stay the same from boot to boot

// What templates see of an instance: {v1: …, ds: {meta_data: …}} (cloud/instance.h).
Value instance_data_of(const platform::Instance& instance);

}  // namespace diatom::configure
