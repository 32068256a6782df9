// What a platform says of an instance: meta-data in the forms that data sources hand over, and the data that templates
// see. Thread side: any; values. Source: cloud-init 25.2, "NoCloud" and "Instance-data"; cloudinit/sources/__init__.py
// for the forms of public keys.
#pragma once

#include "cloud/notes.h"

namespace diatom::cloud {

struct MetaData {
    std::string instance_id;
    std::string hostname;
    std::vector<std::string> public_keys;
    Value all = Value::map();  // as it was handed over: ds.meta_data
    std::vector<Warning> warnings;
};

// The YAML or JSON of NoCloud's and ConfigDrive's meta-data. invalid: it is neither.
Result<MetaData> read_meta_data(std::string_view text, const std::string& file);

// Keys as platforms write them: a text of lines, a list, or a mapping of either.
std::vector<std::string> public_keys_of(const Value& value);

// Its part of the configuration: the machine's name, and who may log in as root.
Value machine_of(const MetaData& meta_data);

struct Platform {
    std::string cloud_name;  // "nocloud", "aws"
    std::string platform, subplatform;
    std::string region, availability_zone;
    std::string architecture, kernel;  // "x86_64", "6.12.1"
    std::string version;               // ours
};

// {v1: …, ds: {meta_data: …}}, and v1's values at the top. Keys with '-' and '.' are there with '_', too.
Value instance_data(const MetaData& meta_data, const Platform& platform);

}  // namespace diatom::cloud
