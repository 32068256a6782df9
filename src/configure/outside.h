// Asking the platform, at a boot: which it is, what it hands over, and where that is kept. Thread side: PID 1's copy,
// or the service `configure`; blocks.
//
//   the machine's looks ──> local (fw_cfg, a seed on a file system, files) ──> read, kept
//                      └──> a server ──> kept from a boot before: that, and asked again when the network is up
//                                   └──> nothing kept: the network is raised, and the boot waits for the server
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "configure/fetching.h"
#include "configure/instance_store.h"
#include "platform/facts.h"
#include "platform/sources.h"

namespace diatom::configure {

struct OutsideMeans {
    std::function<platform::Facts()> facts;
    // Mounts the file system with the label; gives the directory, which stays until the end.
    std::function<Result<std::string>(const std::string& label)> mount;
    std::function<Result<void>()> raise_network;
    platform::Endpoints endpoints = {};
    std::string firmware = "/sys/firmware/qemu_fw_cfg";
    std::chrono::milliseconds patience{120'000};  // of a server that was never heard
    static OutsideMeans real();
    // Of a machine whose services run: the network is theirs, and waited for.
    static OutsideMeans running();
};

struct Outside {
    std::string id;                     // of the instance; empty: nobody hands this machine anything
    std::vector<std::string> warnings;  // what was not there, and what is odd in what was
    std::vector<std::string> problems;  // what should be there and could not be read
    bool ask_again = false;             // what is kept was taken without asking
    bool owes_ignition = false;         // the command line names an Ignition, which could not be asked for
    bool news = false;                  // what was handed over is new, or other than before
};

enum class Ask : std::uint8_t { as_needed, anew };

// Tells the platform that waits for it (Azure) that the machine is up, once in the life of an instance.
bool must_report(const InstanceStore& store);
Result<void> report_ready(const InstanceStore& store, const OutsideMeans& means);

// Takes away what OutsideMeans::real() mounted.
void leave_seeds();

Outside look_outside(const InstanceStore& store, const Root& root, const OutsideMeans& means, Ask ask);

}  // namespace diatom::configure
