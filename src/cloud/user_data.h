// User-data, whatever it is wrapped in, as the parts that mean something. Untrusted input: what comes out of gzip, how
// deep parts include parts, how many there are and how large all are together is bounded. A part that cannot be read
// costs no other. Thread side: any; fetches through the caller's function, on its thread.
//
//   bytes -> base64? -> gzip? -> MIME? -> by type, or by the first line:
//     #cloud-config  #!  #include[-once]  #cloud-config-archive  #cloud-boothook  ## template: jinja   {"ignition": ...
//
// Source: cloud-init 25.2, "User-data formats" and cloudinit/user_data.py; RancherOS 1.5 takes #cloud-config and #!.
#pragma once

#include <functional>
#include <optional>

#include "cloud/notes.h"

namespace diatom::cloud {

inline constexpr std::size_t kMaxUserData = 16U << 20U;  // bytes of all parts together
inline constexpr std::size_t kMaxParts = 512;
inline constexpr int kMaxIncludes = 8;  // of what was included by what was included

struct Part {
    enum class Kind : std::uint8_t {
        cloud_config,
        script,  // once in the life of an instance
        script_each_boot,
        script_once,  // once in the life of the machine
        boothook,     // at each boot, as early as can be
        ignition,
    };
    Kind kind;
    std::string name;     // "part-001", or the file name that it came with
    std::string content;  // of a boothook without its first line
    std::string file;     // what its lines are counted in: "user-data", a URL, "user-data part 2 (web.cfg)"
    std::uint32_t first_line = 1;
    std::vector<std::uint32_t> lines;  // of what was rendered: the line of the template for each line of it
    std::string merge_how;             // of its Merge-Type header

    std::uint32_t line_of(std::uint32_t line) const noexcept;  // 1: the first of the content; in the file
};

struct Sources {
    // Fetches what a #include names. `once`: what was fetched for this instance before will do.
    std::function<Result<std::string>(const std::string& url, bool once)> fetch;
    const Value* instance_data = nullptr;      // for templates (cloud/instance.h)
    std::optional<std::int64_t> launch_index;  // parts of other indexes are left out
};

struct UserData {
    std::vector<Part> parts;
    std::vector<Warning> warnings;
};

// `file` names it in warnings: "user-data", "vendor-data".
UserData read_user_data(std::string_view bytes, const std::string& file, const Sources& sources);

// Whether it begins as something that cloud-init reads; Ignition's JSON does not.
bool is_cloud_init(std::string_view bytes);

// The cloud-config of a part, each value with its place in the part's file. invalid: no YAML, or no mapping.
Result<Value> read_cloud_config(const Part& part);

// A URL for messages: without credentials and query.
std::string shown_url(std::string_view url);

}  // namespace diatom::cloud
