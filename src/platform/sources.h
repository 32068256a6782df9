// The sources, one function for each: what is there is read whole, or it is an error. not_found: this machine has no
// such source, the next candidate counts. Thread side: the fetcher's executor; files are read on it, they are small.
// Access outlives what runs with it.
#pragma once

#include <functional>

#include "platform/fetch.h"
#include "platform/identify.h"
#include "platform/instance.h"

namespace diatom::platform {

// Where metadata servers are. Several of one platform have the same contents.
struct Endpoints {
    std::vector<std::string> ec2{"http://169.254.169.254", "http://[fd00:ec2::254]"};
    std::vector<std::string> openstack{"http://169.254.169.254"};
    std::vector<std::string> gce{"http://169.254.169.254"};  // metadata.google.internal, without asking DNS
    std::vector<std::string> azure{"http://169.254.169.254"};
    std::vector<std::string> azure_wireserver{"http://168.63.129.16"};
    std::vector<std::string> digitalocean{"http://169.254.169.254"};
    std::vector<std::string> hetzner{"http://169.254.169.254"};
};

struct Access {
    Facts facts;
    Fetcher& fetcher;
    Endpoints endpoints = {};
    // Mounts the file system with this label read-only, without devices or setuid, and gives the directory; it stays
    // until the caller undoes it. not_found: there is none.
    std::function<Result<std::string>(const std::string& label)> mount = {};
    // A value of VMware's guestinfo, as vmware-rpctool prints it; nothing where it is not set. VMware's RPC goes
    // through an I/O port of its hypervisor or a vsock that only its own tools speak; the kernel has no file for it. So
    // who has no tool leaves this empty, and the OVF environment alone is read.
    std::function<Task<std::optional<std::string>>(std::string key)> guestinfo = {};
    std::string firmware = "/sys/firmware/qemu_fw_cfg";
    std::string files = "/var/lib/diatom/config";
};

Task<Instance> read_nocloud(Access& access, Candidate candidate);
Task<Instance> read_config_drive(Access& access, Candidate candidate);
Task<Instance> read_openstack(Access& access, Candidate candidate);
Task<Instance> read_ec2(Access& access, Candidate candidate);
Task<Instance> read_gce(Access& access, Candidate candidate);
Task<Instance> read_azure(Access& access, Candidate candidate);
Task<Instance> read_digitalocean(Access& access, Candidate candidate);
Task<Instance> read_hetzner(Access& access, Candidate candidate);
Task<Instance> read_vmware(Access& access, Candidate candidate);
Task<Instance> read_firmware(Access& access, Candidate candidate);
Task<Instance> read_files(Access& access, Candidate candidate);
Task<Instance> read_url(Access& access, Candidate candidate);

// Tells Azure that the machine is up, or why not: without the first it counts as failed after twenty minutes. Once in
// the life of an instance.
Task<void> azure_ready(Access& access);
Task<void> azure_failed(Access& access, std::string reason);

// The servers of a platform as URLs.
Result<std::vector<Url>> servers_of(const std::vector<std::string>& texts);
// The directory of a candidate's file system.
Result<std::string> mounted(const Access& access, const Candidate& candidate);

}  // namespace diatom::platform
