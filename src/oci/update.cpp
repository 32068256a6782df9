#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/strings.h"
#include "oci/resources.h"
#include "oci/state_dir.h"
#include "runtime/resources.h"
#include "sys/cgroup.h"
#include "sys/file.h"

namespace diatom::oci {
namespace {

// Memory and swap together mean something only beside the memory limit: the present one if none is given.
Result<void> complete_swap(const sys::Cgroup& cgroup, Json& resources) {
    if (!resources.is_object() || !resources.contains("memory") || !resources["memory"].is_object()) return {};
    Json& memory = resources["memory"];
    if (!memory.contains("swap") || memory.contains("limit")) return {};
    const auto text = TRY(cgroup.get("memory.max"));
    if (const auto limit = parse_int(trim(text))) memory["limit"] = *limit;
    return {};
}

// -1 takes a quota away, which the decoded form has no word for; the period stays without a quota of its own.
void clear_quota(const Json& document, runtime::Resources& resources) {
    const Json& quota = json_member(json_member(document, "cpu"), "quota");
    if (quota.is_number_integer() && quota.get<std::int64_t>() < 0) resources.unified["cpu.max"] = "max";
}

std::string namespace_of(const std::string& pid) {
    return sys::read_link(std::format("/proc/{}/ns/pid", pid)).value_or("");
}

}  // namespace

Result<void> update(const Place& place, const std::string& id, Json document) {
    const auto dir = TRY(StateDir::open(place.root, id, Lock::exclusive));
    const auto record = TRY(dir.read());
    const auto status = TRY(current_status(dir, record));
    if (status == Status::stopped || status == Status::creating) {
        return fail(Kind::conflict, "cannot update container \"{}\": it is {}", id, to_string(status));
    }
    if (record.spec.cgroup.empty()) {
        return fail(Kind::unsupported, "update needs a cgroup, and container \"{}\" was created without", id);
    }
    const auto cgroup = TRY(sys::Cgroup::open(record.spec.cgroup));
    TRY(complete_swap(cgroup, document));
    auto resources = TRY(runtime::decode_resources(document, runtime::UnknownFields::ignore));
    clear_quota(document, resources);
    return runtime::apply_resources(cgroup, resources);
}

Result<std::vector<int>> processes(const Place& place, const std::string& id) {
    const auto [record, status] = TRY(inspect(place, id));
    if (status == Status::stopped || status == Status::creating) {
        return fail(Kind::conflict, "container \"{}\" is {}", id, to_string(status));
    }
    if (!record.spec.cgroup.empty()) {
        auto pids = TRY(TRY(sys::Cgroup::open(record.spec.cgroup)).pids());
        std::ranges::sort(pids);
        return pids;
    }
    // Without a cgroup, what shares its PID namespace, if that is its own.
    const auto own = namespace_of(std::to_string(record.process.pid));
    if (own.empty() || own == namespace_of("self")) return std::vector{record.process.pid};
    std::vector<int> pids;
    for (const auto& name : TRY(sys::list_dir("/proc"))) {
        const auto pid = parse_int(name);
        if (pid && namespace_of(name) == own) pids.push_back(static_cast<int>(*pid));
    }
    std::ranges::sort(pids);
    return pids;
}

}  // namespace diatom::oci
