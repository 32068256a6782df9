// What can be known of a machine without asking anybody: by this it is decided whom to ask. Thread side: any; reading
// blocks for a few small files of /sys and /proc.
// Source: drivers/firmware/dmi-id.c and Documentation/ABI/testing/sysfs-firmware-qemu_fw_cfg of Linux 6.12.
#pragma once

#include <string>
#include <vector>

namespace diatom::platform {

// /sys/class/dmi/id: what the firmware says; empty where it says nothing.
struct Dmi {
    std::string sys_vendor, product_name, product_serial, product_uuid, chassis_asset_tag, chassis_serial;
};

struct Facts {
    Dmi dmi;
    std::string hypervisor_uuid;  // Xen
    std::string command_line;
    std::vector<std::string> labels;          // of the file systems on block devices
    std::vector<std::string> firmware_items;  // QEMU's fw_cfg, those of a user: "opt/com.coreos/config"
    bool file = false;                        // user-data lies on the state partition
};

// The directories that facts are read from; tests have their own.
struct FactPlaces {
    std::string dmi = "/sys/class/dmi/id";
    std::string hypervisor = "/sys/hypervisor";
    std::string command_line = "/proc/cmdline";
    std::string labels = "/dev/disk/by-label";  // udev's; who has no udev yet fills in labels, see label.h
    std::string firmware = "/sys/firmware/qemu_fw_cfg/by_name";
    std::string file = "/var/lib/diatom/config/user-data";
};

Facts read_facts(const FactPlaces& places = {});

}  // namespace diatom::platform
