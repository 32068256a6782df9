#include "oci/record.h"

#include <array>
#include <utility>

#include "runtime/hooks.h"

namespace diatom::oci {
namespace {

constexpr std::array<std::pair<std::string_view, Status>, 5> kStatuses = {{{"creating", Status::creating},
                                                                           {"created", Status::created},
                                                                           {"running", Status::running},
                                                                           {"paused", Status::paused},
                                                                           {"stopped", Status::stopped}}};

}  // namespace

std::string_view to_string(Status status) noexcept {
    for (const auto& [name, value] : kStatuses) {
        if (value == status) return name;
    }
    return "stopped";
}

Json encode(const Record& record) {
    return Json{{"status", to_string(record.status)},
                {"pid", record.process.pid},
                {"startTime", record.process.start_time},
                {"created", record.created}};
}

Result<Record> decode_record(const Json& document, runtime::Spec spec) {
    Record record{.spec = std::move(spec), .created = TRY(json_string(document, "created"))};
    const auto status = TRY(json_string(document, "status"));
    for (const auto& [name, value] : kStatuses) {
        if (name == status) record.status = value;
    }
    record.process.pid = static_cast<pid_t>(TRY(json_int(document, "pid")));
    record.process.start_time = static_cast<std::uint64_t>(TRY(json_int(document, "startTime")));
    return record;
}

Json state_of(const Record& record, Status status) {
    Json state = runtime::state_document(record.spec, to_string(status), 0);
    state["pid"] = status == Status::stopped ? 0 : record.process.pid;
    state["rootfs"] = record.spec.root.path;
    state["created"] = record.created;
    state["owner"] = "";
    return state;
}

}  // namespace diatom::oci
