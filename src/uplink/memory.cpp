#include "uplink/memory.h"

#include "base/json.h"
#include "sys/file.h"

namespace diatom::uplink {

Result<std::optional<ServiceMemory>> read_memory(const std::string& file) {
    if (!sys::exists(file)) return std::nullopt;
    const auto read = TRY(parse_json(TRY(sys::read_file(file)), file));
    ServiceMemory memory;
    for (auto& name : TRY(json_strings(read, "asked"))) memory.links.asked.insert(std::move(name));
    for (const auto& [name, mtu] : json_member(read, "mtu").items()) {
        if (mtu.is_number_unsigned()) memory.links.mtu.emplace(name, mtu.get<unsigned>());
    }
    memory.links.mac = TRY(json_string_map(read, "mac"));
    memory.links.accept_ra = TRY(json_string_map(read, "accept_ra"));
    memory.prepared = TRY(json_bool(read, "prepared"));
    memory.finished = TRY(json_bool(read, "finished"));
    memory.up = TRY(json_string_map(read, "up"));
    return memory;
}

Result<void> write_memory(const std::string& file, const ServiceMemory& memory) {
    const Json written{{"asked", memory.links.asked},
                       {"mtu", memory.links.mtu},
                       {"mac", memory.links.mac},
                       {"accept_ra", memory.links.accept_ra},
                       {"prepared", memory.prepared},
                       {"finished", memory.finished},
                       {"up", memory.up}};
    return sys::replace_file(file, dump_json(written) + "\n", 0600);
}

}  // namespace diatom::uplink
