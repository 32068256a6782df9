// The member "linux.resources" of config.json.
#include <algorithm>
#include <array>

#include "runtime/spec_encode.h"

namespace diatom::runtime {
namespace {

Json encode_device_rules(const std::vector<DeviceRule>& rules) {
    Json list = Json::array();
    for (const auto& rule : rules) {
        Json object{{"allow", rule.allow}, {"type", std::string(1, rule.type)}, {"access", rule.access}};
        if (rule.major >= 0) object["major"] = rule.major;
        if (rule.minor >= 0) object["minor"] = rule.minor;
        list.push_back(std::move(object));
    }
    return list;
}

struct BlockList {
    std::string_view key;
    const char *list, *value;
};
constexpr std::array<BlockList, 5> kBlockLists = {{{"weight", "weightDevice", "weight"},
                                                   {"rbps", "throttleReadBpsDevice", "rate"},
                                                   {"wbps", "throttleWriteBpsDevice", "rate"},
                                                   {"riops", "throttleReadIOPSDevice", "rate"},
                                                   {"wiops", "throttleWriteIOPSDevice", "rate"}}};

Json encode_block(const Resources& resources) {
    Json object = Json::object();
    put(object, "weight", resources.io_weight);
    for (const auto& limit : resources.io_limits) {
        const auto* place = std::ranges::find(kBlockLists, limit.key, &BlockList::key);
        if (place == kBlockLists.end()) continue;
        object[place->list].push_back({{"major", limit.major}, {"minor", limit.minor}, {place->value, limit.value}});
    }
    return object;
}

Json encode_hugepages(const std::vector<HugepageLimit>& limits) {
    Json list = Json::array();
    for (const auto& limit : limits) list.push_back({{"pageSize", limit.page_size}, {"limit", limit.limit}});
    return list;
}

Json encode_rdma(const std::vector<RdmaLimit>& limits) {
    Json object = Json::object();
    for (const auto& limit : limits) {
        Json& entry = object[limit.device] = Json::object();
        put(entry, "hcaHandles", limit.handles);
        put(entry, "hcaObjects", limit.objects);
    }
    return object;
}

}  // namespace

Json encode_resources(const Resources& resources) {
    Json memory = Json::object();
    put(memory, "limit", resources.memory_max);
    put(memory, "reservation", resources.memory_low);
    if (resources.check_memory) memory["checkBeforeUpdate"] = true;
    Json cpu = Json::object();
    put(cpu, "quota", resources.cpu_quota_us);
    put(cpu, "period", resources.cpu_period_us);
    put(cpu, "burst", resources.cpu_burst_us);
    put(cpu, "idle", resources.cpu_idle);
    put(cpu, "cpus", resources.cpus);
    put(cpu, "mems", resources.mems);
    // The runtime-spec speaks of shares and of memory with swap, which convert to these with loss.
    Json ours = Json::object();
    put(ours, "memoryHigh", resources.memory_high);
    put(ours, "swapMax", resources.swap_max);
    put(ours, "cpuWeight", resources.cpu_weight);

    Json object = Json::object();
    put(object, "memory", std::move(memory));
    put(object, "cpu", std::move(cpu));
    if (resources.pids_max) object["pids"] = {{"limit", *resources.pids_max}};
    put(object, "blockIO", encode_block(resources));
    put(object, "hugepageLimits", encode_hugepages(resources.hugepages));
    put(object, "rdma", encode_rdma(resources.rdma));
    if (!resources.unified.empty()) object["unified"] = resources.unified;
    put(object, "devices", encode_device_rules(resources.devices));
    put(object, "diatom", std::move(ours));
    return object;
}

}  // namespace diatom::runtime
