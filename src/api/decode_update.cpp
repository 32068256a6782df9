#include "api/decode.h"

namespace diatom::api {

Result<engine::Update> decode_update(const engine::ContainerConfig& made, const Json& body) {
    static constexpr const char* kKeys[] = {"Memory",     "MemorySwap", "MemoryReservation", "NanoCpus",
                                            "CpuShares",  "CpuQuota",   "CpuPeriod",         "CpusetCpus",
                                            "CpusetMems", "PidsLimit",  "BlkioWeight"};
    TRY(refuse_unsupported(body));
    const auto& raw = made.raw_host_config;
    Json host = raw.is_object() ? raw : Json::object();
    for (const char* key : kKeys) {
        const Json& value = json_member(body, key);
        if (!value.is_null() && value != 0 && value != "") host[key] = value;
    }
    const auto memory = TRY(json_int(host, "Memory")), swap = TRY(json_int(host, "MemorySwap"));
    if (swap > 0 && memory > swap) {
        return fail(Kind::invalid,
                    "Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the "
                    "same time");
    }
    engine::ContainerConfig config;
    config.restart = made.restart;
    config.restart_max = made.restart_max;
    config.resources = made.resources;
    TRY(decode_resources(host, config));
    if (TRY(json_int(host, "PidsLimit")) < 0) config.resources.pids_max = -1;
    if (!TRY(json_string(json_member(body, "RestartPolicy"), "Name")).empty()) {
        host["RestartPolicy"] = body["RestartPolicy"];
        TRY(decode_restart(host, config));
    }
    return engine::Update{std::move(config.resources), config.restart, config.restart_max, std::move(host)};
}

}  // namespace diatom::api
